"""The layouts of the kept town: other elements, names and habits. No filter was tuned on this file.

Needs: ../markup.py, ../mess.py.
"""

from html import escape
from random import Random

from ..markup import is_drawn, typed
from ..mess import Link, Paragraphs, Parts

_PROMOS = [
    "Hearing aids: try one for free",
    "Win a weekend at the lake – raffle",
    "Tax help in plain words",
    "Ten gardens you must see",
    "Trousers, 3 for 2",
]
_PITCHES = [
    "",
    "",
    "Sign up for our weekly letter and never miss a story from the valley and the lakes.",
    "Our reporter Nora Field has covered fairs, floods and football since she could hold a pen.",
    "Good journalism costs money, so please think of us when you have a coin to spare.",
]
_HEAD = (
    '<meta name="viewport" content="width=device-width">\n<script>window.q = window.q || [];\n'
    "q.push(['visit', \"<div>\"]);</script><style>@media print { .x { display: none } }</style>\n"
)


def content_html(dice: Random, title: str, paragraphs: Paragraphs, links: list[Link]) -> str:
    """The article, its paragraphs marked in one of five ways."""
    heading = dice.choice(["h1", "h2", "h1"])
    parts = [f'<{heading} class="t"><span>{escape(title)}</span></{heading}>'] if title else []
    wrap = dice.choice([_wrap_p, _wrap_p, _wrap_section, _wrap_breaks, _wrap_rows])
    texts = []
    for paragraph in paragraphs:
        lines = paragraph.split("\n")
        if is_drawn(lines):
            texts.append(f"<pre>{escape(paragraph)}</pre>")
            continue
        texts.append("<br />\n".join(_marked(dice, line, links) for line in lines))
    return "\n".join([*parts, wrap(texts)])


def _wrap_p(texts: list[str]) -> str:
    return "\n".join(t if t.startswith("<pre") else f'<p class="q">{t}</p>' for t in texts)


def _wrap_section(texts: list[str]) -> str:
    return "\n".join(f"<section><div><span>{text}</span></div></section>" for text in texts)


def _wrap_breaks(texts: list[str]) -> str:
    return "<br><br>\n".join(texts)


def _wrap_rows(texts: list[str]) -> str:
    return "<table>" + "".join(f"<tr><td><p>{text}</p></td></tr>" for text in texts) + "</table>"


def _marked(dice: Random, line: str, links: list[Link]) -> str:
    words = [escape(word, quote=False) for word in line.split(" ")]
    if dice.random() < 0.25:
        i = dice.randrange(len(words))
        tag = dice.choice(["b", "i", "strong", "u"])
        words[i] = f"<{tag}>{words[i]}</{tag}>"
    if len(words) > 10 and dice.random() < 0.15:
        i = dice.randrange(len(words) - 1)
        words[i] = f'<a class="inl" href="{dice.choice(links)[0]}">{words[i]}'
        words[i + 1] += "</a>"
    return " ".join(words)


def page_html(dice: Random, parts: Parts) -> str:
    """A whole page, in one of the four layouts."""
    title = escape(parts.title)
    links = [f'<a href="{href}">{escape(name)}</a>' for href, name in parts.menu]
    said = "".join(f"<li><i>A reader wrote:</i> {escape(text)}</li>" for text in parts.comments)
    letters = f'<section class="reader-voices"><h4>Letters</h4><ol>{said}</ol></section>'
    furniture = {
        "crumbs": f'<a href="/">Start</a> &gt; <a href="/about">The paper</a> &gt; {title}',
        "menu": " ".join(links),
        "column": "<br>".join(links),
        "more": "".join(
            f'<div><a href="{href}"><b>{escape(name)}</b></a></div>' for href, name in parts.related
        ),
        "promo": f'<a href="{dice.choice(parts.menu)[0]}">{escape(dice.choice(_PROMOS))}</a>'
        f"<div>{dice.choice(_PITCHES)}</div>",
        "said": said,
        "letters": letters if said else "",
        "replies": f'<ul class="replies">{said}</ul>' if said else "<p>No replies yet.</p>",
        "legal": f"Valley Herald, published since {dice.randrange(1850, 1990)}. Imprint. Contact.",
    }
    body = dice.choice(_LAYOUTS).format(content=parts.content, **furniture)
    head = f"<head>{_HEAD}<title>Valley Herald - {title}</title></head>"
    return typed(dice, f"<!doctype>\n<html lang=en>{head}<body>{body}</body></html>")


# What stands where: the parts of a page are filled in by name.
_LAYOUTS = (
    (  # a paper
        '<div role="banner">Valley Herald</div><div role="navigation">{menu}</div>\n'
        '<p class="trail">{crumbs}</p><div class="story__text">{content}</div>\n'
        '{letters}<div class="teaser-list">{more}</div>\n'
        '<div class="partner">{promo}</div><div role="contentinfo">{legal}</div>'
    ),
    (  # a forum
        "<div class=top>{menu}</div><div class=thread><div class=msg>{content}</div>\n"
        "<div class=msg-tools><a href='/'>Quote</a> <a href='/'>Report</a></div>{replies}</div>\n"
        "<div class=box>Members online: 3</div><div class=box>{more}</div>{promo}<hr>{legal}"
    ),
    (  # a table
        "<table border=0><tr><td colspan=2><b>Valley Herald</b> {crumbs}</td></tr>\n"
        "<tr><td valign=top>{column}<br>{promo}</td>"
        "<td valign=top>{content}</td></tr>\n<tr><td></td><td><ul>{said}</ul>{more}</td></tr>"
        "<tr><td colspan=2 align=center><font size=1>{legal}</font></td></tr></table>"
    ),
    (  # cards
        '<div class="zq1"><div class="zq2"><p>Your choice matters: may we and our friends store '
        'data on your device?</p><a href="/">OK</a> <a href="/">No</a></div>'
        '<div class="zq3"><div class="zq4">{menu}</div></div>\n<div class="zq5"><div class="zq6">'
        '{promo}</div><div class="zq7">{content}</div><div class="zq8">{more}</div></div>\n'
        '<div class="zq9"><ul>{said}</ul></div><div class="zq10">{legal}</div></div>'
    ),
)
