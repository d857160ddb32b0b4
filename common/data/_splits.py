"""Where documents come from, in parts that any process can read by itself.

Needs: _lines.py, _source.py, document.py, extract.py, sources.py, warc.py.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ._lines import Damage, converted_lines
from ._source import is_url, name_of
from .document import Document
from .extract import extract_documents
from .sources import read_documents, read_wet
from .warc import read_warc

_KINDS = (".warc", ".wet", ".jsonl", ".ndjson", ".txt", ".parquet")
_MAX_LINE_BYTES = 50_000_000
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Split:
    """The records of a file, or of what a URL gives, that begin in the bytes [start, end)."""

    source: str
    start: int = 0
    end: int | None = None


def describe_source(source: str) -> dict[str, str | int]:
    """What a run writes down of a source: its name and, of a file, its bytes and SHA-256."""
    if is_url(source):
        return {"name": source}
    path = Path(source)
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256}


def split_source(source: str, max_bytes: int) -> list[Split]:
    """The source in parts of about `max_bytes`; a URL and a zipped file without records is one.

    ValueError for a file of another kind than a run can read.
    """
    if not _format(source).endswith(_KINDS):
        kinds = f"{', '.join(_KINDS[:-1])} and {_KINDS[-1]}"
        raise ValueError(f"{name_of(source)} is none of {kinds}")
    cut = (".warc", ".warc.gz", ".wet", ".wet.gz", ".jsonl")
    if is_url(source) or not source.lower().endswith(cut):
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
    if kind.endswith(".wet"):
        return read_wet(split.source, **place)
    if kind.endswith(".jsonl") and split.end is None:
        return converted_lines(split.source, _document, damage=damage)
    if kind.endswith(".jsonl"):
        return _read_lines(split, damage)
    return read_documents(split.source, damage=damage)


def _read_lines(split: Split, damage: list[Damage]) -> Iterator[Document]:
    """Documents of the lines that begin inside the split."""
    with open(split.source, "rb") as stream:
        if split.start:  # a line that began before belongs to the split before
            stream.seek(split.start - 1)
            _pass_line(stream)
        while (offset := stream.tell()) < split.end and (line := stream.readline(_MAX_LINE_BYTES)):
            if not line.strip():
                continue
            try:
                if len(line) == _MAX_LINE_BYTES:
                    _pass_line(stream)
                    raise ValueError(f"a line of more than {_MAX_LINE_BYTES} bytes")
                document = _document(offset, json.loads(line))
            except (ValueError, TypeError, RecursionError) as error:
                damage.append(Damage(offset, str(error)))
                continue
            yield document


def _pass_line(stream: BinaryIO) -> None:
    while (part := stream.readline(_MAX_LINE_BYTES)) and not part.endswith(b"\n"):
        continue


def _document(place: int, fields: dict[str, Any]) -> Document:
    """A document of ours, or of anybody's JSONL: fields that we do not know go into `meta`."""
    text = fields.pop("text", None)
    if not isinstance(text, str):
        raise ValueError(f"its text is {text!r:.40}, not a string")
    meta = fields.pop("meta", {})
    known = meta if isinstance(meta, dict) else {"meta": meta}
    id_, url = fields.pop("id", None), str(fields.pop("url", None) or "")
    id_ = place if id_ is None else id_
    return Document(str(id_), url, _SURROGATE.sub("\ufffd", text), {**known, **fields})


def _format(source: str) -> str:
    """The end of the name, in an address without what follows a "?"."""
    return name_of(source).lower().removesuffix(".gz")
