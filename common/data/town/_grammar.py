"""Random text with a receipt: every choice of the generator is counted in bits.

A template mixes literal text, choices `[sun|rain|snow]` (nested and empty ones allowed) and slots
`<hero>`. Picking one of n alternatives costs log2(n) bits. The sum over a story is what a reader
who knows the generator, but not its dice, must be told to rebuild the story: no model can do better
on average (Shannon 1948, theorem 9), so it is the floor under the held-out losses in this book.
"""

import math
import random
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """A seeded random source that adds up the entropy of what it decides, in `bits`."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self.bits = 0.0

    def pick(self, options: Sequence[T]) -> T:
        self.bits += math.log2(len(options))
        return options[self._random.randrange(len(options))]

    def chance(self, probability: float) -> bool:
        happened = self._random.random() < probability
        self.bits -= math.log2(probability if happened else 1 - probability)
        return happened

    def sample(self, options: Sequence[T], count: int) -> list[T]:
        """`count` different options, in random order."""
        self.bits += sum(math.log2(len(options) - k) for k in range(count))
        return self._random.sample(options, count)

    def integer(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return self.pick(range(low, high + 1))


_SLOT = re.compile(r"<(\w+)>")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiouAEIOU])")


def expand(template: str, slots: Mapping[str, str], dice: Dice) -> str:
    """Choose every `[...]`, fill every `<slot>`, and make `a` into `an` before a vowel."""
    text = _SLOT.sub(lambda match: slots[match[1]], _choose(template, dice))
    text = _ARTICLE.sub(r"\1n ", text)
    return re.sub(r" +", " ", text).strip()


def _choose(template: str, dice: Dice) -> str:
    start = template.find("[")
    if start < 0:
        return template
    depth, options, begin = 0, [], start + 1
    for position in range(start, len(template)):
        character = template[position]
        if character == "[":
            depth += 1
        elif character == "|" and depth == 1:
            options.append(template[begin:position])
            begin = position + 1
        elif character == "]":
            depth -= 1
            if depth == 0:
                options.append(template[begin:position])
                chosen = _choose(dice.pick(options), dice)
                return template[:start] + chosen + _choose(template[position + 1 :], dice)
    raise ValueError(f"every '[' needs its ']', and this template has one without: {template!r}")
