"""What alignment learns from: instructions with an answer, and pairs of answers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """One instruction: `prompt` is what a user types, `answer` what the assistant should say.

    >>> Example("copy", "Repeat these words: kite hat", "kite hat").answer
    'kite hat'
    """

    kind: str
    prompt: str
    answer: str


@dataclass(frozen=True)
class Preference:
    """Two answers to one prompt, of which `chosen` is preferred; kind as in preferences.py."""

    kind: str
    prompt: str
    chosen: str
    rejected: str
