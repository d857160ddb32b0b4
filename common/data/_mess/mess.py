"""Mess: everything in which one site's litter and layouts differ from another's, as one value.

What it holds are tables and, where the towns differ in their tricks, functions. Each draws from the
random generator it is given and from nothing else.

Needs: grammar.py.
"""

import dataclasses
from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

from .grammar import Grammar, Languages, words

Paragraphs = tuple[str, ...]
Link = tuple[str, str]  # address and name


class Parts(NamedTuple):
    """What a page is laid out from. content: HTML of the article; the comments are text."""

    title: str
    content: str
    menu: list[Link]
    related: list[Link]
    comments: list[str]


@dataclasses.dataclass(frozen=True)
class Mess:
    """One town's tables and tricks, and what every town makes of such tables: a method for each.

    content: title, paragraphs and links to the HTML of an article. page: its parts to the HTML of
    a page. furniture: the HTML of pages that hold nothing else. soft_errors: "##" stands between
    title and text. trades: goods and promises of each, the slots "goods" and "promise" of adverts.
    abuse: has the slot "group". personal_lines: with angle brackets around what identifies
    somebody. hide: a page's own paragraphs between those of an honest page. spin: an honest page
    as gibberish. near_copy, mojibake: paragraphs to paragraphs.
    """

    content: Callable[[Random, str, Paragraphs, list[Link]], str]
    page: Callable[[Random, Parts], str]
    furniture: tuple[str, ...]
    soft_errors: tuple[str, ...]
    legal: Grammar
    legal_paragraphs: int
    adverts: Grammar
    trades: Mapping[str, tuple[str, str]]
    abuse: Grammar
    languages: Languages
    personal_lines: Grammar
    harmless_lines: Grammar
    harmless_counts: tuple[int, ...]
    gibberish: Callable[[Random], str]
    hide: Callable[[Random, Paragraphs, Paragraphs], Paragraphs]
    spin: Callable[[Random, Paragraphs], Paragraphs]
    near_copy: Callable[[Random, Paragraphs], Paragraphs]
    mojibake: Callable[[Random, Paragraphs], Paragraphs]

    def spam(self, dice: Random) -> str:
        """A page of advertising for one trade; its paragraphs are apart by blank lines."""
        return self.adverts.page(dice, self._trade(dice))

    def spam_comment(self, dice: Random) -> str:
        """One sentence of advertising."""
        return self.adverts.sentence(dice, self._trade(dice))

    def _trade(self, dice: Random) -> dict[str, tuple[str, ...]]:
        goods, promises = self.trades[dice.choice(sorted(self.trades))]
        return {"goods": words(goods), "promise": words(promises)}

    def toxic(self, dice: Random) -> str:
        """A page of insults, threats and hatred against a few of the groups."""
        return self.abuse.page(dice, {"group": tuple(dice.sample(self.abuse.slots["group"], 3))})

    def toxic_comment(self, dice: Random) -> str:
        """One sentence of it."""
        return self.abuse.sentence(dice)

    def foreign(self, dice: Random) -> str:
        """A page in one of the languages."""
        return self.languages.page(dice)

    def soft_error(self, dice: Random) -> str:
        """What a server says instead of a page: a title, and a paragraph below some."""
        return dice.choice(self.soft_errors).replace("##", "\n\n")

    def boilerplate(self, dice: Random) -> str:
        """The HTML of a page that holds furniture or small print only."""
        if dice.random() < 0.6:
            return dice.choice(self.furniture)
        texts = self.legal.page(dice).split("\n\n")[: self.legal_paragraphs]
        return "".join(f"<p>{text}</p>" for text in texts)

    def personal(self, dice: Random) -> tuple[str, str]:
        """A line, and the string in it that identifies somebody."""
        before, planted, after = self.personal_lines.sentence(dice).replace(">", "<").split("<")
        return before + planted + after, planted

    def harmless(self, dice: Random) -> str:
        """A paragraph that a hasty filter takes for mess."""
        count = dice.choice(self.harmless_counts)
        return " ".join(self.harmless_lines.sentence(dice) for _ in range(count))
