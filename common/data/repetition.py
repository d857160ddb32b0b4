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

import numpy as np

from .verdict import Verdict, Words, split_words

TOP_NGRAM_LIMITS = MappingProxyType({2: 0.20, 3: 0.18, 4: 0.16})
DUPLICATE_NGRAM_LIMITS = MappingProxyType({5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10})
_PARAGRAPH_BREAK = re.compile(r"\n{2,}")
_LINE_BREAK = re.compile(r"\n+")
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
        for unit, items, max_count, max_characters in (
            (
                "paragraph",
                _PARAGRAPH_BREAK.split(page.text.strip()),
                max_duplicate_paragraphs,
                max_duplicate_paragraph_characters,
            ),
            (
                "line",
                _LINE_BREAK.split(page.text),
                max_duplicate_lines,
                max_duplicate_line_characters,
            ),
        ):
            rule = f"gopher_repetition.max_duplicate_{unit}"
            count, repeated = _duplicates(items)
            yield Verdict.at_most(f"{rule}s", count / len(items), max_count)
            yield Verdict.at_most(f"{rule}_characters", repeated / characters, max_characters)
        ngrams = _Ngrams(page)
        for n, limit in max_top_ngram.items():
            rule = f"gopher_repetition.max_top_ngram[{n}]"
            yield Verdict.at_most(rule, ngrams.top_characters(n) / characters, limit)
        for n, limit in max_duplicate_ngrams.items():
            rule = f"gopher_repetition.max_duplicate_ngrams[{n}]"
            yield Verdict.at_most(rule, ngrams.duplicate_characters(n) / characters, limit)

    return Verdict.first_failure(checks())


def _duplicates(items: Sequence[str]) -> tuple[int, int]:
    """How many items repeat an earlier one, and how many characters those have."""
    unique = set(items)
    if len(unique) == len(items):
        return 0, 0
    return len(items) - len(unique), sum(map(len, items)) - sum(map(len, unique))


class _Ngrams:
    """The n-grams of a page as arrays of numbers; those of length n are made from those of n - 1.

    Equal n-grams have equal numbers; two others share one by a chance of 1 in 10^19.
    """

    def __init__(self, page: Words) -> None:
        numbers, lengths = page.numbers
        self.rows = [numbers]  # rows[n - 1][i]: the n-gram that begins at piece i
        self.ends = np.concatenate(([0], np.cumsum(lengths)))
        self.repeated = {0: np.arange(len(numbers))}  # n -> where a repeated n-gram may begin

    def _row(self, n: int) -> np.ndarray:
        while len(self.rows) < n:
            self.rows.append(self.rows[-1][:-1] * _MULTIPLIER + self.rows[0][len(self.rows) :])
        return self.rows[n - 1]

    def top_characters(self, n: int) -> int:
        """Characters of the most frequent n-gram, the first of several, times its count."""
        row = self._row(n)
        if not len(row):
            return 0
        ordered = np.sort(row)
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        counts = np.diff(starts, append=len(row))
        count, place = int(counts.max()), 0
        if count > 1:
            place = int(np.isin(row, ordered[starts[counts == count]]).argmax())
        return count * int(self.ends[place + n] - self.ends[place] + n - 1)

    def duplicate_characters(self, n: int) -> int:
        """Characters in n-grams that were read before, from left to right without overlap."""
        row = self._row(n)
        places = self.repeated.get(n - 1, self.repeated[0])
        places = self.repeated[n] = _repeated(row, places[places < len(row)])
        seen: set[int] = set()
        free, characters = 0, 0
        for place, number in zip(places.tolist(), row[places].tolist(), strict=True):
            if place >= free and number in seen:
                characters += int(self.ends[place + n] - self.ends[place])
                free = place + n
            elif place >= free:
                seen.add(number)
        return characters


def _repeated(row: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Those of the places whose number stands at another of the places too, in order."""
    numbers = row[places]
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    same = ordered[1:] == ordered[:-1]
    if not same.any():
        return places[:0]
    often = np.concatenate((same, [False]))
    often[1:] |= same
    return places[np.sort(order[often])]
