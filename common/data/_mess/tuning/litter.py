"""TUNING, the mess that every filter of this chapter may be tuned on.

Needs: foreign.py, layout.py, spam.py, toxic.py, ../grammar.py, ../mess.py.
"""

import base64
from random import Random

from ..grammar import Grammar, paragraphs, words
from ..mess import Mess, Paragraphs
from .foreign import FOREIGN
from .layout import content_html, page_html
from .spam import ADVERTS, TRADES
from .toxic import ABUSE, INSULTS

_SALAD = (
    "kettle monday invoice purple lantern gravel update ladder server onion ticket marble widget "
    "copper banner pixel garden module orbit velvet socket turnip vector pepper cache bottle "
    "download harbour sonnet battery cushion router almond keyword saddle export thunder"
).split()
_SMALL_WORDS = (
    "the of and to a in that is was for with as his they be at one have this from or had by but "
    "what some we can out other were all there when up use your how said an each she which do "
    "their time if will way about many then them would like so these her long make thing see him"
).split()
_SYLLABLES = (
    "ba bel bro cal dor en fa fin gle gra hu in ka lor ma ne ol pra qui ra sto tu um vex".split()
)
_SOFT_ERRORS = words("""
Page not found##Sorry, the page that you asked for could not be found on this server.
|Error 404##This page has moved or no longer exists. Please check the address and try again.
|Database error##Could not connect to the database. Please contact the administrator.
|Access denied##You must be logged in to view this page.
|Oops, something went wrong##We are working on it. Please come back in a few minutes.
|Error 500: internal server error##The server met a problem and could not answer your request.
|Session expired##Your session has expired. Please sign in again to go on.
|Under construction##This page is being rebuilt and will be back soon. Thank you for waiting.
|Nothing found##Your search gave no results. Try other words, or go back to the start page.
|Service unavailable##The site is down for maintenance. Error code: 503.
""")
_FURNITURE = words("""
<p><a href='/about'>Please turn on JavaScript to read on</a></p>
|<p>Loading ...</p><p><a href='/'>Refresh</a></p>
|<p>This site uses cookies. By going on you accept our cookie policy.</p><p><a
href='/'>Accept</a></p>
|<p>You have read all your free articles this month. Please subscribe to read on.</p>
|<p>Tags: <a href='/'>town</a> <a href='/'>river</a> <a href='/'>news</a></p><p>0 comments</p>
|<p>Share on: <a href='/'>mail</a> <a href='/'>letter</a></p><p>Previous post, next post</p>
|<p>This domain is parked. Owner? Log in to set up your site.</p>
|<p>Posted in <a href='/'>Uncategorized</a> by admin. Leave a reply. Your e-mail address will not
be published. Required fields are marked.</p>
""")
_PRIVACY = Grammar(
    """we use cookies to {purpose}.|by using this site you agree to our {paper}.
|our {paper} was last changed on {day} March.|we collect {data} in order to {purpose}.
|you may refuse cookies in the settings of your browser.
|{data} may be passed on to our partners.
|some parts of the site may not work without JavaScript.|all rights reserved.
|please read our {paper} with care.
|we take no responsibility for the content of linked sites.
|the {paper} applies to all visitors.|you may ask us to delete {data} at any time.
|if you do not agree with the {paper}, please leave the site.
|nothing on this site may be copied without written permission.""",
    {
        "purpose": "make this site better|show you adverts that fit you|count our visitors"
        "|remember your settings|keep you logged in",
        "day": "2|9|14|21|28",
        "paper": "terms of use|privacy policy|cookie policy|terms of service|data protection",
        "data": "the name of your browser|your address|the pages you visit|technical data|logs",
    },
)
_HARMLESS = Grammar(
    """the {who} said that {she} would never call anyone a {insult}.
|in the old play the {insult} turns out to be the hero, and everybody claps.
|"{insult}" was the worst word that my {who} knew, and {she} used it once in thirty years.
|the {who} told the children that it is not kind to call somebody stupid or ugly.
|a {insult}, says the old dictionary of the {who}, was once a kind of {thing}.
|the {who} was sorry for having shouted "shut up" at the dog, and gave it a bone.
|nobody hates the {fruit} soup at the inn, but nobody loves it either.
|at the market {fruit} were {v}{d} coins a basket, and the {who} bought two.
|the {who} paid {v}{d} dollars for a second-hand {thing}, which was cheap and has lasted
ever since.
|the {fruit} are on sale until Sunday, wrote the {who} on a slate, and forgot to wipe it
off.|the {thing} came with a free {thing}, but the {who} had to carry both home.
|order of the day at the school: arithmetic, then singing, then a visit from the {who}.
|the {who} won three coins at cards and lost them again before supper.
|the clock in the tower is run by version {v}.{v}.{d} of the program that the {who} wrote.
|the book about the {thing} is in the library: ISBN 978-0-{d}{d}-{d}{d}{d}{d}{d}{d}-{v}.
|the {who} was born on 19{d}{d}-0{v}-1{d}, at 0{v}:{v}{d} in the morning.
|the bill of {d}{d}.0{v}.20{v}{d} came to {v},{d}{d}{d}.{d}{d} coins, which the {who}
thought fair.
|the ferry leaves at 10:{v}5 and at 1{d}:30, and costs $ {d}.50 for a {who} with a
{thing}.|inventory number {d}{d}{d}{d}{d}{d} hangs on the {thing}, and nobody knows why.
|"bonjour", said the guest, "un café, s'il vous plaît", and the {who} brought tea.""",
    {
        "who": "baker|miller|ferryman|teacher|weaver|judge|cook|clerk|gardener|smith|nurse|potter",
        "she": "she|he|they",
        "insult": INSULTS,
        "fruit": "apples|pears|onions|plums|beans|turnips|carrots|cherries|leeks|figs",
        "thing": "kettle|ladder|bicycle|lamp|wheelbarrow|piano|coat|mirror|drum|umbrella|stove",
        "v": "1|2|3|4|5",
        "d": "0|1|2|3|4|5|6|7|8|9",
    },
)
_PERSONAL = Grammar(
    """Write to <{mail}> if you know more.|My address is <{mail}>, I read it every day.
|Questions? <{mail}>|Contact: <{mail}> (mornings only).|Call me at <{phone}> after five.
|Phone <{phone}> for the keys.|Tel. <{phone}>|Ring <{phone}> or knock at the green door.
|The last visitor came from <{ip}> at noon.
|Blocked for a week: <{ip}>, after many complaints.
|The printer of the school answers at <{ip}>.""",
    {
        "mail": "{name}{d}@{host}|{name}.{last}@{host}|{name}_{last}@{host}|{name}+list@{host}",
        "host": "example.com|example.org|example.net|mail.example.org|town.example|b.town.example",
        "name": "anna|tom|office|jan|info|maria|lucy|peter",
        "last": "miller|baker|smith|weaver|stone|brook",
        "phone": "({a}) 555-01{d}{d}|+1-{a}-555-01{d}{d}|{a}-555-01{d}{d}|{a}.555.01{d}{d}"
        "|1 {a} 555 01{d}{d}|+44 20 7946 0{d}{d}{d}|+1 ({a}) 555-01{d}{d}",
        "a": "212|305|415|503|617|702|808|901",
        "ip": "203.0.113.{d}|203.0.113.1{d}{d}|203.0.113.{v}{d}|192.0.2.{v}{d}|2001:db8::{v}{d}"
        "|2001:db8:{d}a{d}::{d}b:{v}",
        "v": "1|2|3|4|5|6|7|8|9",
        "d": "0|1|2|3|4|5|6|7|8|9",
    },
)


def _gibberish(dice: Random) -> str:
    """Text without meaning, from one of seven machines."""

    def letters() -> str:
        return "".join(dice.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=dice.randint(3, 18)))

    def syllables() -> str:
        return "".join(dice.choices(_SYLLABLES, k=dice.randint(1, 4)))

    def shuffled() -> str:
        return dice.choice(_SMALL_WORDS if dice.random() < 0.6 else _SALAD)

    def spaced() -> str:
        return " ".join(dice.choice(_SALAD))

    def code() -> str:
        return base64.b64encode(dice.randbytes(dice.randint(12, 60))).decode()

    machines = [letters, syllables, shuffled, spaced, code, lambda: dice.choice(_SALAD), None]
    machine = dice.choice(machines)
    if machine is None:
        phrase = " ".join(dice.sample(_SALAD, dice.randint(2, 4)))
        return paragraphs(dice, lambda: f"the {phrase} and")
    stop = dice.choice(["", "."])
    return paragraphs(dice, lambda: " ".join(machine() for _ in range(dice.randint(6, 16))) + stop)


def _behind(dice: Random, own: Paragraphs, stolen: Paragraphs) -> Paragraphs:
    """The page's own paragraphs behind at most as many words of an honest page."""
    room = sum(len(paragraph.split()) for paragraph in own)
    front: list[str] = []
    for paragraph in stolen[dice.randrange(len(stolen)) :]:
        room -= len(paragraph.split())
        if room < 0:
            break
        front.append(paragraph)
    return (*front, *own)


def _shuffled(dice: Random, text: Paragraphs) -> Paragraphs:
    """The words of each paragraph in any order."""
    rows = (paragraph.split() for paragraph in text)
    return tuple(" ".join(dice.sample(row, len(row))) for row in rows)


def _reworded(dice: Random, text: Paragraphs) -> Paragraphs:
    """The paragraphs with up to one word in sixty replaced by another of the page."""
    rows = [paragraph.split(" ") for paragraph in text]
    places = [(row, i) for row in rows for i, word in enumerate(row) if word.isalpha()]
    plain = sorted({row[i] for row, i in places})
    for row, i in dice.sample(places, min(len(places), dice.randint(2, 2 + len(places) // 60))):
        row[i] = dice.choice([word for word in plain if word != row[i]])
    return tuple(" ".join(row) for row in rows)


def _misread_quotes(dice: Random, text: Paragraphs) -> Paragraphs:
    """The paragraphs with curly quotes and accents, saved as UTF-8 and read as Windows-1252."""
    accents = str.maketrans({'"': "“", "'": "’", dice.choice("aeo"): dice.choice("áéñöü")})
    return tuple(p.translate(accents).encode().decode("cp1252", errors="replace") for p in text)


TUNING = Mess(
    content=content_html,
    page=page_html,
    furniture=_FURNITURE,
    soft_errors=_SOFT_ERRORS,
    legal=_PRIVACY,
    legal_paragraphs=4,
    adverts=ADVERTS,
    trades=TRADES,
    abuse=ABUSE,
    languages=FOREIGN,
    personal_lines=_PERSONAL,
    harmless_lines=_HARMLESS,
    harmless_counts=(1, 1, 2, 2, 3, 4, 9),
    gibberish=_gibberish,
    hide=_behind,
    spin=_shuffled,
    near_copy=_reworded,
    mojibake=_misread_quotes,
)
