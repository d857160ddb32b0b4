"""Web pages broken on purpose, the same ones every time, and pages made to take long."""

import inspect
import pydoc
import re
import textwrap
from collections.abc import Iterator
from itertools import product
from random import Random

from common.data import town
from common.data.site import render_town
from tests.data.mutants import mutate

TYPES = [None, "text/html", "text/html; charset=utf-8", "text/html; charset=utf-16", "charset=big5"]
TYPES += ["text/html; charset=iso-2022-jp", "text/html; charset=utf-7", "text/html; charset=\0\xff"]
ODD = b"""<table><caption>c<tr><td>1<td><ul><li>a<li>b<ol><li>c</table><pre>\n x\n  y<br>z</pre>
<form><select><option>o</select><textarea><p>t</textarea><button>Go</button></form><dl><dt>d<dd>e
</dl>&amp;&#0;&#x110000;&nbsp;&unknown;<svg><p>s</svg><![CDATA[x]]><?php ?><!-- <p>c -->
<a href='"'>l<a>m</a>"""
TAG = re.compile(rb"<[^<>]*>")


def page_mutants(count: int, *, seed: int) -> Iterator[tuple[bytes, str | None]]:
    """Mutants of the town's pages, of Python's documentation and of rare markup; some lie."""
    dice = Random(seed)
    site = render_town(town.pages(40, seed=seed), seed=seed)
    bodies = [r.body for path, r in site.responses.items() if path in site.texts]
    bodies = [body for body in bodies if len(body) < 6000] + [ODD] * 8
    bodies += [pydoc.HTMLDoc().docmodule(module).encode() for module in (textwrap, inspect)]
    for _ in range(count):
        body = dice.choice(bodies)
        if len(body) > 6000:
            begin = dice.randrange(len(body))
            body = body[begin : begin + 6000]
        for _ in range(dice.choice([1, 1, 3, 10])):
            if body:
                body = tags_broken(dice, body) if dice.random() < 0.4 else mutate(dice, body)[0]
        if dice.random() < 0.1:
            body = body.decode("utf-8", "replace").encode(
                dice.choice(["utf-16", "utf-32", "utf-7"])
            )
        yield body, dice.choice(TYPES)


def tags_broken(dice: Random, body: bytes) -> bytes:
    """The same page with its tags in another order, doubled, left out or nested deep."""
    tags = TAG.findall(body) or [b"<p>"]
    kind = dice.choice(["shuffle", "drop", "double", "nest", "open", "upper"])
    if kind == "shuffle":
        dice.shuffle(tags)
    elif kind == "drop":
        tags = [tag if dice.random() < 0.8 else b"" for tag in tags]
    elif kind == "double":
        tags = [tag * dice.choice([1, 1, 2]) for tag in tags]
    elif kind == "nest":
        return dice.choice(tags) * dice.choice([10, 300, 3000]) + body
    elif kind == "open":
        tags = [tag.replace(b"</", b"<") for tag in tags]
    else:
        tags = [tag.upper() for tag in tags]
    following = iter(tags)
    return TAG.sub(lambda match: next(following, b""), body)


def _hostile() -> dict[str, bytes]:
    attributes = [b"a%d='>'" % n for n in range(100_000)]
    names = [bytes(name) for name in product(b"abcdefghijklmnopqrstuvwxyz01234", repeat=3)]
    return {
        "10,000 nested elements": b"<div>" * 10_000 + b"deep" + b"</div>" * 10_000,
        "10,000 open elements": b"<font>word <b>" * 10_000,
        "nested tables": b"<table><tr><td>x" * 10_000,
        "end tags of nothing": b"<div>" * 240 + b"x</b></i>" * 100_000,
        "paragraphs far inside": b"<div>" * 240 + b"<p>x" * 25_000,
        "100,000 attributes": b"<p " + b" ".join(attributes) + b">x",
        "attributes on a small page": b"<p " + b" ".join(names[:24_900]) + b">x",
        "attributes named with <": b"<p " + b"< ".join(names * 2) + b">x",
        "attributes between crossing quotes": b"<p a=b' " + b" ".join(names * 2) + b" d'>x",
        "attributes after a tag that goes": b"<p %b><<b>p %b>" % ((b" ".join(names),) * 2),
        "tags inside of tags": (b"<a " * 900 + b">") * 350,
        "a name of tags": b"<a" * 500_000,
        "a name of 1 MB": b"<div class='" + b"nav-" * 250_000 + b"'>x",
        "one URL": b"<p>http://x/" + b"a" * 1_000_000,
        "one link": b"<a href=x>" + b"a" * 1_000_000,
        "one word": b"a" * 1_000_000,
        "white space": b" \n\t" * 300_000 + b"x",
        "line breaks": b"<br>\n" * 200_000 + b"x",
        "no-break spaces": b"&nbsp;" * 200_000 + b"x",
        "open brackets": b"<" * 1_000_000,
        "open tags": b"<a" * 500_000,
        "open quotes": b"<a href='" * 100_000,
        "quotes that cross": b"<div>" * 300 + b"<p title=\"it's\">don't" * 30_000,
        "open comments": b"<!--" * 250_000,
        "open declarations": b"<!DOCTYPE " * 100_000,
        "open scripts": b"<div>" * 300 + b"<script>" * 100_000,
        "entities": b"&amp;" * 200_000,
        "ampersands": b"&" * 1_000_000,
        "headings over nothing": b"<h2>x" * 50_000,
        "meta without end": b"<meta " * 200_000,
    }


HOSTILE = _hostile()
