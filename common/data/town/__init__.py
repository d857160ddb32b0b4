"""The town: a small invented world that writes its own web site, questions and tasks."""

from ._requests import is_refusal
from .instructions import Example, instructions
from .pages import Page, pages
from .preferences import Preference, preferences
from .stories import Story, heldout_stories

__all__ = [
    "Example",
    "Page",
    "Preference",
    "Story",
    "heldout_stories",
    "instructions",
    "is_refusal",
    "pages",
    "preferences",
]
