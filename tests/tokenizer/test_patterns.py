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


# As in tiktoken 0.14, openai_public.py.
NEWER_GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
NEWER_GPT4 = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)


def test_patterns_equal_those_of_newer_tiktoken_but_for_white_space_that_ends_a_text():
    """Theirs was rewritten for speed; for GPT-4 that changed the pieces of "\\n " at an end."""
    gpt2, newer_gpt2 = Splitter(GPT2_PATTERN), Splitter(NEWER_GPT2)
    gpt4, newer_gpt4 = Splitter(GPT4_PATTERN), Splitter(NEWER_GPT4)
    for text in random_texts(4000, seed=7):
        assert gpt2.pieces(text) == newer_gpt2.pieces(text), repr(text)
        assert gpt4.pieces(text + ".") == newer_gpt4.pieces(text + "."), repr(text)
    assert gpt4.pieces("end\n ") == ["end", "\n", " "]
    assert newer_gpt4.pieces("end\n ") == ["end", "\n "]


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
