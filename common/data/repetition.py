"""The rule against pages that say the same thing over and over.

Source: Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training
Gopher", arXiv:2112.11446, section A1.1 and table A1. Where the paper leaves a choice (which
characters count, what an overlap is), the choice is that of datatrove, the field's cleaning
library, so that verdicts agree.

Taught in ch01_data/03_quality_rules.ipynb.
Needs: verdict.py.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from .verdict import Verdict, Words, split_words

TOP_NGRAM_LIMITS = MappingProxyType({2: 0.20, 3: 0.18, 4: 0.16})
DUPLICATE_NGRAM_LIMITS = MappingProxyType({5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10})
_PARAGRAPH_BREAK = re.compile(r"\n{2,}")
_MULTIPLIER = np.int64(0x5851F42D4C957F2D)  # odd: numbers of n-grams spread over all 64 bits
_END = np.array([0x2545F4914F6CDD1D], np.int64)  # the number of no piece


def gopher_repetition_filter(
    text: str | Words,
    *,
    max_duplicate_lines: float = 0.30,
    max_duplicate_paragraphs: float = 0.30,
    max_duplicate_line_characters: float = 0.20,
    max_duplicate_paragraph_characters: float = 0.20,
    max_top_ngram: Mapping[int, float] = TOP_NGRAM_LIMITS,
    max_duplicate_ngrams: Mapping[int, float] = DUPLICATE_NGRAM_LIMITS,
) -> Verdict:
    """Keep a page that does not repeat itself: the thirteen checks of table A1.

    A paragraph, line or n-gram is a duplicate when it stood earlier on the page. N-grams are of
    pieces (words and marks as written). Values are shares of the paragraphs, of the lines or of all
    the page's characters, white space included: those in the most frequent n-gram, a space between
    pieces and overlaps counted twice (so it can pass 1), and those in duplicate n-grams, read from
    left to right without overlap. Both mappings go from n >= 1 to a limit, or a ValueError says so.
    Cost: 0.2 ms for 500 words.

    >>> gopher_repetition_filter("buy now or cry now\\n" * 3).rule
    'gopher_repetition.max_duplicate_lines'
    """
    page = split_words(text)
    characters = max(1, len(page.text))

    def checks() -> Iterator[Verdict]:
        paragraphs = _paragraphs(page.text.strip())
        edges = page.text.startswith("\n") + page.text.endswith(
            "\n"
        )  # empty lines at the ends count
        lines = [*filter(None, page.text.split("\n")), *("" for _ in range(edges))]
        for unit, items, max_count, max_characters in (
            ("paragraph", paragraphs, max_duplicate_paragraphs, max_duplicate_paragraph_characters),
            ("line", lines, max_duplicate_lines, max_duplicate_line_characters),
        ):
            rule = f"gopher_repetition.max_duplicate_{unit}"
            count, repeated = _duplicates(items)
            yield Verdict.at_most(f"{rule}s", count / max(1, len(items)), max_count)
            yield Verdict.at_most(f"{rule}_characters", repeated / characters, max_characters)
        ngrams = _Ngrams(page)
        for n, limit in max_top_ngram.items():
            rule = f"gopher_repetition.max_top_ngram[{n}]"
            yield Verdict.at_most(rule, ngrams.top_characters(n) / characters, limit)
        for n, limit in max_duplicate_ngrams.items():
            rule = f"gopher_repetition.max_duplicate_ngrams[{n}]"
            yield Verdict.at_most(rule, ngrams.duplicate_characters(n) / characters, limit)

    return Verdict.first_failure(checks())


def _paragraphs(text: str) -> list[str]:
    return _PARAGRAPH_BREAK.split(text) if "\n\n\n" in text else text.split("\n\n")


def _duplicates(items: Sequence[str]) -> tuple[int, int]:
    """How many items repeat an earlier one, and how many characters those have."""
    unique = set(items)
    if len(unique) == len(items):
        return 0, 0
    return len(items) - len(unique), sum(map(len, items)) - sum(map(len, unique))


class _Ngrams:
    """Where the n-grams stand that a page has more than once, for one n after the other.

    A longer n-gram repeats only where a shorter one does, so each step looks at the places that the
    step before left over. The number of an n-gram is made from that of its first n - 1 pieces and
    that of its last: equal n-grams have equal numbers, others but by a chance of 1 in 10^19.
    """

    def __init__(self, page: Words) -> None:
        self.pieces = page.pieces
        # One more number, of no piece: the n-gram that ends with it is like no other.
        self.numbers = np.concatenate((page.numbers, _END))
        self.level: _Level | None = None  # of the n that was asked for last

    def _level(self, n: int) -> "_Level":
        level = self.level
        if level is None or level.n > n:
            level = self._begin(n)
        while level.n < n:
            level = self._lengthen(level)
        self.level = level
        return level

    def _begin(self, n: int) -> "_Level":
        """The repeated n-grams, from all pieces."""
        if n < 1:
            raise ValueError(f"an n-gram has at least 1 piece, not {n}")
        pieces = self.numbers[:-1]
        numbers = pieces
        for following in range(1, n):
            numbers = numbers[:-1] * _MULTIPLIER + pieces[following:]
        return _Level.of_repeated(n, np.arange(len(numbers)), numbers)

    def _lengthen(self, level: "_Level") -> "_Level":
        """The repeated (n + 1)-grams, from the repeated n-grams."""
        n, places, numbers = level
        if not len(places):
            return _Level(n + 1, places, numbers)
        numbers = numbers * _MULTIPLIER
        numbers += self.numbers[n:][places]
        return _Level.of_repeated(n + 1, places, numbers)

    def top_characters(self, n: int) -> int:
        """Characters of the most frequent n-gram, the first of several, times its count."""
        count, place = self._level(n).top()
        if len(self.pieces) < n:
            return 0
        return count * len(" ".join(self.pieces[place : place + n]))

    def duplicate_characters(self, n: int) -> int:
        """Characters in n-grams that were read before, from left to right without overlap."""
        seen: set[int] = set()
        free, characters = 0, 0
        for place, number in self._level(n).in_order():
            if place < free:
                continue
            if number in seen:
                free = place + n
                characters += len("".join(self.pieces[place:free]))
            else:
                seen.add(number)
        return characters


class _Level(NamedTuple):
    """The n-grams of one n that repeat, equal ones side by side: where each begins, its number."""

    n: int
    places: np.ndarray
    numbers: np.ndarray

    @classmethod
    def of_repeated(cls, n: int, places: np.ndarray, numbers: np.ndarray) -> "_Level":
        """Of these n-grams, those whose number is not alone."""
        order = numbers.argsort()
        numbers = numbers[order]
        same = numbers[1:] == numbers[:-1]
        often = np.zeros(len(order), bool)
        often[1:] = same
        often[:-1] |= same
        return cls(n, places[order[often]], numbers[often])

    def in_order(self) -> Iterable[tuple[int, int]]:
        """Place and number of each, as they stand on the page."""
        if not len(self.places):
            return ()
        order = self.places.argsort()
        return zip(self.places[order].tolist(), self.numbers[order].tolist(), strict=True)

    def top(self) -> tuple[int, int]:
        """The count of the most frequent n-gram, and where the first of several begins."""
        numbers = self.numbers
        if not len(numbers):
            return 1, 0  # each stands once, so the first of all
        last = np.ones(len(numbers), bool)  # of its like
        np.not_equal(numbers[1:], numbers[:-1], out=last[:-1])
        counts = last.nonzero()[0]
        counts[1:] -= counts[:-1]
        counts[0] += 1
        count = counts[counts.argmax()]
        places = self.places[(counts == count).repeat(counts)]
        return int(count), int(places[places.argmin()])
