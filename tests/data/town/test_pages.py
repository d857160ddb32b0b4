"""Pages of the town's site, before they are made messy."""

import pytest

from common.data import town
from common.data.town._people import QUESTIONS, people
from common.data.town.pages import PAGE_KINDS


def test_pages_begin_alike_for_every_count():
    assert town.pages(20, seed=3)[:5] == town.pages(5, seed=3)


def test_pages_differ_between_seeds():
    assert town.pages(5, seed=0) != town.pages(5, seed=1)


def test_pages_have_unique_paths_and_every_kind():
    pages = town.pages(120, seed=0)
    assert len({page.path for page in pages}) == 120
    assert {page.kind for page in pages} == set(PAGE_KINDS)


def test_pages_ask_nobody_about_the_people_kept_for_the_test():
    quiet = [person for person in people() if not person.is_asked_about]
    text = "\n".join("\n".join(page.paragraphs) for page in town.pages(200, seed=0))
    asked = [line for line in text.splitlines() if line.startswith("Question: ")]
    assert len(quiet) > 40
    for person in quiet:
        assert f"{person.name} is a " in text or f" {person.name} " in text
        assert not any(
            f"Question: {question.replace('<name>', person.name)}" in asked
            for question, _ in QUESTIONS
        )


def test_pages_refuse_a_negative_count():
    with pytest.raises(ValueError, match="count must be at least 0, got -2"):
        town.pages(-2, seed=0)
