"""Token ids on disk: a flat array of uint16 or uint32 that is mapped into memory, never loaded.

A shard is a .bin file of little-endian ids, every document followed by a separator, and an entry
under its name in the `shard.json` beside it, against which it is checked when opened. A large
corpus is spread over several: train-00000.bin, train-00001.bin, and so on.

Taught in ch02_tokenizer/04_ids_to_vectors.ipynb.
Needs: _manifest.py, encode.py, parallel.py, reading.py.
"""

import hashlib
import math
import os
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np

from ._manifest import DTYPES, MANIFEST, ShardInfo, read_manifest, update_manifest
from .encode import BPETokenizer
from .parallel import encode_documents
from .reading import read_text

_Texts = str | os.PathLike[str] | Iterable[str | Iterable[str]]


def write_shard(
    input_path_or_texts: _Texts,
    tokenizer: BPETokenizer,
    path: str | os.PathLike[str],
    *,
    separator: str = "<|endoftext|>",
    dtype: str | None = None,
    allow_separator: bool = False,
    num_workers: int = 1,
) -> ShardInfo:
    """Encode texts to the shard `path`, each followed by `separator`, and record it.

    input_path_or_texts: a UTF-8 file, which may exceed memory, or texts (or iterables of chunks).
    dtype: "uint16" or "uint32"; None takes the smaller that can hold the vocabulary.
    allow_separator: whether a separator in the text ends a document, as in files that hold many. If
    not, a control token typed in a text stays text.
    num_workers: processes that encode (see `encode_documents`); the file is the same for any.
    Atomic: an error leaves what was there before. One writer at a time in a folder.

    Raises ValueError when the vocabulary does not fit `dtype`, the separator is no special token,
    or the file is not UTF-8. Memory: a few million characters.

    >>> import tempfile
    >>> tokenizer = BPETokenizer({i: bytes([i]) for i in range(256)}, [], ["<|endoftext|>"])
    >>> path = Path(tempfile.mkdtemp(), "two.bin")
    >>> write_shard(["ab", "c"], tokenizer, path)
    ShardInfo(tokens=5, documents=2, text_bytes=3, dtype='uint16')
    >>> open_shard(path).tolist()
    [97, 98, 256, 99, 256]
    """
    path = Path(path)
    arrays = _encode(input_path_or_texts, tokenizer, separator, dtype, allow_separator, num_workers)
    return _write(path, arrays, tokenizer, separator)[path.name]


def write_shards(
    input_path_or_texts: _Texts,
    tokenizer: BPETokenizer,
    path: str | os.PathLike[str],
    *,
    max_tokens: int,
    separator: str = "<|endoftext|>",
    dtype: str | None = None,
    allow_separator: bool = False,
    num_workers: int = 1,
) -> dict[str, ShardInfo]:
    """`write_shard` to files of `max_tokens` each, the last one shorter: {file name: ShardInfo}.

    For the path "train.bin" they are train-00000.bin, train-00001.bin, ... A document may begin in
    one and end in the next: the files joined are the one that `write_shard` writes.

    >>> import tempfile
    >>> tokenizer = BPETokenizer({i: bytes([i]) for i in range(256)}, [], ["<|endoftext|>"])
    >>> path = Path(tempfile.mkdtemp(), "two.bin")
    >>> infos = write_shards(["ab", "c"], tokenizer, path, max_tokens=4)
    >>> infos["two-00001.bin"]
    ShardInfo(tokens=1, documents=1, text_bytes=0, dtype='uint16')
    >>> [ids.tolist() for ids in open_shards(path)]
    [[97, 98, 256, 99], [256]]
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens {max_tokens} must be at least 1")
    arrays = _encode(input_path_or_texts, tokenizer, separator, dtype, allow_separator, num_workers)
    return _write(Path(path), arrays, tokenizer, separator, max_tokens)


def open_shard(path: str | os.PathLike[str], *, verify: bool = False) -> np.ndarray:
    """The ids of a shard (tokens,), read-only and mapped from disk: opening costs no reading.

    verify: whether to read the whole file and compare its sha256.

    Raises ValueError when `shard.json` is missing, damaged or does not know the shard, and when the
    shard is missing or is not what it promises.

    >>> open_shard("nowhere/train.bin")
    Traceback (most recent call last):
    ValueError: nowhere/shard.json is missing: without it nobody knows the dtype of the shards
    """
    path = Path(path)
    manifest, shards = path.with_name(MANIFEST), read_manifest(path.parent)
    if path.name not in shards:
        raise ValueError(f"{manifest} does not mention {path.name}")
    info = shards[path.name]
    expected = info.tokens * np.dtype(info.dtype).itemsize
    promise = f"{expected} bytes ({info.tokens} tokens of {info.dtype})"
    if not path.is_file():
        raise ValueError(f"{path} is missing: {manifest} promises {promise}")
    if path.stat().st_size != expected:
        raise ValueError(
            f"{path} must have {promise}, but has {path.stat().st_size}: it was cut off or belongs "
            f"to another {MANIFEST}"
        )
    if verify and (found := _sha256(path)) != info.sha256:
        raise ValueError(
            f"{path} is damaged: its sha256 must be {info.sha256[:12]}..., but is {found[:12]}..."
        )
    if info.tokens == 0:
        return np.zeros(0, dtype=info.dtype)
    return np.memmap(path, dtype=np.dtype(info.dtype).newbyteorder("<"), mode="r")


def open_shards(path: str | os.PathLike[str], *, verify: bool = False) -> list[np.ndarray]:
    """The shards that `write_shards` wrote for `path`, in order; each checked as by `open_shard`.

    >>> open_shards("nowhere/train.bin")
    Traceback (most recent call last):
    ValueError: nowhere/shard.json is missing: without it nobody knows the dtype of the shards
    """
    path = Path(path)
    names = _numbered(path, read_manifest(path.parent))
    for index in range(max(1, len(names))):
        if _number(path, index) not in names:
            raise ValueError(f"{path.with_name(MANIFEST)} does not mention {_number(path, index)}")
    return [open_shard(path.with_name(name), verify=verify) for name in names]


def _encode(
    texts: _Texts,
    tokenizer: BPETokenizer,
    separator: str,
    dtype: str | None,
    allow_separator: bool,
    num_workers: int,
) -> Iterator[np.ndarray]:
    """The ids of a file or of texts, of the dtype asked for or the smallest."""
    dtype = dtype or ("uint16" if tokenizer.vocab_size <= 1 << 16 else "uint32")
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be uint16 or uint32, not {dtype!r}")
    return encode_documents(
        [read_text(texts)] if isinstance(texts, (str, os.PathLike)) else texts,
        tokenizer,
        separator=separator,
        dtype=dtype,
        allow_separator=allow_separator,
        num_workers=num_workers,
    )


def _write(
    path: Path,
    arrays: Iterable[np.ndarray],
    tokenizer: BPETokenizer,
    separator: str,
    max_tokens: int | None = None,
) -> dict[str, ShardInfo]:
    """Write the shard `path`, or with `max_tokens` the set that it stands for: all or nothing."""
    before = read_manifest(path.parent) if path.with_name(MANIFEST).exists() else {}
    replaced = {path.name} & set(before) if max_tokens is None else set(_numbered(path, before))
    sizes = np.array([len(tokenizer.vocab.get(i, b"")) for i in range(tokenizer.vocab_size)])
    sizes[list(tokenizer.special_tokens.values())] = 0  # they are no text
    end_id, unfinished, infos = tokenizer.special_id(separator), {}, {}
    try:
        for index, parts in groupby(_cut(arrays, max_tokens or math.inf), key=itemgetter(0)):
            name = path.name if max_tokens is None else _number(path, index)
            unfinished[name] = path.with_name(f"{name}.{os.getpid()}.tmp")
            infos[name] = _write_file(unfinished[name], parts, sizes, end_id)
        update_manifest(path.parent, dict.fromkeys(replaced))  # no old entry for a new file
        for name, file in unfinished.items():
            os.replace(file, path.with_name(name))
        update_manifest(path.parent, infos)
    finally:
        for file in unfinished.values():
            file.unlink(missing_ok=True)
    for name in replaced - set(infos):  # of an earlier, longer set
        path.with_name(name).unlink(missing_ok=True)
    return infos


def _write_file(
    path: Path, parts: Iterable[tuple[int, np.ndarray]], sizes: np.ndarray, end_id: int
) -> ShardInfo:
    """Write the arrays of `parts` and count what they hold. sizes: the bytes of text of each id."""
    tokens = documents = text_bytes = 0
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        for _, ids in parts:
            file.write(ids.data)
            digest.update(ids.data)
            tokens += len(ids)
            documents += int((ids == end_id).sum())
            text_bytes += int(sizes[ids].sum())
    return ShardInfo(tokens, documents, text_bytes, ids.dtype.name, digest.hexdigest())


def _cut(arrays: Iterable[np.ndarray], max_tokens: float) -> Iterator[tuple[int, np.ndarray]]:
    """(number of the shard, ids) in order: no array reaches over the end of a shard."""
    index, room = 0, max_tokens
    for ids in arrays:
        while len(ids) > room:
            yield index, ids[:room]
            ids, index, room = ids[room:], index + 1, max_tokens
        yield index, ids
        room -= len(ids)


def _number(path: Path, index: int) -> str:
    return f"{path.stem}-{index:05d}{path.suffix}"


def _numbered(path: Path, shards: Iterable[str]) -> list[str]:
    """The shards of the set that `path` stands for, in order."""
    name = re.compile(rf"{re.escape(path.stem)}-\d{{5,}}{re.escape(path.suffix)}")
    return sorted(filter(name.fullmatch, shards), key=lambda name: (len(name), name))


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
