"""What a quality rule answers with (Verdict), and a page cut up once for all rules (Words).

Taught in ch01_data/03_quality_rules.ipynb.
Needs: nothing but the standard library.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_WORD = re.compile(r"\w+(?:['’]\w+)*")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says of one page, with the evidence.

    keep: True when the page passes. rule: the filter and, after a dot, the parameter that decided
    (the one to change if you disagree). value: what was measured. threshold: what it was compared
    with. note: what else helps, such as the page that a copy is a copy of. A page that passes a
    filter of several checks carries the last check's value. A verdict counts as a truth value, so
    `if rule(text):` reads as it should.

    >>> bool(Verdict(False, "gopher_quality.min_words", 12, 50))
    False
    """

    keep: bool
    rule: str
    value: float
    threshold: float
    note: str = field(default="", repr=False)

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
        """The first verdict that drops the page, else the last one; the rest is not worked out."""
        for verdict in verdicts:
            if not verdict.keep:
                break
        return verdict


@dataclass(frozen=True, slots=True)
class Words:
    """A page cut up once, so that ten rules do not split it ten times.

    text: as it came. tokens: pieces between white space. words: runs of letters and digits, in
    lower case, without punctuation. lines: lines with something on them, stripped.

    >>> split_words(" One. \\n\\n Two. ").lines
    ['One.', 'Two.']
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
