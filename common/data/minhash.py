"""MinHash: estimate what two texts share from a few hundred bytes each, and find all near pairs.

A text becomes the set of its word n-grams; two texts are near copies when their sets have a high
Jaccard similarity J. A signature keeps, for each of k seeded permutations of the 32-bit integers,
the smallest value in the set: P(two signatures agree in one place) = J (Broder 1997, "On the
resemblance and containment of documents"). Cut into b bands of r rows, two signatures agree in a
whole band with P = 1 - (1 - J^r)^b (Leskovec et al. 2014, "Mining of Massive Datasets", 3.4).

Shapes: S distinct n-grams of a text, K num_hashes, N texts, P pairs.
Taught in ch01_data/05_near_duplicates.ipynb.
Needs: nothing but numpy.
"""

import functools
import unicodedata
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any
from zlib import crc32

import numpy as np

_WORD_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_ASCII_PUNCTUATION = bytes(
    c for c in range(128) if chr(c).lower() not in _WORD_CHARACTERS and not chr(c).isspace()
)
_EMPTY = np.uint32(0xFFFFFFFF)


def shingles(text: str, *, ngrams: int = 5) -> np.ndarray:
    """The set of a text's word n-grams as sorted 64-bit hashes, (S,) uint64.

    The text is normalised first: NFD, lower case, no punctuation, no accents, white space folded.
    A text shorter than `ngrams` words is one n-gram; a text without words is the empty set.

    >>> bool((shingles("The Café, by the mill!") == shingles("the cafe by   the mill")).all())
    True
    """
    if ngrams < 1:
        raise ValueError(f"ngrams must be at least 1, not {ngrams}")
    words = _normalized_words(text)
    hashes = np.fromiter(map(crc32, words), np.uint64, len(words))
    size = min(ngrams, len(words))
    if size == 0:
        return hashes
    # The n-gram's hash: each word's hash times an odd number of its place, summed, then mixed.
    total = np.zeros(len(words) - size + 1, np.uint64)
    for place, odd in enumerate(_odd_numbers(size, seed=size)):
        total += hashes[place : place + len(total)] * odd
    return np.unique(_mix(total))


def jaccard(a: AbstractSet[Any], b: AbstractSet[Any]) -> float:
    """Size of the intersection divided by size of the union; two empty sets are equal, so 1.

    >>> jaccard({"a red kite", "red kite flew"}, {"a red kite", "red kite fell"})
    0.3333333333333333
    """
    shared = len(a & b)
    union = len(a) + len(b) - shared
    return shared / union if union else 1.0


def minhash_signature(
    text: str, *, num_hashes: int = 120, ngrams: int = 5, seed: int = 0
) -> np.ndarray:
    """The signature of a text, (K,) uint32: minimum of each of K permutations over its n-grams.

    The share of equal places of two signatures estimates their Jaccard similarity with standard
    error sqrt(J (1 - J) / K). Same seed, same signature, on every machine. Cost: S K operations,
    about 0.1 ms for a text of 1.8 kB. A text without words has 2^32 - 1 everywhere.

    >>> a, b = minhash_signature("Mia has a kite."), minhash_signature("mia has a  KITE")
    >>> a.shape, a.dtype, bool((a == b).all())
    ((120,), dtype('uint32'), True)
    """
    return _signature(shingles(text, ngrams=ngrams), num_hashes, seed)


def match_probability(similarity: float, num_bands: int, rows: int) -> float:
    """Chance that two texts of this Jaccard similarity agree in at least one band: the S-curve.

    >>> [round(match_probability(j, 20, 6), 4) for j in (0.3, 0.6, 0.8, 0.9)]
    [0.0145, 0.6154, 0.9977, 1.0]
    """
    return 1 - (1 - similarity**rows) ** num_bands


def lsh_candidate_pairs(signatures: np.ndarray, num_bands: int) -> np.ndarray:
    """Pairs of rows that are equal in at least one band: (P, 2) int64, i < j, sorted, no repeats.

    signatures: (N, K) uint32; num_bands must divide K. Cost: one sort a band, and the number of
    pairs: s (s - 1) / 2 for s texts that agree, so group identical texts first.

    >>> lsh_candidate_pairs(np.array([[1, 2, 3, 4], [9, 9, 3, 4], [1, 5, 6, 7]], np.uint32), 2)
    array([[0, 1]])
    """
    count, num_hashes = signatures.shape
    if num_bands < 1 or num_hashes % num_bands:
        raise ValueError(f"num_bands {num_bands} must divide num_hashes {num_hashes}")
    pairs = [np.empty(0, np.int64)]
    for band in np.split(signatures, num_bands, axis=1):
        keys = np.ascontiguousarray(band).view(f"V{band.shape[1] * band.itemsize}").ravel()
        _, bucket = np.unique(keys, return_inverse=True)
        order = np.argsort(bucket, kind="stable")  # texts of one bucket side by side, in order
        edges = np.flatnonzero(np.diff(bucket[order])) + 1
        for members in np.split(order, edges):
            if len(members) > 1:
                first, second = np.triu_indices(len(members), k=1)
                pairs.append(members[first] * count + members[second])
    codes = np.unique(np.concatenate(pairs))
    return np.stack((codes // count, codes % count), axis=1) if count else codes.reshape(0, 2)


def connected_components(count: int, pairs: np.ndarray) -> np.ndarray:
    """For each of `count` texts the smallest index it is linked to, by however many steps: (N,).

    pairs: (P, 2) integers. Union-find with path halving, nearly linear in P.

    >>> connected_components(5, np.array([[1, 3], [3, 4]])).tolist()
    [0, 1, 2, 1, 1]
    """
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    for a, b in np.asarray(pairs).tolist():
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    return np.array([root(i) for i in range(count)], np.int64)


def near_duplicates(
    texts: Iterable[str],
    *,
    num_hashes: int = 120,
    num_bands: int = 20,
    ngrams: int = 5,
    jaccard_threshold: float = 0.8,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """For each text, the first of its cluster, (N,) int64, and its similarity to it, (N,) float64.

    A text whose entry is its own index stays; all others are copies. Candidates from the bands are
    verified by true Jaccard (at least `jaccard_threshold`); clusters are connected components, so a
    copy of a copy can be less similar to the first than the threshold.

    >>> keeper, similarity = near_duplicates(["a b c d e f", "x", "A, b c d e f!"])
    >>> keeper.tolist(), similarity.tolist()
    ([0, 1, 0], [1.0, 1.0, 1.0])
    """
    if not 0 < jaccard_threshold <= 1:
        raise ValueError(f"jaccard_threshold must lie in (0, 1], not {jaccard_threshold}")
    sets = [shingles(text, ngrams=ngrams) for text in texts]
    # Identical sets first: a thousand mirrors cost a thousand look-ups, not 499,500 pairs.
    first_seen: dict[bytes, int] = {}
    twin = np.array([first_seen.setdefault(s.tobytes(), i) for i, s in enumerate(sets)], np.int64)
    unique = np.array(list(first_seen.values()), np.int64)
    signatures = [_signature(sets[i], num_hashes, seed) for i in unique]
    stacked = np.stack(signatures) if signatures else np.empty((0, num_hashes), np.uint32)
    candidates = unique[lsh_candidate_pairs(stacked, num_bands)]
    as_set = functools.lru_cache(maxsize=4096)(lambda i: frozenset(sets[i].tolist()))
    near = [jaccard(as_set(i), as_set(j)) >= jaccard_threshold for i, j in candidates.tolist()]
    keeper = connected_components(len(sets), candidates[np.array(near, bool)])[twin]
    pairs = zip(twin.tolist(), keeper.tolist(), strict=True)
    similarity = [jaccard(as_set(i), as_set(j)) for i, j in pairs]
    return keeper, np.array(similarity, np.float64)


def _normalized_words(text: str) -> list[bytes]:
    if text.isascii():
        return text.encode().translate(None, _ASCII_PUNCTUATION).lower().split()
    decomposed = unicodedata.normalize("NFD", text).lower()
    kept = "".join(c for c in decomposed if c.isalnum() or c.isspace())
    return [word.encode("utf-8", "surrogatepass") for word in kept.split()]


def _signature(hashes: np.ndarray, num_hashes: int, seed: int) -> np.ndarray:
    """Minimum over x in `hashes` of (a x + b) mod 2^32 for K seeded odd a and b, (K,) uint32."""
    if hashes.size == 0:
        return np.full(num_hashes, _EMPTY)
    a, b = _permutations(num_hashes, seed)
    x = hashes.astype(np.uint32)
    return (a * x + b).min(axis=1)


@functools.lru_cache(maxsize=8)
def _permutations(num_hashes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    if num_hashes < 1:
        raise ValueError(f"num_hashes must be at least 1, not {num_hashes}")
    numbers = _odd_numbers(2 * num_hashes, seed=seed).astype(np.uint32)[:, None]
    return numbers[:num_hashes], numbers[num_hashes:]


@functools.lru_cache(maxsize=64)
def _odd_numbers(count: int, *, seed: int) -> np.ndarray:
    start = np.uint64(seed % 2**32 << 32)
    return _mix(start + np.arange(1, count + 1, dtype=np.uint64)) | np.uint64(1)


def _mix(x: np.ndarray) -> np.ndarray:
    """Scramble 64-bit integers one to one (the finaliser of SplitMix64, Steele et al. 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
