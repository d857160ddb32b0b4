"""Pages as bytes: encodings declared in the header, in the page, not at all, or wrongly.

Needs: nothing but the standard library.
"""

from random import Random

# How often (in 100 pages) a page is encoded so and declared so; the last two declarations lie.
_ENCODINGS = [
    (52, "utf-8", "text/html; charset=utf-8", ""),
    (14, "utf-8", "text/html", '<meta charset="utf-8">'),
    (6, "utf-8", "text/html", ""),
    (4, "utf-8-sig", "text/html", ""),
    (8, "cp1252", "text/html; charset=iso-8859-1", ""),
    (5, "cp1252", "text/html", '<meta http-equiv="x" content="text/html; charset=windows-1252">'),
    (3, "cp1252", "text/html", ""),
    (2, "utf-16", "text/html", ""),
    (1, "utf-16-le", "text/html; charset=utf-16le", ""),
    (3, "utf-8", "text/html; charset=iso-8859-1", ""),
    (2, "cp1252", "text/html; charset=utf-8", ""),
]


def encode_page(dice: Random, page: str, *, honest: bool = False) -> tuple[str, bytes]:
    """The Content-Type and the bytes of a page; letters that its encoding lacks become numbers.

    An `honest` page is in UTF-8 and its header says so.
    """
    weights = [row[0] for row in _ENCODINGS]
    _, encoding, content_type, meta = dice.choices(_ENCODINGS, weights)[0]
    if honest:
        _, encoding, content_type, meta = _ENCODINGS[0]
    page = page.replace("<head>", f"<head>{meta}", 1)
    return content_type, page.encode(encoding, errors="xmlcharrefreplace")
