"""Text to messy HTML: six ways in which web sites wrap an article, and what they wrap around it.

Three layouts name their parts (elements of HTML 5, telling class names); three do not (a table from
the nineties, class names made by a machine). An extractor must cope with both kinds.

Needs: ../markup.py, ../mess.py.
"""

import textwrap
from html import escape
from random import Random

from ..markup import is_drawn, typed
from ..mess import Link, Paragraphs, Parts

_ADVERTS = [
    "Café Miró – today’s menu",
    "Boots 50 % off",
    "Learn the harp in 7 days!",
    "Müller & Sons, roofs since 1871",
    "You won’t believe this jam",
]
_COOKIES = [
    "We use cookies to make this site better.",
    "By using this site you accept our cookies and those of 214 partners.",
]
_AUTHORS = [
    "Written by Ada, who has walked every path of the valley and keeps bees behind the mill.",
    "About the author: Bruno Teller has worked for this paper since his first day out of school.",
    "Thank you for reading. If you like what we do, tell a friend, or bring us a cake.",
]
_SCRIPT = (
    "<script>var track = {page: 1, rate: 0.25};\n"
    'if (1 < 2) { document.write("<p>tracked</p>"); }</script>\n'
    "<style>.c1 { margin: 0 } p > a { color: blue }</style>\n"
)


def content_html(dice: Random, title: str, paragraphs: Paragraphs, links: list[Link]) -> str:
    """The article: its title as <h1> and its paragraphs, with adverts and links strewn in."""
    as_div = dice.random() < 0.2
    as_lines = dice.choice(["br", "br", "pre", "li"])
    parts = [f"<h1>{escape(title)}</h1>"] if title else []
    for paragraph in paragraphs:
        parts.append(_paragraph(dice, paragraph, links, as_div=as_div, as_lines=as_lines))
        if dice.random() < 0.05:
            href, _ = dice.choice(links)
            advert = escape(dice.choice(_ADVERTS))
            parts.append(f'<div class="k9"><a href="{href}">{advert}</a></div>')
    return "\n".join(parts)


def _paragraph(dice: Random, text: str, links: list[Link], *, as_div: bool, as_lines: str) -> str:
    lines = text.split("\n")
    if as_lines == "pre" and len(lines) > 1 or is_drawn(lines):
        return f"<pre>{escape(text)}</pre>"
    marked = [_inline(dice, line, links) for line in lines]
    if as_lines == "li" and len(lines) > 1:
        return "<ul>" + "".join(f"<li>{line}</li>" for line in marked) + "</ul>"
    tag = "div" if as_div else "p"
    return f"<{tag}>" + "<br>".join(marked) + f"</{tag}>"


def _inline(dice: Random, line: str, links: list[Link]) -> str:
    """Escaped words, some emphasised or linked, wrapped as an editor would wrap the source."""
    words = [escape(word, quote=False) for word in line.split(" ")]
    if dice.random() < 0.3:
        i = dice.randrange(len(words))
        words[i] = f"<em>{words[i]}</em>"
    if len(words) > 12 and dice.random() < 0.1:
        i = dice.randrange(len(words))
        words[i] = f'<a href="{dice.choice(links)[0]}">{words[i]}</a>'
    text = " ".join(words)
    return textwrap.fill(text, 88, break_long_words=False, break_on_hyphens=False)


def page_html(dice: Random, parts: Parts) -> str:
    """A whole page, in one of the six layouts."""
    home = dice.choice(parts.menu)[0]
    advert = f'<a href="{home}">{escape(dice.choice(_ADVERTS))}</a> Advertisement'
    cookies = f"{dice.choice(_COOKIES)} <button>Accept</button> <button>Refuse</button>"
    legal = f"© {dice.randrange(1998, 2026)} The Town Gazette. All rights reserved. " + " | ".join(
        f'<a href="{href}">{escape(name)}</a>' for href, name in parts.menu[:3]
    )
    said = "".join(f"<div><p>{escape(comment)}</p></div>" for comment in parts.comments)
    layout = dice.choice(_LAYOUTS)
    body = layout.format(
        nav=_list(parts.menu),
        content=parts.content,
        more=f"<h3>You may also like</h3>{_list(parts.related)}" if parts.related else "",
        advert=f"{advert} <p>{dice.choice(_AUTHORS)}</p>" if dice.random() < 0.3 else advert,
        cookies=cookies,
        legal=legal,
        said=f"<h3>Comments ({len(parts.comments)})</h3>{said}" if said else "",
    )
    head = f"<head><title>{escape(parts.title)} – The Town Gazette</title>\n{_SCRIPT}</head>"
    return typed(dice, f"<!DOCTYPE html>\n<html>{head}\n<body>\n{body}\n</body></html>\n")


def _list(links: list[Link]) -> str:
    items = (f'<li><a href="{href}">{escape(name)}</a></li>' for href, name in links)
    return "<ul>" + "\n".join(items) + "</ul>"


# What stands where: the parts of a page are filled in by name.
_LAYOUTS = (
    (  # elements of HTML 5
        "<header><b>The Town Gazette</b> News from river and hill</header>\n<nav>{nav}</nav>\n"
        "<main><article>{content}</article>\n<section id='comments'>{said}</section></main>\n"
        "<aside>{advert}{more}</aside>\n<footer>{legal}</footer>\n<dialog open>{cookies}</dialog>"
    ),
    (  # class names that tell
        '<div id="cookie-banner">{cookies}</div><div class="site-header">The Town Gazette</div>\n'
        '<div class="nav-menu">{nav}</div><div id="wrapper"><div class="post-body">{content}\n'
        '<p class="share-buttons">Share this: <a href="/">mail</a></p></div>\n'
        '<div class="sidebar">{advert}{more}</div><div class="comments">{said}</div></div>\n'
        '<div id="footer">{legal}</div>'
    ),
    (  # a table
        "<center><font size=5>The Town Gazette</font></center><table><tr><td>{nav}</td>\n"
        "<td>{content}</td>\n<td>{advert}</td></tr><tr><td>{said}</td><td>{more}</td>\n"
        "<td><small>{legal}</small></td></tr></table>{cookies}"
    ),
    (  # class names that tell nothing
        '<div class="c1"><div class="c2">{nav}</div><div class="c3"><div class="c4">{content}'
        '</div><div class="c5">{more}</div><div class="c6">{said}</div></div>\n'
        '<div class="c7">{advert}</div><div class="c8">{legal}</div>'
        '<div class="c9">{cookies}</div></div>'
    ),
    (  # a blog
        '<a class="skip-link" href="#c">Skip</a><div id="masthead">The Town Gazette</div>'
        '<div id="primary" class="area"><div class="entry-content" id="c">{content}</div>\n'
        '<div class="post-navigation"><a href="/">Older posts</a></div>\n'
        '<div class="comment-list">{said}</div></div>\n<div class="widget-area">{nav}{more}'
        '<form>Subscribe <input name="mail"><button>Go</button></form>{advert}</div>\n'
        '<div class="site-footer">{legal}</div><div class="cookie-notice">{cookies}</div>'
    ),
    (  # an application
        '<div id="root"><div class="css-1q8"><div class="css-0fa">{cookies}</div>'
        '<div class="css-77b">{nav}</div><div class="css-9aa"><div><div class="css-3x">{content}'
        '</div></div><div class="css-4c"><div class="css-5d">{advert}</div>{more}</div></div>\n'
        '<div class="css-d0e"><div>{said}</div></div><div class="css-e1">{legal}</div></div></div>'
    ),
)
