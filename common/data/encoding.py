"""Bytes to text: which of the encodings a page claims, or does not claim, is the true one.

A web page is bytes. The HTTP header may name an encoding, the page's own <meta> tag may name
another, and both may be wrong. The order of evidence below follows the WHATWG HTML Standard
("determining the character encoding") with one addition: bytes beyond ASCII that are valid UTF-8
are UTF-8, whatever the header says, because text in another encoding almost never is.

Taught in ch01_data/01_web_as_bytes.ipynb.
Needs: nothing but the standard library.
"""

import codecs
import re

_BYTE_ORDER_MARKS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]
# What the web writes as Latin-1 or ASCII is Windows-1252 (WHATWG Encoding Standard, section 4.2).
_ALIASES = {"iso8859-1": "cp1252", "ascii": "cp1252", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w:.-]+)", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w:.-]+)", re.IGNORECASE)
_SNIFFED_BYTES = 2048


def decode_html(data: bytes, *, content_type: str | None = None) -> tuple[str, str]:
    """The text of a page and the encoding it was read with; never raises on content.

    The evidence, strongest first: a byte order mark; zero bytes in every second place (UTF-16);
    valid UTF-8 beyond ASCII; the charset of `content_type` (the HTTP header's value); the charset
    in a <meta> tag; UTF-8; Windows-1252 with U+FFFD for the five bytes it leaves undefined.
    A declared encoding that Python does not know, or that the bytes contradict, is passed over.
    One or two passes over the bytes. Source: WHATWG HTML and Encoding Standards.

    >>> decode_html("café".encode("latin-1"), content_type="text/html; charset=iso-8859-1")
    ('café', 'cp1252')
    >>> decode_html("café".encode("utf-8"), content_type="text/html; charset=iso-8859-1")
    ('café', 'utf-8')
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace"), encoding
    for encoding in _candidates(data, content_type):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return data.decode("cp1252", errors="replace"), "cp1252"


def _candidates(data: bytes, content_type: str | None) -> list[str]:
    """Encodings to try without errors, most credible first."""
    declared = _HEADER_CHARSET.search(content_type or "")
    in_page = _META_CHARSET.search(data[:_SNIFFED_BYTES])
    names = [declared.group(1) if declared else None]
    # A page whose <meta> can be read as ASCII is not UTF-16, whatever the tag says.
    names.append(in_page.group(1).decode("ascii") if in_page else None)
    found = [_known(name) for name in names if name]
    if in_page:
        found = [name for name in found if name and not name.startswith(("utf-16", "utf-32"))]
    zeros = _wide_encoding(data[:_SNIFFED_BYTES])
    utf8 = [] if data.isascii() else ["utf-8"]
    return [name for name in [zeros, *utf8, *found, "utf-8"] if name]


def _known(name: str) -> str | None:
    """Python's name of a text encoding, or None where Python has none of that name."""
    try:
        info = codecs.lookup(name)
    except LookupError:
        return None
    return _ALIASES.get(info.name, info.name) if info._is_text_encoding else None


def _wide_encoding(head: bytes) -> str | None:
    """UTF-16 without a mark: in mostly English text every second byte is zero."""
    half = len(head) // 2
    if half and head[1::2].count(0) > 0.7 * half:
        return "utf-16-le"
    if half and head[0::2].count(0) > 0.7 * half:
        return "utf-16-be"
    return None
