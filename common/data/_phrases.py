"""Counting the phrases of a list in a text, as whole words in any case.

Needs: nothing but the standard library.
"""

import functools
import re
from collections.abc import Iterable


def count_phrases(text: str, phrases: Iterable[str]) -> int:
    """How often one of the phrases stands in the text; the cost grows with text times phrases."""
    phrases = tuple(phrases)
    return len(_any_of(phrases).findall(text.lower())) if phrases else 0


@functools.lru_cache(maxsize=16)
def _any_of(phrases: tuple[str, ...]) -> re.Pattern[str]:
    either = "|".join(re.escape(phrase.lower()) for phrase in phrases)
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)")
