"""The rule against pages that say the same thing over and over.

Source: Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training
Gopher", arXiv:2112.11446, section A1.1 and table A1. Where the paper leaves a choice (which
characters count, what an overlap is), the choice is that of datatrove, the field's cleaning
library, so that verdicts agree.

Taught in ch01_data/03_quality_rules.ipynb.
Needs: verdict.py.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from .verdict import Verdict, Words, split_words

TOP_NGRAM_LIMITS = MappingProxyType({2: 0.20, 3: 0.18, 4: 0.16})
DUPLICATE_NGRAM_LIMITS = MappingProxyType({5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10})
_PARAGRAPH_BREAK = re.compile(r"\n{2,}")
_ZERO = np.zeros(1, np.int64)
_MULTIPLIER = np.int64(0x5851F42D4C957F2D)  # odd: numbers of n-grams spread over all 64 bits


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
    left to right without overlap. Both mappings go from n to a limit. Cost: 0.2 ms for 500 words.

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
        self.pieces, self.numbers = page.pieces, page.numbers
        places = np.arange(len(self.numbers))
        self.levels = [_Level(places, self.numbers)]  # of all pieces, then of what repeats

    def _level(self, n: int) -> "_Level":
        while len(self.levels) < n:
            self.levels.append(self._lengthen(self.levels[-1], len(self.levels)))
        return self.levels[n - 1]

    def _lengthen(self, level: "_Level", n: int) -> "_Level":
        """The repeated (n + 1)-grams, from the repeated n-grams."""
        places = level.places[: level.places.searchsorted(len(self.numbers) - n)]
        if not len(places):
            return _Level(places, places)
        numbers = level.numbers[: len(places)] * _MULTIPLIER + self.numbers[places + n]
        order = numbers.argsort()
        ordered = numbers[order]
        same = ordered[1:] == ordered[:-1]
        often = np.zeros(len(places), bool)
        often[1:] = same
        often[:-1] |= same
        left = np.sort(order[often])
        return _Level(places[left], numbers[left])

    def top_characters(self, n: int) -> int:
        """Characters of the most frequent n-gram, the first of several, times its count."""
        if len(self.numbers) < n:
            return 0
        count, place = self._level(n).top()
        return count * len(" ".join(self.pieces[place : place + n]))

    def duplicate_characters(self, n: int) -> int:
        """Characters in n-grams that were read before, from left to right without overlap."""
        level = self._level(n)
        seen: set[int] = set()
        free, characters = 0, 0
        for place, number in zip(level.places.tolist(), level.numbers.tolist(), strict=True):
            if place >= free and number in seen:
                characters += sum(map(len, self.pieces[place : place + n]))
                free = place + n
            elif place >= free:
                seen.add(number)
        return characters


class _Level(NamedTuple):
    """The n-grams of one n that repeat, in order: where each begins, and its number."""

    places: np.ndarray
    numbers: np.ndarray

    def top(self) -> tuple[int, int]:
        """The count of the most frequent n-gram, and where the first of several begins."""
        if not len(self.places):
            return 1, 0  # each stands once, so the first of all
        order = self.numbers.argsort()
        ordered = self.numbers[order]
        edges = (ordered[1:] != ordered[:-1]).nonzero()[0] + 1
        edges = np.concatenate((_ZERO, edges, [len(order)]))
        counts = edges[1:] - edges[:-1]
        count = counts.max()
        first = np.minimum.reduceat(self.places[order], edges[:-1])
        return int(count), int(first[counts == count].min())
