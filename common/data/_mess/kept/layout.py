"""The layouts of the kept town: other elements, names and habits. No filter was tuned on this file.

Needs: ../mess.py, ../tuning/layout.py.
"""

from html import escape
from random import Random

from ..mess import Link, Paragraphs
from ..tuning.layout import broken

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
        if any(" ".join(line.split()) != line for line in lines):
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


def page_html(
    dice: Random,
    title: str,
    content: str,
    menu: list[Link],
    related: list[Link],
    comments: list[str],
) -> str:
    """A whole page around `content`, in one of the four layouts; one in ten is badly typed."""
    furniture = {
        "crumbs": f'<a href="/">Start</a> &gt; <a href="/about">The paper</a> &gt; {escape(title)}',
        "menu": " ".join(f'<a href="{href}">{escape(name)}</a>' for href, name in menu),
        "more": "".join(
            f'<div><a href="{href}"><b>{escape(name)}</b></a></div>' for href, name in related
        ),
        "promo": f'<a href="{dice.choice(menu)[0]}">{escape(dice.choice(_PROMOS))}</a>'
        f"<div>{dice.choice(_PITCHES)}</div>",
        "said": "".join(f"<li><i>A reader wrote:</i> {escape(text)}</li>" for text in comments),
        "legal": f"Valley Herald, published since {dice.randrange(1850, 1990)}. Imprint. Contact.",
    }
    body = dice.choice([_layout_paper, _layout_forum, _layout_frame, _layout_card])(
        content, **furniture
    )
    page = (
        f"<!doctype>\n<html lang=en><head>{_HEAD}<title>Valley Herald - {escape(title)}</title>"
        f"</head><body>{body}</body></html>"
    )
    return broken(dice, page) if dice.random() < 0.1 else page


def _layout_paper(
    content: str, *, crumbs: str, menu: str, more: str, promo: str, said: str, legal: str
) -> str:
    readers = f'<section class="reader-voices"><h4>Letters</h4><ol>{said}</ol></section>'
    return (
        f'<div role="banner">Valley Herald</div><div role="navigation">{menu}</div>\n'
        f'<p class="trail">{crumbs}</p><div class="story__text">{content}</div>\n'
        f'{readers if said else ""}<div class="teaser-list">{more}</div>\n'
        f'<div class="partner">{promo}</div><div role="contentinfo">{legal}</div>'
    )


def _layout_forum(
    content: str, *, crumbs: str, menu: str, more: str, promo: str, said: str, legal: str
) -> str:
    replies = f'<ul class="replies">{said}</ul>' if said else "<p>No replies yet.</p>"
    return (
        f"<div class=top>{menu}</div><div class=thread><div class=msg>{content}</div>\n"
        f"<div class=msg-tools><a href='/'>Quote</a> <a href='/'>Report</a></div>{replies}</div>\n"
        f"<div class=box>Members online: 3</div><div class=box>{more}</div>{promo}<hr>{legal}"
    )


def _layout_frame(
    content: str, *, crumbs: str, menu: str, more: str, promo: str, said: str, legal: str
) -> str:
    return (
        f"<table border=0><tr><td colspan=2><b>Valley Herald</b> {crumbs}</td></tr>\n"
        f"<tr><td valign=top>{menu.replace('</a> ', '</a><br>')}<br>{promo}</td>"
        f"<td valign=top>{content}</td></tr>\n<tr><td></td><td><ul>{said}</ul>{more}</td></tr>"
        f"<tr><td colspan=2 align=center><font size=1>{legal}</font></td></tr></table>"
    )


def _layout_card(
    content: str, *, crumbs: str, menu: str, more: str, promo: str, said: str, legal: str
) -> str:
    consent = "<p>Your choice matters: may we and our friends store data on your device?</p>"
    return (
        f'<div class="zq1"><div class="zq2">{consent}<a href="/">OK</a> <a href="/">No</a></div>'
        f'<div class="zq3"><div class="zq4">{menu}</div></div>\n<div class="zq5"><div class="zq6">'
        f'{promo}</div><div class="zq7">{content}</div><div class="zq8">{more}</div></div>\n'
        f'<div class="zq9"><ul>{said}</ul></div><div class="zq10">{legal}</div></div>'
    )
