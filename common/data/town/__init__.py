"""The town: a small invented world that writes its own web site, questions and tasks."""

from ._requests import is_refusal
from .pages import Page, pages
from .stories import Story, heldout_stories
from .tasks import Example, Preference, instructions, preferences

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
