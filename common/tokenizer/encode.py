"""Encode text to token ids and back with a trained byte-level BPE.

A text is cut at special tokens, the rest into pieces, and each piece is merged alone (Sennrich et
al. 2016, arXiv:1508.07909). The same ids as tiktoken and Hugging Face's tokenizers with the same
merges. Nothing is lost: decoding gives back every byte.

Taught in ch02_tokenizer/03_encode_exactly.ipynb.
Needs: patterns.py, special.py, merge.py, parts.py, storage.py, exchange.py, huggingface.py, and
tiktoken or tokenizers for the method named after it alone.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from . import exchange, huggingface
from .merge import PieceIds
from .parts import TokenizerParts
from .patterns import GPT2_PATTERN, Splitter
from .special import SpecialTokens, stream_segments
from .storage import read_json, visible, write_json

if TYPE_CHECKING:
    import tiktoken
    import tokenizers


class BPETokenizer:
    """Text to ids and back.

    vocab: id -> bytes, with every single byte in it; merges: pairs of byte strings, first learned
    first; special_tokens: name -> id, or names: each takes the id that `vocab` gives it, or a new
    one after all others.

    Raises ValueError for duplicate or empty special tokens, merges of tokens that are not there or
    that make one twice, and an id that is given twice.

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
        special_tokens: Mapping[str, int] | Iterable[str] | None = None,
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
        made = [*(bytes([b]) for b in range(256)), *(left + right for left, right in self.merges)]
        self._ranks = {token: ids_of[token][0] for token in made if token in ids_of}
        self.special_tokens: dict[str, int] = {}
        for name in self._specials.tokens:
            token = name.encode()
            own = [i for i in ids_of.get(token, ()) if i != self._ranks.get(token)]
            index = own[0] if own else self.vocab_size
            if isinstance(special_tokens, Mapping):
                index = special_tokens[name]
            if self.vocab.setdefault(index, token) != token:
                raise ValueError(f"id {index} of {name!r} belongs to {self.vocab[index]!r}")
            self.special_tokens[name] = index
        self._parts = TokenizerParts(self._ranks, self.merges, self.special_tokens, pattern)
        self._parts.check("vocab", gaps=True)
        self._piece_ids = PieceIds(self._ranks, self.merges)

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
        self,
        texts: Iterable[str],
        *,
        allowed_special: str | Collection[str] = "all",
        disallowed_special: str | Collection[str] = (),
    ) -> list[list[int]]:
        """`encode` of each text."""
        options = {"allowed_special": allowed_special, "disallowed_special": disallowed_special}
        return [self.encode(text, **options) for text in texts]

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
        ranks, merges, special_tokens, pattern = self.parts
        content = {
            "pattern": pattern,
            "special_tokens": special_tokens,
            "merges": [f"{visible(left)} {visible(right)}" for left, right in merges],
            "vocab": {visible(token): index for token, index in ranks.items()},
        }
        write_json(content, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "BPETokenizer":
        """The tokenizer that `save` wrote; ValueError names a damaged file and what is wrong."""
        content = read_json(path)
        if lacking := {"pattern", "special_tokens", "merges", "vocab"} - set(content):
            raise ValueError(f"{path} lacks {min(lacking)!r}")
        merges = [merge.split(" ") for merge in content["merges"]]
        pattern, specials = content["pattern"], content["special_tokens"]
        parts = TokenizerParts.from_visible(content["vocab"], merges, (), pattern, path)
        return cls._of(parts._replace(special_tokens=specials).check(path, gaps=True))

    @classmethod
    def from_gpt2_files(
        cls,
        vocab_path: str | os.PathLike[str],
        merges_path: str | os.PathLike[str],
        special_tokens: Collection[str] = ("<|endoftext|>",),
        *,
        pattern: str = GPT2_PATTERN,
    ) -> "BPETokenizer":
        """From encoder.json and vocab.bpe, as GPT-2 was published; `exchange.read_gpt2_files`."""
        return cls._of(
            exchange.read_gpt2_files(
                vocab_path, merges_path, special_tokens=special_tokens, pattern=pattern
            )
        )

    @classmethod
    def from_ranks(
        cls,
        ranks: Mapping[bytes, int],
        special_tokens: Mapping[str, int] | Iterable[str] = (),
        *,
        pattern: str = GPT2_PATTERN,
    ) -> "BPETokenizer":
        """From tiktoken's ranks, token -> id (`exchange.read_ranks`), and the pattern they need."""
        return cls._of(exchange.parts_from_ranks(ranks, special_tokens, pattern=pattern))

    @classmethod
    def from_huggingface(cls, path: str | os.PathLike[str]) -> "BPETokenizer":
        """From a tokenizer.json of Hugging Face; see `huggingface.read_huggingface`."""
        return cls._of(huggingface.read_huggingface(path))

    def to_huggingface(self) -> "tokenizers.Tokenizer":
        """The same tokenizer as Hugging Face's object; `huggingface.write_huggingface` writes it.

        Its `encode` always finds special tokens in the text.
        """
        return huggingface.to_huggingface(self.parts)

    def to_tiktoken(self, name: str = "llm-from-scratch-companion") -> "tiktoken.Encoding":
        """The same tokenizer on OpenAI's Rust core, for production.

        Raises ValueError for merges (never for trained ones) that tiktoken would read differently,
        and for a special token that begins another.
        """
        return exchange.to_tiktoken(self.parts, name)

    @property
    def parts(self) -> TokenizerParts:
        """What the writers in exchange.py and huggingface.py write."""
        known = {*self._ranks.values(), *self.special_tokens.values()}
        if rest := [token for index, token in self.vocab.items() if index not in known]:
            raise ValueError(
                f"vocab holds {rest[0]!r}, which no merge makes: name it in special_tokens"
            )
        return self._parts

    @classmethod
    def _of(cls, parts: TokenizerParts) -> "BPETokenizer":
        vocab = {index: token for token, index in parts.ranks.items()}
        return cls(vocab, parts.merges, parts.special_tokens, pattern=parts.pattern)

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
