r"""Exchange a byte-level BPE with tiktoken's rank files and with the files that GPT-2 came in.

GPT-2 (Radford et al. 2019) was published as `encoder.json`, token -> id, and `vocab.bpe`, one merge
a line. tiktoken keeps one line a token, its bytes in base64 and its rank, which is its id; merges
are left out, since the ranks imply them. Each reader raises ValueError, naming the file, for
content that is damaged or contradicts itself. Each writer replaces its file in one step.

Taught in ch02_tokenizer/03_encode_exactly.ipynb.
Needs: parts.py, patterns.py, special.py, storage.py, and tiktoken for `to_tiktoken` alone.
"""

import base64
import hashlib
import os
from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from .parts import TokenizerParts
from .patterns import GPT2_PATTERN
from .special import SpecialTokens
from .storage import json_bytes, load_json, replace_file, visible

if TYPE_CHECKING:
    import tiktoken

_VERSION = "#version: 0.2"  # the first line of GPT-2's merges


# tiktoken


def merges_from_ranks(ranks: Mapping[bytes, int]) -> list[tuple[bytes, bytes]]:
    """The merges that a table of ranks implies, in their order.

    A token was made when everything of a lower rank had been merged, so merging that leaves two
    parts of it. Raises ValueError for a token that falls into more. Cost: about a second for 50,000
    tokens.

    >>> merges_from_ranks({bytes([b]): b for b in range(256)} | {b"ab": 256, b"abab": 257})
    [(b'a', b'b'), (b'ab', b'ab')]
    """
    merges = []
    for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
        if len(token) > 1:
            parts = _merge_below(rank, token, ranks)
            if len(parts) != 2:
                raise ValueError(
                    f"the token {token!r} of rank {rank} must be made of two tokens of lower "
                    f"ranks, but it falls into {len(parts)}: {parts}"
                )
            merges.append((parts[0], parts[1]))
    return merges


def _merge_below(rank: int, token: bytes, ranks: Mapping[bytes, int]) -> list[bytes]:
    """What merging pairs of ranks below `rank`, the lowest first, makes of the bytes of `token`."""
    parts = [token[at : at + 1] for at in range(len(token))]
    while len(parts) > 1:
        found = [ranks.get(left + right, rank) for left, right in pairwise(parts)]
        at = found.index(min(found))
        if found[at] >= rank:
            break
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


def parts_from_ranks(
    ranks: Mapping[bytes, int],
    special_tokens: Mapping[str, int] | Iterable[str] = (),
    *,
    pattern: str = GPT2_PATTERN,
) -> TokenizerParts:
    """The tokenizer of tiktoken's `mergeable_ranks`, `special_tokens` and `pat_str`.

    special_tokens: name -> id, or names, which get the ids after the greatest rank.

    >>> parts_from_ranks({bytes([b]): b for b in range(256)} | {b"ab": 256}, ["<|end|>"])[1:3]
    ([(b'a', b'b')], {'<|end|>': 257})
    """
    merges = merges_from_ranks(ranks)
    names = SpecialTokens(special_tokens).tokens
    if not isinstance(special_tokens, Mapping):
        special_tokens = {n: i for i, n in enumerate(names, max(ranks.values(), default=-1) + 1)}
    return TokenizerParts(dict(ranks), merges, dict(special_tokens), pattern).check("ranks")


def read_ranks(path: str | os.PathLike[str], *, sha256: str | None = None) -> dict[bytes, int]:
    r"""The ranks in a .tiktoken file, token -> id.

    sha256: what the file must have; without it, a file that has lost whole lines at its end looks
    whole. OpenAI lists the sums of its own files in `tiktoken_ext/openai_public.py`.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "small.tiktoken")
    >>> _ = path.write_text("IHRoZQ== 0\n/w== 0\n")
    >>> read_ranks(path)
    Traceback (most recent call last):
    ValueError: ...small.tiktoken, line 2: b' the' and b'\xff' both have rank 0
    """
    data = Path(path).read_bytes()
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError(f"{path} is damaged or cut off: its sha256 is not {sha256}")
    ranks: dict[bytes, int] = {}
    owners: dict[int, bytes] = {}
    for number, line in enumerate(data.splitlines(), start=1):
        where = f"{path}, line {number}"
        try:
            encoded, digits = line.split(b" ")
            token, rank = base64.b64decode(encoded, validate=True), int(digits)
            if not digits.isdigit():
                raise ValueError
        except ValueError:
            raise ValueError(
                f"{where}: must be a token in base64, a space and its rank, not {line[:80]!r}"
            ) from None
        if token in ranks or not token:
            raise ValueError(f"{where}: the token {token!r} is empty or there a second time")
        if rank in owners:
            raise ValueError(f"{where}: {owners[rank]!r} and {token!r} both have rank {rank}")
        ranks[token], owners[rank] = rank, token
    if not ranks:
        raise ValueError(f"{path} is empty")
    return ranks


def write_ranks(ranks: Mapping[bytes, int], path: str | os.PathLike[str]) -> str:
    r"""Write a .tiktoken file; returns its sha256, for `read_ranks`.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "small.tiktoken")
    >>> sha256 = write_ranks({b" the": 0, b"\xff": 1}, path)
    >>> path.read_text().splitlines()
    ['IHRoZQ== 0', '/w== 1']
    >>> read_ranks(path, sha256=sha256)
    {b' the': 0, b'\xff': 1}
    """
    by_rank = sorted(ranks.items(), key=lambda item: item[1])
    lines = [base64.b64encode(token) + f" {rank}\n".encode() for token, rank in by_rank]
    replace_file(path, data := b"".join(lines))
    return hashlib.sha256(data).hexdigest()


def to_tiktoken(parts: TokenizerParts, name: str) -> "tiktoken.Encoding":
    """The same tokenizer on OpenAI's Rust core; see `BPETokenizer.to_tiktoken`.

    >>> ranks = {bytes([byte]): byte for byte in range(256)} | {b"ow": 256}
    >>> to_tiktoken(parts_from_ranks(ranks, ["<|end|>"]), "small").encode_ordinary("low")
    [108, 256]
    """
    import tiktoken

    for ours, theirs in zip(parts.merges, merges_from_ranks(parts.ranks), strict=True):
        if ours != theirs:
            raise ValueError(
                f"tiktoken merges by id: the ids of these tokens say {theirs[0]!r} + {theirs[1]!r} "
                f"where the merges say {ours[0]!r} + {ours[1]!r}"
            )
    for short, long in pairwise(sorted(parts.special_tokens)):
        if long.startswith(short):
            raise ValueError(
                f"special token {long!r} begins with {short!r}: tiktoken finds whichever its hash "
                f"table lists first"
            )
    ranks, specials = parts.ranks, parts.special_tokens
    return tiktoken.Encoding(
        name, pat_str=parts.pattern, mergeable_ranks=ranks, special_tokens=specials
    )


# GPT-2


def read_gpt2_files(
    vocab_path: str | os.PathLike[str],
    merges_path: str | os.PathLike[str],
    *,
    special_tokens: Collection[str] = ("<|endoftext|>",),
    pattern: str = GPT2_PATTERN,
) -> TokenizerParts:
    """The tokenizer in GPT-2's encoder.json and vocab.bpe (elsewhere vocab.json and merges.txt).

    special_tokens: the entries of the vocabulary that no merge makes; the files do not tell.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "encoder.json").write_text('{"<|endoftext|>": 0}')
    >>> _ = (folder / "vocab.bpe").write_text("t h")
    >>> read_gpt2_files(folder / "encoder.json", folder / "vocab.bpe")
    Traceback (most recent call last):
    ValueError: ...vocab.bpe must begin with '#version: 0.2', not with 't h'
    """
    where = f"{vocab_path} with {merges_path}"
    vocab = load_json(vocab_path)
    try:
        lines = Path(merges_path).read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{merges_path} is damaged, it is not UTF-8: {error}") from error
    if not lines[0].startswith(_VERSION):
        raise ValueError(f"{merges_path} must begin with {_VERSION!r}, not with {lines[0][:80]!r}")
    merges = [line.split(" ") for line in lines[1:] if line]
    return TokenizerParts.from_visible(vocab, merges, special_tokens, pattern, where).check(where)


def write_gpt2_files(
    parts: TokenizerParts,
    vocab_path: str | os.PathLike[str],
    merges_path: str | os.PathLike[str],
) -> None:
    """Write GPT-2's two files; the pattern is not in them.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> vocab_path, merges_path = folder / "encoder.json", folder / "vocab.bpe"
    >>> ranks = {bytes([byte]): byte for byte in range(256)} | {b" t": 256}
    >>> parts = TokenizerParts(ranks, [(b" ", b"t")], {"<|endoftext|>": 257}, GPT2_PATTERN)
    >>> write_gpt2_files(parts, vocab_path, merges_path)
    >>> merges_path.read_text(encoding="utf-8").splitlines()
    ['#version: 0.2', 'Ġ t']
    >>> read_gpt2_files(vocab_path, merges_path) == parts
    True
    """
    vocab = parts.visible_vocab(vocab_path)
    merges = [f"{visible(left)} {visible(right)}" for left, right in parts.merges]
    replace_file(vocab_path, json_bytes(vocab))
    replace_file(merges_path, "".join(f"{line}\n" for line in [_VERSION, *merges]).encode())
