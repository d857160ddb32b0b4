"""Documents, and the file format that holds them: JSONL, one JSON object a line.

Files are written beside their place and moved there when complete, and the same input gives the
same bytes. What of a file cannot be read is named as Damage.

Taught in ch01_data/01_web_as_bytes.ipynb.
Needs: _lines.py, _source.py.
"""

import dataclasses
import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ._lines import Damage, converted_lines
from ._source import replacing


@dataclasses.dataclass(frozen=True)
class Document:
    """A piece of text with an identity, the address it came from, and whatever else is known.

    >>> Document("1", "http://x/", "One kite.", {"lines": 1}).meta
    {'lines': 1}
    """

    id: str
    url: str
    text: str
    meta: dict = dataclasses.field(default_factory=dict)


def write_jsonl(records: Iterable[Any], path: str | Path) -> int:
    """Write dataclass records, one JSON object a line; return their number. ".gz" is gzipped.

    Documents are such records, and receipts. Nothing appears at `path` until everything is written.
    Half a surrogate pair, which UTF-8 cannot hold, is written as JSON's escape for it.
    Memory: one record at a time.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "two.jsonl.gz")
    >>> write_jsonl([Document("a", "http://x/a", "one"), Document("b", "http://x/b", "two")], path)
    2
    >>> [document.text for document in read_jsonl(path)]
    ['one', 'two']
    """
    count = 0
    with replacing(Path(path)) as raw:
        # No file name and no time in the gzip header: the same documents give the same bytes.
        zipped = str(path).endswith(".gz")
        stream = gzip.GzipFile("", "wb", 6, raw, mtime=0) if zipped else raw
        for record in records:
            line = json.dumps(dataclasses.asdict(record), ensure_ascii=False)
            stream.write(line.encode("utf-8", "backslashreplace") + b"\n")
            count += 1
        if zipped:
            stream.close()
    return count


def read_jsonl(
    path_or_url: str | Path, *, damage: list[Damage] | None = None
) -> Iterator[Document]:
    """Documents of a JSONL file, in order and lazily; gzipped or not.

    ValueError names a file and line unread; with a `damage` list the line is appended instead, and
    the next one is read. Memory: one line.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "bad.jsonl")
    >>> _ = path.write_text("{", encoding="utf-8")
    >>> list(read_jsonl(path))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: bad.jsonl line 1 is not a document: ...
    """
    return converted_lines(path_or_url, lambda *line: _document(**line[-1]), damage=damage)


def _document(id: str, url: str, text: str, meta: dict) -> Document:
    for name, value in [("id", id), ("url", url), ("text", text)]:
        if not isinstance(value, str):
            raise ValueError(f"its {name} is {value!r:.40}, not a string")
    if not isinstance(meta, dict):
        raise ValueError(f"its meta is {meta!r:.40}, not an object")
    return Document(id, url, text, meta)
