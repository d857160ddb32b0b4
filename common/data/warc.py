"""WARC, the format in which crawls are kept: what servers answered, byte for byte.

A WARC file (ISO 28500:2017) is a row of records; Common Crawl publishes its petabytes so. Of so
many files some are broken: a disk flips a bit, a download stops, a crawler writes a wrong length.
The reader names every stretch that it cannot read, and gives all pages around it.

Taught in ch01_data/01_web_as_bytes.ipynb.
Needs: _http_answer.py, _lines.py, _records.py, _source.py.
"""

import base64
import dataclasses
import hashlib
import uuid
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from ._http_answer import parse_answer
from ._lines import Damage
from ._records import Record, converted_records
from ._source import replacing

MAX_BYTES = 50_000_000
_TYPES = frozenset(
    "warcinfo response resource request metadata revisit conversion continuation".split()
)

_WEB = ("http://", "https://")


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


def read_warc(
    path_or_url: str | Path,
    *,
    damage: list[Damage] | None = None,
    max_bytes: int = MAX_BYTES,
    start: int = 0,
    end: int | None = None,
) -> Iterator[WarcPage]:
    """Pages of a WARC file in order, lazily: its response records, as any crawler writes them.

    Without a `damage` list the first damage raises ValueError (as an empty file does). With one,
    each stretch that cannot be read is appended and reading goes on at the next record.
    Chunked, gzipped and deflated bodies are unwrapped, and what said so in their headers is renamed
    to x-crawl-..., as Common Crawl does. A record or an unwrapped body over `max_bytes` is damage.
    `start` and `end` share a file among processes: only records that begin in these bytes, which
    can be any; damage is told to the reader that has the record before it.
    Memory: three times the largest record. Source: ISO 28500:2017.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "two.warc")
    >>> write_warc([WarcPage(f"http://x/{n}", 200, {}, b"Page %d" % n) for n in (1, 2)], path)
    2
    >>> _ = path.write_bytes(path.read_bytes().replace(b"Page 1", b"Page one"))
    >>> damage = []
    >>> [page.body for page in read_warc(path, damage=damage)], damage[0].offset
    ([b'Page 2'], 0)
    >>> list(read_warc(path))
    Traceback (most recent call last):
    ValueError: two.warc cannot be read as WARC after 0 pages, at byte 0: no record begins ...
    """
    return converted_records(
        path_or_url,
        lambda record: _page(record, max_bytes),
        damage=damage,
        max_bytes=max_bytes,
        start=start,
        end=end,
    )


def write_warc(
    pages: Iterable[WarcPage], path: str | Path, *, date: str = "2000-01-01T00:00:00Z"
) -> int:
    """Write pages as WARC response records and return how many; gzipped if path ends in .gz.

    `date` is written into every record. It is fixed by default so that the same pages give the same
    bytes; pass the true moment when the crawl is of the real web. ValueError for an address that
    is not of the web and for headers that are no lines. Source: ISO 28500:2017.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "one.warc.gz")
    >>> write_warc([WarcPage("http://x/", 200, {"content-type": "text/html"}, b"<p>hi")], path)
    1
    >>> next(read_warc(path)).body
    b'<p>hi'
    """
    count = 0
    with replacing(Path(path)) as stream:
        for page in pages:
            record_id = uuid.uuid5(uuid.NAMESPACE_URL, f"{count} {page.url}").urn
            record = _record_of(page, record_id, date)
            # No time and no name in the gzip header: the same pages give the same bytes.
            stream.write(_zipped(record) if str(path).endswith(".gz") else record)
            count += 1
    return count


def _page(record: Record, max_bytes: int) -> WarcPage | None:
    """The page in a record; None in one that holds something else, ValueError in a broken one."""
    kind = record.headers.get("warc-type", "").lower()
    if kind not in _TYPES:
        raise ValueError(f"a record has the WARC-Type {kind[:40]!r}")
    if kind != "response":
        return None
    url = record.headers.get("warc-target-uri", "").strip("<>")
    if not url:
        raise ValueError("a response has no WARC-Target-URI")
    if not url.lower().startswith(_WEB):
        if record.headers.get("content-type", "").lower().startswith("application/http"):
            raise ValueError(f"an answer in HTTP has the WARC-Target-URI {url[:80]!r}")
        return None  # dns:, ftp: and whatever else was asked
    data, begin, end = record.data, record.begin, record.end
    return WarcPage(url, *parse_answer(data, begin, end, max_bytes=max_bytes))


def _base32(digest: bytes) -> str:
    return base64.b32encode(digest).decode("ascii")


def _record_of(page: WarcPage, record_id: str, date: str) -> bytes:
    if not page.url.lower().startswith(_WEB):
        raise ValueError(f"{page.url[:80]!r} is no address of the web (http or https)")
    http = [f"HTTP/1.1 {page.status}", *(f"{n}: {v}" for n, v in page.headers.items())]
    block = _lines(http) + page.body
    headers = [
        "WARC/1.0",
        "WARC-Type: response",
        f"WARC-Record-ID: <{record_id}>",
        f"WARC-Target-URI: {page.url}",
        f"WARC-Date: {date}",
        f"WARC-Payload-Digest: sha1:{_base32(hashlib.sha1(page.body).digest())}",
        f"WARC-Block-Digest: sha1:{_base32(hashlib.sha1(block).digest())}",
        "Content-Type: application/http; msgtype=response",
        f"Content-Length: {len(block)}",
    ]
    return _lines(headers) + block + b"\r\n\r\n"


def _lines(lines: list[str]) -> bytes:
    for line in lines:
        if "\r" in line or "\n" in line:
            raise ValueError(f"a header must be one line: {line[:80]!r}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


def _zipped(record: bytes) -> bytes:
    deflater = zlib.compressobj(6, zlib.DEFLATED, 31)
    return deflater.compress(record) + deflater.flush()
