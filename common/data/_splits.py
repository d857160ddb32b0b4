"""Where documents come from, in parts that any process can read by itself.

Needs: _lines.py, _source.py, document.py, extract.py, sources.py, warc.py.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ._lines import Damage, converted_lines
from ._source import is_url, name_of
from .document import Document
from .extract import extract_documents
from .sources import read_documents, read_wet
from .warc import read_warc

_KINDS = (".warc", ".wet", ".jsonl", ".ndjson", ".txt", ".parquet")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Split:
    """The records of a file, or of what a URL gives, that begin in the bytes [start, end)."""

    source: str
    start: int = 0
    end: int | None = None


def source_names(sources: Iterable[str | Path]) -> list[str]:
    """Paths and addresses as strings; ValueError for a single one, which is none of several."""
    if isinstance(sources, (str, Path)):
        raise ValueError(f"sources must be several, such as a list, got the one {str(sources)!r}")
    return [str(source) for source in sources]


def title(source: str) -> str:
    """What a run calls a source: an address as it is, and a file by its name."""
    return source if is_url(source) else name_of(source)


def describe_source(source: str) -> dict[str, str | int]:
    """What a run writes down of a source: its name and, of a file, its bytes and SHA-256."""
    if is_url(source):
        return {"name": title(source)}
    path = Path(source)
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"name": title(source), "bytes": path.stat().st_size, "sha256": sha256}


def split_source(source: str, max_bytes: int) -> list[Split]:
    """The source in parts of about `max_bytes`; a URL and a zipped file without records is one.

    ValueError for a file of another kind than a run can read.
    """
    if not _format(source).endswith(_KINDS):
        kinds = f"{', '.join(_KINDS[:-1])} and {_KINDS[-1]}"
        raise ValueError(f"{name_of(source)} is none of {kinds}")
    cut = (".warc", ".warc.gz", ".wet", ".wet.gz", ".jsonl", ".ndjson")
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
    if kind.endswith((".jsonl", ".ndjson")):
        return converted_lines(split.source, _document, **place)
    return read_documents(split.source, damage=damage)


def named_damage(split: Split, damage: Iterable[Damage]) -> list[dict[str, str | int]]:
    """Damage as a run writes it down, with the name of the source that it is in."""
    return [{"source": title(split.source), **asdict(entry)} for entry in damage]


def _document(_: int, offset: int, fields: dict[str, Any]) -> Document:
    """A document of ours, or of anybody's JSONL: fields that we do not know go into `meta`.

    The place of the line, unzipped, stands in for an id: any part of a file can tell it.
    """
    text = fields.pop("text", None)
    if not isinstance(text, str):
        raise ValueError(f"its text is {text!r:.40}, not a string")
    meta = fields.pop("meta", {})
    known = meta if isinstance(meta, dict) else {"meta": meta}
    id_, url = fields.pop("id", None), str(fields.pop("url", None) or "")
    id_ = offset if id_ is None else id_
    return Document(str(id_), url, _SURROGATE.sub("\ufffd", text), {**known, **fields})


def _format(source: str) -> str:
    """The end of the name, in an address without what follows a "?"."""
    return name_of(source).lower().removesuffix(".gz")
