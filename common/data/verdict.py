"""What a quality rule answers with (Verdict), and a page cut up once for all rules (Words).

Taught in ch01_data/03_quality_rules.ipynb.
Needs: _english.py, _english_tables.py.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from sys import intern

import numpy as np

from ._english import cut
from ._english_tables import WHOLES

# What may stand between words: ASCII's marks, control characters, and marks of other scripts.
_PUNCTUATION = (
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    "—–…“”„’´«»〈〉《》「」【】（）、。，．：；？！％～∶━►"
    + "".join(map(chr, (*range(9), *range(11, 32), *range(127, 160))))
)
_MARKS = frozenset(_PUNCTUATION)
_LETTER_WHOLES = frozenset(filter(str.isalpha, WHOLES))
_MAX_REMEMBERED = 2**18  # pieces of text whose parts are kept: about 100 MB at the most
_MAX_REMEMBERED_CHARACTERS = 60
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says of one page, with the evidence.

    keep: True when the page passes. rule: the filter and, after a dot, the parameter that decided
    (the one to change if you disagree). value: what was measured. threshold: what it was compared
    with. note: what else helps, such as the page that a copy is a copy of. A page that passes a
    filter of several checks carries the last check's value, and the checks before it in `passed`.
    A verdict counts as a truth value, so `if rule(text):` reads as it should.

    >>> bool(Verdict(False, "gopher_quality.min_words", 12, 50))
    False
    """

    keep: bool
    rule: str
    value: float
    threshold: float
    note: str = field(default="", repr=False)
    passed: tuple["Verdict", ...] = field(default=(), repr=False, compare=False)

    def __bool__(self) -> bool:
        return self.keep

    @classmethod
    def at_least(cls, rule: str, value: float, threshold: float) -> "Verdict":
        """Keep when value >= threshold."""
        return cls(value >= threshold, rule, value, threshold)

    @classmethod
    def at_most(cls, rule: str, value: float, threshold: float) -> "Verdict":
        """Keep when value <= threshold."""
        return cls(value <= threshold, rule, value, threshold)

    @staticmethod
    def first_failure(verdicts: Iterable["Verdict"]) -> "Verdict":
        """The first verdict that drops the page, else the last one; the rest is not worked out.

        It carries those before it, and all that they carried, in its `passed`.
        """
        passed: list[Verdict] = []
        for verdict in verdicts:
            passed += (*verdict.passed, verdict)
            if not verdict.keep:
                break
        last = passed.pop()
        return Verdict(last.keep, last.rule, last.value, last.threshold, last.note, tuple(passed))


class Words:
    """A page cut up once, so that ten rules do not split it ten times.

    text: as it came. tokens: pieces between white space. pieces: words and marks as written, cut
    as linguists do (see _english.py). words: the pieces that are more than punctuation, in lower
    case. lettered: how many pieces have a letter in them. numbers: a 64-bit number for each piece;
    equal pieces have equal ones, others but by a chance of 1 in 10^19. lines: lines with something
    on them, stripped. Each is worked out when a rule first asks for it, and never again. Cost: 20
    MB/s, since a token with a mark that was seen before is looked up.

    >>> page = Words("Don't! \\n\\n 2 mills.")
    >>> page.pieces, page.words
    (['Do', "n't", '!', '2', 'mills', '.'], ['do', "n't", '2', 'mills'])
    >>> page.tokens, page.lines, page.lettered
    (["Don't!", '2', 'mills.'], ["Don't!", '2 mills.'], 3)
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def tokens(self) -> list[str]:
        return self.text.split()

    @cached_property
    def pieces(self) -> list[str]:
        pieces, wholes, remembered = [], _LETTER_WHOLES, _PIECES
        add = pieces.append
        for token in self.tokens:
            if token.isalpha() and token not in wholes:
                add(token)
            else:
                pieces += remembered[token]
        return pieces

    @cached_property
    def words(self) -> list[str]:
        marks = _MARKS  # most pieces that are no word are one mark, and need no look inside
        return [
            piece.lower()
            for piece in self.pieces
            if piece.isalnum() or (piece not in marks and piece.strip(_PUNCTUATION))
        ]

    @cached_property
    def lettered(self) -> int:
        others = [word for word in self.words if not word.isalpha()]
        return len(self.words) - len(others) + sum(map(bool, map(_LETTER.search, others)))

    @cached_property
    def numbers(self) -> np.ndarray:
        return np.fromiter(map(hash, self.pieces), np.int64, len(self.pieces))

    @cached_property
    def lines(self) -> list[str]:
        return [line for line in map(str.strip, self.text.splitlines()) if line]


def split_words(text: str | Words) -> Words:
    """The Words of a page; a Words comes back as it is, with all that was worked out.

    TypeError for what is neither, such as a Document: its text is asked for.

    >>> split_words("The mill's wheel -> turns.").words
    ['the', 'mill', "'s", 'wheel', 'turns']
    """
    if isinstance(text, str):
        return Words(text)
    if not isinstance(text, Words):
        raise TypeError(f"a page must be a string or Words, not a {type(text).__name__}")
    return text


class _Pieces(dict[str, tuple[str, ...]]):
    """Token -> its pieces, for tokens that are not a word alone; forgets all when it is full.

    Pieces are interned: equal ones are one string, so more of the memory stays in the cache.
    """

    def __missing__(self, token: str) -> tuple[str, ...]:
        pieces = tuple(map(intern, cut(token)))
        if len(token) <= _MAX_REMEMBERED_CHARACTERS:
            if len(self) >= _MAX_REMEMBERED:
                self.clear()
            self[token] = pieces
        return pieces


_PIECES = _Pieces()
