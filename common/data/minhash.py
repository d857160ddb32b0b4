"""MinHash: what two texts share, estimated from a few hundred bytes of each.

A text becomes the set of its word n-grams; two texts are near copies when their sets have a high
Jaccard similarity J. A signature keeps, for each of k seeded permutations of the 32-bit integers,
the smallest value in the set: P(two signatures agree in one place) = J (Broder 1997, "On the
resemblance and containment of documents"). lsh.py finds the near pairs among many sketches.

Shapes: S distinct n-grams of a text, K num_hashes.
Taught in ch01_data/05_near_duplicates.ipynb.
Needs: nothing but numpy.
"""

import dataclasses
import functools
import unicodedata
from collections.abc import Set as AbstractSet
from typing import Any
from zlib import crc32

import numpy as np

_ASCII = [chr(code).lower() for code in range(128)]
_DROPPED = "".join(c for c in _ASCII if not c.isalnum() and not c.isspace()).encode()
_FOLDED = "".join(" " if c.isspace() else c for c in _ASCII).encode() + bytes(128)
_SHIFTS = tuple(map(np.uint64, (30, 27, 31)))
_FACTORS = tuple(map(np.uint64, (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)))
_EMPTY = np.uint32(0xFFFFFFFF)
_CHUNK = 4096  # n-grams permuted at once: 2 MB of work space however long the text


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """What is kept of a text to find its copies: 8 S + 4 K bytes; the text is not needed again.

    shingles: (S,) uint64, sorted, none twice. signature: (K,) uint32.

    >>> Sketch(shingles("One kite."), minhash_signature("One kite.", num_hashes=8)).signature.shape
    (8,)
    """

    shingles: np.ndarray
    signature: np.ndarray


def sketch(text: str, *, num_hashes: int = 120, ngrams: int = 5, seed: int = 0) -> Sketch:
    """The sketch of one text. The same text and settings give the same sketch in every process.

    Cost: about 50 microseconds for a text of 1.8 kB.

    >>> sketch("Mia has a kite and a hat.").shingles.shape
    (3,)
    """
    hashes = shingles(text, ngrams=ngrams)
    return Sketch(hashes, _signature(hashes, num_hashes, seed))


def shingles(text: str, *, ngrams: int = 5) -> np.ndarray:
    """The set of a text's word n-grams as sorted 64-bit hashes, (S,) uint64.

    The text is normalised first: NFD, lower case, no punctuation, no accents, white space folded.
    Words are what stands between white space, in every language. A text shorter than `ngrams` words
    is one n-gram; a text without words is the empty set.

    >>> bool((shingles("The Café, by the mill!") == shingles("the cafe by   the mill")).all())
    True
    """
    if ngrams < 1:
        raise ValueError(f"ngrams must be at least 1, not {ngrams}")
    words = _normalized_words(text)
    size = min(ngrams, len(words))
    hashes = np.fromiter(map(crc32, words), np.uint64, len(words))
    if size == 0:
        return hashes
    # An n-gram's hash: each word's hash times an odd number of its place, summed, then mixed.
    return _distinct(_mix(np.correlate(hashes, _odd_numbers(size, seed=size))))


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
    error sqrt(J (1 - J) / K). Same seed, same signature, on every machine. Cost: S K operations.
    A text without words has 2^32 - 1 everywhere.

    >>> a, b = minhash_signature("Mia has a kite."), minhash_signature("mia has a  KITE")
    >>> a.shape, a.dtype, bool((a == b).all())
    ((120,), dtype('uint32'), True)
    """
    return _signature(shingles(text, ngrams=ngrams), num_hashes, seed)


def _normalized_words(text: str) -> list[bytes]:
    if text.isascii():
        return text.encode().translate(_FOLDED, _DROPPED).split()
    return text.translate({ord(c): _folded(c) for c in set(text)}).encode().split()


@functools.lru_cache(maxsize=1 << 14)
def _folded(character: str) -> str:
    """What stays of one character. NFD of a whole text would sort long runs of accents: minutes."""
    if not character.isalnum():
        return " " if character.isspace() else ""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFD", character))).casefold()


def _signature(hashes: np.ndarray, num_hashes: int, seed: int) -> np.ndarray:
    """Minimum over x in `hashes` of (a x + b) mod 2^32 for K seeded odd a and b, (K,) uint32."""
    a, b = _permutations(num_hashes, seed)
    smallest = np.full(num_hashes, _EMPTY)
    for start in range(0, len(hashes), _CHUNK):
        permuted = a * hashes[start : start + _CHUNK].astype(np.uint32)
        permuted += b
        np.minimum(smallest, permuted.min(axis=1), out=smallest)
    return smallest


def _distinct(values: np.ndarray) -> np.ndarray:
    """Like np.unique, which takes five times as long for a few hundred values."""
    values = np.sort(values)
    fresh = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=fresh[1:])
    return values[fresh]


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
    x = (x ^ (x >> _SHIFTS[0])) * _FACTORS[0]
    x = (x ^ (x >> _SHIFTS[1])) * _FACTORS[1]
    return x ^ (x >> _SHIFTS[2])
