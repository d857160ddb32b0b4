"""The dice count what they decide, and templates expand to what they say."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data.town._grammar import Dice, expand


def test_dice_counts_the_bits_of_every_choice():
    dice = Dice("seed")
    dice.pick("abcdefgh")
    assert dice.bits == 3
    dice.sample("abcd", 2)
    assert dice.bits == pytest.approx(3 + math.log2(4 * 3))
    happened = dice.chance(0.25)
    assert dice.bits == pytest.approx(3 + math.log2(12) + (2 if happened else math.log2(4 / 3)))


def test_dice_is_reproducible_and_seeded():
    rolls = [[Dice(seed).integer(1, 10**9) for _ in range(1)] for seed in ("a", "a", "b")]
    assert rolls[0] == rolls[1] != rolls[2]


def test_dice_mean_bits_equal_the_entropy_of_the_distribution():
    dice, counts = Dice("entropy"), Counter()
    for _ in range(4000):
        counts[dice.chance(0.2)] += 1
    shares = [count / 4000 for count in counts.values()]
    assert dice.bits / 4000 == pytest.approx(-sum(p * math.log2(p) for p in shares), abs=0.03)


def test_expand_fills_slots_and_nested_choices():
    texts = {
        expand("[A <thing>[| and a hat]|Nothing]", {"thing": "kite"}, Dice(str(i)))
        for i in range(40)
    }
    assert texts == {"A kite", "A kite and a hat", "Nothing"}


def test_expand_counts_nested_choices_only_when_reached():
    dice = Dice("0")
    text = expand("[x|[a|b|c|d]]", {}, dice)
    assert dice.bits == (1 if text == "x" else 3)


@pytest.mark.parametrize(("word", "article"), [("apple", "an"), ("kite", "a"), ("umbrella", "an")])
def test_expand_chooses_the_article(word, article):
    assert expand("She has a <thing>.", {"thing": word}, Dice("")) == f"She has {article} {word}."


def test_expand_names_an_unclosed_choice():
    with pytest.raises(ValueError, match=r"every '\[' needs its '\]'.*\[sun"):
        expand("The [sun|rain", {}, Dice(""))


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=6))
def test_expand_leaves_plain_text_alone(letters):
    text, dice = "".join(letters), Dice("")
    assert expand(text, {}, dice) == text
    assert dice.bits == 0
