"""Token ids on disk: a flat array of uint16 or uint32 that is mapped into memory, never loaded.

A shard is a .bin file of little-endian ids, every document followed by a separator, and an entry
under its name in the `shard.json` beside it, against which it is checked when opened.

Taught in ch02_tokenizer/03_encode_exactly.ipynb.
Needs: encode.py.
"""

import hashlib
import json
import math
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from .encode import BPETokenizer

_MANIFEST = "shard.json"
_BATCH_IDS = 1 << 20


@dataclass(frozen=True)
class ShardInfo:
    """What a shard holds: number of token ids (separators among them), documents, bytes of text.

    >>> ShardInfo(tokens=500, documents=2, text_bytes=1200, dtype="uint16").tokens
    500
    """

    tokens: int
    documents: int
    text_bytes: int
    dtype: str


class _Document(Protocol):
    id: str
    text: str


def write_shard(
    texts: Iterable[str],
    tokenizer: BPETokenizer,
    path: str | os.PathLike[str],
    *,
    separator: str = "<|endoftext|>",
    dtype: str | None = None,
) -> ShardInfo:
    """Encode `texts` one by one to the shard `path`, each followed by `separator`, and record it.

    A control token typed in a text stays text. dtype: "uint16" or "uint32"; None takes the smaller
    that can hold the vocabulary. Atomic: `path` appears complete or not at all.

    Raises ValueError when the vocabulary does not fit `dtype` or the separator is no special token.
    Memory: one text and a million ids.

    >>> import tempfile
    >>> tokenizer = BPETokenizer({i: bytes([i]) for i in range(256)}, [], ["<|endoftext|>"])
    >>> path = Path(tempfile.mkdtemp(), "two.bin")
    >>> write_shard(["ab", "c"], tokenizer, path)
    ShardInfo(tokens=5, documents=2, text_bytes=3, dtype='uint16')
    >>> open_shard(path).tolist()
    [97, 98, 256, 99, 256]
    """
    path, end_id = Path(path), tokenizer.special_id(separator)
    dtype = dtype or ("uint16" if tokenizer.vocab_size <= 1 << 16 else "uint32")
    if dtype not in ("uint16", "uint32"):
        raise ValueError(f"dtype must be uint16 or uint32, not {dtype!r}")
    if tokenizer.vocab_size > np.iinfo(dtype).max + 1:
        raise ValueError(
            f"vocab_size {tokenizer.vocab_size} does not fit {dtype}, which ends at "
            f"{np.iinfo(dtype).max}"
        )
    tokens = documents = text_bytes = 0
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with open(unfinished, "wb") as file:
            ids: list[int] = []
            for text in texts:
                ids += tokenizer.encode_ordinary(text)
                ids.append(end_id)
                documents += 1
                text_bytes += len(text.encode())
                if len(ids) >= _BATCH_IDS:
                    tokens += len(ids)
                    file.write(_to_bytes(ids, dtype))
                    ids = []
            tokens += len(ids)
            file.write(_to_bytes(ids, dtype))
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    info = ShardInfo(tokens, documents, text_bytes, dtype)
    _record(path, info)
    return info


def open_shard(path: str | os.PathLike[str]) -> np.ndarray:
    """The ids of a shard (tokens,), read-only and mapped from disk: opening costs no reading.

    Raises ValueError when `shard.json` is missing, damaged or does not know the shard, and when the
    size of the file is not what it promises.

    >>> open_shard("nowhere/train.bin")
    Traceback (most recent call last):
    ValueError: nowhere/shard.json is missing: without it nobody knows the dtype of the shards
    """
    path = Path(path)
    shards = _read_manifest(path.with_name(_MANIFEST))
    if path.name not in shards:
        raise ValueError(f"{path.with_name(_MANIFEST)} does not mention {path.name}")
    info = ShardInfo(**shards[path.name])
    expected = info.tokens * np.dtype(info.dtype).itemsize
    if path.stat().st_size != expected:
        raise ValueError(
            f"{path} must have {expected} bytes ({info.tokens} tokens of {info.dtype}), but has "
            f"{path.stat().st_size}: it was cut off or belongs to another {_MANIFEST}"
        )
    if info.tokens == 0:
        return np.zeros(0, dtype=info.dtype)
    return np.memmap(path, dtype=np.dtype(info.dtype).newbyteorder("<"), mode="r")


def write_corpus_shards(
    town_docs: Iterable[_Document],
    library_docs: Iterable[_Document],
    tokenizer: BPETokenizer,
    folder: str | os.PathLike[str],
    *,
    valid_fraction: float,
    seed: int,
    library_share: float = 1.0,
) -> dict[str, ShardInfo]:
    """Write train.bin and valid.bin: {"train": ..., "valid": ...}.

    Documents are put in the order of a hash of their id and `seed`: a shuffle that is the same on
    every machine. Of each source the first `valid_fraction`, rounded up, are held out. In that
    order, library documents are left out that would take more than `library_share` of all bytes.

    Raises ValueError when a fraction is not between 0 and 1, or a part has no documents.

    >>> import tempfile
    >>> from types import SimpleNamespace
    >>> documents = [SimpleNamespace(id=str(i), text="some text") for i in range(100)]
    >>> tokenizer = BPETokenizer({i: bytes([i]) for i in range(256)}, [], ["<|endoftext|>"])
    >>> folder = tempfile.mkdtemp()
    >>> infos = write_corpus_shards(documents, [], tokenizer, folder, valid_fraction=0.02, seed=0)
    >>> infos["train"].documents, infos["valid"].documents
    (98, 2)
    """
    if not 0 < valid_fraction < 1:
        raise ValueError(f"valid_fraction {valid_fraction} must lie between 0 and 1")
    if not 0 <= library_share <= 1:
        raise ValueError(f"library_share {library_share} must lie between 0 and 1")

    def order(document: _Document) -> bytes:
        return hashlib.sha256(f"{seed}:{document.id}".encode()).digest()

    town = sorted(town_docs, key=order)
    library = _share(sorted(library_docs, key=order), town, library_share)
    parts: dict[str, list[_Document]] = {"train": [], "valid": []}
    for documents in (town, library):
        held_out = math.ceil(valid_fraction * len(documents))
        parts["valid"] += documents[:held_out]
        parts["train"] += documents[held_out:]
    infos = {}
    for name, documents in parts.items():
        if not documents:
            raise ValueError(f"the {name} part has no documents: give more than one a source")
        texts = (document.text for document in sorted(documents, key=order))
        infos[name] = write_shard(texts, tokenizer, Path(folder) / f"{name}.bin")
    return infos


def _share(library: list[_Document], town: list[_Document], share: float) -> list[_Document]:
    """The documents of `library` that fit, in order, into `share` of the bytes of both."""
    if share == 1:
        return library
    room = share / (1 - share) * sum(len(document.text.encode()) for document in town)
    chosen = []
    for document in library:
        if (size := len(document.text.encode())) <= room:
            chosen.append(document)
            room -= size
    return chosen


def _to_bytes(ids: list[int], dtype: str) -> bytes:
    return np.array(ids, dtype=np.dtype(dtype).newbyteorder("<")).tobytes()


def _read_manifest(path: Path) -> dict[str, dict]:
    if not path.exists():
        raise ValueError(f"{path} is missing: without it nobody knows the dtype of the shards")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged or cut off, it is not JSON: {error}") from error


def _record(path: Path, info: ShardInfo) -> None:
    manifest = path.with_name(_MANIFEST)
    shards = _read_manifest(manifest) if manifest.exists() else {}
    shards[path.name] = asdict(info)
    unfinished = manifest.with_name(f"{_MANIFEST}.{os.getpid()}.tmp")
    unfinished.write_text(json.dumps(shards, indent=1) + "\n", encoding="utf-8")
    os.replace(unfinished, manifest)
