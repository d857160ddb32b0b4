"""Quality rules: cheap questions whose answers tell a page worth reading from one that is not.

A rule takes the text of a page and answers with a Verdict: keep or drop, which rule, the value it
measured and the threshold it compared with. The thresholds' defaults are the papers'; a corpus of
its own kind (short lines, word puzzles, code) needs its own, chosen by precision and recall.

Sources: Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training
Gopher", arXiv:2112.11446, section A1.1 and table A1; Raffel et al. 2020, "Exploring the Limits of
Transfer Learning with a Unified Text-to-Text Transformer" (C4), arXiv:1910.10683, section 2.2.

Taught in ch01_data/02_quality_rules.ipynb.
Needs: nothing but numpy.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

ENGLISH_STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})
TOP_NGRAM_LIMITS = MappingProxyType({2: 0.20, 3: 0.18, 4: 0.16})
DUPLICATE_NGRAM_LIMITS = MappingProxyType({5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10})

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_LETTER = re.compile(r"[^\W\d_]")
_PARAGRAPH_BREAK = re.compile(r"\n\s*\n")
_SENTENCE_END = re.compile(r"[.!?][\"'”’)]*(?=\s|$)")
_POLICY = re.compile(r"javascript|terms of use|privacy policy|cookie policy|uses? (?:of )?cookies")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says of one page, with the evidence.

    keep: True when the page passes. rule: the filter and, after a dot, the parameter that decided
    (the one to change if you disagree). value: what was measured. threshold: what it was compared
    with. A page that passes a filter of several checks carries the last check's value.
    A verdict counts as a truth value, so `if rule(text):` reads as it should.

    >>> bool(Verdict(False, "gopher_quality.min_words", 12, 50))
    False
    """

    keep: bool
    rule: str
    value: float
    threshold: float

    def __bool__(self) -> bool:
        return self.keep


@dataclass(frozen=True, slots=True)
class Words:
    """A page cut up once, so that ten rules do not split it ten times.

    text: as it came. tokens: pieces between white space. words: runs of letters and digits, in
    lower case, without punctuation. lines: lines with something on them, stripped.
    """

    text: str
    tokens: list[str]
    words: list[str]
    lines: list[str]


def split_words(text: str | Words) -> Words:
    """Cut a page into tokens, words and lines. Cost: one pass each; a Words comes back as it is.

    >>> split_words("The mill's wheel -> turns.").words
    ['the', "mill's", 'wheel', 'turns']
    """
    if isinstance(text, Words):
        return text
    lines = [line for line in map(str.strip, text.splitlines()) if line]
    return Words(text, text.split(), _WORD.findall(text.lower()), lines)


def stop_word_filter(
    text: str | Words,
    *,
    min_stop_words: int = 2,
    stop_words: frozenset[str] = ENGLISH_STOP_WORDS,
) -> Verdict:
    """Keep a page that contains at least `min_stop_words` different stop words, in any case.

    English prose cannot avoid them; other languages, word lists and random letters do.
    Source: Rae et al. 2021, A1.1 (two of eight words).

    >>> stop_word_filter("THE CAT SAT WITH ITS PAWS OUT")
    Verdict(keep=True, rule='stop_words.min_stop_words', value=2, threshold=2)
    """
    found = len(stop_words.intersection(split_words(text).words))
    return _at_least("stop_words.min_stop_words", found, min_stop_words)


def token_to_character_filter(
    text: str | Words,
    *,
    min_ratio: float = 0.1,
    max_ratio: float = 0.3,
    tokenize: Callable[[str], Sized] = str.split,
) -> Verdict:
    """Keep a page whose number of tokens per character lies in [min_ratio, max_ratio].

    English has about 0.18 tokens between white space per character: five letters and a space. Text
    scanned as "T h i s" has 0.5; link lists, encoded data and scripts without spaces have under
    0.1. With `tokenize=tokenizer.encode` the same rule uses learned tokens (then choose other
    limits: a tokenizer trained on English needs more tokens for everything that is not English).

    >>> token_to_character_filter("T h i s i s b a d")
    Verdict(keep=False, rule='token_to_character.max_ratio', value=0.529, threshold=0.3)
    """
    text = text.text if isinstance(text, Words) else text
    ratio = round(_fraction(len(tokenize(text)), len(text)), 3)
    return _first_failure(
        (
            _at_least("token_to_character.min_ratio", ratio, min_ratio),
            _at_most("token_to_character.max_ratio", ratio, max_ratio),
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
    """Keep a page that looks like prose: Gopher's nine checks, the cheapest first.

    Lengths are in characters. Symbols are "#" and the ellipsis, each counted alone. The last three
    shares are fractions: of lines that start with a bullet, of lines that end with an ellipsis, of
    tokens with at least one letter. Source: Rae et al. 2021, A1.1.

    >>> gopher_quality_filter("The page you asked for is not here.").rule
    'gopher_quality.min_words'
    """
    page = split_words(text)

    def checks() -> Iterator[Verdict]:
        count = len(page.words)
        yield _at_least("gopher_quality.min_words", count, min_words)
        yield _at_most("gopher_quality.max_words", count, max_words)
        length = _fraction(sum(map(len, page.words)), count)
        yield _at_least("gopher_quality.min_mean_word_length", length, min_mean_word_length)
        yield _at_most("gopher_quality.max_mean_word_length", length, max_mean_word_length)
        ellipses = page.text.count("...") + page.text.count("…")
        symbols = _fraction(max(page.text.count("#"), ellipses), count)
        yield _at_most("gopher_quality.max_symbols_per_word", symbols, max_symbols_per_word)
        bullets = sum(line.startswith(("•", "-", "*")) for line in page.lines)
        bullet_lines = _fraction(bullets, len(page.lines))
        yield _at_most("gopher_quality.max_bullet_lines", bullet_lines, max_bullet_lines)
        trailing = sum(line.endswith(("...", "…")) for line in page.lines)
        ellipsis_lines = _fraction(trailing, len(page.lines))
        yield _at_most("gopher_quality.max_ellipsis_lines", ellipsis_lines, max_ellipsis_lines)
        alphabetic = _fraction(sum(map(bool, map(_LETTER.search, page.tokens))), len(page.tokens))
        yield _at_least("gopher_quality.min_alphabetic_words", alphabetic, min_alphabetic_words)
        found = stop_word_filter(page, min_stop_words=min_stop_words).value
        yield _at_least("gopher_quality.min_stop_words", found, min_stop_words)

    return _first_failure(checks())


def gopher_repetition_filter(
    text: str | Words,
    *,
    max_duplicate_lines: float = 0.30,
    max_duplicate_paragraphs: float = 0.30,
    max_duplicate_line_characters: float = 0.20,
    max_duplicate_paragraph_characters: float = 0.20,
    max_top_ngram: Mapping[int, float] = TOP_NGRAM_LIMITS,
    max_duplicate_ngrams: Mapping[int, float] = DUPLICATE_NGRAM_LIMITS,
) -> Verdict:
    """Keep a page that does not say the same thing over and over.

    A line, paragraph or n-gram is a duplicate when it stood earlier on the page. N-gram values are
    shares of the page's word characters: those covered by the most frequent n-gram (`max_top_ngram`,
    n to limit) and those covered by repeats (`max_duplicate_ngrams`); overlapping n-grams count a
    character once. Cost: one sort of the words for each n, about 0.1 ms for 1,000 words.
    Source: Rae et al. 2021, table A1.

    >>> gopher_repetition_filter("buy now or cry now\\n" * 3).rule
    'gopher_repetition.max_duplicate_lines'
    """
    page = split_words(text)

    def checks() -> Iterator[Verdict]:
        paragraphs = [p for p in map(str.strip, _PARAGRAPH_BREAK.split(page.text)) if p]
        for unit, items, max_count, max_characters in (
            ("line", page.lines, max_duplicate_lines, max_duplicate_line_characters),
            ("paragraph", paragraphs, max_duplicate_paragraphs, max_duplicate_paragraph_characters),
        ):
            count, characters = _duplicates(items)
            yield _at_most(f"gopher_repetition.max_duplicate_{unit}s", count, max_count)
            yield _at_most(
                f"gopher_repetition.max_duplicate_{unit}_characters", characters, max_characters
            )
        for n, top, duplicate in _ngram_shares(page.words, {*max_top_ngram, *max_duplicate_ngrams}):
            if n in max_top_ngram:
                yield _at_most(f"gopher_repetition.max_top_ngram[{n}]", top, max_top_ngram[n])
            if n in max_duplicate_ngrams:
                limit = max_duplicate_ngrams[n]
                yield _at_most(f"gopher_repetition.max_duplicate_ngrams[{n}]", duplicate, limit)

    return _first_failure(checks())


def c4_quality_filter(
    text: str | Words,
    *,
    min_sentences: int = 3,
    min_words_per_line: int = 5,
    max_curly_brackets: int = 0,
    max_lorem_ipsum: int = 0,
) -> Verdict:
    """Keep a page with enough sentences on lines that C4 would retain.

    This is the verdict on the page; C4 also deletes the other lines, which would destroy every
    page whose short lines mean something, and that is left out. A retained line ends in . ! ? or a
    quotation mark, has `min_words_per_line` words and speaks neither of JavaScript nor of cookies
    and policies. Source: Raffel et al. 2020, section 2.2.

    >>> c4_quality_filter("Home\\nLogin\\nPlease accept our use of cookies, dear visitor.")
    Verdict(keep=False, rule='c4_quality.min_sentences', value=0, threshold=3)
    """
    page = split_words(text)

    def checks() -> Iterator[Verdict]:
        yield _at_most("c4_quality.max_curly_brackets", page.text.count("{"), max_curly_brackets)
        lorem = page.text.lower().count("lorem ipsum")
        yield _at_most("c4_quality.max_lorem_ipsum", lorem, max_lorem_ipsum)
        sentences = sum(
            len(_SENTENCE_END.findall(line))
            for line in page.lines
            if line.endswith((".", "!", "?", '"', "”"))
            and len(line.split()) >= min_words_per_line
            and not _POLICY.search(line.lower())
        )
        yield _at_least("c4_quality.min_sentences", sentences, min_sentences)

    return _first_failure(checks())


def _at_least(rule: str, value: float, threshold: float) -> Verdict:
    return Verdict(value >= threshold, rule, value, threshold)


def _at_most(rule: str, value: float, threshold: float) -> Verdict:
    return Verdict(value <= threshold, rule, value, threshold)


def _first_failure(verdicts: Iterable[Verdict]) -> Verdict:
    """The first verdict that drops the page; the last one when none does. Lazy after a failure."""
    for verdict in verdicts:
        if not verdict.keep:
            break
    return verdict


def _fraction(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _duplicates(items: Sequence[str]) -> tuple[float, float]:
    """Shares (of items, of characters) that repeat an earlier item."""
    unique = set(items)
    characters = sum(map(len, items))
    repeated = characters - sum(map(len, unique))
    return _fraction(len(items) - len(unique), len(items)), _fraction(repeated, characters)


def _ngram_shares(words: list[str], sizes: set[int]) -> Iterator[tuple[int, float, float]]:
    """For each n in `sizes`: n, share of characters in the top n-gram, share in repeated n-grams.

    N-grams are numbered exactly, without hashing: an n-gram is the pair (number of its first n - 1
    words, number of its last word). Stops as soon as nothing repeats: then no longer n-gram can.
    """
    numbers: dict[str, int] = {}
    word_ids = np.fromiter((numbers.setdefault(w, len(numbers)) for w in words), np.int64)
    lengths = np.fromiter(map(len, words), np.int64)
    ngrams = word_ids
    for n in range(2, max(sizes, default=0) + 1):
        if len(ngrams) < 2:
            return
        pairs = ngrams[:-1] * len(numbers) + word_ids[n - 1 :]
        _, first, ngrams, counts = np.unique(
            pairs, return_index=True, return_inverse=True, return_counts=True
        )
        if counts.max() == 1:
            return
        if n in sizes:
            top = ngrams == counts.argmax()
            repeats = first[ngrams] != np.arange(len(ngrams))
            yield n, _covered(top, n, lengths), _covered(repeats, n, lengths)


def _covered(starts: np.ndarray, n: int, lengths: np.ndarray) -> float:
    """Share of all characters in words covered by the n-grams that begin where `starts` is True."""
    steps = np.zeros(len(lengths) + 1, np.int64)
    steps[:-n] += starts
    steps[n:] -= starts
    covered = np.cumsum(steps[:-1]) > 0
    return float(lengths[covered].sum() / lengths.sum())
