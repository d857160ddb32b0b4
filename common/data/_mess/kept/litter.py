"""KEPT, the mess that measures how well cleaning works on what nobody has seen.

No filter, threshold or classifier of this chapter was tuned on this file or those it needs.

Needs: foreign.py, layout.py, spam.py, toxic.py, ../grammar.py, ../mess.py.
"""

import codecs
from random import Random

from ..grammar import Grammar, paragraphs, words
from ..mess import Mess, Paragraphs
from .foreign import FOREIGN
from .layout import content_html, page_html
from .spam import ADVERTS, TRADES
from .toxic import ABUSE, INSULTS

_NOUNS = (
    "anchor biscuit chimney drawer elbow feather glacier hammock island jelly kernel lobster"
    " mitten napkin orchard pebble quilt raisin shovel thimble urchin violin walnut yarn zipper"
).split()
_SHORT = (
    "and so not yet it must upon every any our my through during could being been after under again"
    " who because since until such very most other own same too over the of to with that have be"
).split()
_SOFT_ERRORS = words("""
Whoops!##That link seems to lead nowhere. Perhaps it was mistyped, perhaps we tidied it away.
|410 Gone##The requested resource has been permanently removed from this location.
|Fatal error##Uncaught exception in line 214: call to undefined function render().
|Members only##This content is for subscribers. Enter your user name and your password.
|Too many requests##You are going too fast. Slow down and try once more in a while.
|Bad gateway##The upstream host sent an invalid reply. Ray identifier 7f3a9c.
|This account has been suspended##Please contact your hosting provider.
|No results##We could not find anything that matches your query.
""")
_FURNITURE = words("""
<p>Enable scripts in your browser, then reload.</p>
|<p><a href='/'>Parent folder</a></p><p>Index of /files</p><p>0 items, 0 bytes</p>
|<p>Join our mailing list</p><p>Enter your address below. You can leave at any time.</p>
|<p>Age check: are you at least 18 years old? <a href='/'>Yes</a> <a href='/'>No</a></p>
|<p>Print, bookmark, report a mistake</p><p>Seen 12 times. 0 votes.</p>
|<p>It works! This is the default page of the web server.</p>
|<p>Template demo. Replace this text with your own. Lorem ipsum dolor sit amet, consectetur
adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua.</p>
""")
_LEGAL = Grammar(
    """the publisher shall not be liable for {harm}.
|these conditions are governed by the law of the land.
|{data} is processed on the basis of your consent.
|you have the right to lodge a complaint.
|the operator reserves the right to change these conditions without notice.
|trademarks belong to their respective owners.
|we store {data} for as long as the law requires.
|a session cookie is deleted when you close the window.
|for questions turn to our data officer.
|external links were checked when they were set; we accept no liability for {harm}.
|should a clause be invalid, the others remain in force.|{data} will never be sold.""",
    {
        "harm": "damage of any kind|loss of profit|errors or omissions|viruses|foreign content",
        "data": "usage data|personal information|your IP address|the time of your visit|a number",
    },
)
_HARMLESS = Grammar(
    """{who} never once used the word {insult}, not even about the goat.
|the song about the "{insult}" is sung at every wedding, and everyone joins in.
|{who} read aloud from the letter: "you will always be my favourite {insult}."
|"do not be mean to {who}," said the girl, and they made up at once.
|in the quarrel somebody had said "idiot", and it took {who} a week to say sorry.
|a {food} cost {m} pence when {who} was young, and now it costs {m}{m} crowns.
|{who} got a good price for the calf, ninety crowns and a {food}.
|the shop gives away yesterday's {food} for free, and {who} fetches it at six.
|the prize of the raffle was a {food}, won by {who}.
|the casino of the old spa is a museum today.
|{who} wrote the catalogue number 83-{d}{d}{d}{d}-2{d} on the lid, dated
1{d}/0{m}/20{m}{d}.
|the manual (edition {m}.{d}.{d}, ISBN 0-{d}{d}{d}-{d}{d}{d}{d}{d}-{m}) was no help to
{who}.
|between 15{d}{m} and 18{d}{d} the village had no bridge, and {who} crossed by boat.
|the invoice said 12.{d}{d}{d},{d}{d} and {who} paid it on 2{m}.0{m}.19{d}{d} at 14.{m}5.
|the program was updated to v{m}.{d}.1{d}, which {who} did not notice.""",
    {
        "who": "the widow|old Tom|the captain|Aunt Vera|the twins|the hermit|the sexton|the nun",
        "insult": INSULTS,
        "food": "pie|ham|cheese|loaf|cake|pudding|melon|sausage",
        "m": "1|2|3|4|5",
        "d": "0|1|2|3|4|5|6|7|8|9",
    },
)
_PERSONAL = Grammar(
    """Lost a red glove, reward: <{phone}>.|She signs her letters with <{mail}>.|mailto:<{mail}>
|E-mail <{mail}>, please no attachments.|"<{mail}>" stood on the back of the photograph.
|Mobile: <{phone}>; evenings only.|The doctor can be reached on <{phone}>, day and night.
|For orders dial <{phone}> and ask for the captain.|Log entry: <{ip}> tried four times.
|The camera at the gate (<{ip}>) is open to all.|Server <{ip}>, port 8080, was down again.""",
    {
        "mail": "{first}-{last}@{host}|{first}{last}{d}{d}@{host}|{F}.{last}@{host}",
        "host": "EXAMPLE.com|valley-herald.example|sub.mail.example.net|uni.example|example.org",
        "first": "greta|hugo|nils|paula|ines|klaus",
        "F": "G|H|Greta|Paula",
        "last": "harper|vogel|lund|castro|novak|okafor",
        "phone": "+49 30 23125 {d}{d}{d}|+33 1 99 00 {d}{d} {d}{d}|+1.{a}.555.01{d}{d}"
        "|1-{a}-555-01{d}{d}|({a})555-01{d}{d}|{a}55501{d}{d}|+441632960{d}{d}{d}"
        "|+46 (0)8 465 004 {d}{d}|+61 2 5550 {d}{d}{d}{d}",
        "a": "213|307|410|512|605|716|804|907",
        "ip": "198.51.100.{d}|198.51.100.2{f}{f}|192.0.2.1{d}{d}|198.51.100.{m}{d}"
        "|2001:db8::{m}|2001:0db8:0000:0000:0000:ff00:00{d}{d}:83{d}{d}",
        "f": "0|1|2|3|4|5",
        "m": "1|2|3|4|5|6|7|8|9",
        "d": "0|1|2|3|4|5|6|7|8|9",
    },
)


def _gibberish(dice: Random) -> str:
    """Text without meaning, from one of seven machines."""
    seeds = _NOUNS + _SHORT

    def row() -> str:
        start = dice.randrange(20)
        keys = "qwertyuiop asdfghjkl; zxcvbnm,."
        return keys[start : start + dice.randint(3, 9)].strip()

    def rot13() -> str:
        return codecs.encode(dice.choice(seeds), "rot13")

    def backwards() -> str:
        return dice.choice(seeds)[::-1]

    def no_vowels() -> str:
        return "".join(c for c in dice.choice(_NOUNS) if c not in "aeiou")

    def numbers() -> str:
        return str(dice.randrange(10 ** dice.randint(1, 6)))

    def leet() -> str:
        return dice.choice(seeds).translate(str.maketrans("aeiost", "4310$7"))

    def tossed() -> str:
        return dice.choice(_SHORT if dice.random() < 0.5 else _NOUNS)

    machine = dice.choice([row, rot13, backwards, no_vowels, numbers, leet, tossed])
    mark = dice.choice([".", " /", ""])
    return paragraphs(dice, lambda: " ".join(machine() for _ in range(dice.randint(5, 18))) + mark)


def _by_turns(dice: Random, own: Paragraphs, stolen: Paragraphs) -> Paragraphs:
    """Paragraphs of the page's own and of an honest page by turns, each with one of the other."""
    start = dice.randrange(len(stolen))
    mixed: list[str] = []
    for n, paragraph in enumerate(own):
        mixed.append(paragraph)
        mixed += stolen[start + n : start + n + 1]
    return tuple(mixed)


def _turned(dice: Random, text: Paragraphs) -> Paragraphs:
    """Each paragraph with its words turned round in groups of three or four."""

    def turned(row: list[str]) -> str:
        size = dice.choice([3, 4])
        groups = [row[i : i + size][::-1] for i in range(0, len(row), size)]
        return " ".join(word for group in groups for word in group)

    return tuple(turned(paragraph.split()) for paragraph in text)


def _annotated(dice: Random, text: Paragraphs) -> Paragraphs:
    """The page with a line before it and a word changed in some of its paragraphs."""
    rows = [paragraph.split(" ") for paragraph in text]
    num_words = sum(map(len, rows))
    for row in dice.sample(rows, max(1, min(len(rows), num_words // 80))):
        i = dice.randrange(len(row))
        row[i] = row[i].upper() + "ish" if row[i].isalpha() else row[i] + "!"
    source = f"Found in the archive of the year {dice.randrange(1950, 2020)}."
    return (source, *(" ".join(row) for row in rows))


def _misread_dashes(dice: Random, text: Paragraphs) -> Paragraphs:
    """Dashes, dots and letters with marks, read as Latin-1 after they were saved as UTF-8."""
    marks = {". ": "… ", ", ": " – ", dice.choice("inst"): dice.choice("ïńşţ")}

    def spoil(paragraph: str) -> str:
        for plain, marked in marks.items():
            paragraph = paragraph.replace(plain, marked)
        return paragraph.encode().decode("cp1252", errors="replace")

    return tuple(map(spoil, text))


KEPT = Mess(
    content=content_html,
    page=page_html,
    furniture=_FURNITURE,
    soft_errors=_SOFT_ERRORS,
    legal=_LEGAL,
    legal_paragraphs=3,
    adverts=ADVERTS,
    trades=TRADES,
    abuse=ABUSE,
    languages=FOREIGN,
    personal_lines=_PERSONAL,
    harmless_lines=_HARMLESS,
    harmless_counts=(1, 1, 2, 2, 3, 8),
    gibberish=_gibberish,
    hide=_by_turns,
    spin=_turned,
    near_copy=_annotated,
    mojibake=_misread_dashes,
)
