"""HTML to the text that its author wrote, without menus, adverts, banners and comments.

A page is cut into blocks (what a browser sets apart by line breaks). A block counts as boilerplate
when most of it is link text (Kohlschütter, Fankhauser and Nejdl, "Boilerplate Detection using
Shallow Text Features", WSDM 2010) or when an element around it says so (<nav>, class="comments").
The main content is the smallest element that holds 80 % of the text that remains.

Taught in ch01_data/02_main_text.ipynb.
Needs: lxml, _html.py, document.py.
"""

import dataclasses
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from lxml import etree

from ._html import parse_html
from .document import Document, WarcPage

LINK_DENSITY_LIMIT = 0.5  # a block with a larger share of link text is navigation
MAIN_SHARE = 0.8  # of the characters of all other blocks, inside the element with the content

# Not <head>: where <body> is left out, libxml2 takes the text of the page for a part of the head.
_SKIPPED = frozenset("title script style noscript template svg iframe select textarea".split())
_BOILERPLATE_TAGS = frozenset("nav aside header footer button dialog menu".split())
_LINE_TAGS = frozenset("li tr td th dt dd option summary figcaption caption".split())
_PARAGRAPH_TAGS = frozenset(
    "html body main article section nav aside header footer div p h1 h2 h3 h4 h5 h6 pre blockquote "
    "ul ol dl table tbody thead tfoot form fieldset figure address hr center details dialog menu "
    "button".split()
)
_BLOCK_TAGS = _LINE_TAGS | _PARAGRAPH_TAGS
_CONTENT_TAGS = frozenset("html body main article".split())  # never boilerplate by their class
_HINT = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|sidebar|footer|header|masthead|comments?|cookies?"
    r"|consent|adverts?|ads?|banner|promo|sponsored|related|recommended|share|social|breadcrumbs?"
    r"|newsletter|popup|modal|login)(?:[\s_-]|$)",
    re.IGNORECASE,
)
_SPACES = re.compile(r"[ \t\r\n\f]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """A stretch of text that a browser sets apart, and what its surroundings say about it.

    `gap` is 1 where a new line precedes it and 2 where a blank line does; `path` numbers the
    elements around it, outermost first; `hinted` is True inside what is named as boilerplate.

    >>> Block("Home", "li", link_density=1.0, gap=1, path=(1, 2), hinted=True).hinted
    True
    """

    text: str
    tag: str
    link_density: float
    gap: int
    path: tuple[int, ...]
    hinted: bool


def extract_text(
    html_bytes: bytes, *, main_content: bool = True, content_type: str | None = None
) -> str:
    """The text of a page; paragraphs are separated by a blank line, lines by a newline.

    `content_type` is the HTTP header's value. With `main_content=False` every block is kept.
    Any bytes give a text, perhaps an empty one; nothing in them raises. One pass over the elements.

    >>> extract_text(b"<nav><a href='/'>Home</a></nav><p>One<br>two.<p>Three.")
    'One\\ntwo.\\n\\nThree.'
    """
    blocks = split_blocks(html_bytes, content_type=content_type)
    kept = main_blocks(blocks) if main_content else [True] * len(blocks)
    pieces, gap = [], 0
    for block, keep in zip(blocks, kept, strict=True):
        gap = max(gap, block.gap)
        if keep:
            pieces += ["\n" * gap if pieces else "", block.text]
            gap = 0
    return "".join(pieces)


def extract_documents(pages: Iterable[WarcPage]) -> Iterator[Document]:
    """One document for each crawled page, in order; its id is a hash of its URL.

    >>> page = WarcPage("http://x/", 200, {"content-type": "text/html"}, b"<p>Hello")
    >>> [document.text for document in extract_documents([page])]
    ['Hello']
    """
    for page in pages:
        text = extract_text(page.body, content_type=page.headers.get("content-type"))
        name = hashlib.sha256(page.url.encode("utf-8")).hexdigest()[:16]
        yield Document(name, page.url, text, {"status": page.status})


def main_blocks(blocks: list[Block]) -> list[bool]:
    """For each block, whether it belongs to the page's main content.

    >>> main_blocks(split_blocks(b"<div class=menu>Menu</div><h1>Tides</h1><p>The sea rises.</p>"))
    [False, True, True]
    """
    good = [not block.hinted and block.link_density <= LINK_DENSITY_LIMIT for block in blocks]
    main = _main_element([block for block, keep in zip(blocks, good, strict=True) if keep])
    keep = [k and (main is None or main in b.path) for b, k in zip(blocks, good, strict=True)]
    # A heading over nothing (the "Related" above a list of links) goes with what it headed.
    following = False
    for i in reversed(range(len(blocks))):
        if blocks[i].tag in ("h2", "h3", "h4", "h5", "h6"):
            keep[i] = keep[i] and following
        else:
            following = keep[i]
    return keep


def _main_element(good: list[Block]) -> int | None:
    """The number of the smallest element with MAIN_SHARE of the text, None for too few blocks."""
    chars: Counter[int] = Counter()
    for block in good:
        for element in block.path:
            chars[element] += len(block.text)
    needed = MAIN_SHARE * sum(len(block.text) for block in good)
    # An element with one block is a paragraph, not the place where the paragraphs are.
    num_blocks = Counter(element for block in good for element in block.path)
    # Elements that hold more than half are nested, and an inner element has a higher number.
    return max((e for e in chars if chars[e] >= needed and num_blocks[e] > 1), default=None)


def split_blocks(html_bytes: bytes, *, content_type: str | None = None) -> list[Block]:
    """Every block of text on a page, in the order of the page.

    >>> [(b.tag, b.text, b.link_density) for b in split_blocks(b"<p>See <a href=x>here</a>.")]
    [('p', 'See here.', 0.4444444444444444)]
    """
    root = parse_html(html_bytes, content_type=content_type)
    return [] if root is None else _Splitter().split(root)


class _Splitter:
    """Walks the elements once; what is between two block boundaries becomes a block."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.fragments: list[str] = []
        self.link_chars = 0
        self.links = 0  # how many <a> we are inside of
        self.preformatted = 0
        self.gap = 0
        self.num_elements = 0
        # (tag, path, hinted) of the block elements around the current position.
        self.stack: list[tuple[str, tuple[int, ...], bool]] = [("html", (), False)]

    def split(self, root: etree._Element) -> list[Block]:
        walker = etree.iterwalk(root, events=("start", "end"))
        for event, element in walker:
            tag = element.tag
            if event == "start":
                if tag in _SKIPPED:
                    walker.skip_subtree()
                    continue
                if tag in _BLOCK_TAGS:
                    self.enter(tag, element)
                elif tag == "a":
                    self.links += 1
                elif tag == "br":
                    self.fragments.append("\n" if self.preformatted else "\0")
                if text := element.text:
                    self.add(text)
            else:
                if tag in _BLOCK_TAGS:
                    self.leave(tag)
                elif tag == "a":
                    self.links -= 1
                if tail := element.tail:
                    self.add(tail)
        self.flush()
        return self.blocks

    def enter(self, tag: str, element: etree._Element) -> None:
        self.flush()
        self.gap = max(self.gap, 1 if tag in _LINE_TAGS else 2)
        _, path, hinted = self.stack[-1]
        if not hinted and tag not in _CONTENT_TAGS:
            # A <header> inside an <article> heads the article, one outside heads the site.
            named = tag in _BOILERPLATE_TAGS and not (
                tag in ("header", "footer") and any(entry[0] == "article" for entry in self.stack)
            )
            names = f"{element.get('class', '')} {element.get('id', '')}"
            hinted = named or (len(names) > 1 and bool(_HINT.search(names)))
        self.num_elements += 1
        self.stack.append((tag, (*path, self.num_elements), hinted))
        self.preformatted += tag == "pre"

    def leave(self, tag: str) -> None:
        self.flush()
        self.stack.pop()
        self.gap = max(self.gap, 1 if tag in _LINE_TAGS else 2)
        self.preformatted -= tag == "pre"

    def add(self, text: str) -> None:
        self.fragments.append(text)
        if self.links:
            self.link_chars += len(text.strip())

    def flush(self) -> None:
        if not self.fragments:
            return
        raw = "".join(self.fragments)
        if self.preformatted:
            text = "\n".join(line.rstrip() for line in raw.split("\n")).strip("\n")
        elif "\0" in raw:
            text = "\n".join(_fold(line) for line in raw.split("\0")).strip("\n")
        else:
            text = _fold(raw)
        if text:
            tag, path, hinted = self.stack[-1]
            density = min(1.0, self.link_chars / len(text))
            self.blocks.append(Block(text, tag, density, self.gap, path, hinted))
            self.gap = 0
        self.fragments.clear()
        self.link_chars = 0


def _fold(line: str) -> str:
    """White space as a browser shows it: runs become one space, no-break spaces all stay."""
    if "\xa0" not in line:
        return " ".join(line.split())
    return _SPACES.sub(" ", line).strip(" ").replace("\xa0", " ").rstrip()


def token_f1(extracted: str, truth: str) -> float:
    """Harmonic mean of precision and recall over words, counted with repetition; 1.0 is exact.

    Two empty texts agree (1.0). Words are split at white space. Cost: one pass over each text.

    >>> token_f1("the cat sat down", "the cat sat")
    0.8571428571428571
    """
    ours, theirs = Counter(extracted.split()), Counter(truth.split())
    if not ours and not theirs:
        return 1.0
    shared = (ours & theirs).total()
    return 2 * shared / (ours.total() + theirs.total())
