"""A polite crawler: one site, breadth first, robots.txt, limits on everything.

It follows links as they are found, asks for nothing that robots.txt forbids (RFC 9309), stays on
its host, and lets no page cost more than its share of bytes and seconds. One kept-alive connection
does all the asking. What it leaves out it lists with the reason.

Taught in ch01_data/01_web_as_bytes.ipynb.
Needs: _fetch.py, _html.py, robots.py, warc.py.
"""

import re
from collections import deque
from collections.abc import Collection, Iterator
from functools import lru_cache
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from ._fetch import Answer, Fetcher, NoAnswer, Skip
from ._html import parse_html
from .robots import RobotRules
from .warc import WarcPage

USER_AGENT = "llm-from-scratch-companion"
_MAX_REDIRECTS = 5
_MAX_URL_CHARS = 2000
_MAX_LINK_CHARS = 5_000_000  # of the addresses behind one page's links
_ROBOTS = "/robots.txt"
_MAX_ROBOTS_BYTES = 512_000
_MAX_DELAY_S = 60.0
_MAX_FAILURES = 5  # in a row, until a server is left in peace
_REDIRECTS = (301, 302, 303, 307, 308)
_HTML = ("text/html", "application/xhtml+xml")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


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
    A site whose robots.txt cannot be read is left in peace, and so is one that fails five times in
    a row. ValueError for a start that is no web address or whose host is not in `allowed_hosts`,
    for limits below zero, and for a user_agent that no header can hold.
    Memory: every URL seen, one page.

    >>> pages = crawl("http://example.com/", max_pages=10)
    Traceback (most recent call last):
    ValueError: host 'example.com' of the start is not one of the allowed hosts 127.0.0.1
    """
    limits = {"max_pages": max_pages, "max_depth": max_depth, "max_bytes": max_bytes}
    for name, limit in (limits | {"delay_s": delay_s}).items():
        if not limit >= 0:
            raise ValueError(f"{name} must not be negative, got {limit}")
    if not timeout_s > 0:
        raise ValueError(f"timeout_s must be positive, got {timeout_s}")
    if isinstance(allowed_hosts, str):  # of which "7.0.0" would be a part
        raise ValueError(f"allowed_hosts must be several names, got the one {allowed_hosts!r}")
    start = normalize_url(start_url)
    if start is None:
        raise ValueError(f"the start {start_url!r:.80} is no web address such as http://127.0.0.1/")
    if not (user_agent.isascii() and user_agent.isprintable() and user_agent.strip()):
        raise ValueError(f"user_agent must be a line of printable ASCII, got {user_agent!r:.80}")
    host = urlsplit(start).hostname
    if host not in allowed_hosts:
        allowed = ", ".join(sorted(allowed_hosts))
        raise ValueError(f"host {host!r} of the start is not one of the allowed hosts {allowed}")
    site = urlsplit(start)[:2]
    fetcher = Fetcher(site, timeout_s=timeout_s, user_agent=user_agent, delay_s=delay_s)
    return _Crawl(fetcher, start, max_pages, max_depth, max_bytes)


def normalize_url(link: str, base: str = "") -> str | None:
    """One spelling for each address, or None for what is not a web address.

    Resolves `link` against `base`, lower-cases scheme and host, drops the fragment and the default
    port, percent-encodes what must be and nothing that need not. Source: RFC 3986, section 6.

    >>> normalize_url("../b c#top", "HTTP://LocalHost:80/a/index.html")
    'http://localhost/b%20c'
    >>> normalize_url("http://localhost/%7Etom/%2e%2e/50%2foff")
    'http://localhost/50%2Foff'
    >>> normalize_url("mailto:tom@example.com") is None
    True
    """
    if len(link) > _MAX_URL_CHARS:
        return None
    try:
        parts = urlsplit(urljoin(_decoded(base), _decoded(link.strip())))
        host, port = parts.hostname, parts.port
        # An absolute link still has its dots: urljoin has removed only those of a relative one.
        path = parts.path if parts.path.startswith("//") else urljoin("/", parts.path)
        path = quote(path, safe="/%:@!$&'()*+,;=~")
        query = quote(parts.query, safe="/%:@!$&'()*+,;=?~")
    except ValueError:  # brackets, a port that is no number, half a surrogate pair
        return None
    if parts.scheme not in _DEFAULT_PORTS or not host:
        return None
    host = f"[{host}]" if ":" in host else host
    suffix = f":{port}" if port is not None else ""
    netloc = host + ("" if suffix == _DEFAULT_PORTS[parts.scheme] else suffix)
    return urlunsplit((parts.scheme, netloc, path, query, ""))


@lru_cache(maxsize=64)  # the address of a page is asked for with each of its links
def _decoded(url: str) -> str:
    """No character is encoded that means the same plain; "%2f" for one that does not is "%2F"."""

    def spelling(code: re.Match[str]) -> str:
        char = chr(int(code[1] or "25", 16))  # a percent sign that begins no code means itself
        return char if _UNRESERVED.match(char) else f"%{ord(char):02X}"

    return re.sub(r"%([0-9A-Fa-f]{2})?", spelling, url)


class _Crawl(Iterator[WarcPage]):
    """A crawl under way: iterate over it for pages; `skipped` grows as it goes."""

    def __init__(
        self, fetcher: Fetcher, start: str, max_pages: int, max_depth: int, max_bytes: int
    ) -> None:
        self.skipped: list[tuple[str, str]] = []
        self._fetcher, self._site, self._max_bytes = fetcher, urlsplit(start)[:2], max_bytes
        self._pages = self._run(start, max_pages, max_depth)

    def __next__(self) -> WarcPage:
        return next(self._pages)

    def _run(self, start: str, max_pages: int, max_depth: int) -> Iterator[WarcPage]:
        frontier, seen, count, failures = deque([(start, 0)]), {start}, 0, 0
        with self._fetcher:
            rules = self._read_robots(start)
            while frontier and rules and count < max_pages and failures < _MAX_FAILURES:
                url, depth = frontier.popleft()
                try:
                    page = self._page(url, seen, rules)
                except Skip as reason:
                    self.skipped.append((url, str(reason)))
                    failures = failures + 1 if isinstance(reason, NoAnswer) else 0
                    continue
                count, failures = count + 1, 0
                yield page
                left = _MAX_LINK_CHARS
                for link in _links(page) if depth < max_depth else ():
                    left -= len(link)
                    if left < 0:  # a long <base> makes each short link a long address
                        self.skipped.append((url, f"links of more than {_MAX_LINK_CHARS} letters"))
                        break
                    if link not in seen and urlsplit(link)[:2] == self._site:
                        seen.add(link)
                        frontier.append((link, depth + 1))
        if failures == _MAX_FAILURES:
            reason = f"the server failed {failures} times in a row"
            self.skipped += [(url, reason) for url, _ in frontier]

    def _read_robots(self, start: str) -> RobotRules | None:
        """The rules of the site; None, and the start skipped, where they are not to be had.

        RFC 9309: no such file (4xx) allows everything, a server in trouble allows nothing.
        """
        url = urlunsplit((*self._site, _ROBOTS, "", ""))
        try:
            _, (status, _, body) = self._follow(url, {url}, max_bytes=_MAX_ROBOTS_BYTES, cut=True)
            if status // 100 not in (2, 4):
                raise Skip(f"status {status}")
            rules = RobotRules(body if status < 300 else b"", self._fetcher.user_agent)
            if rules.delay_s > _MAX_DELAY_S:
                raise Skip(f"it asks for {rules.delay_s:.0f} s between requests")
        except Skip as reason:
            self.skipped.append((start, f"robots.txt: {reason}"))
            return None
        self._fetcher.delay_s = max(self._fetcher.delay_s, rules.delay_s)
        return rules

    def _page(self, url: str, seen: set[str], rules: RobotRules) -> WarcPage:
        """The HTML page at the end of `url`'s redirects; addresses on the way become seen."""
        url, (status, headers, body) = self._follow(
            url, seen, max_bytes=self._max_bytes, rules=rules
        )
        if status != 200:
            raise Skip(f"status {status}")
        kind = headers.get("content-type", "text/html").split(";")[0].strip().lower()
        if kind not in _HTML:
            raise Skip(f"content type {kind} is not HTML")
        return WarcPage(url, status, headers, body)

    def _follow(
        self,
        url: str,
        seen: set[str],
        *,
        max_bytes: int,
        rules: RobotRules | None = None,
        cut: bool = False,
    ) -> tuple[str, Answer]:
        """The address at the end of the redirects from `url`, all on this site, and its answer."""
        for _ in range(_MAX_REDIRECTS + 1):
            if rules and not rules.allows(urlunsplit(("", "", *urlsplit(url)[2:]))):
                raise Skip("robots.txt forbids it")
            answer = status, headers, _ = self._fetcher.fetch(url, max_bytes=max_bytes, cut=cut)
            if status not in _REDIRECTS:
                return url, answer
            target = normalize_url(headers.get("location", ""), url)
            if target is None or urlsplit(target)[:2] != self._site:
                raise Skip(f"redirects to another site: {target}")
            if target in seen:
                raise Skip(f"redirects to {target}, which is known already")
            seen.add(target)
            url = target
        raise Skip(f"more than {_MAX_REDIRECTS} redirects")


def _links(page: WarcPage) -> Iterator[str]:
    """Addresses that a page links to, normalised, in its order."""
    root = parse_html(page.body, content_type=page.headers.get("content-type"))
    if root is None:
        return
    base = next((element.get("href", "") for element in root.iter("base")), "")
    base = normalize_url(base, page.url) or page.url
    for href in dict.fromkeys(anchor.get("href") for anchor in root.iter("a")):
        if href and (link := normalize_url(href, base)):
            yield link
