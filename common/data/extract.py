"""HTML to the text that its author wrote, without menus, adverts, banners and comments.

A block counts as boilerplate when most of it is link text, or when an element around it says so.
The main content is the smallest element that holds most of the text that remains. The features are
those of Kohlschütter, Fankhauser and Nejdl, "Boilerplate Detection using Shallow Text Features",
WSDM 2010; they judge each block beside its neighbours, where this asks the elements around it.

Taught in ch01_data/02_main_text.ipynb.
Needs: blocks.py, document.py, warc.py.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate, compress
from operator import mul

from .blocks import Block, split_blocks
from .document import Document
from .warc import WarcPage

LINK_DENSITY_LIMIT = 0.5  # a block with a larger share of link text is navigation
MAIN_SHARE = 0.8  # of the letters of all other blocks, inside the element with the content
TITLED_SHARE = 0.3  # the same, where the element holds the page's title too
_HEADINGS = frozenset(["h2", "h3", "h4", "h5", "h6"])
_NAMES_LIMIT = 0.9  # names that would take away more than this share of the text mean nothing ...
_NAMES_CHARS = 500  # ... where there is as much text as this


def extract_text(
    html_bytes: bytes, *, main_content: bool = True, content_type: str | None = None
) -> str:
    """The text of a page; paragraphs are separated by a blank line, lines by a newline.

    `content_type` is the HTTP header's value. With `main_content=False` every block is kept.
    Any bytes give a text, perhaps an empty one; nothing in them raises. One pass over the elements,
    one over the blocks: about 20 MB of HTML a second.

    >>> extract_text(b"<nav><a href='/'>Home</a></nav><p>One<br>two.<p>Three.")
    'One\\ntwo.\\n\\nThree.'
    """
    blocks, elements = split_blocks(html_bytes, content_type=content_type)
    kept = main_blocks(blocks, elements) if main_content else [True] * len(blocks)
    pieces, gap = [], 0
    for (text, _, _, gap_before, _), keep in zip(blocks, kept, strict=True):
        if gap_before > gap:
            gap = gap_before
        if keep:
            pieces += ["\n" * gap, text]
            gap = 0
    return "".join(pieces[1:])


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


def main_blocks(blocks: list[Block], elements: list[range]) -> list[bool]:
    """For each block, whether it belongs to the page's main content.

    >>> html = b"<div class=menu>Menu</div><h1>Tides</h1><p>The sea rises.</p>"
    >>> main_blocks(*split_blocks(html))
    [False, True, True]
    """
    sizes = [len(block.text) for block in blocks]
    good = _good_blocks(blocks, sizes)
    keep = [False] * len(blocks)
    following = False
    # A heading over nothing (the "Related" above a list of links) goes with what it headed.
    for i in reversed(_main_element(blocks, elements, sizes, good)):
        if blocks[i].tag in _HEADINGS:
            keep[i] = good[i] and following
        else:
            keep[i] = following = good[i]
    return keep


def _good_blocks(blocks: list[Block], sizes: list[int]) -> list[bool]:
    """The blocks that are neither links nor named as boilerplate."""
    text = [block.link_density <= LINK_DENSITY_LIMIT for block in blocks]
    good = [is_text and not block.hinted for is_text, block in zip(text, blocks, strict=True)]
    num_text, num_good = sum(compress(sizes, text)), sum(compress(sizes, good))
    # A forum's comments are its text, and <div class="with-sidebar"> may hold the whole page.
    useless = num_text >= _NAMES_CHARS and num_good < (1 - _NAMES_LIMIT) * num_text
    return text if useless else good


def _main_element(
    blocks: list[Block], elements: list[range], sizes: list[int], good: list[bool]
) -> range:
    """The blocks of the smallest element with enough of the text; all blocks if there is none."""
    letters = [0, *accumulate(map(mul, sizes, good))]  # of good blocks before each block
    number = [0, *accumulate(good)]
    titles = [i for i, block in enumerate(blocks) if block.tag == "h1" and good[i]]
    title = titles[0] if len(titles) == 1 else -1
    for element in elements:  # any two with enough are nested, and the inner one comes first
        first, end = element.start, element.stop
        share = TITLED_SHARE if title in element else MAIN_SHARE
        # An element with one block is a paragraph, not the place where the paragraphs are.
        if letters[end] - letters[first] >= share * letters[-1] and number[end] - number[first] > 1:
            return element
    return range(len(blocks))


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
