"""Learning merges: by hand, slow oracle, Hugging Face on a megabyte, ties, runs, bad input."""

import _pydecimal
import argparse
import inspect
import json
import typing
from pydoc_data.topics import topics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models, pre_tokenizers, trainers

from common.tokenizer import learn
from common.tokenizer.count import count_pieces
from common.tokenizer.learn import learn_merges
from common.tokenizer.patterns import GPT2_PATTERN
from common.tokenizer.storage import visible
from tests.benchmarks.peers import hugging_face
from tests.tokenizer.oracle import train_slow

SENNRICH = {"low": 5, "lower": 2, "newest": 6, "widest": 3}
WHOLE_TEXT = r"[\s\S]+"  # a pattern that leaves every text in one piece


def test_learn_merges_of_the_example_in_sennrich():
    merges = learn_merges(SENNRICH, 6)
    # 9 x "es" and "st" tie, the greater wins; then "est", and so on (worked out by hand)
    assert merges[:4] == [(b"s", b"t"), (b"e", b"st"), (b"o", b"w"), (b"l", b"ow")]
    assert merges[4:] == [(b"w", b"est"), (b"n", b"e")]


def test_learn_merges_gives_ties_to_the_greatest_pair():
    assert learn_merges({"ac": 1, "ab": 1}, 1) == [(b"a", b"c")]
    assert learn_merges({"ab": 1, "ba": 1}, 1) == [(b"b", b"a")]
    assert learn_merges({"a\u00ff": 1, "az": 1}, 1) == [(b"\xc3", b"\xbf")]
    # (ab, c) against (a, x): b"ab" > b"a" although "c" < "x"
    assert learn_merges({"ab": 9, "abc": 1, "ax": 1}, 2) == [(b"a", b"b"), (b"ab", b"c")]


def test_learn_merges_counts_runs_from_the_left():
    # a a a a a: 4 pairs; then aa aa a: one pair (aa, aa), one (aa, a)
    assert learn_merges({"aaaaa": 1}, 2) == [(b"a", b"a"), (b"aa", b"aa")]
    # a a a x: (aa, a) and (a, x) once; the greater first token wins, and aaa and x are left
    assert learn_merges({"aaax": 1}, 3) == [(b"a", b"a"), (b"aa", b"a"), (b"aaa", b"x")]


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text("aabc é", min_size=1, max_size=12), st.integers(1, 4), min_size=1))
def test_learn_merges_equals_the_oracle(piece_counts):
    texts = [piece for piece, count in piece_counts.items() for _ in range(count)]
    expected = train_slow(texts, 60, [], WHOLE_TEXT)
    assert learn_merges(piece_counts, len(expected)) == expected


def test_learn_merges_equals_hugging_face_on_a_megabyte(monkeypatch):
    modules = inspect, argparse, typing, _pydecimal
    text = "\n".join(topics.values()) + "".join(map(inspect.getsource, modules))
    assert len(text.encode()) > 1e6
    reference = hugging_face(models.BPE(), GPT2_PATTERN)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=256 + 1000, show_progress=False, initial_alphabet=alphabet
    )
    reference.train_from_iterator([text], trainer)
    expected = [tuple(pair) for pair in json.loads(reference.to_str())["model"]["merges"]]
    counts = count_pieces([text])

    def learn_visible() -> list[tuple[str, str]]:
        return [(visible(left), visible(right)) for left, right in learn_merges(counts, 1000)]

    # Theirs gives ties to the smallest pair of ids, ours to the greatest pair of byte strings. Up
    # to the first tie both must agree, and behind it they do if ours decides ties as they do.
    ours = learn_visible()
    assert ours[:50] == expected[:50] and ours != expected
    ids = [reference.token_to_id(visible(bytes([byte]))) for byte in range(256)]
    keys = (f"{token_id:05d}" for token_id in [*ids, *range(256, 256 + 1000)])
    monkeypatch.setattr(learn, "_reverse_order", lambda token: next(keys))
    assert learn_visible() == expected


def test_learn_merges_ignores_the_order_of_the_pieces():
    backwards = dict(reversed(SENNRICH.items()))
    assert learn_merges(backwards, 10) == learn_merges(SENNRICH, 10)


def test_learn_merges_begins_the_same_however_many_are_wanted():
    assert learn_merges(SENNRICH, 10)[:5] == learn_merges(SENNRICH, 5)
    assert learn_merges(SENNRICH, 0) == []


def test_learn_merges_counts_beyond_32_bits():
    assert learn_merges({"ab": 2**40, "ac": 2**40 + 1}, 1) == [(b"a", b"c")]


def test_learn_merges_shows_progress_only_when_asked(capsys):
    learn_merges(SENNRICH, 3)
    assert capsys.readouterr() == ("", "")
    learn_merges(SENNRICH, 3, progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "merge: 100%" in err and "3/3" in err


@pytest.mark.parametrize(
    ("piece_counts", "num_merges", "message"),
    [
        ({"abc": 1}, 44, "only 2 pairs to merge, 44 were asked for.*lower vocab_size by 42"),
        ({}, 1, "only 0 pairs to merge, 1 were asked for"),
        ({"ab": 0}, 1, "a piece must occur at least once, not 0 times"),
        ({"ab": 3, "cd": -2}, 1, "a piece must occur at least once, not -2 times"),
        ({"a\ud800": 1}, 1, r"half a surrogate pair has no UTF-8 bytes: 'a\\ud800'"),
        ({"ab": 1}, -1, "num_merges -1 must not be negative"),
    ],
)
def test_learn_merges_refuses(piece_counts, num_merges, message):
    with pytest.raises(ValueError, match=message):
        learn_merges(piece_counts, num_merges)
