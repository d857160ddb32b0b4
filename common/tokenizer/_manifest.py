"""What a shard holds, and the `shard.json` that says so for every shard of a folder.

Needs: nothing but the standard library.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

MANIFEST = "shard.json"
DTYPES = ("uint16", "uint32")


@dataclass(frozen=True)
class ShardInfo:
    """What a shard holds: number of token ids (separators among them), documents that end in it,
    bytes of their text, and the sha256 of the file.

    >>> ShardInfo(tokens=500, documents=2, text_bytes=1200, dtype="uint16", sha256="0f...").tokens
    500
    """

    tokens: int
    documents: int
    text_bytes: int
    dtype: str
    sha256: str = field(repr=False)

    def __post_init__(self) -> None:
        counts = (self.tokens, self.documents, self.text_bytes)
        if not all(type(count) is int and count >= 0 for count in counts):
            raise ValueError(f"tokens, documents and text_bytes must be counts, not {counts}")
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype must be uint16 or uint32, not {self.dtype!r}")
        if not isinstance(self.sha256, str):
            raise ValueError(f"sha256 must be a string, not {self.sha256!r}")


def read_manifest(folder: Path) -> dict[str, ShardInfo]:
    """What `shard.json` in `folder` says of each shard; ValueError names what is wrong with it."""
    path = folder / MANIFEST
    if not path.exists():
        raise ValueError(f"{path} is missing: without it nobody knows the dtype of the shards")
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged or cut off, it is not JSON: {error}") from error
    if not isinstance(entries, dict):
        raise ValueError(f"{path} is damaged: it must hold an object, not {entries!r:.40}")
    shards = {}
    for name, entry in entries.items():
        try:
            shards[name] = _info(entry)
        except ValueError as error:
            raise ValueError(f"{path} is damaged at {name!r}: {error}") from error
    return shards


def update_manifest(folder: Path, changes: Mapping[str, ShardInfo | None]) -> None:
    """Set or (None) remove entries of `shard.json` in one step."""
    path = folder / MANIFEST
    shards = (read_manifest(folder) if path.exists() else {}) | changes
    entries = {name: asdict(info) for name, info in shards.items() if info is not None}
    unfinished = path.with_name(f"{MANIFEST}.{os.getpid()}.tmp")
    try:
        unfinished.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _info(entry: object) -> ShardInfo:
    names = [field.name for field in fields(ShardInfo)]
    if not isinstance(entry, dict) or sorted(entry) != sorted(names):
        raise ValueError(f"it must have {', '.join(names)}, but has {entry!r:.60}")
    return ShardInfo(**entry)
