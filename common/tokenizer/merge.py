"""BPE inside one piece of text: of all neighbours, the pair that was learned first is merged first.

Sennrich et al. 2016, arXiv:1508.07909, algorithm 1, with a heap of the pairs that may be merged
next. A piece is merged once and then remembered, since most of a text is pieces seen before.

Taught in ch02_tokenizer/03_encode_exactly.ipynb.
Needs: nothing but the standard library.
"""

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise

_MAX_REMEMBERED = 1 << 17  # pieces; with their ids about 30 MB
_MAX_REMEMBERED_CHARS = 32


class PieceIds(dict[str, list[int]]):
    """The ids of a piece: a dictionary that computes what it lacks and keeps it, within bounds.

    ranks: token -> id; merges: pairs of tokens, first learned first.

    >>> ranks = {bytes([byte]): byte for byte in range(256)} | {b"bc": 256, b"ab": 257}
    >>> PieceIds(ranks, [(b"b", b"c"), (b"a", b"b")])["abc"]
    [97, 256]
    """

    def __init__(self, ranks: Mapping[bytes, int], merges: Sequence[tuple[bytes, bytes]]) -> None:
        super().__init__()
        self._byte_ids = [ranks[bytes([byte])] for byte in range(256)]
        self._pair_ranks = {
            (ranks[left], ranks[right]): rank for rank, (left, right) in enumerate(merges)
        }
        self._merged_ids = [ranks[left + right] for left, right in merges]

    def __missing__(self, piece: str) -> list[int]:
        ids = self.merge(piece.encode())
        if len(piece) <= _MAX_REMEMBERED_CHARS and len(self) < _MAX_REMEMBERED:
            self[piece] = ids
        return ids

    def merge(self, piece: bytes) -> list[int]:
        """The ids of one piece of n bytes: earliest learned first, then leftmost.

        Cost: O(n log n), also for a piece of a million bytes.
        """
        ids = [self._byte_ids[byte] for byte in piece]
        size, ranks = len(ids), self._pair_ranks
        following, previous = list(range(1, size + 1)), list(range(-1, size - 1))
        pairs = enumerate(pairwise(ids))
        heap = [(ranks[pair], place) for place, pair in pairs if pair in ranks]
        heapify(heap)
        while heap:
            rank, left = heappop(heap)
            right = following[left]
            if right == size or ranks.get((ids[left], ids[right])) != rank:
                continue  # one of the two has been merged with another neighbour since
            ids[left], ids[right] = self._merged_ids[rank], -1
            before, after = previous[left], following[right]
            following[left] = after
            if after < size:
                previous[after] = left
                if (pair := (ids[left], ids[after])) in ranks:
                    heappush(heap, (ranks[pair], left))
            if before >= 0 and (pair := (ids[before], ids[left])) in ranks:
                heappush(heap, (ranks[pair], before))
        return [index for index in ids if index >= 0]
