"""A polite crawler: one site, breadth first, robots.txt, limits on everything.

It follows links as they are found, asks for nothing that robots.txt forbids (RFC 9309), stays on
its host, and lets no page cost more than its share of bytes and seconds. One kept-alive connection
does all the asking. What it leaves out it lists with the reason.

Taught in ch01_data/01_web_as_bytes.ipynb.
Needs: _html.py, document.py.
"""

import http.client
import io
import socket
import time
from collections import deque
from collections.abc import Collection, Iterator
from urllib.parse import quote, urljoin, urlsplit, urlunsplit
from urllib.robotparser import RobotFileParser

from ._html import parse_html
from .document import WarcPage

USER_AGENT = "llm-from-scratch-companion"
_MAX_REDIRECTS = 5
_MAX_URL_CHARS = 2000
_REDIRECTS = (301, 302, 303, 307, 308)
_HTML = ("text/html", "application/xhtml+xml")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class _Skip(Exception):
    """Why a page is left out."""


def crawl(
    start_url: str,
    *,
    max_pages: int,
    max_depth: int = 10,
    max_bytes: int = 1_000_000,
    delay_s: float = 0.0,
    timeout_s: float = 5.0,
    user_agent: str = USER_AGENT,
    allowed_hosts: Collection[str] = ("127.0.0.1",),
) -> "_Crawl":
    """Pages of one site (status 200, HTML) as they are fetched, breadth first from `start_url`.

    `max_pages` bounds the pages given, `max_depth` the links from the start, `max_bytes` a body and
    `timeout_s` a whole answer; `delay_s` separates requests (more if robots.txt asks for more).
    The result is an iterator; its `skipped` lists (url, reason) of what was left out so far.
    ValueError for a start whose host is not in `allowed_hosts`. Memory: every URL seen, one page.

    >>> pages = crawl("http://example.com/", max_pages=10)
    Traceback (most recent call last):
    ValueError: host 'example.com' of the start is not one of the allowed hosts 127.0.0.1
    """
    start = normalize_url(start_url)
    host = urlsplit(start).hostname if start else None
    if host not in allowed_hosts:
        allowed = ", ".join(sorted(allowed_hosts))
        raise ValueError(f"host {host!r} of the start is not one of the allowed hosts {allowed}")
    fetcher = _Fetcher(start, max_bytes, timeout_s, user_agent, delay_s)
    return _Crawl(fetcher, start, max_pages, max_depth)


def normalize_url(link: str, base: str = "") -> str | None:
    """One spelling for each address, or None for what is not a web address.

    Resolves `link` against `base`, lower-cases scheme and host, drops the fragment and the default
    port, and percent-encodes what must be. Source: RFC 3986, section 6.

    >>> normalize_url("../b c#top", "HTTP://LocalHost:80/a/index.html")
    'http://localhost/b%20c'
    >>> normalize_url("mailto:tom@example.com") is None
    True
    """
    try:
        parts = urlsplit(urljoin(base, link.strip()))
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not host or len(link) > _MAX_URL_CHARS:
        return None
    host = f"[{host}]" if ":" in host else host
    suffix = f":{port}" if port else ""
    netloc = host + ("" if suffix == _DEFAULT_PORTS[parts.scheme] else suffix)
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=?~")
    return urlunsplit((parts.scheme, netloc, path, query, ""))


class _Crawl(Iterator[WarcPage]):
    """A crawl under way: iterate over it for pages; `skipped` grows as it goes."""

    def __init__(self, fetcher: "_Fetcher", start: str, max_pages: int, max_depth: int) -> None:
        self.skipped: list[tuple[str, str]] = []
        self._pages = self._run(fetcher, start, max_pages, max_depth)

    def __next__(self) -> WarcPage:
        return next(self._pages)

    def _run(
        self, fetcher: "_Fetcher", start: str, max_pages: int, max_depth: int
    ) -> Iterator[WarcPage]:
        frontier, seen, count = deque([(start, 0)]), {start}, 0
        with fetcher:
            fetcher.read_robots()
            while frontier and count < max_pages:
                url, depth = frontier.popleft()
                try:
                    page = fetcher.page(url, seen)
                except _Skip as reason:
                    self.skipped.append((url, str(reason)))
                    continue
                count += 1
                yield page
                if depth == max_depth:
                    continue
                for link in _links(page):
                    if link not in seen and fetcher.is_same_site(link):
                        seen.add(link)
                        frontier.append((link, depth + 1))


def _links(page: WarcPage) -> Iterator[str]:
    """Addresses that a page links to, normalised, in its order."""
    root = parse_html(page.body, content_type=page.headers.get("content-type"))
    if root is None:
        return
    base = next((element.get("href", "") for element in root.iter("base")), "")
    base = normalize_url(base, page.url) or page.url
    for anchor in root.iter("a"):
        if (href := anchor.get("href")) and (link := normalize_url(href, base)):
            yield link


class _Response(http.client.HTTPResponse):
    """An answer that must be complete within the socket's timeout, however slowly it drips."""

    def __init__(self, sock: socket.socket, *args: object, **kwargs: object) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_Deadline(sock))


class _Deadline(io.RawIOBase):
    """Reads from a socket; its timeout counts from now, not from the last byte received."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.raw = sock.makefile("rb", buffering=0)
        self.deadline = time.monotonic() + sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        self.sock.settimeout(max(0.001, self.deadline - time.monotonic()))
        return self.raw.readinto(buffer)

    def close(self) -> None:
        self.raw.close()
        super().close()


class _Fetcher:
    """Asks one site for pages over one connection, within the limits."""

    def __init__(
        self, start: str, max_bytes: int, timeout_s: float, user_agent: str, delay_s: float
    ) -> None:
        self.site = urlsplit(start)[:2]
        self.max_bytes = max_bytes
        self.timeout_s = timeout_s
        self.headers = {"User-Agent": user_agent, "Accept-Encoding": "identity"}
        self.delay_s = delay_s
        self.next_request = 0.0
        self.robots = RobotFileParser()
        kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        self.connection = kinds[self.site[0]](self.site[1], timeout=timeout_s)
        self.connection.response_class = _Response

    def __enter__(self) -> "_Fetcher":
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.close()

    def is_same_site(self, url: str) -> bool:
        return urlsplit(url)[:2] == self.site

    def read_robots(self) -> None:
        """RFC 9309: no such file allows everything, a server in trouble allows nothing."""
        try:
            status, _, body = self.fetch(urlunsplit((*self.site, "/robots.txt", "", "")))
        except _Skip:
            status, body = 503, b""
        lines = body.decode("utf-8", "replace") if status == 200 else ""
        self.robots.parse(lines.splitlines())
        self.robots.disallow_all = status >= 500
        wanted = self.robots.crawl_delay(self.headers["User-Agent"])
        self.delay_s = max(self.delay_s, float(wanted or 0.0))

    def page(self, url: str, seen: set[str]) -> WarcPage:
        """The HTML page at the end of `url`'s redirects; addresses on the way become seen."""
        for _ in range(_MAX_REDIRECTS + 1):
            if not self.robots.can_fetch(self.headers["User-Agent"], url):
                raise _Skip("robots.txt forbids it")
            status, headers, body = self.fetch(url)
            if status not in _REDIRECTS:
                break
            target = normalize_url(headers.get("location", ""), url)
            if target is None or not self.is_same_site(target):
                raise _Skip(f"redirects to another site: {target}")
            if target in seen:
                raise _Skip(f"redirects to {target}, which is known already")
            seen.add(target)
            url = target
        else:
            raise _Skip(f"more than {_MAX_REDIRECTS} redirects")
        if status != 200:
            raise _Skip(f"status {status}")
        kind = headers.get("content-type", "text/html").split(";")[0].strip().lower()
        if kind not in _HTML:
            raise _Skip(f"content type {kind} is not HTML")
        return WarcPage(url, status, headers, body)

    def fetch(self, url: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body; a connection that the server closed meanwhile is reopened."""
        time.sleep(max(0.0, self.next_request - time.monotonic()))
        self.next_request = time.monotonic() + self.delay_s
        is_fresh = self.connection.sock is None
        try:
            return self._request(url)
        except (http.client.HTTPException, OSError) as error:
            self.connection.close()
            if isinstance(error, TimeoutError):
                raise _Skip(f"no answer within {self.timeout_s} s") from error
            if is_fresh:
                raise _Skip(f"the connection broke: {type(error).__name__}") from error
        except _Skip:
            self.connection.close()
            raise
        return self.fetch(url)

    def _request(self, url: str) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(url)
        if self.connection.sock is not None:
            self.connection.sock.settimeout(self.timeout_s)
        target = urlunsplit(("", "", parts.path, parts.query, ""))
        self.connection.request("GET", target, headers=self.headers)
        response = self.connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        if headers.get("content-encoding", "identity") != "identity":
            raise _Skip(f"content encoding {headers['content-encoding']} was not asked for")
        announced = response.length
        if announced is not None and announced > self.max_bytes:
            raise _Skip(f"a body of {announced} bytes is over max_bytes {self.max_bytes}")
        body = response.read(self.max_bytes + 1)
        if len(body) > self.max_bytes:
            raise _Skip(f"the body is over max_bytes {self.max_bytes}")
        if announced is not None and len(body) < announced:
            raise _Skip(f"the server closed after {len(body)} of {announced} bytes")
        response.close()
        return response.status, headers, body
