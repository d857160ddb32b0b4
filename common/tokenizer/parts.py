"""What fixes the ids of a byte-level BPE, in no library's own format, and whether it makes sense.

Every reader of a file ends here and every writer begins here, so that one place decides what a
damaged tokenizer is: a vocabulary and merges that disagree, an id that is given twice, ids that
nobody has.

Taught in ch02_tokenizer/03_encode_exactly.ipynb.
Needs: storage.py.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from .storage import invisible, visible

_BYTES = [bytes([byte]) for byte in range(256)]


class TokenizerParts(NamedTuple):
    r"""Everything that fixes the ids of a byte-level BPE.

    ranks: token -> id, for the 256 bytes and what merges make; special_tokens: name -> id.

    >>> ranks = {bytes([byte]): byte for byte in range(256)} | {b"ow": 256}
    >>> TokenizerParts(ranks, [(b"o", b"w")], {"<|end|>": 256}, r"\s+|\S+").check("small.json")
    Traceback (most recent call last):
    ValueError: small.json: id 256 stands for two tokens, b'ow' and '<|end|>'
    """

    ranks: dict[bytes, int]
    merges: list[tuple[bytes, bytes]]
    special_tokens: dict[str, int]
    pattern: str

    @classmethod
    def from_visible(
        cls,
        vocab: Mapping[str, int],
        merges: Iterable[Sequence[str]],
        special_tokens: Collection[str],
        pattern: str,
        where: object,
    ) -> "TokenizerParts":
        """The parts written in visible characters, special tokens as they are; checked."""
        if wrong := [token for token, index in vocab.items() if type(index) is not int]:
            raise ValueError(f"{where}: the id of {wrong[0]!r} must be a whole number")
        if missing := [name for name in special_tokens if name not in vocab]:
            raise ValueError(f"{where}: the special token {missing[0]!r} has no id")
        specials = {name: vocab[name] for name in special_tokens}
        pairs = []
        try:
            ranks = {invisible(t): index for t, index in vocab.items() if t not in specials}
            for merge in merges:
                if len(merge) != 2:
                    raise ValueError(f"a merge must be two tokens, not {merge}")
                pairs.append((invisible(merge[0]), invisible(merge[1])))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{where}: {error}") from None
        return cls(ranks, pairs, specials, pattern)

    def check(self, where: object, *, gaps: bool = False) -> "TokenizerParts":
        """These parts, if they agree with each other; else ValueError, beginning with `where`.

        gaps: whether ids below the greatest of `ranks` may be unused.
        """
        made = set(_BYTES)
        for token in _BYTES:
            if token not in self.ranks:
                raise ValueError(f"{where}: all 256 single bytes must be there, {token!r} is not")
        for left, right in self.merges:
            merge = f"{where}: merge {left!r} + {right!r}"
            if left not in made or right not in made:
                raise ValueError(f"{merge} uses a token that no merge before it makes")
            if left + right in made:
                raise ValueError(f"{merge} makes {left + right!r} a second time")
            if left + right not in self.ranks:
                raise ValueError(f"{merge} makes {left + right!r}, which has no id")
            made.add(left + right)
        if rest := [token for token in self.ranks if token not in made]:
            raise ValueError(
                f"{where}: {len(rest)} tokens, {rest[0]!r} first, are made by no merge and are no "
                f"special tokens: are merges missing?"
            )
        owners: dict[int, bytes | str] = {}
        for token, index in [*self.ranks.items(), *self.special_tokens.items()]:
            if index in owners:
                raise ValueError(
                    f"{where}: id {index} stands for two tokens, {owners[index]!r} and {token!r}"
                )
            owners[index] = token
        if min(owners) < 0:
            raise ValueError(f"{where}: id {min(owners)} of {owners[min(owners)]!r} is below 0")
        if not gaps and (unused := set(range(max(self.ranks.values()))) - set(owners)):
            raise ValueError(
                f"{where}: no token has the id {min(unused)}, {len(unused)} are unused"
            )
        return self

    def visible_vocab(self, where: object) -> dict[str, int]:
        """Every token in visible characters -> its id, special tokens as they are, in id order."""
        vocab = {visible(token): index for token, index in self.check(where).ranks.items()}
        for name, index in self.special_tokens.items():
            if vocab.setdefault(name, index) != index:
                raise ValueError(f"{where}: special token {name!r} is written like another token")
        return dict(sorted(vocab.items(), key=lambda item: item[1]))
