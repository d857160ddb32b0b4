"""Which texts are near copies, and which of them stays: bands, candidates, proof, clusters.

The second half of MinHash: `minhash.sketch` has looked at one text, `find_copies` looks at all
sketches. Signatures of K numbers are cut into b bands of r rows; two of Jaccard similarity J agree
in a whole band with P = 1 - (1 - J^r)^b (Indyk and Motwani 1998; Leskovec et al. 2014, "Mining of
Massive Datasets", 3.4). Who agrees is a candidate; the true J of the two sets decides.

Shapes: N texts, K num_hashes, b num_bands, P pairs.
Taught in ch01_data/05_near_duplicates.ipynb.
Needs: minhash.py.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from hashlib import blake2b

import numpy as np

from .minhash import Sketch, sketch

_ODD = np.uint64(0x9E3779B97F4A7C15)  # its powers weigh the rows of a band


def match_probability(similarity: float, num_bands: int, rows: int) -> float:
    """Chance that two texts of this Jaccard similarity agree in at least one band: the S-curve.

    Also of an array of similarities. ValueError for one outside 0..1, and for no band or row.

    >>> [round(match_probability(j, 20, 6), 4) for j in (0.3, 0.6, 0.8, 0.9)]
    [0.0145, 0.6154, 0.9977, 1.0]
    """
    if num_bands < 1 or rows < 1:
        raise ValueError(f"num_bands {num_bands} and rows {rows} must be positive")
    if not np.all((np.asarray(similarity) >= 0) & (np.asarray(similarity) <= 1)):
        raise ValueError(f"similarity {similarity} must lie in 0..1")
    return 1 - (1 - similarity**rows) ** num_bands


def lsh_candidate_pairs(signatures: np.ndarray, num_bands: int) -> np.ndarray:
    """Pairs of rows that are equal in at least one band: (P, 2) int64, i < j, sorted, no repeats.

    signatures: (N, K) integers; num_bands must divide K, or ValueError. Cost: one sort a band, and
    the number of pairs: s (s - 1) / 2 for s texts that agree, so group identical texts first.

    >>> lsh_candidate_pairs(np.array([[1, 2, 3, 4], [9, 9, 3, 4], [1, 5, 6, 7]], np.uint32), 2)
    array([[0, 1]])
    """
    count = len(signatures)
    codes = [np.empty(0, np.int64)]
    for _, members in _drawers(_band_keys(signatures, num_bands)):
        first, second = np.triu_indices(len(members), k=1)
        codes.append(members[first] * count + members[second])
    return np.stack(np.divmod(np.unique(np.concatenate(codes)), max(count, 1)), axis=1)


def connected_components(count: int, pairs: np.ndarray) -> np.ndarray:
    """For each of `count` texts the smallest index it is linked to, by however many steps: (N,).

    pairs: (P, 2) integers in 0..count - 1, or ValueError. Union-find with path halving, nearly
    linear in P.

    >>> connected_components(5, np.array([[1, 3], [3, 4]])).tolist()
    [0, 1, 2, 1, 1]
    """
    pairs = np.asarray(pairs)
    if pairs.size and not 0 <= pairs.min() <= pairs.max() < count:
        raise ValueError(f"pairs lie in 0..{count - 1}, not in {pairs.min()}..{pairs.max()}")
    parent = list(range(count))
    for a, b in pairs.tolist():
        _join(parent, a, b)
    return np.array([_root(parent, i) for i in range(count)], np.int64)


def first_of_each(keys: Iterable[Hashable]) -> np.ndarray:
    """For each key the index of the first one that is equal to it, (N,) int64.

    >>> first_of_each(["Home", "A kite.", "Home"]).tolist()
    [0, 1, 0]
    """
    seen: dict[Hashable, int] = {}
    return np.array([seen.setdefault(key, i) for i, key in enumerate(keys)], np.int64)


def find_copies(
    sketches: Iterable[Sketch],
    *,
    num_bands: int = 20,
    jaccard_threshold: float = 0.8,
    scores: Sequence[float] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """For each text, the one of its cluster that stays, (N,) int64, and J with it, (N,) float64.

    A text whose entry is its own index stays; all others are copies. Without `scores` the first of
    a cluster stays, with them the one of the highest score, and of equals the first. Candidates
    from the bands are verified by true Jaccard (at least `jaccard_threshold`); clusters are
    connected components, so a copy of a copy can be less similar to what stays than the threshold.

    Cost: one sort a band, and one comparison for each candidate pair that no chain joins yet.
    Memory: less than 1 kB a text besides the sketches, whose shingles may lie on disk (memmap).

    >>> sketches = [sketch(text) for text in ("a b c d e f", "x", "A, b c d e f!")]
    >>> find_copies(sketches)[0].tolist(), find_copies(sketches, scores=[1, 1, 2])[0].tolist()
    ([0, 1, 0], [2, 1, 2])
    """
    if not 0 < jaccard_threshold <= 1:
        raise ValueError(f"jaccard_threshold must lie in (0, 1], not {jaccard_threshold}")
    sketches = list(sketches)
    # Identical sets first: a thousand mirrors cost a thousand look-ups, not 499,500 pairs.
    twin = first_of_each(blake2b(s.shingles, digest_size=16).digest() for s in sketches)
    unique = np.unique(twin)
    keys = _band_keys(_stacked([sketches[i].signature for i in unique]), num_bands)
    sets = [sketches[i].shingles for i in unique]
    parent = list(range(len(sets)))

    def are_near(band: int, i: int, j: int) -> bool:
        if np.count_nonzero(keys[i, :band] == keys[j, :band]):
            return False  # they met in an earlier band, and were compared there
        return _similarity(sets[i], sets[j], at_least=jaccard_threshold) >= jaccard_threshold

    for band, members in _drawers(keys):
        _join_near(parent, members.tolist(), partial(are_near, band))
    roots = unique[[_root(parent, i) for i in range(len(sets))]]
    cluster = roots[np.searchsorted(unique, twin)]
    keeper = cluster if scores is None else _best_of_each(cluster, scores)
    similarity = np.ones(len(sketches))
    for i in np.flatnonzero(twin != twin[keeper]):
        similarity[i] = _similarity(sketches[i].shingles, sketches[keeper[i]].shingles)
    return keeper, similarity


def near_duplicates(
    texts: Iterable[str],
    *,
    num_hashes: int = 120,
    num_bands: int = 20,
    ngrams: int = 5,
    jaccard_threshold: float = 0.8,
    seed: int = 0,
    scores: Sequence[float] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """`find_copies` of the sketches of `texts`: who stays for each text, and J with it.

    >>> keeper, similarity = near_duplicates(["a b c d e f", "x", "A, b c d e f!"])
    >>> keeper.tolist(), similarity.tolist()
    ([0, 1, 0], [1.0, 1.0, 1.0])
    """
    sketches = (sketch(text, num_hashes=num_hashes, ngrams=ngrams, seed=seed) for text in texts)
    return find_copies(
        sketches, num_bands=num_bands, jaccard_threshold=jaccard_threshold, scores=scores
    )


def _band_keys(signatures: np.ndarray, num_bands: int) -> np.ndarray:
    """A 64-bit hash of each band of each signature, (N, b) uint64: equal bands, equal keys."""
    if signatures.ndim != 2 or not np.issubdtype(signatures.dtype, np.integer):
        given = f"{signatures.dtype} of shape {signatures.shape}"
        raise ValueError(f"signatures must be integers of shape (N, K), not {given}")
    count, num_hashes = signatures.shape
    if num_bands < 1 or num_hashes % num_bands:
        raise ValueError(f"num_bands {num_bands} must divide num_hashes {num_hashes}")
    rows = num_hashes // num_bands
    keys = np.zeros((count, num_bands), np.uint64)
    for row in range(rows):
        keys = keys * _ODD + signatures[:, row::rows].astype(np.uint64)  # signed ones: no floats
    return keys


def _drawers(keys: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Band by band the indices, in order, of the texts that share a key with another one."""
    for band, column in enumerate(keys.T):
        order = np.argsort(column, kind="stable")
        edges = np.flatnonzero(np.diff(column[order])) + 1
        starts, stops = np.append(0, edges), np.append(edges, len(order))
        for i in np.flatnonzero(stops - starts > 1):
            yield band, order[starts[i] : stops[i]]


def _join_near(parent: list[int], members: list[int], are_near: Callable[[int, int], bool]) -> None:
    """Join the near ones of a drawer. Ten thousand that are all near cost as many comparisons."""
    groups: dict[int, list[int]] = {}
    for i in members:
        groups.setdefault(_root(parent, i), []).append(i)
    clusters: list[list[int]] = []  # no two of them are near
    for group in groups.values():
        apart = []
        for cluster in clusters:
            near = next(((i, j) for i in cluster for j in group if are_near(i, j)), None)
            if near is None:
                apart.append(cluster)
                continue
            _join(parent, *near)
            cluster += group
            group = cluster
        clusters = [*apart, group]


def _similarity(a: np.ndarray, b: np.ndarray, *, at_least: float = 0.0) -> float:
    """Jaccard similarity of two different sets; 0 where their sizes rule out `at_least`."""
    small, large = sorted((len(a), len(b)))
    if small / large < at_least:
        return 0.0
    both = np.sort(np.concatenate((a, b)))
    shared = np.count_nonzero(both[1:] == both[:-1])
    return shared / (len(both) - shared)


def _best_of_each(cluster: np.ndarray, scores: Sequence[float]) -> np.ndarray:
    values = np.asarray(scores, np.float64)
    if values.shape != cluster.shape:
        raise ValueError(f"{len(values)} scores for {len(cluster)} texts: one for each is needed")
    if np.isnan(values).any():
        raise ValueError(f"score {np.flatnonzero(np.isnan(values))[0]} is not a number")
    order = np.lexsort((-values, cluster))  # stable: of equal scores the first comes first
    _, starts, which = np.unique(cluster[order], return_index=True, return_inverse=True)
    best = np.empty_like(cluster)
    best[order] = order[starts][which]
    return best


def _root(parent: list[int], i: int) -> int:
    while parent[i] != i:
        parent[i] = i = parent[parent[i]]
    return i


def _join(parent: list[int], a: int, b: int) -> None:
    low, high = sorted((_root(parent, a), _root(parent, b)))
    parent[high] = low


def _stacked(signatures: list[np.ndarray]) -> np.ndarray:
    sizes = sorted({len(signature) for signature in signatures})
    if len(sizes) > 1:
        raise ValueError(f"sketches of {sizes[0]} and of {sizes[-1]} hashes cannot be compared")
    return np.stack(signatures) if signatures else np.empty((0, 0), np.uint32)
