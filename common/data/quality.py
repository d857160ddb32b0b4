"""Quality rules: cheap questions whose answers tell a page worth reading from one that is not.

A rule takes the text of a page and answers with a Verdict: keep or drop, which rule, the value it
measured and the threshold it compared with. Gopher's and C4's rules default to the papers' numbers;
a corpus of its own kind (short lines, word puzzles, code) needs its own, chosen by measuring.

Sources: Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training
Gopher", arXiv:2112.11446, section A1.1; Raffel et al. 2020, "Exploring the Limits of Transfer
Learning with a Unified Text-to-Text Transformer" (C4), arXiv:1910.10683, section 2.2.

Taught in ch01_data/03_quality_rules.ipynb.
Needs: verdict.py, repetition.py.
"""

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sized

from .repetition import gopher_repetition_filter
from .verdict import Verdict, Words, split_words

__all__ = [
    "Verdict",
    "Words",
    "c4_quality_filter",
    "gopher_quality_filter",
    "gopher_repetition_filter",
    "mojibake_filter",
    "phrase_filter",
    "split_words",
    "stop_word_filter",
    "token_to_character_filter",
]

ENGLISH_STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})
SPAM_PHRASES = (
    "buy now|order now|order today|shop now|click here|visit our|limited offer|limited time"
    "|hot deals|special offer|free shipping|best price|lowest price|cheap|discount|casino"
    "|credit card|dollars a day|lucky visitor|claim your|money back|work from home|act now"
).split("|")

_LETTER = re.compile(r"[^\W\d_]")
_SENTENCE_END = re.compile(r"[.!?][\"'”’)]*(?=\s|$)")
_POLICY = re.compile(r"javascript|terms of use|privacy policy|cookie policy|uses? (?:of )?cookies")
# What UTF-8's first byte of two, and its continuation bytes, look like in Windows-1252.
_CONTINUATION = re.escape(bytes(range(0x80, 0xC0)).decode("cp1252", "ignore"))
_MOJIBAKE = re.compile(rf"[Â-ß][{_CONTINUATION}]|â€|\ufffd")


def stop_word_filter(
    text: str | Words,
    *,
    min_stop_words: int = 2,
    stop_words: frozenset[str] = ENGLISH_STOP_WORDS,
) -> Verdict:
    """Keep a page that contains at least `min_stop_words` different stop words, in any case.

    English prose cannot avoid them; other languages, word lists and random letters do.
    Source: Rae et al. 2021, A1.1 (two of these eight).

    >>> stop_word_filter("THE CAT SAT WITH ITS PAWS OUT")
    Verdict(keep=True, rule='stop_words.min_stop_words', value=2, threshold=2)
    """
    found = len(stop_words.intersection(split_words(text).words))
    return Verdict.at_least("stop_words.min_stop_words", found, min_stop_words)


def token_to_character_filter(
    text: str | Words,
    *,
    min_ratio: float = 0.1,
    max_ratio: float = 0.3,
    tokenize: Callable[[str], Sized] = str.split,
) -> Verdict:
    """Keep a page whose number of tokens per character lies in [min_ratio, max_ratio].

    English has about 0.18 pieces between white space per character: five letters and a space. Text
    scanned as "T h i s" has 0.5; encoded data and scripts without spaces have less than 0.1. With
    `tokenize=tokenizer.encode` the same rule counts learned tokens and needs other limits: a
    tokenizer trained on English cuts everything that is not English into more pieces.

    >>> token_to_character_filter("T h i s i s b a d").rule
    'token_to_character.max_ratio'
    """
    text = text.text if isinstance(text, Words) else text
    ratio = _fraction(len(tokenize(text)), len(text))
    return Verdict.first_failure(
        (
            Verdict.at_least("token_to_character.min_ratio", ratio, min_ratio),
            Verdict.at_most("token_to_character.max_ratio", ratio, max_ratio),
        )
    )


def gopher_quality_filter(
    text: str | Words,
    *,
    min_words: int = 50,
    max_words: int = 100_000,
    min_mean_word_length: float = 3,
    max_mean_word_length: float = 10,
    max_symbols_per_word: float = 0.1,
    max_bullet_lines: float = 0.9,
    max_ellipsis_lines: float = 0.3,
    min_alphabetic_words: float = 0.8,
    min_stop_words: int = 2,
) -> Verdict:
    """Keep a page that looks like prose: Gopher's nine checks.

    Lengths are in characters. Symbols are "#" and the ellipsis, each counted alone. The lines are
    shares that start with a bullet and that end with an ellipsis; `min_alphabetic_words` is a share
    of the tokens. Cost: 0.2 ms for 1,000 words. Source: Rae et al. 2021, A1.1.

    >>> gopher_quality_filter("The page you asked for is not here.").rule
    'gopher_quality.min_words'
    """
    page = split_words(text)

    def checks() -> Iterator[Verdict]:
        count = len(page.words)
        yield Verdict.at_least("gopher_quality.min_words", count, min_words)
        yield Verdict.at_most("gopher_quality.max_words", count, max_words)
        length = _fraction(sum(map(len, page.words)), count)
        yield Verdict.at_least("gopher_quality.min_mean_word_length", length, min_mean_word_length)
        yield Verdict.at_most("gopher_quality.max_mean_word_length", length, max_mean_word_length)
        ellipses = page.text.count("...") + page.text.count("…")
        symbols = _fraction(max(page.text.count("#"), ellipses), count)
        yield Verdict.at_most("gopher_quality.max_symbols_per_word", symbols, max_symbols_per_word)
        bullets = sum(line.startswith(("•", "-", "*")) for line in page.lines)
        bullets = _fraction(bullets, len(page.lines))
        yield Verdict.at_most("gopher_quality.max_bullet_lines", bullets, max_bullet_lines)
        trailing = sum(line.endswith(("...", "…")) for line in page.lines)
        trailing = _fraction(trailing, len(page.lines))
        yield Verdict.at_most("gopher_quality.max_ellipsis_lines", trailing, max_ellipsis_lines)
        letters = _fraction(sum(map(bool, map(_LETTER.search, page.tokens))), len(page.tokens))
        yield Verdict.at_least("gopher_quality.min_alphabetic_words", letters, min_alphabetic_words)
        found = stop_word_filter(page).value
        yield Verdict.at_least("gopher_quality.min_stop_words", found, min_stop_words)

    return Verdict.first_failure(checks())


def c4_quality_filter(
    text: str | Words,
    *,
    min_sentences: int = 3,
    min_words_per_line: int = 5,
    max_curly_brackets: int = 0,
    max_lorem_ipsum: int = 0,
) -> Verdict:
    """Keep a page with enough sentences on lines that C4 would retain.

    This is the verdict on the page. C4 also deletes its other lines, which would destroy every page
    whose short lines mean something; that is left out. A retained line ends in . ! ? or a quotation
    mark, has `min_words_per_line` words and speaks neither of JavaScript nor of cookies and
    policies. Source: Raffel et al. 2020, section 2.2.

    >>> c4_quality_filter("Home\\nLogin\\nPlease accept our use of cookies, dear visitor.")
    Verdict(keep=False, rule='c4_quality.min_sentences', value=0, threshold=3)
    """
    page = split_words(text)

    def checks() -> Iterator[Verdict]:
        brackets = page.text.count("{")
        yield Verdict.at_most("c4_quality.max_curly_brackets", brackets, max_curly_brackets)
        lorem = page.text.lower().count("lorem ipsum")
        yield Verdict.at_most("c4_quality.max_lorem_ipsum", lorem, max_lorem_ipsum)
        sentences = sum(
            len(_SENTENCE_END.findall(line))
            for line in page.lines
            if line.endswith((".", "!", "?", '"', "”"))
            and len(line.split()) >= min_words_per_line
            and not _POLICY.search(line.lower())
        )
        yield Verdict.at_least("c4_quality.min_sentences", sentences, min_sentences)

    return Verdict.first_failure(checks())


def phrase_filter(
    text: str | Words,
    *,
    phrases: Iterable[str] = SPAM_PHRASES,
    max_per_100_words: float = 1.0,
) -> Verdict:
    """Keep a page on which the listed phrases are rare; by default phrases of advertising.

    C4 drops a page for one word of a list; a density forgives the page that has a single spam
    comment under it. A list finds what is on it and nothing else, and drops pages that talk about
    what it lists (Dodge et al. 2021, arXiv:2104.08758). Phrases match whole words in any case.

    >>> phrase_filter("Click here, buy now! Cheap hats.").value
    50.0
    """
    page = split_words(text)
    found = len(_any_of(tuple(phrases)).findall(page.text.lower()))
    density = 100 * _fraction(found, len(page.words))
    return Verdict.at_most("phrases.max_per_100_words", density, max_per_100_words)


def mojibake_filter(text: str | Words, *, max_per_100_words: float = 1.0) -> Verdict:
    """Keep a page whose letters were read with the encoding they were written in.

    Counts the traces of UTF-8 read as Windows-1252 ("Ã©" for "é", "â€œ" for a quotation mark) and
    the replacement characters of bytes that could not be read at all.

    >>> mojibake_filter("CafÃ© Ã  la crÃ¨me").keep
    False
    """
    page = split_words(text)
    density = 100 * _fraction(len(_MOJIBAKE.findall(page.text)), len(page.words))
    return Verdict.at_most("mojibake.max_per_100_words", density, max_per_100_words)


@functools.lru_cache(maxsize=16)
def _any_of(phrases: tuple[str, ...]) -> re.Pattern[str]:
    either = "|".join(re.escape(phrase.lower()) for phrase in phrases)
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)")


def _fraction(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
