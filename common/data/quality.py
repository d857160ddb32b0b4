"""Quality rules: cheap questions whose answers tell a page worth reading from one that is not.

A rule takes the text of a page and answers with a Verdict: keep or drop, which rule, the value it
measured and the threshold it compared with. Thresholds default to the papers' numbers; a corpus of
its own kind (short lines, word puzzles, code) needs its own, chosen by measuring.

Source: Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training
Gopher", arXiv:2112.11446, section A1.1. Where the paper leaves a choice (what a word is, which
lines count) it is that of datatrove, the field's cleaning library, so that verdicts agree; but stop
words match in any case here.

Taught in ch01_data/03_quality_rules.ipynb.
Needs: verdict.py, repetition.py, c4.py, fineweb.py, _phrases.py.
"""

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sized

from ._phrases import count_phrases
from .c4 import c4_quality_filter, remove_c4_lines
from .fineweb import fineweb_quality_filter
from .repetition import gopher_repetition_filter
from .verdict import Verdict, Words, split_words

__all__ = [
    "Verdict",
    "Words",
    "c4_quality_filter",
    "fineweb_quality_filter",
    "gopher_quality_filter",
    "gopher_repetition_filter",
    "length_filter",
    "mojibake_filter",
    "phrase_filter",
    "remove_c4_lines",
    "split_words",
    "stop_word_filter",
    "symbol_filter",
    "token_to_character_filter",
]

ENGLISH_STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})
SPAM_PHRASES = (
    "buy now|order now|order today|shop now|click here|visit our|limited offer|limited time"
    "|hot deals|special offer|free shipping|best price|lowest price|cheap|discount|casino"
    "|credit card|dollars a day|lucky visitor|claim your|money back|work from home|act now"
).split("|")

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
    found = len(_lowered(stop_words).intersection(split_words(text).words))
    return Verdict.at_least("stop_words.min_stop_words", found, min_stop_words)


@functools.lru_cache(maxsize=16)
def _lowered(words: frozenset[str]) -> frozenset[str]:
    return frozenset(map(str.lower, words))


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


def length_filter(
    text: str | Words,
    *,
    min_words: int = 50,
    max_words: int = 100_000,
    min_mean_word_length: float = 3,
    max_mean_word_length: float = 10,
) -> Verdict:
    """Keep a page that is long enough, not too long, and made of words of a common length.

    Words are pieces that are more than punctuation; lengths are in characters. Source: Gopher.

    >>> length_filter("The page you asked for is not here.")
    Verdict(keep=False, rule='length.min_words', value=8, threshold=50)
    """
    limits = min_words, max_words, min_mean_word_length, max_mean_word_length
    return Verdict.first_failure(_lengths("length", split_words(text), *limits))


def symbol_filter(
    text: str | Words,
    *,
    max_symbols_per_word: float = 0.1,
    max_bullet_lines: float = 0.9,
    max_ellipsis_lines: float = 0.3,
    min_alphabetic_words: float = 0.8,
) -> Verdict:
    """Keep a page of sentences rather than of hashtags, bullets, teasers or numbers.

    Symbols are "#" and the ellipsis, each counted alone, for each word or mark. Then the shares of
    lines, empty ones included, that begin with a bullet or a dash and that end in an ellipsis, and
    of words and marks that have a letter: marks count against a page here, so that 0.8 is a strict
    limit, which English prose with a mark for every six words passes. Source: Gopher.

    >>> symbol_filter("Read more... Our prices... The end...").rule
    'symbols.max_symbols_per_word'
    """
    limits = max_symbols_per_word, max_bullet_lines, max_ellipsis_lines, min_alphabetic_words
    return Verdict.first_failure(_symbols("symbols", split_words(text), *limits))


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
    """Keep a page that looks like prose: Gopher's nine checks, of length, symbols and stop words.

    Cost: 0.1 ms for 500 words. Source: Rae et al. 2021, A1.1.

    >>> gopher_quality_filter("The page you asked for is not here.").rule
    'gopher_quality.min_words'
    """
    page = split_words(text)
    rule = "gopher_quality"
    lengths = min_words, max_words, min_mean_word_length, max_mean_word_length
    symbols = max_symbols_per_word, max_bullet_lines, max_ellipsis_lines, min_alphabetic_words

    def checks() -> Iterator[Verdict]:
        yield from _lengths(rule, page, *lengths)
        yield from _symbols(rule, page, *symbols)
        found = stop_word_filter(page).value
        yield Verdict.at_least(f"{rule}.min_stop_words", found, min_stop_words)

    return Verdict.first_failure(checks())


def _lengths(
    rule: str, page: Words, min_words: int, max_words: int, min_mean: float, max_mean: float
) -> Iterator[Verdict]:
    count = len(page.words)
    yield Verdict.at_least(f"{rule}.min_words", count, min_words)
    yield Verdict.at_most(f"{rule}.max_words", count, max_words)
    mean = _fraction(sum(map(len, page.words)), count)
    yield Verdict.at_least(f"{rule}.min_mean_word_length", mean, min_mean)
    yield Verdict.at_most(f"{rule}.max_mean_word_length", mean, max_mean)


def _symbols(
    rule: str,
    page: Words,
    max_symbols: float,
    max_bullets: float,
    max_ellipses: float,
    min_alphabetic: float,
) -> Iterator[Verdict]:
    count = len(page.pieces)
    ellipses = page.text.count("...") + page.text.count("…")
    symbols = _fraction(max(page.text.count("#"), ellipses), count)
    yield Verdict.at_most(f"{rule}.max_symbols_per_word", symbols, max_symbols)
    lines = len(page.text.splitlines())
    bullets = sum([line.startswith(("•", "-")) for line in page.lines])
    yield Verdict.at_most(f"{rule}.max_bullet_lines", _fraction(bullets, lines), max_bullets)
    trailing = sum([line.endswith(("...", "…")) for line in page.lines])
    yield Verdict.at_most(f"{rule}.max_ellipsis_lines", _fraction(trailing, lines), max_ellipses)
    letters = _fraction(page.lettered, count)
    yield Verdict.at_least(f"{rule}.min_alphabetic_words", letters, min_alphabetic)


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
    found = count_phrases(page.text, phrases)
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


def _fraction(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
