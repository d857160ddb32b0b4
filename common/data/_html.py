"""Bytes of a page to a tree of elements, whatever state the bytes are in.

Needs: lxml, encoding.py.
"""

from lxml import etree

from .encoding import decode_html


def parse_html(data: bytes, *, content_type: str | None) -> etree._Element | None:
    """The root element, without comments; None for a page without any element or text.

    What is nested in more than 2048 elements is left out: the parser goes no deeper.
    """
    text, _ = decode_html(data, content_type=content_type)
    parser = etree.HTMLParser(
        encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True, no_network=True
    )
    try:
        # The parser takes a zero byte for the end of the page.
        return etree.fromstring(text.replace("\0", "").encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:  # what the parser says of nothing but white space or comments
        return None
