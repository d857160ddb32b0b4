"""C4's rules: a judgement on the page, and an edit that leaves only lines that end like sentences.

Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
Transformer", arXiv:1910.10683, section 2.2, and the code that made C4, for what the paper leaves
open: a bracket or "lorem ipsum" counts on lines that stay, and a line also goes for a word of more
than 1,000 characters or an ellipsis at its end. The first version of the paper has 5 sentences and
3 words for a line, which datatrove uses; the later ones and the code have 3 and 5.

Taught in ch01_data/03_quality_rules.ipynb.
Needs: verdict.py, _english.py, _english_tables.py, _phrases.py.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ._english import cut
from ._english_tables import SENTENCE_ENDS
from ._phrases import count_phrases
from .verdict import Verdict, Words, split_words

_CITATION = re.compile(r"\[(?:\d*|edit|citation needed)\]")
_LINE_ENDS = (".", "?", "!", '"', "'")
_POLICIES = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)
_MAX_REMEMBERED = 2**17


@dataclass(slots=True)
class _Lines:
    """What is left of a page's lines, and what was counted on them."""

    kept: list[str]
    brackets: int = 0
    lorem_ipsum: int = 0


def c4_quality_filter(
    text: str | Words,
    *,
    min_sentences: int = 3,
    min_words_per_line: int = 5,
    max_word_characters: int = 1_000,
    max_curly_brackets: int = 0,
    max_lorem_ipsum: int = 0,
    bad_words: Iterable[str] = (),
    max_bad_words: int = 0,
) -> Verdict:
    """Keep a page whose lines, after `remove_c4_lines`, have enough sentences and no code.

    Curly brackets are a sign of program code, "lorem ipsum" of a page that nobody has written yet.
    `bad_words` is the list of words that C4 dropped a page for, whole words in any case; the list
    that it used removed medical advice and texts by minorities as well (Dodge et al. 2021,
    arXiv:2104.08758), so there is none by default. C4's last rule, English at 0.99, is
    `language_filter`. Cost: 0.1 ms for 500 words.

    >>> c4_quality_filter("Home\\nLogin\\nPlease accept our use of cookies, dear visitor.")
    Verdict(keep=False, rule='c4_quality.min_sentences', value=0, threshold=3)
    """
    page = split_words(text)

    def checks() -> Iterator[Verdict]:
        bad = count_phrases(page.text, bad_words)
        yield Verdict.at_most("c4_quality.max_bad_words", bad, max_bad_words)
        lines = _read_lines(page.lines, min_words_per_line, max_word_characters)
        lorem = lines.lorem_ipsum
        yield Verdict.at_most("c4_quality.max_lorem_ipsum", lorem, max_lorem_ipsum)
        brackets = lines.brackets
        yield Verdict.at_most("c4_quality.max_curly_brackets", brackets, max_curly_brackets)
        sentences = sum(map(_count_sentences, lines.kept))
        yield Verdict.at_least("c4_quality.min_sentences", sentences, min_sentences)

    return Verdict.first_failure(checks())


def remove_c4_lines(
    text: str | Words, *, min_words_per_line: int = 5, max_word_characters: int = 1_000
) -> tuple[str, int]:
    """The lines that C4 keeps, without marks such as [1] and [edit]; and how many it removes.

    A line stays if it ends in . ! ? or a quotation mark but not in an ellipsis, has enough words
    and none too long, and speaks neither of JavaScript nor of cookies and policies. It removes
    menus and buttons, and also the short answers, verses and code of a good page.

    >>> remove_c4_lines("Home\\nThe owl is in the barn.[2]\\nShe sleeps ...")
    ('The owl is in the barn.', 2)
    """
    lines = split_words(text).lines
    kept = _read_lines(lines, min_words_per_line, max_word_characters).kept
    return "\n".join(kept), len(lines) - len(kept)


def _read_lines(lines: Iterable[str], min_words_per_line: int, max_word_characters: int) -> _Lines:
    found = _Lines([])
    for whole in lines:
        line = _CITATION.sub("", whole) if "[" in whole else whole
        if not line.endswith(_LINE_ENDS) or line.endswith("..."):
            continue
        words = whole.split()
        if len(words) < min_words_per_line:
            continue
        if len(whole) > max_word_characters and max(map(len, words)) > max_word_characters:
            continue
        lower = line.lower()
        found.lorem_ipsum += lower.count("lorem ipsum")
        if "javascript" in lower:
            continue
        found.brackets += line.count("{")
        if any([policy in lower for policy in _POLICIES]):
            continue
        found.kept.append(line)
    return found


def _count_sentences(line: str) -> int:
    """Sentences on a line: one more than the places where a sentence's end is followed by a word.

    A mark that ends a sentence is one that `cut` cuts off: not the dots of "e.g." and "3.5".
    """
    return "".join(map(_SHAPES.__getitem__, line.split())).count("EW") + 1


class _Shapes(dict[str, str]):
    """Token -> "W" for each word in it and "E" for each end of a sentence; other marks are left."""

    def __missing__(self, token: str) -> str:
        shape = "W" if token.isalnum() else "".join(map(_shape, cut(token)))
        if len(self) >= _MAX_REMEMBERED:
            self.clear()
        self[token] = shape
        return shape


def _shape(piece: str) -> str:
    if piece in SENTENCE_ENDS:
        return "E"
    marks = [unicodedata.category(character)[0] == "P" for character in piece]
    return "" if all(marks) else "W"


_SHAPES = _Shapes()
