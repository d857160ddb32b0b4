"""Stories: held out means held out, questions have answers, and the floor is what was chosen."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.data import town
from common.data.town import _story as stories
from common.data.town._grammar import Dice
from common.data.town._plots import PLOTS, Plot
from common.data.town._words import (
    ANIMALS,
    FOODS,
    NAMES,
    PLACES,
    THINGS,
    invented_word,
    is_held_out,
    split_words,
)

HELD_OUT = {
    word
    for words in (NAMES, THINGS, PLACES, ANIMALS, FOODS)
    for word in split_words(words, "heldout")
}


def words_of(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]+", text))


def test_site_shows_no_held_out_word():
    shown = set()
    for page in town.pages(150, seed=0):
        shown |= words_of("\n".join(page.paragraphs))
    assert shown & HELD_OUT == set()


def test_site_shows_no_held_out_pair():
    for index in range(300):
        story = stories.write_story(Dice(f"page/{index}"), "train", held_out=False)
        assert not stories.is_held_out_pair(story.hero, story.thing)


def test_heldout_stories_have_held_out_pairs_and_words():
    for story in town.heldout_stories(100, seed=2, words="heldout"):
        assert stories.is_held_out_pair(story.hero, story.thing)
        assert {story.hero, story.thing} <= HELD_OUT


@pytest.mark.parametrize("words", ["train", "heldout"])
def test_story_questions_are_answered_by_its_text(words):
    for story in town.heldout_stories(200, seed=3, words=words):
        for question, answer in story.questions:
            assert question.endswith("?")
            assert answer.removeprefix("the ") in story.text


def test_story_hero_and_thing_stand_in_the_text():
    for story in town.heldout_stories(100, seed=4):
        assert story.hero in story.text
        assert story.thing in story.text


def test_story_has_at_least_a_hundred_fillers_a_copied_slot():
    for words in (NAMES, THINGS, PLACES):
        assert len(split_words(words, "train")) >= 100


def test_story_has_at_least_twelve_plots():
    assert len({plot.name for plot in PLOTS}) >= 12


def test_story_bits_are_those_of_the_choices_that_the_text_shows(monkeypatch):
    """By hand: a hero, one of three verbs, a thing. What only a question names costs nothing."""
    plot = Plot(
        "bench",
        ("<hero> [sits|stands|sleeps] by the <thing>.",),
        (("Who is by the <thing>?", "<hero>"), ("What does <friend> eat?", "<food>")),
    )
    monkeypatch.setattr(stories, "PLOTS", (plot,))
    heroes, things = (len(split_words(words, "heldout")) for words in (NAMES, THINGS))
    for story in town.heldout_stories(20, seed=5, words="heldout"):
        assert story.bits == pytest.approx(math.log2(heroes) + math.log2(3) + math.log2(things))


def test_story_bits_of_the_real_plots_lie_in_their_range():
    for story in town.heldout_stories(200, seed=5):
        # The plot (4 bits) and the two names alone cost more than 8 bits, and no story needs 250.
        assert 8 < story.bits < 250


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_story_is_a_function_of_its_seed(seed):
    first, second = (town.heldout_stories(1, seed=seed)[0] for _ in range(2))
    assert first == second
    assert "<" not in first.text and "[" not in first.text and "{" not in first.text


@pytest.mark.parametrize("split", ["train", "heldout"])
def test_invented_word_is_on_its_side_of_the_split(split):
    dice = Dice(split)
    words = [invented_word(dice, split) for _ in range(200)]
    assert all(is_held_out(word) == (split == "heldout") for word in words)
    assert len(set(words)) > 150


def test_heldout_stories_refuse_a_negative_count():
    with pytest.raises(ValueError, match="count must be at least 0, got -1"):
        town.heldout_stories(-1, seed=0)


def test_split_words_names_an_unknown_split():
    with pytest.raises(ValueError, match="split must be .* got 'test'"):
        split_words(NAMES, "test")
