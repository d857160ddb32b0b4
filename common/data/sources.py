"""Text that others have collected: one reader for each form in which it is published.

Each takes a path or an http(s) address, reads lazily and gives Documents. A file that is cut off or
is of another kind raises ValueError with its name; where a reader takes a `damage` list, it appends
what cannot be read and goes on.

Taught in ch01_data/01_web_as_bytes.ipynb.
Needs: _lines.py, _records.py, _source.py, document.py, encoding.py; pyarrow for Parquet files.
"""

import codecs
import contextlib
import datetime
import hashlib
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ._lines import Damage, converted_lines
from ._records import Record, converted_records
from ._source import is_url, name_of, open_source, open_unzipped
from .document import Document
from .encoding import decode_html

_PIECE_BYTES = 1 << 20
_MAX_BYTES = 50_000_000
_MAX_PART_CHARS = 20_000_000
_END_OF_STORY = "<|endoftext|>"
# A title can take a second line; the oldest books end their licence with "SMALL PRINT".
_BOOK_BEGINS = re.compile(
    r"^\*\*\* ?START OF TH(?:E|IS) PROJECT GUTENBERG E[^*]{0,400}\*\*\*[ \t]*\n"
    r"|^\*END\*? ?THE SMALL PRINT[^\n]*\n",
    re.MULTILINE | re.IGNORECASE,
)
_BOOK_ENDS = re.compile(
    r"^(?:\*\*\* ?)?END OF (?:TH(?:E|IS) )?PROJECT GUTENBERG", re.MULTILINE | re.IGNORECASE
)
_CREDIT = re.compile(r"(?:produced by|e-?text prepared by)\b", re.IGNORECASE)
_FIELD = re.compile(r"^(Title|Author|Language): {0,9}(\S[^\n]{0,400})$", re.MULTILINE)
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_documents(
    path_or_url: str | Path, *, damage: list[Damage] | None = None
) -> Iterator[Document]:
    """Documents of a file by the end of its name: .jsonl, .ndjson, .txt, .wet (.gz) or .parquet.

    >>> read_documents("crawl.warc.gz")
    Traceback (most recent call last):
    ValueError: crawl.warc.gz is none of .jsonl, .ndjson, .txt, .wet and .parquet
    """
    name = name_of(path_or_url).lower().removesuffix(".gz")
    suffix = name.rpartition(".")[2]
    if suffix in ("jsonl", "ndjson"):
        return read_records(path_or_url, damage=damage)
    if suffix == "wet":
        return read_wet(path_or_url, damage=damage)
    readers = {"txt": read_text, "parquet": read_fineweb_edu}
    if suffix not in readers:
        kinds = ".jsonl, .ndjson, .txt, .wet and .parquet"
        raise ValueError(f"{name_of(path_or_url)} is none of {kinds}")
    return readers[suffix](path_or_url)


def read_text(path_or_url: str | Path, *, max_bytes: int = _MAX_BYTES) -> Iterator[Document]:
    """A plain text file as one document, whatever its encoding and line ends.

    ValueError for a file of more than `max_bytes` when unzipped.

    >>> path = Path(tempfile.mkdtemp(), "note.txt")
    >>> _ = path.write_bytes("Zoë was here.".encode("latin-1"))
    >>> [document.text for document in read_text(path)]
    ['Zoë was here.']
    """
    text = _whole_text(path_or_url, max_bytes)
    yield Document(_hashed(text), _address(path_or_url), text)


def read_records(
    path_or_url: str | Path,
    *,
    text_field: str = "text",
    id_field: str = "id",
    url_field: str = "url",
    damage: list[Damage] | None = None,
) -> Iterator[Document]:
    """Documents of anybody's JSONL: all fields but text, id and url become `meta`.

    The number of the line stands in for an id that is missing or null.

    >>> path = Path(tempfile.mkdtemp(), "c4.jsonl")
    >>> _ = path.write_text('{"text": "One kite.", "timestamp": "2019-04-25"}')
    >>> list(read_records(path))
    [Document(id='1', url='', text='One kite.', meta={'timestamp': '2019-04-25'})]
    """

    def convert(number: int, _: int, fields: dict) -> Document:
        text = fields.pop(text_field, None)
        if not isinstance(text, str):
            raise ValueError(f"its {text_field} is {text!r:.40}, not a string")
        id_, url = fields.pop(id_field, None), fields.pop(url_field, None) or ""
        id_ = number if id_ is None else id_
        return Document(str(id_), str(url), _SURROGATE.sub("\ufffd", text), fields)

    return converted_lines(path_or_url, convert, damage=damage)


def read_wet(
    path_or_url: str | Path,
    *,
    damage: list[Damage] | None = None,
    max_bytes: int = _MAX_BYTES,
    start: int = 0,
    end: int | None = None,
) -> Iterator[Document]:
    """Documents of a WET file: the text that Common Crawl has taken out of its pages.

    Damage and parts of a file as in `read_warc`. Source: commoncrawl.org, "Get started".

    >>> path = Path(tempfile.mkdtemp(), "one.warc.wet")
    >>> _ = path.write_bytes(
    ...     b"WARC/1.0\\r\\nWARC-Type: conversion\\r\\nWARC-Target-URI: http://x/\\r\\n"
    ...     b"Content-Length: 9\\r\\n\\r\\nOne kite.\\r\\n\\r\\n"
    ... )
    >>> [(document.url, document.text) for document in read_wet(path)]
    [('http://x/', 'One kite.')]
    """
    return converted_records(
        path_or_url, _wet_document, damage=damage, max_bytes=max_bytes, start=start, end=end
    )


def read_gutenberg(path_or_url: str | Path, *, max_bytes: int = _MAX_BYTES) -> Iterator[Document]:
    """A book of Project Gutenberg without the licence around it; title and author go to `meta`.

    ValueError for a file that has not both of the lines between which a book stands, and for one of
    more than `max_bytes` when unzipped.

    >>> path = Path(tempfile.mkdtemp(), "1.txt")
    >>> _ = path.write_text(
    ...     "Title: Kites\\n\\n*** START OF THE PROJECT GUTENBERG EBOOK KITES ***\\n\\nChapter 1"
    ...     "\\n\\n*** END OF THE PROJECT GUTENBERG EBOOK KITES ***\\nUPDATED EDITIONS ..."
    ... )
    >>> [(document.text, document.meta) for document in read_gutenberg(path)]
    [('Chapter 1', {'title': 'Kites'})]
    """
    text = _whole_text(path_or_url, max_bytes)
    begin = _BOOK_BEGINS.search(text)
    end = _BOOK_ENDS.search(text, begin.end()) if begin else None
    if not begin or not end:
        line = "END OF" if begin else "START OF"
        raise ValueError(
            f"{name_of(path_or_url)} has no line '*** {line} THE PROJECT GUTENBERG EBOOK'"
        )
    book = text[begin.end() : end.start()].strip()
    credit, blank, rest = book.partition("\n\n")
    if blank and _CREDIT.match(credit):
        book = rest.strip()
    meta = {name.lower(): value.strip() for name, value in _FIELD.findall(text[: begin.start()])}
    yield Document(_hashed(book), _address(path_or_url), book, meta)


def read_tinystories(path_or_url: str | Path) -> Iterator[Document]:
    """Stories of TinyStories (Eldan and Li 2023, arXiv:2305.07759), from its text or Parquet files.

    Memory: one story and a megabyte.

    >>> path = Path(tempfile.mkdtemp(), "valid.txt")
    >>> _ = path.write_text("One day, Tom flew.\\n<|endoftext|>\\nOnce upon a time.\\n")
    >>> [document.text for document in read_tinystories(path)]
    ['One day, Tom flew.', 'Once upon a time.']
    """
    if str(path_or_url).lower().endswith(".parquet"):
        yield from read_fineweb_edu(path_or_url)
        return
    url, number = _address(path_or_url), 0
    for story in _split_text(path_or_url, _END_OF_STORY):
        if story := story.strip():
            number += 1
            yield Document(str(number), url, story)


def read_fineweb_edu(path_or_url: str | Path) -> Iterator[Document]:
    """Documents of FineWeb-Edu (Penedo et al. 2024, arXiv:2406.17557), or of any Parquet file.

    `text`, `id` and `url` are columns; all others, like `score`, become `meta`. A file from an
    address goes to a temporary file first, since Parquet is read from its end.
    ImportError where pyarrow is not installed. Memory: a thousand documents and a row group.

    >>> import pyarrow, pyarrow.parquet
    >>> path = Path(tempfile.mkdtemp(), "one.parquet")
    >>> pyarrow.parquet.write_table(pyarrow.table({"text": ["One kite."], "score": [3.5]}), path)
    >>> list(read_fineweb_edu(path))
    [Document(id='1', url='', text='One kite.', meta={'score': 3.5})]
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    number = 0
    with _seekable(path_or_url) as stream:
        try:
            table = ParquetFile(stream)
            for batch in table.iter_batches(1000):
                for row in batch.to_pylist():
                    number += 1
                    yield _row_document(number, row)
            if number != table.metadata.num_rows:
                raise ValueError(f"it should have {table.metadata.num_rows} rows")
        except (ArrowException, ValueError, OSError) as error:
            message = f"{name_of(path_or_url)} cannot be read as Parquet after {number} documents"
            raise ValueError(f"{message}: {error}") from error


def _row_document(number: int, row: dict[str, Any]) -> Document:
    text = row.pop("text", None)
    if not isinstance(text, str):
        raise ValueError(f"row {number} has the text {text!r:.40}, not a string")
    id_, url = row.pop("id", None), row.pop("url", None) or ""
    meta = {name: _json_value(value) for name, value in row.items()}
    return Document(str(number if id_ is None else id_), str(url), text, meta)


def _json_value(value: Any) -> Any:
    """A value of Parquet's as one that JSON has: times in ISO 8601, bytes in hexadecimal digits."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [_json_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


def _wet_document(record: Record) -> Document | None:
    headers = record.headers
    if headers.get("warc-type", "").lower() != "conversion":
        return None
    url = headers.get("warc-target-uri", "").strip("<>")
    if not url:
        raise ValueError("a conversion has no WARC-Target-URI")
    text = record.data[record.begin : record.end].decode("utf-8", "replace")
    id_ = headers.get("warc-record-id", "").strip("<>").rpartition(":")[2] or _hashed(url)
    known = {"date": "warc-date", "languages": "warc-identified-content-language"}
    return Document(id_, url, text, {k: headers[v] for k, v in known.items() if v in headers})


def _whole_text(path_or_url: str | Path, max_bytes: int) -> str:
    with open_unzipped(path_or_url) as stream:
        data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise ValueError(f"{name_of(path_or_url)} has more than max_bytes {max_bytes}")
    text, _ = decode_html(data)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _split_text(path_or_url: str | Path, separator: str) -> Iterator[str]:
    """The parts of a UTF-8 file between separators, lazily; the last one too."""
    decoder, rest = codecs.getincrementaldecoder("utf-8-sig")("replace"), ""
    with open_unzipped(path_or_url) as stream:
        while data := stream.read(_PIECE_BYTES):
            *parts, rest = (rest + decoder.decode(data)).split(separator)
            yield from parts
            if len(rest) > _MAX_PART_CHARS:
                name = name_of(path_or_url)
                raise ValueError(f"{name} has no {separator} in {_MAX_PART_CHARS} characters")
    yield rest + decoder.decode(b"", final=True)


@contextlib.contextmanager
def _seekable(path_or_url: str | Path) -> Iterator[BinaryIO]:
    with open_source(path_or_url) as stream:
        if stream.seekable():
            yield stream
            return
        with tempfile.TemporaryFile() as copy:
            while data := stream.read(_PIECE_BYTES):
                copy.write(data)
            copy.seek(0)
            yield copy


def _address(path_or_url: str | Path) -> str:
    """An address as it is; of a path the name alone: a corpus need not know whose disk it was."""
    return str(path_or_url) if is_url(path_or_url) else name_of(path_or_url)


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
