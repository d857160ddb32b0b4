"""Where documents come from, in parts that any process can read by itself.

Needs: document.py, extract.py, sources.py, warc.py.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .document import Document
from .extract import extract_documents
from .warc import Damage, read_warc


@dataclass(frozen=True)
class Split:
    """The records of a file, or of what a URL gives, that begin in the bytes [start, end)."""

    source: str
    start: int = 0
    end: int | None = None


def describe_source(source: str) -> dict[str, str | int]:
    """What a run writes down of a source: its name and, of a file, its bytes and SHA-256."""
    if _is_url(source):
        return {"name": source}
    path = Path(source)
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256}


def split_source(source: str, max_bytes: int) -> list[Split]:
    """The source in parts of about `max_bytes`; a URL and a zipped file without records is one."""
    if _is_url(source) or not _format(source).endswith((".warc", ".wet", ".jsonl")):
        return [Split(source)]
    if source.endswith(".jsonl.gz"):
        return [Split(source)]
    size = Path(source).stat().st_size
    count = max(1, -(-size // max_bytes))
    return [Split(source, size * i // count, size * (i + 1) // count) for i in range(count)]


def read_split(split: Split, damage: list[Damage]) -> Iterator[Document]:
    """The documents of a split, in order; what cannot be read is added to `damage`."""
    kind = _format(split.source)
    place = {"start": split.start, "end": split.end, "damage": damage}
    if kind.endswith(".warc"):
        return extract_documents(read_warc(split.source, **place))
    if kind.endswith(".jsonl") and split.end is not None:
        return _read_lines(split, damage)
    from .sources import read_documents, read_wet

    if kind.endswith(".wet"):
        return read_wet(split.source, **place)
    return read_documents(split.source, damage=damage)


def _read_lines(split: Split, damage: list[Damage]) -> Iterator[Document]:
    """Documents of the lines that begin inside the split."""
    with open(split.source, "rb") as stream:
        if (
            split.start
        ):  # the rest of the line that covers the byte before belongs to the one before
            stream.seek(split.start - 1)
            stream.readline()
        while (offset := stream.tell()) < split.end and (line := stream.readline()):
            if not line.strip():
                continue
            try:
                document = Document(**json.loads(line))
            except (ValueError, TypeError) as error:
                damage.append(Damage(offset, f"not a document: {error}"))
                continue
            yield document


def _format(source: str) -> str:
    return source.lower().removesuffix(".gz")


def _is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))
