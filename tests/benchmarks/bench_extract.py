"""HTML to text: MB of HTML a CPU second and token F1 beside other extractors, and the slowest page.

F1 is the mean over the pages with a text, on the town that was tuned on and on the one kept apart.
`python -m tests.benchmarks.bench_extract 300` takes 300 clean pages a town instead of 1000.
"""

import importlib
import re
import sys
import time
from collections.abc import Callable, Iterable

import lxml.html
import trafilatura

from common.data import town
from common.data.crawl import crawl
from common.data.encoding import decode_html
from common.data.extract import extract_text, token_f1
from common.data.library import serve_library
from common.data.site import KEPT, TUNING, Site, render_town
from tests.benchmarks.measure import report
from tests.data.page_mutants import HOSTILE, page_mutants

Page = tuple[bytes, str | None]  # the body and its Content-Type
SLOW = {"trafilatura": 20}  # reads one page in so many


def tools() -> dict[str, Callable[[Page], str]]:
    """Page to text; the tools that read no bytes get what decode_html makes of them."""

    def decoded(page: Page) -> str:
        return decode_html(page[0], content_type=page[1])[0]

    found = {
        "ours": lambda page: extract_text(page[0], content_type=page[1]),
        "ours, all blocks": lambda page: extract_text(
            page[0], content_type=page[1], main_content=False
        ),
        "lxml text_content": lambda page: lxml.html.fromstring(page[0]).text_content(),
        "tags deleted": lambda page: re.sub("<[^>]*>", " ", decoded(page)),
        "trafilatura": lambda page: trafilatura.extract(decoded(page)) or "",
    }
    try:
        plain = importlib.import_module("resiliparse.extract.html2text").extract_plain_text
        found["resiliparse main"] = lambda page: plain(decoded(page), main_content=True)
    except ImportError:
        print("resiliparse is not installed (extra bench)")
    return found


TOOLS = tools()


def cpu_seconds(tool: Callable[[Page], str], pages: Iterable[Page]) -> list[float]:
    """What each page costs."""
    costs = []
    for page in pages:
        start = time.process_time()
        tool(page)
        costs.append(time.process_time() - start)
    return costs


def speed(name: str, pages: list[Page], *, runs: int = 3) -> None:
    """MB/s by the fastest of a few runs over each page; the tools take turns, so noise hits all."""
    parts = {key: pages[:: SLOW.get(key, 1)] for key in TOOLS}
    costs = {key: [] for key in TOOLS}
    for _ in range(runs):
        for key, tool in TOOLS.items():
            costs[key].append(cpu_seconds(tool, parts[key]))
    spent = {key: sum(map(min, *costs[key])) for key in TOOLS}
    report(f"MB/s, {name}", **{key: megabytes(parts[key]) / spent[key] for key in TOOLS})


def megabytes(pages: list[Page]) -> float:
    return sum(len(body) for body, _ in pages) / 1e6


def quality(name: str, site: Site) -> None:
    paths = [path for path, text in site.texts.items() if text]
    scores = {}
    for key, tool in TOOLS.items():
        some = paths[:: SLOW.get(key, 1)]
        values = [token_f1(tool(page_of(site, path)), site.texts[path]) for path in some]
        scores[key] = sum(values) / len(values)
    report(f"token F1, {name}", pages=len(paths), **scores)


def page_of(site: Site, path: str) -> Page:
    response = site.responses[path]
    return response.body, response.headers.get("Content-Type")


count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
with serve_library() as url:
    library = list(crawl(f"{url}/topics.html", max_pages=min(count, 300)))
speed("library", [(page.body, page.headers.get("content-type")) for page in library])
for name, mess, seed in [("tuning town", TUNING, 5), ("kept town", KEPT, 6)]:
    site = render_town(town.pages(count, seed=seed), seed=seed, mess=mess)
    speed(name, [page_of(site, path) for path, text in site.texts.items() if text])
    quality(name, site)

ours = TOOLS["ours"]
line = (b"<p>" + b"The tide comes in. " * 2_700_000, None)
report("slowest of 5000 mutants", seconds=max(cpu_seconds(ours, page_mutants(5000, seed=2))))
hostile = cpu_seconds(ours, [(body, None) for body in HOSTILE.values()])
report("hostile pages, seconds", **dict(zip(HOSTILE, hostile, strict=True)))
report("one line", megabytes=megabytes([line]), seconds=sum(cpu_seconds(ours, [line])))
