"""Token ids on disk: a flat array of uint16 or uint32 that is mapped into memory, never loaded.

A shard is a .bin file of little-endian ids, every document followed by a separator, and an entry
under its name in the `shard.json` beside it, against which it is checked when opened.

Taught in ch02_tokenizer/02_encode_and_shard.ipynb.
Needs: encode.py (and numpy).
"""

import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from .encode import BPETokenizer

_MANIFEST = "shard.json"
_BATCH_IDS = 1 << 20


@dataclass(frozen=True)
class ShardInfo:
    """What a shard holds: number of token ids (separators among them), documents, bytes of text."""

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
) -> dict[str, ShardInfo]:
    """Write train.bin and valid.bin: {"train": ..., "valid": ...}.

    Documents are put in the order of a hash of their id and `seed`: a shuffle that is the same on
    every machine. Of each source the first `valid_fraction`, rounded up, are held out.

    Raises ValueError when `valid_fraction` is not between 0 and 1, or a part has no documents.
    """
    if not 0 < valid_fraction < 1:
        raise ValueError(f"valid_fraction {valid_fraction} must lie between 0 and 1")

    def order(document: _Document) -> bytes:
        return hashlib.sha256(f"{seed}:{document.id}".encode()).digest()

    parts: dict[str, list[_Document]] = {"train": [], "valid": []}
    for source in (town_docs, library_docs):
        documents = sorted(source, key=order)
        held_out = math.ceil(valid_fraction * len(documents))
        parts["valid"] += documents[:held_out]
        parts["train"] += documents[held_out:]
    infos = {}
    for name, documents in parts.items():
        if not documents:
            raise ValueError(f"the {name} part has no documents: give more than one a source")
        texts: Iterator[str] = (document.text for document in sorted(documents, key=order))
        infos[name] = write_shard(texts, tokenizer, Path(folder) / f"{name}.bin")
    return infos


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
