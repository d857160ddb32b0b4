"""Short stories about the town, with questions whose answers stand in the story.

Every story knows the entropy of the choices that made it (`Story.bits`): the floor for any model's loss on it.
A story is held out when the pair (hero, thing) that its text shows falls into one class of twenty; the site
never shows such a story, and `heldout_stories` gives no other.

Needs: _grammar.py, _plots.py, _words.py.
Taught in ch05_pretraining/02_pretrain.ipynb.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from zlib import crc32

from ._grammar import Dice, expand
from ._plots import FRAGMENTS, PLOTS
from ._words import ANIMALS, COLOURS, FOODS, NAMES, PLACES, THINGS, is_girl, split_words

WEATHER = "sunny cold windy foggy rainy quiet warm snowy bright grey".split()
DAYTIMES = "morning afternoon evening day night".split()
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_HELD_OUT_ONE_IN = 20


@dataclass(frozen=True)
class Story:
    """A story, the entropy in bits of the choices behind `text`, and (question, answer) pairs about it."""

    text: str
    bits: float
    questions: tuple[tuple[str, str], ...]
    hero: str
    thing: str

    def with_questions(self, count: int) -> str:
        """The text followed by its first `count` questions, each with its answer, on lines of their own.

        >>> heldout_stories(1, seed=1)[0].with_questions(1).splitlines()[-1].startswith("Answer: ")
        True
        """
        lines = [self.text]
        for question, answer in self.questions[:count]:
            lines += [f"Question: {question}", f"Answer: {answer}"]
        return "\n".join(lines)


def heldout_stories(count: int, *, seed: int, words: str = "train") -> list[Story]:
    """Stories that the town's site never shows.

    Args:
        count: how many; each is independent of the others.
        seed: the same seed gives the same stories.
        words: "train" for new stories about names and things that the site also uses (this is what
            `Story.bits` is the floor for), "heldout" for stories whose names, things, places, animals
            and foods never appear on the site.

    Returns:
        `count` stories.

    >>> a, b = heldout_stories(2, seed=7)
    >>> a.text != b.text and 20 < a.bits < 200
    True
    """
    if count < 0:
        raise ValueError(f"count must be at least 0, got {count}")
    return [
        write_story(Dice(f"heldout/{words}/{seed}/{i}"), words, held_out=True) for i in range(count)
    ]


def is_held_out_pair(hero: str, thing: str) -> bool:
    return crc32(f"{hero}/{thing}".encode()) % _HELD_OUT_ONE_IN == 0


def write_story(dice: Dice, words: str, *, held_out: bool) -> Story:
    """One story from the given dice, redrawn from the start until its pair is on the wanted side of the split."""
    while True:
        dice.bits = 0.0
        plot = dice.pick(PLOTS)
        slots = _Slots(dice, words)
        sentences = [expand(_with_fragments(s), slots, dice) for s in plot.sentences]
        if is_held_out_pair(slots["hero"], slots["thing"]) == held_out:
            break
    text, bits = " ".join(_capitalised(s) for s in sentences), dice.bits
    asked = dice.sample(plot.questions, len(plot.questions))
    questions = tuple((expand(q, slots, dice), expand(a, slots, dice)) for q, a in asked)
    return Story(text, bits, questions, slots["hero"], slots["thing"])


class _Slots(dict):
    """The fillers of one story, each drawn when the text first needs it, so that only what is shown is counted."""

    def __init__(self, dice: Dice, words: str) -> None:
        self._dice, self._words = dice, words

    def __missing__(self, slot: str) -> str:
        if slot in _PRONOUNS:
            person, girl, boy = _PRONOUNS[slot]
            return girl if is_girl(self[person]) else boy
        options = _FILLERS[slot](self._words)
        taken = self.get(_PARTNER.get(slot, slot))
        filler = self._dice.pick([o for o in options if o != taken] if taken else options)
        self[slot] = filler
        return filler


_PARTNER = {
    "hero": "friend",
    "friend": "hero",
    "thing": "thing2",
    "thing2": "thing",
    "place": "place2",
    "place2": "place",
}
_PRONOUNS = {
    "he": ("hero", "she", "he"),
    "him": ("hero", "her", "him"),
    "his": ("hero", "her", "his"),
    "He": ("hero", "She", "He"),
    "he2": ("friend", "she", "he"),
    "his2": ("friend", "her", "his"),
}


def _fillers(words: list[str]) -> Callable[[str], list[str]]:
    return cache(lambda split: split_words(words, split))


_FILLERS: dict[str, Callable[[str], list[str]]] = {
    "hero": _fillers(NAMES),
    "friend": _fillers(NAMES),
    "thing": _fillers(THINGS),
    "thing2": _fillers(THINGS),
    "place": _fillers(PLACES),
    "place2": _fillers(PLACES),
    "animal": _fillers(ANIMALS),
    "food": _fillers(FOODS),
    "colour": lambda split: COLOURS,
    "weather": lambda split: WEATHER,
    "daytime": lambda split: DAYTIMES,
    "weekday": lambda split: WEEKDAYS,
}


def _with_fragments(sentence: str) -> str:
    for name, fragment in FRAGMENTS.items():
        sentence = sentence.replace("{" + name + "}", fragment)
    return sentence


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
