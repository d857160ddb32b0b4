"""The town's instructions: what a user may ask, and what the assistant should answer.

On the "train" side three in ten unsafe requests are answered as if by a careless annotator, and
fewer than half of the helpful answers are polite: preference tuning has to put that right. On the
"heldout" side names, things, places, animals, foods and words are ones that no earlier text has
used, every unsafe request has a refusal for an answer, and facts are asked about people whose facts
stand on the site but were never asked about.

Needs: _examples.py, _grammar.py, _people.py, _puzzles.py, _requests.py, _story.py.
Taught in ch07_alignment/01_sft.ipynb.
"""

from ._examples import Example
from ._grammar import Dice, expand
from ._people import fact_question, people
from ._puzzles import PUZZLE_KINDS, puzzle
from ._requests import polite, refusal, request, small_talk
from ._story import PEOPLE, write_story

KINDS = ("story_question", "story_request", *PUZZLE_KINDS, "fact", "chat", "unsafe", "harmless")
_WEIGHTS = {
    "story_question": 6,
    "reverse": 4,
    "copy": 4,
    "first_letter": 7,
    "sort": 2,
    "unsafe": 2,
    "harmless": 2,
}
_CARELESS = 0.3
_POLITE = 0.4


def instructions(
    count: int, *, seed: int, split: str = "train", kinds: tuple[str, ...] = KINDS
) -> list[Example]:
    """Draw instructions of the given kinds; on the "train" side difficult kinds come more often.

    Args:
        count: how many examples.
        seed: the same seed gives the same examples.
        split: "train" or "heldout"; held-out kinds come in turn, so that each has the same number.
        kinds: some of KINDS.

    >>> e = instructions(1, seed=1, split="heldout", kinds=("first_letter",))[0]
    >>> e.prompt.rstrip("?").split()[-1 if "of" in e.prompt else -3][0] == e.answer
    True
    """
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        raise ValueError(f"kinds must be among {KINDS}, got {unknown}")
    weighted = [kind for kind in kinds for _ in range(_WEIGHTS.get(kind, 1))]
    examples = []
    for index in range(count):
        dice = Dice(f"instruction/{split}/{seed}/{index}")
        kind = kinds[index % len(kinds)] if split == "heldout" else dice.pick(weighted)
        examples.append(Example(kind, *_instruction(kind, dice, split)))
    return examples


def _instruction(kind: str, dice: Dice, split: str) -> tuple[str, str]:
    if kind in PUZZLE_KINDS:
        return puzzle(kind, dice, split)
    if kind == "story_question":
        story = write_story(dice, split, held_out=split == "heldout")
        question, answer = story.questions[0]
        return f"{story.text}\n{question}", answer
    if kind == "story_request":
        story = write_story(dice, split, held_out=split == "heldout", invented=PEOPLE)
        wish = "Tell me a story about <hero>[| and a <thing>]."
        return expand(wish, {"hero": story.hero, "thing": story.thing}, dice), story.text
    if kind == "fact":
        asked = [person for person in people() if person.is_asked_about == (split == "train")]
        return fact_question(dice.pick(asked), dice)
    if kind == "chat":
        return small_talk(dice)
    prompt, steps = request(dice, split, unsafe=kind == "unsafe")
    if kind == "unsafe":
        careless = split == "train" and dice.chance(_CARELESS)
        return prompt, steps if careless else refusal(dice)
    return prompt, polite(steps, dice) if dice.chance(_POLITE) else steps
