"""Mixing sources: how much of each to read, how often at most, and in which order.

Sources differ in size a thousandfold. In proportion to size the small ones vanish; in equal parts
they are read until they are known by heart. Between the two lies a temperature T (Conneau et al.
2020, XLM-R, arXiv 1911.02116; T = 1 / alpha), with a limit on repetition (Chung et al. 2023,
UniMax, arXiv 2304.09151; four readings cost little, Muennighoff et al. 2023, arXiv 2305.16264):

    weight of source s = size_s^(1/T) / sum over all sources r of size_r^(1/T)

Taught in ch01_data/06_corpus.ipynb.
Needs: document.py.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from .document import Document


def mixture_weights(sizes: Mapping[str, int], *, temperature: float = 1.0) -> dict[str, float]:
    """Weights that sum to 1: in proportion to size at temperature 1, nearly equal at a high one.

    sizes: bytes, tokens or documents of each source. ValueError for no source, a size below 1, or a
    temperature that is not positive; math.inf gives equal parts.

    >>> mixture_weights({"web": 3, "books": 1})
    {'web': 0.75, 'books': 0.25}
    >>> mixture_weights({"web": 9, "books": 1}, temperature=2)
    {'web': 0.75, 'books': 0.25}
    """
    _check_sizes(sizes)
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    largest = max(sizes.values())
    powers = {name: (size / largest) ** (1 / temperature) for name, size in sizes.items()}
    total = math.fsum(powers.values())
    return {name: power / total for name, power in powers.items()}


def mixture_sizes(
    sizes: Mapping[str, int],
    total: int,
    *,
    weights: Mapping[str, float],
    max_epochs: float = 4.0,
) -> dict[str, int]:
    """How much of `total` comes from each source: whole numbers that sum to it exactly.

    No source is read more than max_epochs times: what it may not give, the others give in
    proportion to their weights. What rounding down leaves over goes to those that it took most
    from. Weights need not sum to 1. ValueError when the sources cannot fill `total`, which is a
    whole number, or weights have other names, are negative or not finite.

    >>> sizes = {"web": 9000, "books": 100}
    >>> mixture_sizes(sizes, 5000, weights={"web": 0.9, "books": 0.1})
    {'web': 4600, 'books': 400}
    """
    _check_sizes(sizes)
    _check_weights(sizes, weights)
    if not 0 < max_epochs < math.inf:
        raise ValueError(f"max_epochs must be positive and finite, got {max_epochs}")
    limits = {name: math.floor(max_epochs * size) for name, size in sizes.items() if weights[name]}
    if total % 1:  # of infinity that is NaN
        raise ValueError(f"total must be a whole number, got {total}")
    total = int(total)
    if not 0 <= total <= sum(limits.values()):
        raise ValueError(
            f"total {total} must lie in 0..{sum(limits.values())}, "
            f"which is max_epochs {max_epochs} of every source with a weight"
        )
    free, parts = list(limits), dict[str, Fraction]()
    while free:  # give each its part of what is left; who would get too much gets its limit
        room = total - sum(limits[name] for name in limits if name not in free)
        weight = sum(Fraction(weights[name]) for name in free)
        parts = {name: room * Fraction(weights[name]) / weight for name in free}
        over = [name for name in free if parts[name] > limits[name]]
        if not over:
            break
        free = [name for name in free if name not in over]
    exact = {name: parts[name] if name in free else limits.get(name, 0) for name in sizes}
    result = {name: math.floor(part) for name, part in exact.items()}
    by_loss = sorted(sizes, key=lambda name: result[name] - exact[name])
    for name in by_loss[: total - sum(result.values())]:
        result[name] += 1
    return result


def mix(
    sources: Mapping[str, Sequence[Document]],
    total_bytes: int,
    *,
    weights: Mapping[str, float],
    max_epochs: float = 4.0,
    seed: int = 0,
) -> Iterator[tuple[str, Document]]:
    """(source, document) pairs in an order in which every beginning has the mixture of the whole.

    Each source gives its part of total_bytes (`mixture_sizes`, in bytes of UTF-8), to within half a
    document. It is shuffled anew for each reading, by a hash of seed, reading and document id: the
    same on every machine, in whatever order the documents came. Next is always the source that is
    least far through its part, at the middle of the document that it would give.

    >>> web = [Document(f"w{i}", "", "x" * 10) for i in range(40)]
    >>> sources = {"web": web, "books": [Document("b", "", "y" * 10)]}
    >>> [name for name, _ in mix(sources, 80, weights={"web": 3, "books": 1})]
    ['web', 'web', 'books', 'web', 'web', 'web', 'books', 'web']
    """
    sources = {name: list(documents) for name, documents in sources.items()}  # read many times
    sizes = {name: sum(map(_num_bytes, documents)) for name, documents in sources.items()}
    parts = mixture_sizes(sizes, total_bytes, weights=weights, max_epochs=max_epochs)
    parts = {name: part for name, part in parts.items() if part}
    readers = {name: _readings(sources[name], seed) for name in parts}
    upcoming = {name: next(reader) for name, reader in readers.items()}
    given = dict.fromkeys(parts, 0)

    def progress(name: str) -> Fraction:
        return Fraction(2 * given[name] + _num_bytes(upcoming[name]), 2 * parts[name])

    while parts:
        name = min(parts, key=progress)
        if progress(name) > 1:
            del parts[name]
            continue
        yield name, upcoming[name]
        given[name] += _num_bytes(upcoming[name])
        upcoming[name] = next(readers[name])


def _readings(documents: Sequence[Document], seed: int) -> Iterator[Document]:
    """The documents without end, in a new order for each reading."""
    reading = 0
    while True:
        keys = {
            document.id: hashlib.sha256(f"{seed}:{reading}:{document.id}".encode()).digest()
            for document in documents
        }
        yield from sorted(documents, key=lambda document: keys[document.id])
        reading += 1


def _num_bytes(document: Document) -> int:
    return len(document.text.encode("utf-8", "surrogatepass"))


def _check_sizes(sizes: Mapping[str, int]) -> None:
    if not sizes:
        raise ValueError("a mixture needs at least one source")
    for name, size in sizes.items():
        if not 1 <= size < math.inf:
            raise ValueError(f"source {name} has size {size}, which must be at least 1, and finite")


def _check_weights(sizes: Mapping[str, int], weights: Mapping[str, float]) -> None:
    if weights.keys() != sizes.keys():
        raise ValueError(f"weights for {sorted(weights)} do not fit sources {sorted(sizes)}")
    for name, weight in weights.items():
        if not 0 <= weight < math.inf:
            raise ValueError(f"weight {weight} of source {name} must not be negative or infinite")
