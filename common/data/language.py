"""Which language is a text in? Scripts settle many; words and spelling settle the rest.

A script of one language (Greek, Thai, Korean) names it. In a shared script the languages compete by
naive Bayes: imagine a speaker who takes each word from the language's hundred-odd most frequent
ones with probability 0.4, or else spells one, each letter given the one before. How probable is the
text from each speaker? One of them is noise, "und" (undetermined), who hardly knows a word, and for
whom most letters are equally probable.

Letter n-grams for languages: Cavnar and Trenkle 1994, "N-Gram-Based Text Categorization".

Taught in ch01_data/04_text_classifiers.ipynb.
Needs: verdict.py, _languages/ (scripts.py, speakers.py).
"""

import functools
import math
from collections import Counter
from itertools import islice

from ._languages.scripts import BLOCKS
from ._languages.speakers import TABLES, speakers
from .verdict import Verdict, Words, split_words

_MAX_CHARACTERS = 20_000  # a page shows its language long before
_MAX_WORDS = 4_000
_TEMPER = 0.4  # the words of a text depend on each other: two or three count as one
_WEIGHT = {"han": 2.5, "ko": 2.0, "kana": 1.5}  # in letters, what one character says
_PUNCTUATION = "\"'.,:;!?()[]«»“”-–،؛؟۔।॥׃־0123456789"
_MIN_KANA = 0.02  # share of kana among Han and kana from which a text is Japanese


def identify_language(text: str | Words) -> tuple[str, float]:
    """The most probable language as an ISO 639 code, and its probability; "und" for no evidence.

    Knows some 70 languages, and reads the first 20,000 characters. A page in two languages is
    judged by the larger part. Cost: about 0.1 ms for a page of 800 words that is already split.

    >>> identify_language("Le chat dort dans la maison.")[0], identify_language("ქართული ენა")[0]
    ('fr', 'ka')
    >>> identify_language("xkcd qwrt zzzt")[0], identify_language("42")[0]
    ('und', 'und')
    """
    chances = _probabilities(text)
    code = max(chances, key=chances.__getitem__)
    return code, chances[code]


def language_filter(
    text: str | Words, *, language: str = "en", min_probability: float = 0.65
) -> Verdict:
    """Keep a page that is in `language` with at least this probability; the note says what it is.

    The default is FineWeb's, which asked another detector (Penedo et al. 2024, arXiv:2406.17557).
    ValueError for a code that is none of those known, such as "eng": every page would go.

    >>> language_filter("Der Hund und die Katze sind im Haus.").note
    'de'
    """
    if language not in _known_codes():
        raise ValueError(f"language {language!r} is none of {', '.join(sorted(_known_codes()))}")
    chances = _probabilities(text)
    value = chances.get(language, 0.0)
    note = max(chances, key=chances.__getitem__)
    return Verdict(
        value >= min_probability, "language.min_probability", value, min_probability, note
    )


@functools.cache
def _known_codes() -> frozenset[str]:
    """Languages told apart by words, and those that are alone in their script."""
    scripts = {script for *_, script in BLOCKS} - {"han", "kana", *TABLES}
    return frozenset({"zh", "ja", "und"} | scripts | {code for t in TABLES.values() for code in t})


def _probabilities(text: str | Words) -> dict[str, float]:
    """P(language | text) of every language that the text's script allows."""
    page = split_words(text)
    if len(page.text) > _MAX_CHARACTERS:
        page = Words(page.text[:_MAX_CHARACTERS])
    scripts = _scripts(page.text)
    if not scripts:
        return {"und": 1.0}
    script = max(scripts, key=scripts.__getitem__)
    if script in ("han", "kana"):
        japanese = scripts["kana"] > _MIN_KANA * scripts["han"]
        return {"ja" if japanese else "zh": 1.0}
    if script not in TABLES:
        return {script: 1.0}
    tables = speakers(script)
    # Marks that belong to a letter are no letters to a word's pattern, so other scripts are cut at
    # white space.
    words = page.words if script in ("latin", "cyrillic") else map(_bare, page.tokens)
    evidence = (_TEMPER * tables.evidence(islice(words, _MAX_WORDS))).tolist()
    if not any(evidence):
        return {"und": 1.0}
    best = max(evidence)
    weights = [math.exp(value - best) for value in evidence]
    total = math.fsum(weights)
    return {code: round(w / total, 6) for code, w in zip(tables.codes, weights, strict=True)}


def _scripts(text: str) -> Counter[str]:
    """Letters of each script in the text, at their weight."""
    found: Counter[str] = Counter()
    if text.isascii():
        return +Counter(latin=any(map(str.isalpha, text)))
    for character, count in Counter(text).items():
        if script := _script(character):
            found[script] += count * _WEIGHT.get(script, 1)
    return found


def _bare(token: str) -> str:
    return token.strip(_PUNCTUATION)


@functools.lru_cache(maxsize=2**16)
def _script(character: str) -> str:
    """The script of a letter, or nothing; in a shared script the languages are in TABLES."""
    point = ord(character)
    return next((script for first, last, script in BLOCKS if first <= point <= last), "")
