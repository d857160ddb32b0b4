"""What a server sent, bytes to an answer: status, headers, and the body without its wrapping.

A body may be wrapped twice: cut into chunks, each with its length before it (RFC 9112, section
7.1), and compressed. A thousandth of a page can unfold into a thousand pages: there is a limit.

Needs: nothing but the standard library.
"""

import re
import zlib

_STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})\b")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]{0,1000})?\r\n")
_FOLD = re.compile(r"\r?\n[ \t]+")
_ZIPPED = ("gzip", "x-gzip", "deflate")
_PIECE_BYTES = 1 << 20
_FEED_BYTES = 1 << 12
_BLANK = " \t\r"


def parse_answer(
    data: bytes, start: int, end: int, *, max_bytes: int
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (names in lower case) and unwrapped body of the answer in data[start:end].

    A header that no longer holds of the body is kept as x-crawl-..., as Common Crawl does.
    ValueError for what is no answer, breaks off, or unfolds into more than `max_bytes`.
    """
    line = _STATUS_LINE.match(data, start, end)
    if line is None:
        raise ValueError("it holds no HTTP answer")
    cut, begin = find_blank_line(data, line.end(), end)
    if cut < 0:
        raise ValueError("its HTTP headers do not end")
    headers = parse_headers(data[line.end() : cut])
    body = data[begin:end]
    if "content-encoding" in headers or "transfer-encoding" in headers:
        body = unwrap(headers, body, max_bytes=max_bytes)
    return int(line[1]), headers, body


def find_blank_line(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Where the headers that begin at `start` end, and what they head begins; (-1, -1) if nowhere.

    Lines should end in CR LF; some writers leave out the CR.
    """
    cut = data.find(b"\r\n\r\n", start, end)
    bare = data.find(b"\n\n", start, end if cut < 0 else cut)
    if bare >= 0:
        return bare, bare + 2
    return (cut, cut + 4) if cut >= 0 else (-1, -1)


def parse_headers(data: bytes) -> dict[str, str]:
    """Headers by name in lower case; the first line is skipped, a line that goes on is joined."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    lines = text.split("\n")[1:]
    if "\n " in text or "\n\t" in text:
        lines = _FOLD.sub(" ", "\n".join(lines)).split("\n")
    pairs = [line.partition(":") for line in lines]
    return {n.strip(_BLANK).lower(): v.strip(_BLANK) for n, colon, v in pairs if colon and n}


def unwrap(headers: dict[str, str], body: bytes, *, max_bytes: int) -> bytes:
    """The body without chunks and compression; the headers that named them are renamed.

    Headers that lie are common: what does not begin as they say is taken as it is.
    """
    transfer = headers.get("transfer-encoding", "").lower()
    if "chunked" in transfer:
        body = _unchunked(body)
    names = [*headers.get("content-encoding", "").lower().split(","), *transfer.split(",")]
    for name in reversed([name.strip() for name in names]):
        if name not in ("", "identity", "chunked"):
            body = _unzipped(body, name, max_bytes)
    for name in ("transfer-encoding", "content-encoding"):
        if name in headers:
            headers[f"x-crawl-{name}"] = headers.pop(name)
    return body


def _unchunked(body: bytes) -> bytes:
    parts, at = [], 0
    while line := _CHUNK.match(body, at):
        size, begin = int(line[1], 16), line.end()
        if not size:
            return b"".join(parts)
        parts.append(body[begin : begin + size])
        at = begin + size
        if body[at : at + 2] != b"\r\n":
            break
        at += 2
    if not parts:
        return body
    raise ValueError(f"its chunked body breaks off after {min(at, len(body))} bytes")


def _unzipped(body: bytes, name: str, max_bytes: int) -> bytes:
    if not body or body.lstrip()[:1] == b"<":
        return body
    if name not in _ZIPPED:
        raise ValueError(f"its content encoding {name[:40]!r} is not one that can be undone")
    if name == "deflate":
        has_header = body[0] & 15 == 8 and int.from_bytes(body[:2], "big") % 31 == 0
        return _inflated(body, 15 if has_header else -15, name, max_bytes)
    return _inflated(body, 31, name, max_bytes) if body[:2] == b"\x1f\x8b" else body


def _inflated(body: bytes, wbits: int, name: str, max_bytes: int) -> bytes:
    """All members of a zipped body; what follows the last one is left out, as browsers do."""
    parts, size, at = [], 0, 0
    while True:
        inflater = zlib.decompressobj(wbits)
        while not inflater.eof:
            fed = body[at : at + _FEED_BYTES]  # what is left of it is copied at the end of a member
            try:
                part = inflater.decompress(fed, min(_PIECE_BYTES, max_bytes + 1 - size))
            except zlib.error as error:
                raise ValueError(f"its {name} body is broken after {size} bytes") from error
            parts.append(part)
            size += len(part)
            if size > max_bytes:
                raise ValueError(f"its {name} body is over max_bytes {max_bytes} when unzipped")
            at += len(fed) - len(inflater.unused_data if inflater.eof else inflater.unconsumed_tail)
            if not part and at == len(body) and not inflater.eof:
                raise ValueError(f"its {name} body is cut off after {size} bytes")
        if wbits != 31 or body[at : at + 2] != b"\x1f\x8b":
            return b"".join(parts)
