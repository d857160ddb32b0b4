"""The whole of this chapter's crawl in one call: both sites served, crawled and saved as WARC.

Taught in ch01_data/01_web_as_bytes.ipynb.
Needs: crawl.py, document.py, library.py, site.py, town/.
"""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from .crawl import crawl
from .document import WarcPage, write_warc
from .library import serve_library
from .site import render_town, serve
from .town import Page

# Each run serves on another port; the saved crawl has one address for each site instead.
TOWN_URL = "http://town.example"
LIBRARY_URL = "http://library.example"


def save_crawl(
    folder: str | Path, town_pages: Sequence[Page], *, library_pages: int, seed: int
) -> dict[str, int]:
    """Write town.warc.gz, library.warc.gz and labels.json (URL to label) and return their sizes.

    The town is rendered with its mess and crawled whole, the library up to `library_pages` pages.
    The labels are for scoring only. The town's files are the same bytes for the same pages and
    seed; the library's depend on the Python that runs. Also returned: the count of each label.

    >>> import tempfile
    >>> from common.data import town
    >>> counts = save_crawl(tempfile.mkdtemp(), town.pages(10, seed=0), library_pages=2, seed=0)
    >>> counts["library_pages"], counts["clean"]
    (2, 9)
    """
    folder = Path(folder)
    site = render_town(town_pages, seed=seed)
    with serve(site) as base_url:
        pages = crawl(f"{base_url}/", max_pages=len(site.responses))
        num_town = write_warc(_moved(pages, base_url, TOWN_URL), folder / "town.warc.gz")
    with serve_library() as base_url:
        pages = crawl(f"{base_url}/topics.html", max_pages=library_pages)
        num_library = write_warc(_moved(pages, base_url, LIBRARY_URL), folder / "library.warc.gz")
    labels = {f"{TOWN_URL}{path}": label for path, label in sorted(site.labels.items())}
    text = json.dumps(labels, indent=0)
    (folder / "labels.json").write_text(text, encoding="utf-8")
    return {"town_pages": num_town, "library_pages": num_library, **Counter(site.labels.values())}


def _moved(pages: Iterator[WarcPage], base_url: str, address: str) -> Iterator[WarcPage]:
    """The pages as if `address` had served them."""
    for page in pages:
        yield dataclasses.replace(page, url=address + page.url.removeprefix(base_url))
