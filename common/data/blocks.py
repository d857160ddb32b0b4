"""A page as blocks: the stretches of text that a browser sets apart, each with what surrounds it.

The parser's tree is walked once. Where a browser begins a new line (a paragraph, a list item, a
table cell), one block ends and the next begins. A block knows how much of it is link text
(Kohlschütter, Fankhauser and Nejdl, "Boilerplate Detection using Shallow Text Features", WSDM 2010)
and whether an element around it says that it is boilerplate (<nav>, class="comments").
An element is remembered as the range of blocks inside it.

Taught in ch01_data/02_main_text.ipynb.
Needs: lxml, _html.py.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from lxml import etree

from ._html import LINE_BREAK, parse_html

_SKIPPED_TAGS = "title script style noscript template svg iframe select textarea".split()
_LINE_TAGS = "li tr td th dt dd option summary figcaption caption".split()
# Not <head>: where <body> is left out, libxml2 takes the text of the page for a part of the head.
_PARAGRAPH_TAGS = (
    "html body main article section nav aside header footer div p h1 h2 h3 h4 h5 h6 pre blockquote "
    "ul ol dl table tbody thead tfoot form fieldset figure address hr center details dialog menu "
    "button".split()
)
_SKIP, _LINK, _BREAK, _LINE, _PARAGRAPH = range(1, 6)
_KINDS = (
    dict.fromkeys(_SKIPPED_TAGS, _SKIP)
    | dict.fromkeys(_LINE_TAGS, _LINE)
    | dict.fromkeys(_PARAGRAPH_TAGS, _PARAGRAPH)
    | {"a": _LINK, "br": _BREAK}
)
_BOILERPLATE_TAGS = frozenset("nav aside header footer button dialog menu".split())
_CONTENT_TAGS = frozenset("html body main article".split())  # never boilerplate by their names
# Words in the class, id or role of an element, as people who make web sites choose them.
_HINTS = frozenset(
    "nav navbar navigation menu menubar submenu sidebar sidenav footer header masthead topbar "
    "toolbar breadcrumb breadcrumbs pager pagination comment comments commentlist disqus replies "
    "respond cookie cookies consent gdpr ad ads advert adverts advertisement banner promo "
    "promotion sponsor sponsored sponsors related recommended recommendations trending teaser "
    "teasers share sharing social follow newsletter subscribe subscription signup login signin "
    "modal popup tooltip meta byline copyright disclaimer contentinfo complementary".split()
)
_TEXT_NAMES = frozenset("article post entry story content page".split())  # "post-header" is text
_END = "\0"  # of a block: the parser's strings cannot hold it
_NAMING = frozenset(["class", "id", "role"])
_SPACES = re.compile("  +")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


class Block(NamedTuple):
    """A stretch of text that a browser sets apart, and what its surroundings say about it.

    `link_density` is the share of its letters that are links; `gap` is 1 where a new line precedes
    it and 2 where a blank line does; `hinted` is True inside what is named as boilerplate.

    >>> Block("Home", "li", link_density=1.0, gap=1, hinted=True).hinted
    True
    """

    text: str
    tag: str
    link_density: float
    gap: int
    hinted: bool


def split_blocks(
    html_bytes: bytes, *, content_type: str | None = None
) -> tuple[list[Block], list[range]]:
    """Every block of text on a page in order, and for each element with two or more, their range.

    `content_type` is the HTTP header's value. Inner elements come before those around them.
    Any bytes give blocks, perhaps none; nothing in them raises. One pass over the elements.

    >>> blocks, elements = split_blocks(b"<h1>Tea</h1><div><p>See <a href=x>here</a>.<p>End")
    >>> [(block.tag, block.text, round(block.link_density, 2)) for block in blocks]
    [('h1', 'Tea', 0.0), ('p', 'See here.', 0.44), ('p', 'End', 0.0)]
    >>> elements[0]
    range(1, 3)
    """
    root = parse_html(html_bytes, content_type=content_type)
    splitter = _Splitter()
    if root is not None:
        splitter.split(root)
    return splitter.blocks(), splitter.elements


class _Splitter:
    """Walks the elements once; what is between two block boundaries becomes a block.

    White space is folded in the end, for the whole page at once, which costs less than piecemeal.
    """

    def __init__(self) -> None:
        self.pieces: list[str] = []  # of the text of the page, with _END after each block
        self.found: list[tuple[str, int, int, bool]] = []  # tag, letters in links, gap, hinted
        self.typed: dict[int, str] = {}  # the text of the blocks that are preformatted
        self.elements: list[range] = []
        # The block that has begun: whether it has text, since which piece, and what is known of it.
        self.begun, self.since, self.link_chars, self.gap = False, 0, 0, 0
        # The innermost block element: its tag, the first block in it, whether it is boilerplate.
        self.tag, self.first, self.hinted = "html", 0, False
        self.around: list[tuple[str, int, bool]] = []  # the same of the elements around it
        self.preformatted = self.articles = 0  # how many of them we are inside of

    def split(self, root: etree._Element) -> None:
        pieces, kind_of, enter, leave = self.pieces, _KINDS.get, self.enter, self.leave
        links = 0  # that we are inside of
        walker = etree.iterwalk(root, events=("start", "end"))
        for event, element in walker:
            kind = kind_of(element.tag)
            if event == "start":
                if kind:
                    if kind >= _LINE:
                        enter(element, kind)
                    elif kind == _LINK:
                        links += 1
                    elif kind == _SKIP:
                        walker.skip_subtree()
                        continue
                    else:
                        pieces.append(LINE_BREAK)
                text = element.text
            else:
                if kind:
                    if kind >= _LINE:
                        leave(element.tag, kind)
                    elif kind == _LINK:
                        links -= 1
                text = element.tail
            # A block begins with its first letter: what it has before is white space.
            if text and (self.begun or not text.isspace() or self.preformatted):
                self.begun = True
                pieces.append(text)
                if links:
                    self.link_chars += len(text.strip())
        if self.begun:
            self.end_block()

    def blocks(self) -> list[Block]:
        texts = _folded("".join(self.pieces))
        for number, text in self.typed.items():
            texts[number] = text
        return [
            Block(text, tag, min(1.0, in_links / len(text)) if in_links else 0.0, gap, hinted)
            for text, (tag, in_links, gap, hinted) in zip(texts, self.found, strict=True)
        ]

    def enter(self, element: etree._Element, kind: int) -> None:
        if self.begun:
            self.end_block()
        self.gap = 2 if kind == _PARAGRAPH else self.gap or 1
        self.around.append((self.tag, self.first, self.hinted))
        tag = element.tag
        self.tag, self.first = tag, len(self.found)
        if not self.hinted:
            if tag in _BOILERPLATE_TAGS:  # but <header> in an <article> heads it, not the site
                self.hinted = tag != "header" or not self.articles
            elif element.keys() and tag not in _CONTENT_TAGS:
                self.hinted = _is_named_boilerplate(element)
        if tag == "pre":
            self.preformatted += 1
        elif tag == "article" or tag == "main":
            self.articles += 1

    def leave(self, tag: str, kind: int) -> None:
        if self.begun:
            self.end_block()
        self.gap = 2 if kind == _PARAGRAPH else self.gap or 1
        if len(self.found) - self.first > 1:
            self.elements.append(range(self.first, len(self.found)))
        self.tag, self.first, self.hinted = self.around.pop()
        if tag == "pre":
            self.preformatted -= 1
        elif tag == "article" or tag == "main":
            self.articles -= 1

    def end_block(self) -> None:
        in_links, self.link_chars, self.begun = self.link_chars, 0, False
        if self.preformatted:
            text = _as_typed("".join(self.pieces[self.since :]))
            del self.pieces[self.since :]
            if not text:
                return
            self.typed[len(self.found)] = text
        self.pieces.append(_END)
        self.since = len(self.pieces)
        self.found.append((self.tag, in_links, self.gap, self.hinted))
        self.gap = 0


def _is_named_boilerplate(element: etree._Element) -> bool:
    """Whether an attribute of an element says that it is boilerplate, or that nobody sees it."""
    for name, value in element.items():
        if name == "hidden" or name in _NAMING and _means_boilerplate(value[:200]):
            return True
    return False


@lru_cache(maxsize=4096)  # a site uses the same few names on all its pages
def _means_boilerplate(names: str) -> bool:
    """Whether the value of a class, id or role says that the element is no text of the author's."""
    words = {word.lower() for word in _WORD.findall(names)}
    if not words.isdisjoint(_TEXT_NAMES):
        words.discard("header")
    return not words.isdisjoint(_HINTS)


def _as_typed(raw: str) -> str:
    """The lines of preformatted text, without empty ones at either end."""
    lines = raw.replace(LINE_BREAK, "\n").split("\n")
    return "\n".join([line.rstrip() for line in lines]).strip("\n")


def _folded(raw: str) -> list[str]:
    """The texts of all blocks as a browser shows them: runs of white space become one space.

    No-break spaces all stay, as spaces, except where a line ends.
    """
    text = _SPACES.sub(" ", raw.replace("\n", " ").replace("\t", " "))
    if LINE_BREAK in text:
        text = text.replace(f" {LINE_BREAK}", "\n").replace(LINE_BREAK, "\n").replace("\n ", "\n")
    texts = [block.strip(" \n") for block in text.split(_END)[:-1]]
    if "\xa0" not in text:
        return texts
    return [_unbroken(block) if "\xa0" in block else block for block in texts]


def _unbroken(text: str) -> str:
    text = text.replace("\xa0", " ").rstrip()
    return _as_typed(text) if " \n" in text else text
