"""The whole of this chapter's crawl in one call: both sites served, crawled and saved as WARC.

Taught in ch01_data/01_web_as_bytes.ipynb.
Needs: crawl.py, library.py, site.py, town/, warc.py, _source.py.
"""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ._source import replacing
from .crawl import crawl
from .library import serve_library
from .site import KEPT, Site, render_town, serve
from .town import Page
from .warc import WarcPage, write_warc

# Each run serves on another port; the saved crawl has one address for each site instead.
TOWN_URL = "http://town.example"
LIBRARY_URL = "http://library.example"


def save_crawl(
    folder: str | Path,
    town_pages: Sequence[Page],
    *,
    library_pages: int,
    seed: int,
    kept_pages: Sequence[Page] = (),
) -> dict[str, int]:
    """Write town.warc.gz, library.warc.gz and what is known of the town; return their sizes.

    The town is rendered with its mess and crawled whole, the library up to `library_pages` pages.
    For scoring only: labels.json (URL to label) and truth.json ("copies": URL to the original's,
    "personal": URL to the strings planted there). The town's files are the same bytes for the same
    pages and seed; the library's depend on the Python that runs. With `kept_pages` a second town
    with the mess KEPT is saved as kept.warc.gz, kept_labels.json and kept_truth.json.
    Also returned: the count of each label of the town.

    >>> import tempfile
    >>> from common.data import town
    >>> counts = save_crawl(tempfile.mkdtemp(), town.pages(10, seed=0), library_pages=2, seed=0)
    >>> counts["library_pages"], counts["clean"]
    (2, 9)
    """
    folder = Path(folder)
    site = render_town(town_pages, seed=seed)
    sizes = {"town_pages": _save_town(site, folder, "town", "")}
    if kept_pages:
        kept = render_town(kept_pages, seed=seed + 1, mess=KEPT)
        sizes["kept_pages"] = _save_town(kept, folder, "kept", "kept_")
    with serve_library() as base_url:
        pages = crawl(f"{base_url}/topics.html", max_pages=library_pages)
        num_library = write_warc(_moved(pages, base_url, LIBRARY_URL), folder / "library.warc.gz")
    return sizes | {"library_pages": num_library, **Counter(site.labels.values())}


def _save_town(site: Site, folder: Path, name: str, prefix: str) -> int:
    """Crawl and save a town under TOWN_URL, with the truth about it; returns the count of pages."""
    with serve(site) as base_url:
        pages = crawl(f"{base_url}/", max_pages=len(site.responses))
        count = write_warc(_moved(pages, base_url, TOWN_URL), folder / f"{name}.warc.gz")
    truth = {
        "copies": {TOWN_URL + path: TOWN_URL + site.copies[path] for path in site.copies},
        "personal": {TOWN_URL + path: strings for path, strings in site.personal.items()},
    }
    labels = {f"{TOWN_URL}{path}": label for path, label in site.labels.items()}
    for file, facts in ((f"{prefix}labels.json", labels), (f"{prefix}truth.json", truth)):
        text = json.dumps(facts, indent=0, sort_keys=True, ensure_ascii=False)
        with replacing(folder / file) as stream:
            stream.write(text.encode("utf-8"))
    return count


def _moved(pages: Iterator[WarcPage], base_url: str, address: str) -> Iterator[WarcPage]:
    """The pages as if `address` had served them."""
    for page in pages:
        yield dataclasses.replace(page, url=address + page.url.removeprefix(base_url))
