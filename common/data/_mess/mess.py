"""Mess: everything in which one site's litter and layouts differ from another's, as one value.

A `Mess` holds functions. Each draws from the random generator it is given and from nothing else.

Needs: nothing but the standard library.
"""

import dataclasses
from collections.abc import Callable
from random import Random

Writer = Callable[[Random], str]
Paragraphs = tuple[str, ...]
Link = tuple[str, str]  # address and name


@dataclasses.dataclass(frozen=True)
class Mess:
    """The writers of one kind of mess.

    content: title, paragraphs and links to the HTML of an article. page: title, content, menu,
    related links and comments to the whole page. spam, toxic, foreign, gibberish, soft_error: a
    page's text, paragraphs apart by blank lines. hide: its paragraphs between those of an honest
    page. spin: an honest page as gibberish. boilerplate: the HTML of a page that holds furniture
    only. personal: a line, and the string in it that identifies somebody. harmless: a
    paragraph that a hasty filter takes for mess. near_copy, mojibake: paragraphs to paragraphs.
    """

    content: Callable[[Random, str, Paragraphs, list[Link]], str]
    page: Callable[[Random, str, str, list[Link], list[Link], list[str]], str]
    spam: Writer
    toxic: Writer
    spam_comment: Writer
    toxic_comment: Writer
    foreign: Writer
    gibberish: Writer
    soft_error: Writer
    hide: Callable[[Random, Paragraphs, Paragraphs], Paragraphs]
    spin: Callable[[Random, Paragraphs], Paragraphs]
    boilerplate: Writer
    personal: Callable[[Random], tuple[str, str]]
    harmless: Writer
    near_copy: Callable[[Random, Paragraphs], Paragraphs]
    mojibake: Callable[[Random, Paragraphs], Paragraphs]
