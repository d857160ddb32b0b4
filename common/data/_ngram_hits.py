"""Pages as hashed n-grams: which buckets their words and pairs of words hit, and how often.

A hash of a pair is made of its words' hashes, each times an odd number of its place, then stirred;
the bucket is its top bits. The same words hit the same buckets on every machine.

Shapes: S distinct buckets that a piece of text hits.
Needs: verdict.py, numpy.
"""

from zlib import crc32

import numpy as np

from .verdict import Words

_ODD = np.array([0x9E3779B97F4A7C15, 0xD1B54A32D192ED03], np.uint64)
_MIX = np.uint64(0xBF58476D1CE4E5B9)

Hits = tuple[np.ndarray, np.ndarray]  # buckets (S,) and the vector's values there (S,)
_latest: tuple[list[str] | None, tuple[int, int], list[Hits]] = (None, (0, 0), [])


def whole(page: Words, num_buckets: int) -> Hits:
    """The hits of a page taken as one piece."""
    return stretches(page, max(2, len(page.words)), num_buckets)[0]


def stretches(page: Words, size: int, num_buckets: int) -> list[Hits]:
    """Hits of the stretches of a page, each overlapping the next by half.

    They are kept until another page comes, so that three classifiers hash it once.
    """
    global _latest
    if size < 2:
        raise ValueError(f"window_words must be at least 2 to overlap, not {size}")
    words, settings, hits = _latest
    if words is not page.words or settings != (size, num_buckets):
        hits = cut(page.words, size, size // 2, num_buckets)
        _latest = page.words, (size, num_buckets), hits
    return hits


def cut(words: list[str], size: int, step: int, num_buckets: int) -> list[Hits]:
    """The hits of `size` words from every `step`-th word on; of no words, one without hits."""
    if size < 1:
        raise ValueError(f"window_words must be at least 1, not {size}")
    single, pairs = buckets(words, num_buckets)
    starts = range(0, max(1, len(words) - (size - step)), step)
    return [
        _hits(np.concatenate((single[start : start + size], pairs[start : start + size - 1])))
        for start in starts
    ]


def _hits(places: np.ndarray) -> Hits:
    """The distinct buckets, (S,) int32 in order, and the vector there, (S,) float64."""
    ids, counts = np.unique(places, return_counts=True)
    return ids, np.sqrt(counts / max(1, len(places)))


def buckets(words: list[str], num_buckets: int) -> tuple[np.ndarray, np.ndarray]:
    """The bucket of each word and of each pair of neighbours, int32."""
    if num_buckets < 2 or num_buckets & (num_buckets - 1):
        raise ValueError(f"num_buckets must be a power of two, not {num_buckets}")
    written = " ".join(words).encode("utf-8", "surrogatepass").split()
    hashes = np.fromiter(map(crc32, written), np.uint64, len(words))
    pairs = hashes[:-1] * _ODD[0] + hashes[1:] * _ODD[1]
    mixed = np.concatenate((hashes * _ODD[0], pairs))
    mixed = (mixed ^ (mixed >> np.uint64(31))) * _MIX
    places = (mixed >> np.uint64(65 - num_buckets.bit_length())).astype(np.int32)
    return places[: len(words)], places[len(words) :]
