"""robots.txt: what the owner of a site asks of its visitors (Koster et al. 2022, RFC 9309).

A file of groups: lines that name crawlers, then lines that allow or disallow paths. Of the rules
that fit a path the longest decides, and `allow` wins a tie. The standard library's parser lets the
first that fits decide and knows no wildcards, so it walks into folders that this file closes.

Taught in ch01_data/01_web_as_bytes.ipynb.
Needs: nothing but the standard library.
"""

import re
from urllib.parse import unquote_to_bytes

_MAX_BYTES = 512_000  # RFC 9309 asks to read at least 500 KiB
_MAX_PATTERN_CHARS = 2000
_FILE = "/robots.txt"


class RobotRules:
    """The rules of one robots.txt for one crawler.

    robots_txt: the file's bytes, however broken: a line that cannot be understood is passed over.
    user_agent: the crawler's name; the group that names its first word is taken, else the group for
    everybody ("*"). No group allows everything. Cost: one pass over the rules for each path.

    >>> text = b"User-agent: *\\nDisallow: /private/\\nAllow: /private/open$\\nCrawl-delay: 2"
    >>> rules = RobotRules(text, "a-polite-robot/1.0")
    >>> [rules.allows(path) for path in ["/", "/private/diary", "/private/open"]], rules.delay_s
    ([True, False, True], 2.0)
    """

    def __init__(self, robots_txt: bytes, user_agent: str) -> None:
        name = re.split(r"[/\s]", user_agent.strip(), maxsplit=1)[0].lower()
        groups = _groups(robots_txt, {name, "*"})
        lines = groups.get(name, groups.get("*", []))
        rules = [line for line in lines if line[0] in ("allow", "disallow") and line[1]]
        # Longest first; of two equally long ones the one that allows.
        rules.sort(key=lambda rule: (-len(rule[1]), rule[0]))
        self._rules = [(kind == "allow", _pieces(pattern)) for kind, pattern in rules]
        delays = [value for kind, value in lines if kind == "crawl-delay"]
        self.delay_s = max(map(_seconds, delays), default=0.0)

    def allows(self, path: str) -> bool:
        """Whether a path of this site (with its query) may be asked for."""
        data = _plain(path)
        if data == _FILE.encode():
            return True
        return next((allowed for allowed, pieces in self._rules if _fits(pieces, data)), True)


def _groups(robots_txt: bytes, crawlers: set[str]) -> dict[str, list[tuple[str, str]]]:
    """The lines (name, value) for each of `crawlers` that is named; groups that name it are joined.

    The others are passed over: a line below 10,000 names must not be kept 10,000 times.
    """
    text = robots_txt[:_MAX_BYTES].decode("utf-8-sig", "replace")
    groups: dict[str, list[tuple[str, str]]] = {}
    named: set[str] = set()
    is_named_last = False
    for line in re.split(r"[\r\n]+", text):
        name, colon, value = line.partition("#")[0].partition(":")
        name, value = name.strip().lower(), value.strip()
        if not colon:
            continue
        if name == "user-agent":
            agent = value.partition("/")[0].strip().lower()
            if not is_named_last:
                named.clear()
            if agent in crawlers:
                named.add(agent)
                groups.setdefault(agent, [])
            is_named_last = True
        elif name in ("allow", "disallow", "crawl-delay"):
            is_named_last = False
            for agent in named:
                groups[agent].append((name, value[:_MAX_PATTERN_CHARS]))
    return groups


def _plain(path: str) -> bytes:
    """One spelling for each path: percent signs undone, but for a slash, which would mean more."""
    return unquote_to_bytes(re.sub(r"(?i)%(2f|25)", lambda code: "%25" + code[1].upper(), path))


def _pieces(pattern: str) -> list[bytes]:
    """What must stand in a path in this order; an empty last piece stands at the end of any."""
    pieces = [_plain(piece) for piece in pattern.removesuffix("$").split("*")]
    return pieces if pattern.endswith("$") else [*pieces, b""]


def _fits(pieces: list[bytes], path: bytes) -> bool:
    """Whether the pieces stand in the path in order, the first at its start, the last at its end.

    Each in the first place that it can have: no other choice can help, so none is tried.
    """
    first, *middle = pieces
    if not path.startswith(first):
        return False
    at = len(first)
    if not middle:
        return at == len(path)
    *middle, last = middle
    for piece in middle:
        at = path.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return len(path) - len(last) >= at and path.endswith(last)


def _seconds(value: str) -> float:
    """Seconds that a value names, however many; 0 for one that is no number or negative."""
    try:
        seconds = float(value)
    except ValueError:
        return 0.0
    return seconds if seconds > 0 else 0.0
