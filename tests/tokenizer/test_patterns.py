"""The patterns, and where a text may be cut."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.tokenizer.patterns import GPT2_PATTERN, GPT4_PATTERN, Splitter
from tests.tokenizer.samples import random_texts, texts

BOTH = pytest.mark.parametrize("pattern", [GPT2_PATTERN, GPT4_PATTERN])


def test_pieces_gives_the_examples_of_gpt2():
    pieces = Splitter(GPT2_PATTERN).pieces("Hello've world123 how's are you!!!?   x")
    expected = ["Hello", "'ve", " world", "123", " how", "'s", " are", " you", "!!!?", "  ", " x"]
    assert pieces == expected


def test_pieces_of_gpt4_cut_digits_by_three_and_ignore_case_in_contractions():
    pieces = Splitter(GPT4_PATTERN).pieces("HE'LL see 12345.\n\n  ok")
    assert pieces == ["HE", "'LL", " see", " ", "123", "45", ".\n\n", " ", " ok"]


@BOTH
@settings(max_examples=60, deadline=None)
@given(texts())
def test_pieces_joined_give_the_text(pattern, text):
    assert "".join(Splitter(pattern).pieces(text)) == text


@pytest.mark.parametrize("pattern", [GPT2_PATTERN, GPT4_PATTERN, GPT2_PATTERN + "|not known"])
def test_stable_end_cuts_without_changing_the_pieces(pattern):
    splitter = Splitter(pattern)
    for text, more in pairwise(random_texts(4000, seed=3)):
        cut = splitter.stable_end(text)
        left, right = splitter.pieces(text[:cut]), splitter.pieces(text[cut:] + more)
        assert left + right == splitter.pieces(text + more), (text, more)


@BOTH
@pytest.mark.parametrize("text", ["a long text with spaces in it", "日本語、" * 50])
def test_stable_end_leaves_little_over(pattern, text):
    assert len(text) - Splitter(pattern).stable_end(text) <= 10


@given(st.text("ab.", min_size=1))
def test_pieces_refuses_a_pattern_that_loses_text(text):
    splitter = Splitter("[a-z]+")
    if "." in text:
        covered = len(text) - text.count(".")
        with pytest.raises(ValueError, match=f"covers {covered} of {len(text)}"):
            splitter.pieces(text)
    else:
        assert splitter.pieces(text) == [text]
