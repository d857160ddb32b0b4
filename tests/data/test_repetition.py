from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data.repetition import gopher_repetition_filter

OFF = {
    "max_duplicate_lines": 1.0,
    "max_duplicate_paragraphs": 1.0,
    "max_duplicate_line_characters": 1.0,
    "max_duplicate_paragraph_characters": 1.0,
    "max_top_ngram": {},
    "max_duplicate_ngrams": {},
}
PROSE = " ".join(f"w{i} {'abcdefg'[i % 7]}{i}x" for i in range(100))


def covered_slow(words, starts, n):
    inside = {i + k for i in starts for k in range(n)}
    return sum(len(words[i]) for i in inside) / sum(map(len, words))


def duplicate_share_slow(words, n):
    seen, starts = set(), []
    for i in range(len(words) - n + 1):
        ngram = tuple(words[i : i + n])
        if ngram in seen:
            starts.append(i)
        seen.add(ngram)
    return covered_slow(words, starts, n)


def top_share_slow(words, n):
    """The share of each of the most frequent n-grams (there may be several)."""
    ngrams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    most = max(Counter(ngrams).values())
    tops = [ngram for ngram, count in Counter(ngrams).items() if count == most > 1]
    shares = [covered_slow(words, [i for i, g in enumerate(ngrams) if g == t], n) for t in tops]
    return shares or [0.0]


words_of_few = st.lists(st.sampled_from(["a", "bb", "ccc", "dddd"]), min_size=7, max_size=40)


@given(words_of_few, st.integers(2, 6))
def test_duplicate_ngrams_equal_slow_twin(words, n):
    limits = OFF | {"max_duplicate_ngrams": {n: -1.0}}
    verdict = gopher_repetition_filter(" ".join(words), **limits)
    assert verdict.value == pytest.approx(duplicate_share_slow(words, n))


@given(words_of_few, st.integers(2, 6))
def test_top_ngram_equals_slow_twin(words, n):
    verdict = gopher_repetition_filter(" ".join(words), **(OFF | {"max_top_ngram": {n: -1.0}}))
    assert any(verdict.value == pytest.approx(share) for share in top_share_slow(words, n))


def test_duplicate_lines_by_hand():
    # Two of four lines repeat an earlier one; eight of twenty characters.
    text = "one1\none1\none1\nlong two"
    verdict = gopher_repetition_filter(text)
    assert (verdict.rule, verdict.value) == ("gopher_repetition.max_duplicate_lines", 0.5)
    verdict = gopher_repetition_filter(text, max_duplicate_lines=0.5)
    assert verdict.rule == "gopher_repetition.max_duplicate_line_characters"
    assert verdict.value == pytest.approx(8 / 20)


def test_duplicate_paragraphs_are_counted_apart_from_lines():
    text = "a b\nc d\n\na b\nc d\n\na b\ne f"  # half of the lines, a third of the paragraphs
    limits = OFF | {"max_duplicate_paragraphs": 0.3}
    verdict = gopher_repetition_filter(text, **limits)
    assert verdict.rule == "gopher_repetition.max_duplicate_paragraphs"
    assert verdict.value == pytest.approx(1 / 3)
    limits = OFF | {"max_duplicate_paragraph_characters": 0.3}
    verdict = gopher_repetition_filter(text, **limits)
    assert verdict.rule == "gopher_repetition.max_duplicate_paragraph_characters"
    assert verdict.value == pytest.approx(1 / 3)


def test_overlapping_ngrams_count_a_character_once():
    verdict = gopher_repetition_filter("spam " * 50, **(OFF | {"max_top_ngram": {2: 0.2}}))
    assert (verdict.keep, verdict.value) == (False, 1.0)


@pytest.mark.parametrize("text", ["", "word", "\n\n", PROSE])
def test_text_without_repeats_passes(text):
    assert gopher_repetition_filter(text).keep


def test_ngram_verdict_names_size_and_both_numbers():
    text = f"{PROSE} {PROSE}"
    verdict = gopher_repetition_filter(text, max_duplicate_ngrams={7: 0.25})
    assert verdict.rule == "gopher_repetition.max_duplicate_ngrams[7]"
    assert (verdict.value, verdict.threshold) == (0.5, 0.25)
