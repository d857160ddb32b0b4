"""The rule against pages that say the same thing over and over.

Source: Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training
Gopher", arXiv:2112.11446, section A1.1 and table A1.

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
_PARAGRAPH_BREAK = re.compile(r"\n\s*\n")


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
    """Keep a page that does not repeat itself; the checks in the order of table A1.

    A line, paragraph or n-gram is a duplicate when it stood earlier on the page. N-gram values are
    shares of the page's word characters: those covered by the most frequent n-gram (0 if it stands
    once) and those covered by duplicates, where overlapping n-grams count a character once. Both
    limits map n to a share. Cost: one sort of the words for each n, 0.1 ms for 1,000 words.

    >>> gopher_repetition_filter("buy now or cry now\\n" * 3).rule
    'gopher_repetition.max_duplicate_lines'
    """
    page = split_words(text)

    def checks() -> Iterator[Verdict]:
        paragraphs = [p for p in map(str.strip, _PARAGRAPH_BREAK.split(page.text)) if p]
        for unit, items, max_count, max_characters in (
            ("line", page.lines, max_duplicate_lines, max_duplicate_line_characters),
            ("paragraph", paragraphs, max_duplicate_paragraphs, max_duplicate_paragraph_characters),
        ):
            rule = f"gopher_repetition.max_duplicate_{unit}"
            count, characters = _duplicate_shares(items)
            yield Verdict.at_most(f"{rule}s", count, max_count)
            yield Verdict.at_most(f"{rule}_characters", characters, max_characters)
        for n, top, duplicate in _ngram_shares(page.words, {*max_top_ngram, *max_duplicate_ngrams}):
            for rule, value, limits in (
                ("max_top_ngram", top, max_top_ngram),
                ("max_duplicate_ngrams", duplicate, max_duplicate_ngrams),
            ):
                if n in limits:
                    yield Verdict.at_most(f"gopher_repetition.{rule}[{n}]", value, limits[n])

    return Verdict.first_failure(checks())


def _duplicate_shares(items: Sequence[str]) -> tuple[float, float]:
    """Shares of the items, and of their characters, that repeat an earlier item."""
    if not items:
        return 0.0, 0.0
    unique = set(items)
    characters = sum(map(len, items))
    return 1 - len(unique) / len(items), 1 - sum(map(len, unique)) / characters


def _ngram_shares(words: list[str], sizes: set[int]) -> Iterator[tuple[int, float, float]]:
    """For each n in `sizes`: n, share of characters in the top n-gram, share in duplicates.

    N-grams are numbered exactly, without hashing: an n-gram is the pair (number of its first n - 1
    words, number of its last word). Stops when nothing repeats: then no longer n-gram can.
    """
    numbers: dict[str, int] = {}
    word_ids = np.fromiter((numbers.setdefault(w, len(numbers)) for w in words), np.int64)
    lengths = np.fromiter(map(len, words), np.int64)
    ngrams = word_ids
    for n in range(2, max(sizes, default=0) + 1):
        if len(ngrams) < 2:
            return
        pairs = ngrams[:-1] * len(numbers) + word_ids[n - 1 :]
        _, first, ngrams, counts = np.unique(
            pairs, return_index=True, return_inverse=True, return_counts=True
        )
        if counts.max() == 1:
            return
        if n in sizes:
            top = ngrams == counts.argmax()
            repeats = first[ngrams] != np.arange(len(ngrams))
            yield n, _covered_share(top, n, lengths), _covered_share(repeats, n, lengths)


def _covered_share(starts: np.ndarray, n: int, lengths: np.ndarray) -> float:
    """Share of all characters in words covered by the n-grams that begin where `starts` is True."""
    steps = np.zeros(len(lengths) + 1, np.int64)
    steps[:-n] += starts
    steps[n:] -= starts
    return float(lengths[np.cumsum(steps[:-1]) > 0].sum() / lengths.sum())
