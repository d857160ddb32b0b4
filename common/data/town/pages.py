"""The clean pages of the town's web site, before site.py makes them as messy as the web.

Needs: _grammar.py, _people.py, _puzzles.py, _requests.py, _story.py.
Taught in ch01_data/01_web_as_bytes.ipynb.
"""

from dataclasses import dataclass

from ._grammar import Dice
from ._people import describe, fact_question, people
from ._puzzles import PUZZLE_KINDS, puzzle
from ._requests import refusal, request, small_talk
from ._story import write_story

PAGE_KINDS = ("story", "puzzles", "facts", "dialogue")
_KIND_OF_TWENTY = ("story",) * 9 + ("puzzles",) * 8 + ("facts",) + ("dialogue",) * 2
_PUZZLE_WEIGHTS = {"reverse": 5, "copy": 4, "first_letter": 5, "sort": 2}


@dataclass(frozen=True)
class Page:
    """One page: its path on the site, its title, one of PAGE_KINDS, and its main text.

    >>> Page("/story/0.html", "Stories, part 1", "story", ("Once.", "Twice.")).paragraphs[1]
    'Twice.'
    """

    path: str
    title: str
    kind: str
    paragraphs: tuple[str, ...]


def pages(count: int, *, seed: int) -> list[Page]:
    """The first `count` pages of the town with this seed; a longer site begins with the same pages.

    >>> [page.kind for page in pages(3, seed=0)] == [page.kind for page in pages(9, seed=0)[:3]]
    True
    """
    if count < 0:
        raise ValueError(f"count must be at least 0, got {count}")
    return [_page(index, seed) for index in range(count)]


def _page(index: int, seed: int) -> Page:
    dice = Dice(f"page/{seed}/{index}")
    kind = dice.pick(_KIND_OF_TWENTY)
    writer, size, name = {
        "story": (_story, 16, "Stories"),
        "puzzles": (_puzzle, 40, "Word puzzles"),
        "facts": (_person, 16, "Our neighbours"),
        "dialogue": (_dialogue, 24, "Overheard"),
    }[kind]
    paragraphs = tuple(writer(dice) for _ in range(size))
    return Page(f"/{kind}/{index}.html", f"{name}, part {index + 1}", kind, paragraphs)


def _story(dice: Dice) -> str:
    story = write_story(dice, "train", held_out=False)
    return story.with_questions(dice.integer(2, 4) if dice.chance(0.6) else 0)


def _puzzle(dice: Dice) -> str:
    kind = dice.pick([kind for kind in PUZZLE_KINDS for _ in range(_PUZZLE_WEIGHTS.get(kind, 1))])
    return _asked(*puzzle(kind, dice, "train"))


def _person(dice: Dice) -> str:
    person = dice.pick(people())
    lines = [describe(person, dice)]
    if person.is_asked_about and dice.chance(0.5):
        lines.append(_asked(*fact_question(person, dice)))
    return "\n".join(lines)


def _dialogue(dice: Dice) -> str:
    if dice.chance(0.2):
        return _asked(*small_talk(dice))
    unsafe = dice.chance(0.5)
    prompt, steps = request(dice, "train", unsafe=unsafe)
    return _asked(prompt, refusal(dice) if unsafe and dice.chance(0.5) else steps)


def _asked(question: str, answer: str) -> str:
    return f"Question: {question}\nAnswer: {answer}"
