"""The town's web site: clean pages wrapped in HTML, and the mess of the real web around them.

Because the site is made here, it is known of every page what it is and what its author wrote. The
labels and texts are kept aside for scoring; nothing that cleans the crawl sees them.

Taught in ch01_data/01_web_as_bytes.ipynb.
Needs: _mess/ (charsets.py and the rest), town/.
"""

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from types import MappingProxyType

from ._mess import KEPT, TUNING, Link, Mess, Parts
from ._mess.charsets import encode_page
from .town import Page

__all__ = ["KEPT", "MESS_SHARES", "TUNING", "Mess", "Response", "Site", "render_town", "serve"]

# Mess pages as a share of the clean ones: 35 % in all.
MESS_SHARES: Mapping[str, float] = MappingProxyType(
    {
        "near_copy": 0.06,
        "mirror": 0.04,
        "gibberish": 0.05,
        "foreign": 0.05,
        "spam": 0.04,
        "toxic": 0.03,
        "mojibake": 0.03,
        "boilerplate": 0.02,
        "soft_error": 0.02,
        "link_farm": 0.01,
    }
)
_PII_SHARE = 0.03  # of the clean pages, which get a personal line planted
_HARMLESS_SHARE = 0.04  # of the clean pages, which get a paragraph that only looks like mess
_HIDDEN_SHARE = 0.3  # of the spam and toxic pages, which stand between stolen paragraphs
_SPUN_SHARE = 0.2  # of the gibberish, which is an honest page gone through a mill
_LINKS_PER_INDEX = 80
_OVERSIZE_BYTES = 3_000_000


@dataclasses.dataclass(frozen=True)
class Response:
    """What the server answers for one path.

    >>> Response(301, {"Location": "/new"}, b"").status
    301
    """

    status: int
    headers: dict[str, str]
    body: bytes


@dataclasses.dataclass(frozen=True)
class Site:
    """A web site and the truth about it, by path.

    labels: what each page is. texts: the main text as written. personal: the strings planted in a
    page that identify somebody. copies: for a mirror or near copy, the path of the original.

    >>> Site({"/": Response(200, {}, b"<p>Hi")}, {"/": "clean"}, {"/": "Hi"}).texts["/"]
    'Hi'
    """

    responses: dict[str, Response]
    labels: dict[str, str]
    texts: dict[str, str]
    personal: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    copies: dict[str, str] = dataclasses.field(default_factory=dict)


def render_town(
    pages: Sequence[Page],
    *,
    seed: int,
    mess: Mess | None = TUNING,
    shares: Mapping[str, float] = MESS_SHARES,
) -> Site:
    """Render pages as a web site, with traps and with pages of mess: `shares` of each label, as
    `mess` makes them: TUNING or, to measure on what nothing was tuned on, KEPT; None for no mess.

    Labels say what a page mainly is: "clean", "pii" (clean but for a planted personal line), a key
    of MESS_SHARES, "index", "oversize" or "private". A clean page's text is its title and its
    paragraphs, separated by blank lines; one in 25 has a paragraph more, harmless but made to look
    like mess ("She would never call anyone a blockhead."). Same pages and seed, same bytes.

    >>> from common.data import town
    >>> site = render_town(town.pages(20, seed=0), seed=0)
    >>> site.responses["/"].status, site.labels["/"], site.responses["/robots.txt"].body[:13]
    (200, 'index', b'User-agent: *')
    """
    if mess is not None and not isinstance(mess, Mess):
        raise ValueError(f"mess must be TUNING, KEPT or None, got {mess!r}")
    builder = _Builder(pages, seed, mess or TUNING)
    if mess is not None:
        builder.add_mess(shares)
        builder.add_traps()
    builder.add_indexes()
    return builder.site


_NOT_FOUND = Response(404, {"Content-Type": "text/html"}, b"<h1>404 Not Found</h1>")


class _Builder:
    """Collects the responses, labels and texts of one site."""

    def __init__(self, pages: Sequence[Page], seed: int, mess: Mess) -> None:
        self.dice = Random(seed)
        self.mess = mess
        self.pages = list(pages)
        self.site = Site({}, {}, {})
        self.num_mess = 0
        self.menu: list[Link] = [("/", "Home"), ("/index/1", "Archive"), ("/about", "About us")]
        num_parts = min(5, len(self.pages) // _LINKS_PER_INDEX)
        self.menu += [(f"/index/{n}", f"Part {n}") for n in range(2, num_parts + 1)]
        self.links = [(page.path, page.title) for page in self.pages] or self.menu
        for page in self.pages:
            self.add(page.path, "clean", page.title, page.paragraphs)

    def add(
        self,
        path: str,
        label: str,
        title: str,
        paragraphs: tuple[str, ...],
        html: str | None = None,
    ) -> None:
        """Render a page; `html` replaces its content where that is not text."""
        dice = self.dice
        if path in self.site.responses:
            raise ValueError(f"two pages have the path {path}")
        content = html or self.mess.content(dice, title, paragraphs, self.links)
        comment = self.mess.spam_comment if dice.random() < 0.7 else self.mess.toxic_comment
        comments = [comment(dice) for _ in range(dice.choice([0, 0, 0, 1, 2, 3]))]
        related = dice.sample(self.links, min(5, len(self.links)))
        page = self.mess.page(dice, Parts(title, content, self.menu, related, comments))
        # Bytes that were read wrongly once would be read rightly if they were declared wrongly too.
        content_type, body = encode_page(dice, page, honest=label == "mojibake")
        self.site.responses[path] = Response(200, {"Content-Type": content_type}, body)
        self.site.labels[path] = label
        if label not in ("index", "oversize"):
            self.site.texts[path] = "\n\n".join([title, *paragraphs] if title else paragraphs)

    def add_mess(self, shares: Mapping[str, float]) -> None:
        dice = self.dice
        num_pii = _share(_PII_SHARE, len(self.pages))
        num_planted = num_pii + _share(_HARMLESS_SHARE, len(self.pages))
        planted = dice.sample(self.pages, min(num_planted, len(self.pages)))
        for page in planted[:num_pii]:
            line, secret = self.mess.personal(dice)
            self.plant(page, "pii", line)
            self.site.personal[page.path] = (secret,)
        for page in planted[num_pii:]:
            self.plant(page, "clean", self.mess.harmless(dice))
        for label, share in shares.items():
            for source in dice.choices(self.pages, k=_share(share, len(self.pages))):
                self.num_mess += 1
                path = f"/p/{self.num_mess}"
                self.add(path, label, *self.mess_page(label, source))
                if label in ("mirror", "near_copy"):
                    self.site.copies[path] = source.path

    def plant(self, page: Page, label: str, paragraph: str) -> None:
        """Render a page again with one paragraph more."""
        del self.site.responses[page.path]
        planted = list(page.paragraphs)
        planted.insert(self.dice.randint(0, len(planted)), paragraph)
        self.add(page.path, label, page.title, tuple(planted))

    def mess_page(self, label: str, source: Page) -> tuple[str, tuple[str, ...], str | None]:
        """Title, paragraphs and replaced content of one page of mess."""
        dice, mess = self.dice, self.mess
        if label == "mirror":
            return source.title, source.paragraphs, None
        if label == "near_copy":
            return source.title, mess.near_copy(dice, source.paragraphs), None
        if label == "mojibake":
            return source.title, mess.mojibake(dice, source.paragraphs), None
        if label == "boilerplate":
            return "", (), mess.boilerplate(dice)
        if label == "link_farm":
            links = (f'<p><a href="{href}">{name}</a></p>' for href, name in self.links[:100])
            return "", (), "".join(links)
        # The writer has the label's name.
        paragraphs = tuple(getattr(mess, label)(dice).split("\n\n"))
        if label == "soft_error":
            return paragraphs[0], paragraphs[1:], None
        if label in ("spam", "toxic") and dice.random() < _HIDDEN_SHARE:
            paragraphs = mess.hide(dice, paragraphs, source.paragraphs)
        elif label == "gibberish" and dice.random() < _SPUN_SHARE:
            paragraphs = mess.spin(dice, source.paragraphs)
        # Made text has no title: its first words serve, as on pages made by machines.
        return paragraphs[0][:60].strip(), paragraphs, None

    def add_traps(self) -> None:
        """Redirects, a redirect loop, a dead link, a forbidden folder and a page without end."""
        for n, page in enumerate(self.pages[: _share(0.01, len(self.pages))]):
            status = (301, 302)[n % 2]
            self.site.responses[f"/old/{n}"] = Response(status, {"Location": page.path}, b"")
        for here, there in [("/loop/a", "/loop/b"), ("/loop/b", "/loop/a")]:
            self.site.responses[here] = Response(302, {"Location": there}, b"")
        self.add("/private/diary", "private", "A diary", ("Nobody was meant to read this page.",))
        body = b"<p>" + b"la " * (_OVERSIZE_BYTES // 3)
        self.site.responses["/endless"] = Response(200, {"Content-Type": "text/html"}, body)
        self.site.labels["/endless"] = "oversize"
        robots = b"User-agent: *\nDisallow: /private/\n"
        self.site.responses["/robots.txt"] = Response(200, {"Content-Type": "text/plain"}, robots)

    def add_indexes(self) -> None:
        """Index pages that link every page, the home page that links them, and /about."""
        paths = [path for path in self.site.responses if path != "/robots.txt"]
        self.dice.shuffle(paths)
        chunks = [paths[i : i + _LINKS_PER_INDEX] for i in range(0, len(paths), _LINKS_PER_INDEX)]
        names = dict(self.links)
        for n, chunk in enumerate(chunks, start=1):
            links = [f'<li><a href="{path}">{names.get(path, path)}</a></li>' for path in chunk]
            self.add(f"/index/{n}", "index", f"Archive {n}", (), f"<ul>{''.join(links)}</ul>")
        parts = [f'<li><a href="/index/{n}">Part {n}</a></li>' for n in range(1, len(chunks) + 1)]
        dead = '<li><a href="/gone">An old page</a></li>'
        self.add("/", "index", "The Town Gazette", (), f"<ul>{''.join(parts)}{dead}</ul>")
        self.add("/about", "boilerplate", "", (), "<p><a href='/'>Back to the start</a></p>")


def _share(share: float, count: int) -> int:
    return min(count, max(1, round(share * count)))


@contextlib.contextmanager
def serve(site_or_handler: Site | Callable[[str], Response]) -> Iterator[str]:
    """Serve a site, or what a function answers for each path, on a free port of 127.0.0.1.

    Gives the base address; the server ends with the `with` block.

    >>> import urllib.request
    >>> with serve(lambda path: Response(200, {}, f"you asked for {path}".encode())) as base_url:
    ...     urllib.request.urlopen(f"{base_url}/tea").read()
    b'you asked for /tea'
    """

    def answer(path: str) -> Response:
        if isinstance(site_or_handler, Site):
            return site_or_handler.responses.get(path, _NOT_FOUND)
        return site_or_handler(path)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement
        wbufsize = -1

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # the client may leave in the middle
                super().handle()

        def do_GET(self) -> None:
            response = answer(self.path)
            self.send_response_only(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        def log_message(self, *args: object) -> None:
            """Say nothing: a crawl asks for thousands of pages."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
