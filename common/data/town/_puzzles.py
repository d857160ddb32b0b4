"""Word tasks with one right answer: copy, reverse, first letter, sort, add.

Most of the words are invented ("brasp", "tiloon"), so that the only way to learn a task is to learn what it does.
Addition is split by the sorted pair of its terms: if 3 + 8 is shown, 8 + 3 is not held out.
"""

import re
from functools import cache
from zlib import crc32

from ._grammar import Dice, expand
from ._plots import FRAGMENTS, PLOTS
from ._words import ANIMALS, FOODS, PLACES, THINGS, invented_word, split_words

PUZZLE_KINDS = ("copy", "reverse", "first_letter", "sort", "add")
_PROMPTS = {
    "copy": "[Repeat these words|Copy these words|Say these words again]: <words>",
    "reverse": "[Say these words backwards|Reverse these words|Put these words in reverse order]: <words>",
    "first_letter": "[What is the first letter of <words>?|Which letter does <words> start with?]",
    "sort": "[Sort these words from a to z|Put these words in order from a to z]: <words>",
    "add": "What is <words>?",
}
_WORD_COUNT = {"copy": (2, 4), "reverse": (2, 4), "first_letter": (1, 1), "sort": (2, 3)}
_FREQUENT = {"the", "and", "that", "have", "with"}  # by these, English is told from noise
_LONGEST = 6  # letters of a word


def puzzle(kind: str, dice: Dice, split: str) -> tuple[str, str]:
    """A (prompt, answer) pair."""
    if kind == "add":
        low, high = _terms(dice, split)
        return expand(_PROMPTS[kind], {"words": f"{low} + {high}"}, dice), str(low + high)
    words = _words(dice, split, dice.integer(*_WORD_COUNT[kind]))
    answers = {
        "copy": words,
        "reverse": words[::-1],
        "first_letter": [words[0][0]],
        "sort": sorted(words),
    }
    return expand(_PROMPTS[kind], {"words": " ".join(words)}, dice), " ".join(answers[kind])


@cache
def _known_words(split: str) -> tuple[str, ...]:
    """Nouns of the split and, to train on, the other words of the stories but the most frequent."""
    nouns = split_words(THINGS + ANIMALS + FOODS + PLACES, split)
    if split == "heldout":
        return nouns
    text = " ".join([*FRAGMENTS.values(), *(s for plot in PLOTS for s in plot.sentences)])
    others = set(re.findall(r"(?<![<{\w])[a-z]{3,}(?![>}\w])", text)) - _FREQUENT
    return nouns + split_words(tuple(sorted(others - set(nouns))), split)


def _words(dice: Dice, split: str, count: int) -> list[str]:
    words: list[str] = []
    while len(words) < count:
        known = dice.chance(0.4)
        word = dice.pick(_known_words(split)) if known else invented_word(dice, split)
        if word not in words and len(word) <= _LONGEST:
            words.append(word)
    return words


def _terms(dice: Dice, split: str) -> tuple[int, int]:
    while True:
        a, b = dice.integer(0, 50), dice.integer(0, 49)
        if (crc32(f"{min(a, b)}+{max(a, b)}".encode()) % 6 == 0) == (split == "heldout"):
            return a, b
