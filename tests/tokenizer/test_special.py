"""Special tokens in text and in streams."""

import pytest
from hypothesis import given, settings

from common.tokenizer.patterns import GPT2_PATTERN, GPT4_PATTERN, Splitter
from common.tokenizer.special import CHAT_SPECIAL_TOKENS, SpecialTokens, stream_segments
from tests.tokenizer.oracle import split_slow
from tests.tokenizer.samples import SPECIALS, chunked, texts


def test_chat_special_tokens_are_five_and_end_a_text_first():
    assert len(set(CHAT_SPECIAL_TOKENS)) == 5
    assert CHAT_SPECIAL_TOKENS[0] == "<|endoftext|>"


def test_split_takes_the_longest_of_overlapping_tokens():
    specials = SpecialTokens(["<|end|>", "<|end|><|user|>"])
    assert specials.split("a<|end|><|user|>b<|end|>") == [
        "a",
        "<|end|><|user|>",
        "b",
        "<|end|>",
        "",
    ]


def test_split_of_no_special_tokens_is_the_text():
    assert SpecialTokens([]).split("a<|end|>") == ["a<|end|>"]


@settings(max_examples=60, deadline=None)
@given(texts(SPECIALS))
def test_split_equals_the_oracle(text):
    parts = SpecialTokens(SPECIALS).split(text)
    labelled = [(part, index % 2 == 1) for index, part in enumerate(parts) if part]
    assert labelled == split_slow(text, SPECIALS)


def test_unfinished_finds_the_earliest_beginning():
    specials = SpecialTokens(["aab", "bc"])
    assert specials.unfinished("xaa") == 1
    assert specials.unfinished("xaab") == 3  # "b" may become "bc"
    assert specials.unfinished("xaabc") == 5


@pytest.mark.parametrize("pattern", [GPT2_PATTERN, GPT4_PATTERN])
@settings(max_examples=60, deadline=None)
@given(chunked(SPECIALS))
def test_stream_segments_equal_the_whole(pattern, chunks):
    splitter, specials = Splitter(pattern), SpecialTokens(SPECIALS)
    pieces = []
    for text, is_special in stream_segments(chunks, splitter, specials):
        pieces += [(text, True)] if is_special else [(p, False) for p in splitter.pieces(text)]
    whole = []
    for text, is_special in split_slow("".join(chunks), SPECIALS):
        whole += [(text, True)] if is_special else [(p, False) for p in splitter.pieces(text)]
    assert pieces == whole


@pytest.mark.parametrize("token", SPECIALS)
def test_stream_segments_finds_a_token_wherever_it_is_cut(token):
    text = f"before {token}after"
    for cut in range(len(text)):
        chunks = [text[:cut], text[cut:]]
        stream = stream_segments(chunks, Splitter(GPT2_PATTERN), SpecialTokens(SPECIALS))
        assert [part for part, is_special in stream if is_special] == [token]


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["a", ""], "non-empty string, not ''"),
        ([b"a"], "non-empty string, not b'a'"),
        (["a", "b", "a"], "'a' is given twice"),
        ("<|end|>", "a collection of strings, not '<|end|>'"),
    ],
)
def test_special_tokens_refuses(tokens, message):
    with pytest.raises(ValueError, match=message):
        SpecialTokens(tokens)
