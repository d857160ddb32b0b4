"""How one story is written: a plot, its slots filled, its choices counted."""

from collections.abc import Collection
from dataclasses import dataclass
from zlib import crc32

from ._grammar import Dice, expand
from ._plots import FRAGMENTS, PLOTS
from ._words import (
    ANIMALS,
    COLOURS,
    FOODS,
    NAMES,
    PLACES,
    THINGS,
    invented_word,
    is_girl,
    split_words,
)

WEATHER = tuple("sunny cold windy foggy rainy quiet warm snowy bright grey".split())
DAYTIMES = tuple("morning afternoon evening day night".split())
WEEKDAYS = tuple("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())
PEOPLE = ("hero", "friend")
OPEN_SLOTS = (*PEOPLE, "thing", "thing2", "place", "place2", "animal", "food")
_TALL = 0.5  # share of stories that are tall tales
_INVENTED = 0.7  # chance that an open slot of a tall tale is filled by an invented word
_HELD_OUT_ONE_IN = 20
_FILLERS = {
    "hero": NAMES,
    "friend": NAMES,
    "thing": THINGS,
    "thing2": THINGS,
    "place": PLACES,
    "place2": PLACES,
    "animal": ANIMALS,
    "food": FOODS,
    "colour": COLOURS,
    "weather": WEATHER,
    "daytime": DAYTIMES,
    "weekday": WEEKDAYS,
}
_PARTNER = {"hero": "friend", "friend": "hero", "thing": "thing2", "thing2": "thing"} | {
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


@dataclass(frozen=True)
class Story:
    """A story, the entropy in bits of the choices behind `text`, and questions with answers."""

    text: str
    bits: float
    questions: tuple[tuple[str, str], ...]
    hero: str
    thing: str

    def with_questions(self, count: int) -> str:
        """The text, then its first `count` questions, each with its answer, on their own lines.

        >>> story = Story("Ada found a hat.", 9.5, (("Who found the hat?", "Ada"),), "Ada", "hat")
        >>> story.with_questions(1).splitlines()[1:]
        ['Question: Who found the hat?', 'Answer: Ada']
        """
        lines = [self.text]
        for question, answer in self.questions[:count]:
            lines += [f"Question: {question}", f"Answer: {answer}"]
        return "\n".join(lines)


def is_held_out_pair(hero: str, thing: str) -> bool:
    return crc32(f"{hero}/{thing}".encode()) % _HELD_OUT_ONE_IN == 0


def write_story(
    dice: Dice, words: str, *, held_out: bool, invented: Collection[str] = OPEN_SLOTS
) -> Story:
    """One story from the dice, redrawn from the start until its pair is on the wanted side.

    `invented` names the slots that a tall tale may fill with invented words.
    """
    while True:
        dice.bits = 0.0
        plot = dice.pick(PLOTS)
        slots = _Slots(dice, words, invented)
        sentences = [expand(_with_fragments(s), slots, dice) for s in plot.sentences]
        if is_held_out_pair(slots["hero"], slots["thing"]) == held_out:
            break
    text, bits = " ".join(_capitalised(s) for s in sentences), dice.bits
    asked = dice.sample(plot.questions, len(plot.questions))
    questions = tuple((expand(q, slots, dice), expand(a, slots, dice)) for q, a in asked)
    return Story(text, bits, questions, slots["hero"], slots["thing"])


class _Slots(dict):
    """The fillers of a story, each drawn when the text first needs it: what is shown is counted.

    In a tall tale most names and nouns are invented, so that a reader cannot know them by heart and
    must look back at the text to use them again.
    """

    def __init__(self, dice: Dice, words: str, invented: Collection[str]) -> None:
        self._dice, self._words = dice, words
        tall = words == "train" and bool(invented) and dice.chance(_TALL)
        self._invented = invented if tall else ()

    def __missing__(self, slot: str) -> str:
        self[slot] = self._draw(slot)
        return self[slot]

    def _draw(self, slot: str) -> str:
        if slot in _PRONOUNS:
            person, girl, boy = _PRONOUNS[slot]
            return girl if self[f"is {person} a girl"] else boy
        if slot.startswith("is "):
            name = self[slot.split()[1]]
            return is_girl(name) if name in NAMES else self._dice.chance(0.5)
        if slot in self._invented and self._dice.chance(_INVENTED):
            word = invented_word(self._dice, "train")
            return word.capitalize() if slot in PEOPLE else word
        options = split_words(_FILLERS[slot], self._words if slot in OPEN_SLOTS else None)
        taken = self.get(_PARTNER.get(slot))
        return self._dice.pick([option for option in options if option != taken])


def _with_fragments(sentence: str) -> str:
    for name, fragment in FRAGMENTS.items():
        sentence = sentence.replace("{" + name + "}", fragment)
    return sentence


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
