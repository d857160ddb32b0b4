"""Encode text to token ids and back with a trained byte-level BPE.

A text is cut at special tokens, the rest into pieces, and inside each piece the pair that was
learned first is merged first, until none is left (Sennrich et al. 2016, arXiv:1508.07909). The same
ids as tiktoken and Hugging Face tokenizers with the same merges. A piece is merged once and then
remembered, so that common text costs one dictionary lookup a piece.

Taught in ch02_tokenizer/03_encode_exactly.ipynb.
Needs: patterns.py, special.py, storage.py, and tiktoken for `to_tiktoken` alone.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import chain, pairwise
from typing import TYPE_CHECKING

from .patterns import GPT2_PATTERN, Splitter
from .special import SpecialTokens, stream_segments
from .storage import invisible, read_json, visible, write_json

if TYPE_CHECKING:
    import tiktoken

_MAX_REMEMBERED = 1 << 17  # pieces; with their ids about 30 MB
_MAX_REMEMBERED_CHARS = 32


class BPETokenizer:
    """Text to ids and back.

    vocab: id -> bytes, with every single byte in it; merges: pairs of byte strings, first learned
    first; special_tokens: each takes the id that `vocab` gives it, or a new one after all others.

    >>> tokenizer = BPETokenizer(dict(enumerate(bytes([b]) for b in range(256))) | {256: b"ow"},
    ...                          [(b"o", b"w")], ["<|end|>"])
    >>> tokenizer.encode("low<|end|>")
    [108, 256, 257]
    >>> tokenizer.decode([108, 256, 257])
    'low<|end|>'
    """

    def __init__(
        self,
        vocab: Mapping[int, bytes],
        merges: Sequence[tuple[bytes, bytes]],
        special_tokens: Iterable[str] | None = None,
        *,
        pattern: str = GPT2_PATTERN,
    ) -> None:
        self.vocab = dict(vocab)
        self.merges = [(left, right) for left, right in merges]
        self._splitter = Splitter(pattern)
        self._specials = SpecialTokens(special_tokens or ())
        ids_of: dict[bytes, list[int]] = {}
        for index, token in sorted(self.vocab.items()):
            ids_of.setdefault(token, []).append(index)
        self._ranks = self._made_tokens(ids_of)
        self.special_tokens: dict[str, int] = {}
        for name in self._specials.tokens:
            own = [i for i in ids_of.get(name.encode(), ()) if i != self._ranks.get(name.encode())]
            self.special_tokens[name] = own[0] if own else self.vocab_size
            self.vocab[self.special_tokens[name]] = name.encode()
        self._byte_ids = [self._ranks[bytes([b])] for b in range(256)]
        self._pair_ranks = {
            (self._ranks[left], self._ranks[right]): rank
            for rank, (left, right) in enumerate(self.merges)
        }
        self._merged_ids = [self._ranks[left + right] for left, right in self.merges]
        self._piece_ids = _Remembered(lambda piece: self._merge_piece(piece.encode()))

    @property
    def pattern(self) -> str:
        """The pattern that cuts text into pieces."""
        return self._splitter.pattern

    @property
    def vocab_size(self) -> int:
        """How many rows an embedding table needs: the greatest id plus one."""
        return max(self.vocab) + 1

    def special_id(self, name: str) -> int:
        """The id of the special token `name`; ValueError lists those that there are."""
        if name not in self.special_tokens:
            raise ValueError(f"{name!r} is no special token; there are {list(self.special_tokens)}")
        return self.special_tokens[name]

    def encode(
        self,
        text: str,
        *,
        allowed_special: str | Collection[str] = "all",
        disallowed_special: str | Collection[str] = (),
    ) -> list[int]:
        """The ids of `text`.

        allowed_special: the special tokens that become their id where they stand in the text; the
        others are text like any other. For text that a user typed give `()`.
        disallowed_special: tokens that raise ValueError instead ("all": those not allowed).

        Cost: about 9 MB/s of English on one core once its words have been seen.
        """
        watched, refused = self._watched(allowed_special, disallowed_special)
        ids: list[int] = []
        for index, part in enumerate(watched.split(text)):
            if index % 2:
                ids.append(self._special(part, refused))
            else:
                ids += self.encode_ordinary(part)
        return ids

    def encode_ordinary(self, text: str) -> list[int]:
        """The ids of `text` with no special tokens in it: a control token cannot come out."""
        try:
            pieces = self._splitter.pieces(text)
            return list(chain.from_iterable(map(self._piece_ids.__getitem__, pieces)))
        except UnicodeEncodeError:
            at = next(i for i, char in enumerate(text) if "\ud800" <= char <= "\udfff")
            raise ValueError(
                f"character {at} is the lone surrogate {text[at]!r}, which has no UTF-8 bytes"
            ) from None

    def encode_batch(
        self, texts: Iterable[str], *, allowed_special: str | Collection[str] = "all"
    ) -> list[list[int]]:
        """`encode` of each text."""
        return [self.encode(text, allowed_special=allowed_special) for text in texts]

    def encode_iterable(
        self,
        chunks: Iterable[str],
        *,
        allowed_special: str | Collection[str] = "all",
        disallowed_special: str | Collection[str] = (),
    ) -> Iterator[int]:
        """Yield the ids of the joined chunks, lazily, wherever words and special tokens are cut.

        Memory: the longest chunk or piece. An open text file is an iterable of chunks (its lines);
        open it with newline="" to keep its line ends. A pattern of your own must not look more than
        four characters past a piece that ends in something visible.
        """
        watched, refused = self._watched(allowed_special, disallowed_special)
        for segment, is_special in stream_segments(chunks, self._splitter, watched):
            if is_special:
                yield self._special(segment, refused)
            else:
                yield from self.encode_ordinary(segment)

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of `ids`; they may start or end inside a character."""
        try:
            return b"".join(map(self.vocab.__getitem__, ids))
        except KeyError as error:
            raise ValueError(
                f"id {error.args[0]} is unknown: the vocabulary has the ids 0 to "
                f"{self.vocab_size - 1}"
            ) from None

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`; bytes that are no UTF-8 become U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one readable JSON file; a crash leaves the old file, never half a new one."""
        content = {
            "pattern": self.pattern,
            "special_tokens": self.special_tokens,
            "merges": [f"{visible(left)} {visible(right)}" for left, right in self.merges],
            "vocab": {visible(token): index for token, index in self._ranks.items()},
        }
        write_json(content, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "BPETokenizer":
        """The tokenizer that `save` wrote; ValueError names a damaged file and what is wrong."""
        content = read_json(path)
        vocab = {index: invisible(token) for token, index in content["vocab"].items()}
        vocab |= {index: token.encode() for token, index in content["special_tokens"].items()}
        merges = [tuple(map(invisible, merge.split(" "))) for merge in content["merges"]]
        return cls(vocab, merges, content["special_tokens"], pattern=content["pattern"])

    def to_tiktoken(self, name: str = "llm-from-scratch-companion") -> "tiktoken.Encoding":
        """The same tokenizer on OpenAI's Rust core, for production.

        Raises ValueError for merges (never for trained ones) that tiktoken would read differently.
        """
        import tiktoken

        ids = [self._ranks[left + right] for left, right in self.merges]
        if ids != sorted(ids):
            raise ValueError("tiktoken merges by id: the ids of merges must rise in their order")
        for token, index in self._ranks.items():
            if self._merge_piece(token) != [index]:
                raise ValueError(f"tiktoken makes {token!r} one token, but these merges never do")
        return tiktoken.Encoding(
            name,
            pat_str=self.pattern,
            mergeable_ranks=self._ranks,
            special_tokens=self.special_tokens,
        )

    def _merge_piece(self, piece: bytes) -> list[int]:
        """BPE inside one piece of n bytes in O(n log n): earliest learned first, then leftmost."""
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

    def _made_tokens(self, ids_of: dict[bytes, list[int]]) -> dict[bytes, int]:
        """Token -> id for the bytes and what the merges make of them, or ValueError."""
        made: dict[bytes, int] = {}
        for token in (bytes([b]) for b in range(256)):
            if token not in ids_of:
                raise ValueError(f"vocab must hold all 256 single bytes, but {token!r} is missing")
            made[token] = ids_of[token][0]
        for left, right in self.merges:
            merge = f"merge {left!r} + {right!r}"
            if left not in made or right not in made:
                raise ValueError(f"{merge} uses a token that no merge before it makes")
            if left + right in made:
                raise ValueError(f"{merge} makes {left + right!r} a second time")
            if left + right not in ids_of:
                raise ValueError(f"{merge} makes {left + right!r}, which vocab does not hold")
            made[left + right] = ids_of[left + right][0]
        return made

    def _watched(
        self, allowed: str | Collection[str], disallowed: str | Collection[str]
    ) -> tuple[SpecialTokens, set[str]]:
        """The special tokens to look for, and those among them that are refused."""
        if allowed == "all" and not disallowed:
            return self._specials, set()
        allow = set(self.special_tokens if allowed == "all" else self._known(allowed))
        if disallowed == "all":
            refuse = set(self.special_tokens) - allow
        else:
            refuse = set(self._known(disallowed))
        return SpecialTokens(sorted(allow | refuse)), refuse

    def _known(self, names: str | Collection[str]) -> list[str]:
        if isinstance(names, str):
            raise ValueError(f'give "all" or a collection of special tokens, not {names!r}')
        return [name for name in names if self.special_id(name) >= 0]

    def _special(self, token: str, refused: set[str]) -> int:
        if token in refused:
            raise ValueError(
                f"the text contains the disallowed special token {token!r}: allow it to make it a "
                f"control token, or leave it out of disallowed_special to read it as text"
            )
        return self.special_tokens[token]


class _Remembered(dict):
    """A dictionary that computes what it misses, and keeps it while small."""

    def __init__(self, compute: Callable[[str], list[int]]) -> None:
        super().__init__()
        self._compute = compute

    def __missing__(self, piece: str) -> list[int]:
        ids = self._compute(piece)
        if len(piece) <= _MAX_REMEMBERED_CHARS and len(self) < _MAX_REMEMBERED:
            self[piece] = ids
        return ids
