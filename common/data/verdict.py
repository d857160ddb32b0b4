"""What a quality rule answers with (Verdict), and a page cut up once for all rules (Words).

Taught in ch01_data/03_quality_rules.ipynb.
Needs: _english.py.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from sys import intern

import numpy as np

from ._english import cut

# What may stand between words: ASCII's marks, control characters, and marks of other scripts.
_PUNCTUATION = (
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    "—–…“”„’´«»〈〉《》「」【】（）、。，．：；？！％～∶━►"
    + "".join(map(chr, (*range(9), *range(11, 32), *range(127, 160))))
)
_MAX_REMEMBERED = 2**18  # pieces of text whose parts are kept: about 100 MB at the most
_MAX_REMEMBERED_CHARACTERS = 60
# Of a token: its pieces, its words, how many have a letter, and a number and a length for each.
_Parts = tuple[tuple[str, ...], tuple[str, ...], int, bytes]


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
    case. lettered: how many pieces have a letter in them. numbers: for each piece a 64-bit number
    that equal pieces share (others do not, but for one pair in 10^19), and its length; (2, P) int64.
    lines: lines with something on them, stripped. Each is worked out when a rule first asks for it,
    and never again. Cost: 10 MB/s, since a token that was seen before is looked up.

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
        return list(chain.from_iterable([parts[0] for parts in self._parts]))

    @cached_property
    def words(self) -> list[str]:
        return list(chain.from_iterable([parts[1] for parts in self._parts]))

    @cached_property
    def lettered(self) -> int:
        return sum([parts[2] for parts in self._parts])

    @cached_property
    def numbers(self) -> np.ndarray:
        flat = np.frombuffer(b"".join([parts[3] for parts in self._parts]), np.int64)
        return np.ascontiguousarray(flat.reshape(-1, 2).T)

    @cached_property
    def lines(self) -> list[str]:
        return [line for line in map(str.strip, self.text.splitlines()) if line]

    @cached_property
    def _parts(self) -> list[_Parts]:
        return list(map(_REMEMBERED.__getitem__, self.tokens))


def split_words(text: str | Words) -> Words:
    """The Words of a page; a Words comes back as it is, with all that was worked out.

    >>> split_words("The mill's wheel -> turns.").words
    ['the', 'mill', "'s", 'wheel', 'turns']
    """
    return text if isinstance(text, Words) else Words(text)


class _Memory(dict[str, _Parts]):
    """Token -> its parts; forgets all when it is full."""

    def __missing__(self, token: str) -> _Parts:
        pieces = tuple(map(intern, cut(token)))
        words = [piece for piece in pieces if piece.strip(_PUNCTUATION)]
        lettered = sum([word.isalpha() or any(map(str.isalpha, word)) for word in words])
        numbers = array("q", [number for piece in pieces for number in (hash(piece), len(piece))])
        words = tuple([intern(word.lower()) for word in words])
        parts = pieces, pieces if words == pieces else words, lettered, numbers.tobytes()
        if len(token) <= _MAX_REMEMBERED_CHARACTERS:
            if len(self) >= _MAX_REMEMBERED:
                self.clear()
            self[token] = parts
        return parts


_REMEMBERED = _Memory()
