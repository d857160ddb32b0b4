"""Bytes to text: which of the encodings a page claims, or does not claim, is the true one.

A web page is bytes. The HTTP header may name an encoding, the page's own <meta> tag may name
another, and both may be wrong. The order of evidence below follows the WHATWG HTML Standard
("determining the character encoding") with one addition: bytes beyond ASCII that are valid UTF-8
are UTF-8, whatever the header says, because text in another encoding almost never is.

Taught in ch01_data/01_web_as_bytes.ipynb.
Needs: nothing but the standard library.
"""

import codecs
import contextlib
import re
from functools import lru_cache

_BYTE_ORDER_MARKS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]
# The encodings of the web (WHATWG Encoding Standard, section 4.2). Python knows more, some of which
# turn bytes into other bytes, take quadratic time or do not decode at all.
_KNOWN = frozenset(
    "utf-8 utf-16-le utf-16-be utf-32-le utf-32-be cp866 cp874 cp932 cp949 cp1250 cp1251 cp1252 "
    "cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 "
    "iso8859-7 iso8859-8 iso8859-10 iso8859-13 iso8859-14 iso8859-15 iso8859-16 koi8-r koi8-u "
    "mac-roman mac-cyrillic gb18030 big5hkscs euc_jp iso2022_jp".split()
)
_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
# What the web calls by a name is often more than the standard of that name.
_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "utf-16": "utf-16-le",
    "utf-32": "utf-32-le",
}
# Names that the web knows and Python does not; a family of names is in _known.
_NAMES = {
    "unicode-1-1-utf-8": "utf-8",
    "unicode11utf8": "utf-8",
    "unicode20utf8": "utf-8",
    "unicode": "utf-16-le",
    "csunicode": "utf-16-le",
    "unicodefeff": "utf-16-le",
    "ucs-2": "utf-16-le",
    "iso-10646-ucs-2": "utf-16-le",
    "unicodefffe": "utf-16-be",
    "dos-874": "cp874",
    "windows-874": "cp874",
    "windows-31j": "cp932",
    "windows-949": "cp949",
    "ksc_5601": "cp949",
    "ks_c_5601-1989": "cp949",
    "csksc56011987": "cp949",
    "cseuckr": "cp949",
    "iso-ir-149": "cp949",
    "cseucpkdfmtjapanese": "euc_jp",
    "gb_2312": "gb18030",
    "gb_2312-80": "gb18030",
    "csgb2312": "gb18030",
    "cn-big5": "big5hkscs",
    "x-big5": "big5hkscs",
    "koi8": "koi8-r",
    "koi": "koi8-r",
    "koi8-ru": "koi8-u",
    "mac": "mac-roman",
    "csmacintosh": "mac-roman",
    "sun_eu_greek": "iso8859-7",
    "visual": "iso8859-8",
    "logical": "iso8859-8",
    "csisolatin9": "iso8859-15",
    "mac-ukrainian": "mac-cyrillic",
}
_NAME = rb"[\s\"']{0,9}([A-Za-z0-9_:.-]{1,40})"
_CHARSET = re.compile(rb"charset\s{0,9}=" + _NAME, re.IGNORECASE)
_IN_PAGE = re.compile(
    rb"<meta[^>]{0,200}?charset\s{0,9}=" + _NAME + rb"|^\s{0,9}<\?xml[^>]{0,200}?encoding=" + _NAME,
    re.IGNORECASE,
)
_SNIFFED_BYTES = 2048
_MAX_BROKEN = 0.02  # of the letters beyond ASCII


def decode_html(data: bytes, *, content_type: str | None = None) -> tuple[str, str]:
    """The text of a page and the encoding it was read with; never raises on content.

    The evidence, strongest first: a byte order mark; zero bytes in every second place (UTF-16);
    valid UTF-8 beyond ASCII; the charset of `content_type` (the HTTP header's value); the charset
    in a <meta> tag; UTF-8; Windows-1252 with U+FFFD for the five bytes it leaves undefined.
    A name that is no encoding of the web is passed over, and so is one that the bytes contradict.
    One broken letter in fifty beyond ASCII is no contradiction: it becomes U+FFFD.
    Zero bytes stay. One to three passes over the bytes. Source: WHATWG HTML, Encoding Standards.

    >>> decode_html("café".encode("latin-1"), content_type="text/html; charset=iso-8859-1")
    ('café', 'cp1252')
    >>> decode_html("café".encode("utf-8"), content_type="text/html; charset=iso-8859-1")
    ('café', 'utf-8')
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace"), encoding
    if wide := _wide_encoding(data[:_SNIFFED_BYTES]):
        return data.decode(wide, errors="replace"), wide
    if _is_utf8(data):
        return data.decode("utf-8", errors="replace"), "utf-8"
    declared = _declared(data, content_type)
    for encoding in [*declared, "utf-8"]:
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(encoding), encoding
    # One broken letter, pasted from elsewhere, must not turn all others into mojibake.
    for encoding in [*declared, "utf-8"]:
        text = data.decode(encoding, errors="replace")
        beyond_ascii = len(text) - len(text.encode("ascii", "ignore"))
        if text.count("\ufffd") <= _MAX_BROKEN * beyond_ascii:
            return text, encoding
    return data.decode("cp1252", errors="replace"), "cp1252"


def _is_utf8(data: bytes) -> bool:
    """Whether letters beyond ASCII are valid UTF-8; the last one may be cut off, not the only."""
    if data.isascii():
        return False
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return not text.isascii()


def _declared(data: bytes, content_type: str | None) -> list[str]:
    """The encodings that the header and the page name, as far as they are known."""
    header = _CHARSET.search((content_type or "")[:1000].encode("ascii", "replace"))
    in_page = _IN_PAGE.search(data[:_SNIFFED_BYTES])
    found = [_known(header[1].decode("ascii"))] if header else []
    if b"\0" not in data:  # as tags in UTF-16 have, whatever the header says
        found = [name for name in found if name not in _WIDE]
    if in_page:
        name = _known((in_page[1] or in_page[2]).decode("ascii"))
        # A page whose <meta> can be read as ASCII is not UTF-16, whatever the tag says.
        found.append("utf-8" if name in _WIDE else name)
    return [name for name in found if name]


@lru_cache(1000)
def _known(name: str) -> str | None:
    """Python's name of the encoding that a page means, or None for a name that is none."""
    name = name.lower().removeprefix("x-")
    name = re.sub(r"^(cs)?iso-?8859-?(\d+)(-?[ei])?$", r"iso8859-\2", name)
    name = _NAMES.get(name, name)
    try:
        name = codecs.lookup(name).name
    except LookupError:
        return None
    name = _MEANT.get(name, name)
    return name if name in _KNOWN else None


def _wide_encoding(head: bytes) -> str | None:
    """UTF-16 without a mark: in mostly English text every second byte is zero."""
    half = len(head) // 2
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > 0.7 * half > even:
        return "utf-16-le"
    if even > 0.7 * half > odd:
        return "utf-16-be"
    return None
