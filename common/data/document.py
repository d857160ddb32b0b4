"""Documents and crawled pages, and the two file formats that hold them: JSONL and WARC.

JSONL (one JSON object a line) holds clean text; WARC (ISO 28500:2017) holds what a server answered,
byte for byte, and is what Common Crawl publishes. Files are written beside their place and moved
there when complete, and the same input gives the same bytes.

Taught in ch01_data/01_web_as_bytes.ipynb.
Needs: warcio.
"""

import contextlib
import dataclasses
import gzip
import io
import json
import os
import uuid
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter


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


@dataclasses.dataclass(frozen=True)
class WarcPage:
    """A server's answer: status code, headers (names in lower case) and the body as bytes.

    >>> WarcPage("http://x/", 200, {"content-type": "text/html"}, b"<p>Hi").headers["content-type"]
    'text/html'
    """

    url: str
    status: int
    headers: dict[str, str]
    body: bytes


def write_jsonl(records: Iterable[Any], path: str | Path) -> int:
    """Write dataclass records, one JSON object a line; return their number. ".gz" is gzipped.

    Documents are such records, and receipts. Nothing appears at `path` until everything is written.
    Memory: one record at a time.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "two.jsonl.gz")
    >>> write_jsonl([Document("a", "http://x/a", "one"), Document("b", "http://x/b", "two")], path)
    2
    >>> [document.text for document in read_jsonl(path)]
    ['one', 'two']
    """
    count = 0
    with _replacing(Path(path)) as raw:
        # No file name and no time in the gzip header: the same documents give the same bytes.
        zipped = str(path).endswith(".gz")
        stream = gzip.GzipFile("", "wb", 6, raw, mtime=0) if zipped else raw
        for record in records:
            line = json.dumps(dataclasses.asdict(record), ensure_ascii=False)
            stream.write(line.encode("utf-8") + b"\n")
            count += 1
        if zipped:
            stream.close()
    return count


def read_jsonl(path: str | Path) -> Iterator[Document]:
    """Documents of a JSONL file, in order and lazily; ValueError names a file and line unread.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "bad.jsonl")
    >>> _ = path.write_text("{", encoding="utf-8")
    >>> list(read_jsonl(path))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: bad.jsonl line 1 is not a document: ...
    """
    name, number = Path(path).name, 0
    with (gzip.open if str(path).endswith(".gz") else open)(path, "rb") as stream:
        try:
            for line in stream:
                number += 1
                yield Document(**json.loads(line))
        except (EOFError, gzip.BadGzipFile) as error:
            raise ValueError(f"{name} is cut off after line {number}: {error}") from error
        except (ValueError, TypeError) as error:
            raise ValueError(f"{name} line {number} is not a document: {error}") from error


def write_warc(
    pages: Iterable[WarcPage], path: str | Path, *, date: str = "2000-01-01T00:00:00Z"
) -> int:
    """Write pages as WARC response records and return how many; gzipped if path ends in .gz.

    `date` is written into every record. It is fixed by default so that the same pages give the same
    bytes; pass the true moment when the crawl is of the real web. Source: ISO 28500:2017.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "one.warc.gz")
    >>> write_warc([WarcPage("http://x/", 200, {"content-type": "text/html"}, b"<p>hi")], path)
    1
    >>> next(read_warc(path)).body
    b'<p>hi'
    """
    count = 0
    with _replacing(Path(path)) as raw:
        writer = WARCWriter(raw, gzip=str(path).endswith(".gz"))
        for page in pages:
            http = StatusAndHeaders(str(page.status), list(page.headers.items()), "HTTP/1.1")
            record_id = uuid.uuid5(uuid.NAMESPACE_URL, f"{count} {page.url}").urn
            record = writer.create_warc_record(
                page.url,
                "response",
                payload=io.BytesIO(page.body),
                http_headers=http,
                warc_headers_dict={"WARC-Record-ID": f"<{record_id}>", "WARC-Date": date},
            )
            writer.write_record(record)
            count += 1
    return count


def read_warc(path: str | Path) -> Iterator[WarcPage]:
    """Pages of a WARC file in order, lazily: its response records, as any crawler writes them.

    ValueError names a file that is cut off (an empty one, too) or is no WARC file.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "none.warc")
    >>> _ = path.write_bytes(b"not a crawl")
    >>> list(read_warc(path))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: none.warc cannot be read as WARC after 0 pages: ...
    """
    count = 0
    with open(path, "rb") as raw:
        try:
            for record in ArchiveIterator(_Whole(raw)):
                if record.rec_type != "response" or record.http_headers is None:
                    continue
                status = int(record.http_headers.get_statuscode())
                headers = {name.lower(): value for name, value in record.http_headers.headers}
                body = record.content_stream().read()
                while record.raw_stream.read():
                    continue  # what follows the last chunk of a chunked body
                if record.raw_stream.limit:
                    raise ValueError(f"the last record lacks {record.raw_stream.limit} bytes")
                yield WarcPage(
                    record.rec_headers.get_header("WARC-Target-URI"), status, headers, body
                )
                count += 1
        except (ArchiveLoadFailed, ValueError, OSError, zlib.error) as error:
            message = f"{Path(path).name} cannot be read as WARC after {count} pages: {error}"
            raise ValueError(message) from error


class _Whole:
    """The unzipped bytes of a WARC file; warcio alone would take a cut-off file for a whole one."""

    def __init__(self, raw: io.BufferedReader) -> None:
        zipped = raw.peek(2)[:2] == b"\x1f\x8b"
        self.stream = gzip.GzipFile(fileobj=raw) if zipped else raw
        self.tail = b""

    def read(self, size: int) -> bytes:
        try:
            data = self.stream.read(size)
        except EOFError as error:
            raise ValueError(f"the file is cut off: {error}") from error
        if not data and self.tail != b"\r\n\r\n":
            raise ValueError("the file does not end where a record ends")
        self.tail = (self.tail + data)[-4:]
        return data


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file beside `path` that takes its place on success and vanishes on failure."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as stream:
            yield stream
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
