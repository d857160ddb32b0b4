r"""Learn BPE merges from counts of pieces: merge the commonest pair of neighbours, repeat.

Sennrich, Haddow and Birch (2016), "Neural Machine Translation of Rare Words with Subword Units",
arXiv:1508.07909; on bytes as in Radford et al. (2019). A merge changes only the pairs beside it, so
counts are kept and corrected, never made anew, and a heap yields the commonest pair.

All distinct pieces stand in one array, an edge between each two. `begins[p]` is the id of the token
whose first byte is at p, `ends[p]` of the one whose last byte is. So the neighbours of a token are
looked up, not searched for, and a merge is a handful of NumPy operations on all its places at once:

    place             0   1   2   3   4   5   6   7   8
    byte              |   l   o   w   |   l   o   t   |
    begins, "l o"     |  256  |   w   |  256  |   t   |     an edge also where no token begins now
    ends, "l o"       |   .  256  w   |   .  256  t   |     . is never read again

Two facts keep it simple. All places of a pair come into being in one merge, that of the younger
of its tokens; afterwards its count can only fall. And no two merges can make the same token: a
token's span is merged as it would be alone, since nothing ever crossed its ends, and alone it has
one derivation.

Taught in ch02_tokenizer/02_learn_bpe.ipynb.
Needs: numpy, tqdm.
"""

from collections.abc import Callable, Iterator, Mapping
from heapq import heapify, heappop, heappush, heapreplace

import numpy as np
from tqdm import tqdm

Pair = tuple[int, int]
_Entry = tuple[int, str, Pair]  # minus its count, a key for ties, the pair

_EDGE = 0xFF  # UTF-8 never uses this byte
_INVERT = bytes(range(255, -1, -1))


def learn_merges(
    piece_counts: Mapping[str, int], num_merges: int, *, progress: bool = False
) -> list[tuple[bytes, bytes]]:
    """The merges, in the order in which they are made.

    piece_counts: how often each piece occurs, at least once (see `count_pieces`); the order is of
    no consequence, since equal counts of pairs go to the lexicographically greatest pair of byte
    strings. progress: a bar on standard error that counts merges.

    Raises ValueError for a negative number of merges, counts below 1, half a surrogate pair, which
    has no UTF-8 bytes, and fewer possible merges than asked for.
    Cost: for each merge, the places of the rarer of its tokens and the distinct neighbours of the
    pair. Memory: 32 bytes for each byte of the distinct pieces, 300 for each distinct pair.

    >>> learn_merges({"low": 5, "lower": 2, "newest": 6, "widest": 3}, 4)
    [(b's', b't'), (b'e', b'st'), (b'o', b'w'), (b'l', b'ow')]
    """
    if num_merges < 0:
        raise ValueError(f"num_merges {num_merges} must not be negative")
    corpus = _Corpus(piece_counts)
    counts = corpus.count_pairs()
    tokens = [bytes([byte]) for byte in range(256)]
    order = [_reverse_order(token) for token in tokens]

    def entry(pair: Pair) -> _Entry:
        return -counts[pair], order[pair[0]] + order[pair[1]], pair

    heap = [entry(pair) for pair in counts]
    heapify(heap)
    merges = []
    for _ in tqdm(range(num_merges), desc="merge", unit=" merges", disable=not progress):
        pair = _pop_commonest(heap, counts, entry)
        if pair is None:
            raise ValueError(
                f"the corpus has only {len(merges)} pairs to merge, {num_merges} were asked for: "
                f"give more text or lower vocab_size by {num_merges - len(merges)}"
            )
        left, right = tokens[pair[0]], tokens[pair[1]]
        merges.append((left, right))
        tokens.append(left + right)
        order.append(_reverse_order(left + right))
        for old, new, count in corpus.merge(pair):
            counts[old] -= count
            counts[new] = count
            heappush(heap, entry(new))
    return merges


def _reverse_order(token: bytes) -> str:
    """A key that sorts byte strings from the greatest to the least, also inside a longer key."""
    return token.translate(_INVERT).decode("latin-1") + "\u0100"


def _pop_commonest(
    heap: list[_Entry], counts: dict[Pair, int], entry: Callable[[Pair], _Entry]
) -> Pair | None:
    """The commonest pair; an entry whose count has fallen is corrected once it is at the top."""
    while heap:
        written, _, pair = heap[0]
        if -written == counts[pair]:
            return heappop(heap)[2]
        if counts[pair]:
            heapreplace(heap, entry(pair))
        else:
            heappop(heap)
    return None


class _Corpus:
    """The distinct pieces, and where each token stands in them."""

    def __init__(self, piece_counts: Mapping[str, int]) -> None:
        pieces = [_utf8(piece) for piece in piece_counts]
        frequency = np.array(list(piece_counts.values()), dtype=np.float64)  # exact up to 2^53
        if len(pieces) and frequency.min() < 1:
            raise ValueError(f"a piece must occur at least once, not {frequency.min():g} times")
        edge = bytes([_EDGE])
        text = np.frombuffer(edge + b"".join(piece + edge for piece in pieces), np.uint8)
        spans = [len(piece) + 1 for piece in pieces]
        self.weight = np.concatenate([[0.0], np.repeat(frequency, spans)])  # of the piece at p
        self.begins = text.astype(np.int32)
        self.ends = self.begins.copy()
        self.size = [1] * 256  # of each token, in bytes
        by_token = np.argsort(text, kind="stable")
        self.places = np.split(by_token, np.cumsum(np.bincount(text, minlength=256))[:-1])

    def count_pairs(self) -> dict[Pair, int]:
        pairs = self.begins[:-1] * 256 + self.begins[1:]
        table = np.bincount(pairs, self.weight[:-1], minlength=256 * 256).reshape(256, 256)
        table[_EDGE] = table[:, _EDGE] = 0
        return {
            (left, right): int(table[left, right]) for left, right in np.argwhere(table).tolist()
        }

    def merge(self, pair: Pair) -> Iterator[tuple[Pair, Pair, int]]:
        """Make the next token from `pair`: (pair that was, pair that is, how often) beside it."""
        left, right = pair
        start = self.find(pair)
        new = len(self.size)
        self.size.append(self.size[left] + self.size[right])
        self.places.append(start)
        stop = start + self.size[new]
        self.begins[start + self.size[left]] = _EDGE
        self.begins[start] = new
        self.ends[stop - 1] = new
        weight = self.weight[start]
        for token, count in _tally(self.begins[stop], weight):
            # where the pair follows itself, what followed it was `left` until now
            yield (right, left if token == new else token), (new, token), count
        for token, count in _tally(self.ends[start - 1], weight):
            if token != new:
                yield (token, left), (token, new), count

    def find(self, pair: Pair) -> np.ndarray:
        """Where `pair` begins, from left to right without overlaps: search for its rarer token."""
        left, right = pair
        if len(self.places[left]) <= len(self.places[right]):
            start = self.find_token(left)
            start = start[self.begins[start + self.size[left]] == right]
        else:
            middle = self.find_token(right)
            start = middle[self.ends[middle - 1] == left] - self.size[left]
        return _without_overlaps(start, self.size[left]) if left == right else start

    def find_token(self, token: int) -> np.ndarray:
        """Where `token` begins; places where it has been merged are forgotten."""
        places = self.places[token]
        self.places[token] = places[self.begins[places] == token]
        return self.places[token]


def _utf8(piece: str) -> bytes:
    try:
        return piece.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"half a surrogate pair has no UTF-8 bytes: {piece!r}") from error


def _without_overlaps(start: np.ndarray, size: int) -> np.ndarray:
    """In each run of places `size` apart, such as those of "aa" in "aaaa", every other one."""
    run_begins = np.flatnonzero(np.diff(start, prepend=-size) != size)
    run_sizes = np.diff(run_begins, append=len(start))
    return start[(np.arange(len(start)) - np.repeat(run_begins, run_sizes)) % 2 == 0]


def _tally(tokens: np.ndarray, weight: np.ndarray) -> list[tuple[int, int]]:
    """Each token and the sum of its weights, edges left out."""
    totals = np.bincount(tokens, weight)
    totals[_EDGE : _EDGE + 1] = 0
    seen = np.flatnonzero(totals)
    return list(zip(seen.tolist(), map(int, totals[seen].tolist()), strict=True))
