"""Pages as hashed n-grams: which buckets their words and pairs of words hit, and how often.

A hash of a pair is made of its words' hashes, each times an odd number of its place, then stirred;
the bucket is its top bits. The same words hit the same buckets on every machine.

Shapes: P pieces of a text, S distinct buckets that they hit, each piece by itself.
Needs: verdict.py, numpy.
"""

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from .verdict import Words

_ODD = np.array([0x9E3779B97F4A7C15, 0xD1B54A32D192ED03], np.uint64)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


@dataclass(frozen=True, slots=True)
class Pieces:
    """The sparse vectors of the pieces of a text, one after another.

    ids: (S,) buckets, in order within each piece. values: (S,) float64, the square root of a
    bucket's share of the piece's hits. piece: (S,) the number of the piece. count: P.
    """

    ids: np.ndarray
    values: np.ndarray
    piece: np.ndarray
    count: int

    def scores(self, weights: np.ndarray) -> np.ndarray:
        """Each piece's vector times the weights (B, C): (P, C) float64, added in order."""
        rows = weights[self.ids] * self.values[:, None]
        columns = [np.bincount(self.piece, column, minlength=self.count) for column in rows.T]
        return np.stack(columns, axis=1)

    def split(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Buckets and values of each piece."""
        edges = np.searchsorted(self.piece, range(1, self.count))
        return list(zip(np.split(self.ids, edges), np.split(self.values, edges), strict=True))


_latest: tuple[list[str] | None, tuple[int, int], Pieces | None] = (None, (0, 0), None)


def stretches(page: Words, size: int, num_buckets: int) -> Pieces:
    """The stretches of `size` words of a page, each overlapping the next by half.

    They are kept until another page comes, so that three classifiers hash it once.
    """
    global _latest
    if size < 2:
        raise ValueError(f"window_words must be at least 2 to overlap, not {size}")
    words, settings, pieces = _latest
    if pieces is None or words is not page.words or settings != (size, num_buckets):
        pieces = cut(page.words, size, size // 2, num_buckets)
        _latest = page.words, (size, num_buckets), pieces
    return pieces


def cut(words: list[str], size: int, step: int, num_buckets: int) -> Pieces:
    """The pieces of `size` words from every `step`-th word on; of no words, one without hits."""
    if size < 1:
        raise ValueError(f"window_words must be at least 1, not {size}")
    single, pairs = buckets(words, num_buckets)
    starts = range(0, max(1, len(words) - (size - step)), step)
    parts = [single[start : start + size] for start in starts]
    parts += [pairs[start : start + size - 1] for start in starts]
    lengths = np.array([len(part) for part in parts])
    piece = np.repeat(np.tile(np.arange(len(starts)), 2), lengths)
    keys, counts = np.unique(piece * num_buckets + np.concatenate(parts), return_counts=True)
    piece, ids = keys // num_buckets, keys % num_buckets
    hits = lengths[: len(starts)] + lengths[len(starts) :]
    return Pieces(ids, np.sqrt(counts / hits[piece]), piece, len(starts))


def buckets(words: list[str], num_buckets: int) -> tuple[np.ndarray, np.ndarray]:
    """The bucket of each word and of each pair of neighbours, int64."""
    if num_buckets < 2 or num_buckets & (num_buckets - 1):
        raise ValueError(f"num_buckets must be a power of two, not {num_buckets}")
    written = " ".join(words).encode("utf-8", "surrogatepass").split()
    hashes = np.fromiter(map(crc32, written), np.uint64, len(words))
    pairs = hashes[:-1] * _ODD[0] + hashes[1:] * _ODD[1]
    mixed = np.concatenate((hashes * _ODD[0], pairs))
    mixed = (mixed ^ (mixed >> np.uint64(31))) * _MIX
    places = (mixed >> np.uint64(65 - num_buckets.bit_length())).astype(np.int64)
    return places[: len(words)], places[len(words) :]
