"""The speakers that language.py compares: word lists and spelling as tables of log probabilities.

Needs: latin_west.py, latin_other.py, scripts.py, numpy.
"""

import functools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from .latin_other import LATIN_LETTERS, OTHER_WORDS
from .latin_west import WESTERN_WORDS
from .scripts import WORDS_BY_SCRIPT

TABLES: Mapping[str, Mapping[str, str]] = {"latin": WESTERN_WORDS | OTHER_WORDS, **WORDS_BY_SCRIPT}
LISTED = 0.4  # chance that a speaker takes a word of the list
LISTED_UND = 0.03  # chance that noise hits a word of some list
_UNIFORM = 0.5  # part of the noise in which all common letters are equally probable
_COMMON = 0.25  # of the languages of a script use such a letter
_SMOOTHING = 30.0  # pairs seen before any was counted, spread as the letters are
_RANK_OFFSET = 20.0  # the lists are in rough order: no word is much more probable than the next


@dataclass(frozen=True)
class Spelling:
    """Letters of a script as numbers, and how probable each is after each in each language.

    number: (M,) int64, the number of a character by its code point: 0 for a space, the last of A
    for what is on no list. pairs: (A * A, L) float64, log P(second | first) in nats.
    """

    number: np.ndarray
    pairs: np.ndarray

    def rows(self, words: str) -> np.ndarray:
        """The row in `pairs` for each letter of words between spaces, and for the space after."""
        points = np.frombuffer(f" {words} ".encode("utf-32-le", "replace"), np.uint32)
        numbers = self.number[np.minimum(points, len(self.number) - 1)]
        return numbers[:-1] * (self.number[-1] + 1) + numbers[1:]


@dataclass(frozen=True)
class Speakers:
    """The languages of one script and the noise "und".

    codes: L names, "und" last. row: the row of each listed word. words: (V, L) float64,
    log P(word) in nats. not_listed: (L,), log P(a word is spelled, not taken from the list).
    """

    codes: tuple[str, ...]
    row: Mapping[str, int]
    words: np.ndarray
    not_listed: np.ndarray
    spelling: Spelling

    def evidence(self, words: Iterable[str]) -> np.ndarray:
        """log P(words | language), (L,) float64: each word taken from the list or spelled."""
        counts = Counter(words)
        listed = [word for word in counts if word in self.row]
        rest = [word for word in counts if word not in self.row and not word.isnumeric()]
        rows, times = [self.row[word] for word in listed], [counts[word] for word in listed]
        total = _weighted(self.words, rows, times)
        if rest:
            times = [counts[word] for word in rest]
            rows = self.spelling.rows(" ".join(rest))
            times_letter = np.repeat(times, [len(word) + 1 for word in rest])
            total += _weighted(self.spelling.pairs, rows, times_letter)
            total += self.not_listed * float(sum(times))
        return total


@functools.cache
def speakers(script: str) -> Speakers:
    """The tables of a script; built once, in some 50 ms."""
    lists = {code: list(dict.fromkeys(text.split())) for code, text in TABLES[script].items()}
    spelling = _spelling(lists, LATIN_LETTERS if script == "latin" else {})
    row = {word: i for i, word in enumerate(dict.fromkeys(w for ws in lists.values() for w in ws))}
    taken = np.zeros((len(row), len(lists) + 1))
    for column, words in enumerate(lists.values()):
        chances = 1 / (_RANK_OFFSET + np.arange(len(words)))
        taken[[row[word] for word in words], column] = chances / chances.sum()
    taken[:, -1] = 1 / len(row)
    listed = np.array([LISTED] * len(lists) + [LISTED_UND])
    spelled = np.stack([spelling.pairs[spelling.rows(word)].sum(0) for word in row])
    words = np.log(listed * taken + (1 - listed) * np.exp(spelled))
    return Speakers((*lists, "und"), row, words, np.log1p(-listed), spelling)


def _spelling(lists: Mapping[str, list[str]], marks: Mapping[str, str]) -> Spelling:
    """Letter pairs of each language, counted on its list and smoothed; then those of the noise."""
    letters = sorted({c for words in lists.values() for word in words for c in word})
    letters = sorted({*letters, *"".join(marks.values())})
    size = len(letters) + 2
    number = np.full(max(map(ord, letters)) + 2, size - 1, np.int64)
    number[[ord(" "), *map(ord, letters)]] = np.arange(size - 1)
    spelling = Spelling(number, np.zeros((0, 0)))
    counts = np.zeros((size, size, len(lists)))
    for column, (code, words) in enumerate(lists.items()):
        pairs = np.bincount(spelling.rows(" ".join(words)), minlength=size * size)
        counts[:, :, column] = pairs.reshape(size, size)
        for mark in marks.get(code, ""):  # which no word of the list may happen to have
            counts[:, number[ord(mark)], column] += 0.02
    letter = counts.sum(0, keepdims=True) + 0.1
    letter /= letter.sum(1, keepdims=True)
    chances = (counts + _SMOOTHING * letter) / (counts.sum(1, keepdims=True) + _SMOOTHING)
    common = (counts.sum(0) > 0).mean(-1) > _COMMON
    noise = (1 - _UNIFORM) * chances.mean(-1) + _UNIFORM * common / common.sum()
    noise = noise[:, :, None]
    pairs = np.log(np.concatenate((chances, noise), axis=-1))
    return Spelling(number, pairs.reshape(size * size, -1))


def _weighted(table: np.ndarray, rows: Iterable[int], weights: Iterable[float]) -> np.ndarray:
    """Sum of rows of a table, each times its weight; added in order, so the same everywhere."""
    rows, weights = np.asarray(rows, np.int64), np.asarray(weights, np.float64)
    return (table[rows] * weights[:, None]).sum(0)
