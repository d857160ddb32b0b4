"""Mess: everything in which one site's litter and layouts differ from another's, as one value.

A `Mess` holds functions. Each draws from the random generator it is given and from nothing else.
Two exist: TUNING, on which the filters of this chapter are tuned, and KEPT, whose sentences, tricks
and layouts no filter was tuned on. They share the tools in this file and nothing more.

Needs: nothing but the standard library.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from random import Random

Writer = Callable[[Random], str]
Paragraphs = tuple[str, ...]
Link = tuple[str, str]  # address and name
_SLOT = re.compile(r"\{(\w+)\}")
_BEFORE_VOWEL = re.compile(r"\b([Aa]) (?=[aeiouAEIOU])")


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


def words(text: str) -> tuple[str, ...]:
    """The alternatives of a text that separates them by "|" and may break its lines anywhere."""
    return tuple(" ".join(part.split()) for part in text.split("|"))


class Grammar:
    """Sentences with slots: "{goods}" stands for any of the slot's texts, which may have slots too.

    A page deals its sentences like cards: none comes twice before all have come.
    """

    def __init__(self, sentences: str, slots: Mapping[str, str]) -> None:
        self.sentences = words(sentences)
        self.slots = {name: words(text) for name, text in slots.items()}

    def fill(self, dice: Random, text: str, bound: Mapping[str, tuple[str, ...]]) -> str:
        """The text with every slot filled; `bound` goes before the grammar's own slots."""

        def draw(match: re.Match[str]) -> str:
            name = match[1]
            if name == "n":
                return str(
                    dice.choice([5, 9, 12, 19, 25, 49, 60, 75, 99, 149, 300, 500, 999, 4000])
                )
            return self.fill(dice, dice.choice(bound.get(name) or self.slots[name]), bound)

        return _SLOT.sub(draw, text)

    def sentence(self, dice: Random, bound: Mapping[str, tuple[str, ...]] | None = None) -> str:
        """One sentence."""
        return self._say(dice, dice.choice(self.sentences), bound)

    def page(self, dice: Random, bound: Mapping[str, tuple[str, ...]] | None = None) -> str:
        """Four to eight paragraphs."""
        deck: list[str] = []

        def deal() -> str:
            if not deck:
                deck.extend(dice.sample(self.sentences, len(self.sentences)))
            return self._say(dice, deck.pop(), bound)

        return paragraphs(dice, deal)

    def _say(self, dice: Random, text: str, bound: Mapping[str, tuple[str, ...]] | None) -> str:
        return _capital(_BEFORE_VOWEL.sub(r"\1n ", self.fill(dice, text, bound or {})))


def paragraphs(dice: Random, sentence: Callable[[], str]) -> str:
    """Four to eight paragraphs of three to eight sentences."""
    return "\n\n".join(
        " ".join(sentence() for _ in range(dice.randint(3, 8))) for _ in range(dice.randint(4, 8))
    )


class Languages:
    """Short sentences in many languages, from a table with a block of text for each.

    A block's fields, with " / " between them: code, openings, frames, verbs, objects, places, and
    what ends a sentence. In a frame "v", "o" and "p" in braces stand for a verb and so on.
    """

    def __init__(self, table: str) -> None:
        blocks = (" ".join(block.split()).split(" / ") for block in table.split("\n\n"))
        self.tables = {code: fields for code, *fields in blocks}

    def page(self, dice: Random) -> str:
        """Four to eight paragraphs in one of the languages."""
        *lists, stop = self.tables[dice.choice(sorted(self.tables))]
        openings, frames, verbs, objects, places = map(words, lists)
        space = "" if stop == "。" else " "
        end = stop.removesuffix("none")

        def sentence() -> str:
            parts = {"v": verbs, "o": objects, "p": places}
            frame = dice.choice(frames)
            middle = frame.format(**{key: dice.choice(values) for key, values in parts.items()})
            return _capital(f"{dice.choice(openings)}{space}{middle}{end}")

        text = paragraphs(dice, sentence)
        return text if space else text.replace("。 ", "。")


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
