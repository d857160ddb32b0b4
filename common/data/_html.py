"""Bytes of a page to a tree of elements, whatever state the bytes are in.

Needs: lxml, encoding.py.
"""

import re

from lxml import etree

from .encoding import decode_html

# An element costs a hundred times what a letter costs, and a line break is the commonest element of
# many pages: so it becomes a letter that means just that ("next line"), and hardly ever occurs.
LINE_BREAK = "\x85"
FORMATTING_TAGS = frozenset(
    "b i u s em strong small big font tt code kbd samp var span sub sup mark abbr acronym cite q "
    "ins del strike nobr dfn bdi bdo label time data".split()
)
_UNNESTED_TAGS = frozenset("p a br script style title textarea".split())  # never in themselves
_LARGE = 5_000_000  # letters; below, the parser goes 256 elements deep, above 2048
_SMALL = 30_000  # letters; in fewer there is no room for attributes enough to take long
_GAVE_UP = ("ERR_RESOURCE_LIMIT", "ERR_INTERNAL_ERROR")  # the second before libxml2 2.13

# The parser compares every attribute with all before it, so a tag with 100,000 takes it 10 s. Most
# tags are seen at a glance to have few; the others are read as the parser reads them, with "<" in
# names and ">" in quotes. (`*+` and `++` never give back what they took: no letter is tried twice.)
_VALUE = r"""=(?:"[^"<>]*+"|'[^'<>]*+'|[^ \t\n"'<>]++)"""
_PLAIN_TAG = rf"""[^ \t\n"'<>=/]*+(?:[ \t\n/]++(?:[^ \t\n"'<>=/]++(?:{_VALUE})?+)?+){{0,500}}+>"""
_ODD_TAG = re.compile(rf"<[a-z](?!{_PLAIN_TAG})[^ \t\n>/]*+", re.IGNORECASE)
_ANY_VALUE = r"""[ \t\n]*+=[ \t\n]*+(?:"[^"]*+"|'[^']*+'|[^ \t\n>"'][^ \t\n>]*+)?+"""
_ATTRIBUTE = rf"[ \t\n/]*+(?:=[^ \t\n=>/]*+|[^ \t\n=>/]++)(?:{_ANY_VALUE})?+"
_ATTRIBUTES = re.compile(rf"(?:{_ATTRIBUTE}){{0,999}}+({_ATTRIBUTE})?")
_MANY_READINGS = 10  # of a letter, on average: where so many tags begin inside of others

_SCRIPT = r"<++(script|style)\b(?:(?!</\1\b).)*+"
_TAG = r"""<++(/?)([a-z][^\s<>"'/]*+)(?:[^<>"']++|"[^"]*+"|'[^']*+')*+>?"""
_SCRIPT_OR_TAG = re.compile(f"{_SCRIPT}|{_TAG}", re.IGNORECASE | re.DOTALL)


def parse_html(data: bytes, *, content_type: str | None) -> etree._Element | None:
    """The root element, without comments; None for a page without any element or text.

    The parser gives up on a page that nests too deep. Then it gets the page without attributes and
    formatting, and if that is not enough, without nesting: a plainer tree, but all of the text.
    """
    text, _ = decode_html(data, content_type=content_type)
    text = text.replace("\0", "").replace("<br>", LINE_BREAK)  # a zero byte would end the page
    if "\r" in text or "\f" in text:  # white space
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ")
    complete = len(text) < _SMALL or not _has_many_attributes(text)
    root = None
    if complete:
        root, complete = _parse(text)
    for flat in (False, True):
        if not complete:
            root, complete = _parse(_plainer(text, flat=flat))
    return root


def _parse(text: str) -> tuple[etree._Element | None, bool]:
    """The root element, and whether the parser came to the end of the page."""
    parser = etree.HTMLParser(
        encoding="utf-8",
        huge_tree=len(text) > _LARGE,
        remove_comments=True,
        remove_pis=True,
        no_network=True,
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:  # what the parser says of nothing but white space or comments
        root = None
    last = parser.error_log.last_error
    return root, last is None or last.type_name not in _GAVE_UP


def _has_many_attributes(text: str) -> bool:
    """Whether some tag has a thousand attributes, or too many tags run on to find it out."""
    left = _MANY_READINGS * len(text)
    for tag in _ODD_TAG.finditer(text):
        attributes = _ATTRIBUTES.match(text, tag.end())
        left -= attributes.end() - tag.end()
        if attributes[1] is not None or left < 0:
            return True
    return False


def _plainer(text: str, *, flat: bool) -> str:
    """The page without scripts, attributes and formatting; `flat`, with paragraphs and links only.

    >>> _plainer("<div class=a><b>One</b></div><script>1<2</script>", flat=False)
    '<div>One</div></script>'
    >>> _plainer("<div class=a><b>One</b></div>", flat=True)
    '<p>One<p>'
    """

    def plain(match: re.Match[str]) -> str:
        _, slash, name = match.groups()
        if name is None or (name := name.lower()) in FORMATTING_TAGS:
            return ""
        return "<p>" if flat and name not in _UNNESTED_TAGS else f"<{slash}{name}>"

    return _SCRIPT_OR_TAG.sub(plain, text)
