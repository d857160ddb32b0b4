"""Text from tables: sentences with slots, and short sentences in many languages.

Needs: nothing but the standard library.
"""

import re
from collections.abc import Callable, Mapping
from random import Random

_SLOT = re.compile(r"\{(\w+)\}")
_BEFORE_VOWEL = re.compile(r"\b([Aa]) (?=[aeiouAEIOU])")


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
