from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data.repetition import (
    DUPLICATE_NGRAM_LIMITS,
    TOP_NGRAM_LIMITS,
    gopher_repetition_filter,
)

OFF = {
    "max_duplicate_lines": 1.0,
    "max_duplicate_paragraphs": 1.0,
    "max_duplicate_line_characters": 1.0,
    "max_duplicate_paragraph_characters": 1.0,
    "max_top_ngram": {},
    "max_duplicate_ngrams": {},
}
PROSE = " ".join(f"w{i} {'abcdefg'[i % 7]}{i}x" for i in range(100))


def duplicate_share_slow(words, n, text):
    seen, characters, start = set(), 0, 0
    while start <= len(words) - n:
        ngram = tuple(words[start : start + n])
        if ngram in seen:
            characters += sum(map(len, ngram))
            start += n
        else:
            seen.add(ngram)
            start += 1
    return characters / len(text)


def top_share_slow(words, n, text):
    ngrams = [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
    if not ngrams:
        return 0.0
    top, count = Counter(ngrams).most_common(1)[0]  # the first of several
    return count * len(top) / len(text)


words_of_few = st.lists(st.sampled_from(["a", "bb", "ccc", "dddd", ","]), max_size=40)


@given(words_of_few, st.integers(1, 6))
def test_duplicate_ngrams_equal_slow_twin(words, n):
    text = " ".join(["the", *words])
    limits = OFF | {"max_duplicate_ngrams": {n: -1.0}}
    slow = duplicate_share_slow(["the", *words], n, text)
    assert gopher_repetition_filter(text, **limits).value == pytest.approx(slow)


@given(words_of_few, st.integers(1, 6))
def test_top_ngram_equals_slow_twin(words, n):
    text = " ".join(["the", *words])
    verdict = gopher_repetition_filter(text, **(OFF | {"max_top_ngram": {n: -1.0}}))
    assert verdict.value == pytest.approx(top_share_slow(["the", *words], n, text))


@given(words_of_few, st.permutations([2, 3, 5]))
def test_order_of_the_limits_changes_no_value(words, sizes):
    text = " ".join(["the", *words])
    limits = OFF | {"max_top_ngram": dict.fromkeys(sizes, 99.0)}
    limits |= {"max_duplicate_ngrams": dict.fromkeys(sizes, 99.0)}
    verdict = gopher_repetition_filter(text, **limits)
    for check in [*verdict.passed, verdict][4:]:
        slow = top_share_slow if "top" in check.rule else duplicate_share_slow
        n = int(check.rule[-2])
        assert check.value == pytest.approx(slow(["the", *words], n, text))


@pytest.mark.parametrize("limits", ["max_top_ngram", "max_duplicate_ngrams"])
@pytest.mark.parametrize("sizes", [[0], [-1], [3, 0]])
def test_ngram_of_nothing_raises(limits, sizes):
    with pytest.raises(ValueError, match=rf"at least 1 piece, not {sizes[-1]}"):
        gopher_repetition_filter("the owl sleeps", **(OFF | {limits: dict.fromkeys(sizes, 9.0)}))


def test_limits_are_those_of_the_paper():
    assert dict(TOP_NGRAM_LIMITS) == {2: 0.20, 3: 0.18, 4: 0.16}
    assert list(DUPLICATE_NGRAM_LIMITS.values()) == [0.15, 0.14, 0.13, 0.12, 0.11, 0.10]
    assert list(DUPLICATE_NGRAM_LIMITS) == [5, 6, 7, 8, 9, 10]


def test_duplicate_lines_by_hand():
    # Two of four lines repeat an earlier one; eight of the page's 23 characters.
    text = "one1\none1\none1\nlong two"
    verdict = gopher_repetition_filter(text)
    assert (verdict.rule, verdict.value) == ("gopher_repetition.max_duplicate_lines", 0.5)
    verdict = gopher_repetition_filter(text, max_duplicate_lines=0.5)
    assert verdict.rule == "gopher_repetition.max_duplicate_line_characters"
    assert verdict.value == pytest.approx(8 / 23)


def test_duplicate_paragraphs_are_counted_apart_from_lines():
    text = "a b\nc d\n\na b\nc d\n\n\na b\ne f"  # half of the lines, a third of the paragraphs
    limits = OFF | {"max_duplicate_paragraphs": 0.3}
    verdict = gopher_repetition_filter(text, **limits)
    assert verdict.rule == "gopher_repetition.max_duplicate_paragraphs"
    assert verdict.value == pytest.approx(1 / 3)
    limits = OFF | {"max_duplicate_paragraph_characters": 0.25}
    verdict = gopher_repetition_filter(text, **limits)
    assert verdict.rule == "gopher_repetition.max_duplicate_paragraph_characters"
    assert verdict.value == pytest.approx(7 / 26)


def duplicates(text):
    """Shares of the paragraphs that repeat one and of their characters, and the same of lines."""
    passed = gopher_repetition_filter(text, **(OFF | {"max_top_ngram": {2: 99.0}})).passed
    return [verdict.value for verdict in passed]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("ab\n\n\n\ncd", 0),  # empty lines are left out ...
        ("ab\ncd\n", 0),
        ("\nab\ncd", 0),
        ("\nab\ncd\n", 1 / 4),  # ... but those at both ends count, as one repeats the other
    ],
)
def test_empty_lines_repeat_each_other_at_the_ends_only(text, lines):
    assert duplicates(text) == [0, 0, lines, 0]


def test_empty_paragraphs_are_none():
    """Three line breaks make no more of a paragraph than two, and none begins or ends a page."""
    assert duplicates("\n\nab\n\n\n\ncd\n\n\n\nef\n\n")[:2] == [0, 0]


def test_shares_of_characters_are_of_the_page_as_it_is():
    """A letter of two bytes is one character, and white space at the ends counts."""
    assert duplicates("  é\né  ") == [0, 0, 0, 0]
    assert duplicates("é\né\nab  ") == [0, 0, 1 / 3, 1 / 8]


def test_default_limits_of_lines_and_paragraphs_are_those_of_the_paper():
    defaults = gopher_repetition_filter.__kwdefaults__
    names = [f"max_duplicate_{unit}" for unit in ("lines", "paragraphs")]
    names += [f"max_duplicate_{unit}_characters" for unit in ("line", "paragraph")]
    assert [defaults[name] for name in names] == [0.30, 0.30, 0.20, 0.20]


TEN = [f"line number {i}" for i in "abcdefghij"]


@pytest.mark.parametrize(
    ("passes", "drops", "rule"),
    [
        ("\n".join([*TEN[:7], *TEN[:3]]), "\n".join([*TEN[:9], *TEN[:4]]), "max_duplicate_lines"),
        (
            "\n\n".join([*TEN[:7], *TEN[:3]]),
            "\n\n".join([*TEN[:9], *TEN[:4]]),
            "max_duplicate_paragraphs",
        ),
        ("ab\n" + "c" * 4 + "\nab", "abc\n" + "c" * 5 + "\nabc", "max_duplicate_line_characters"),
        (
            "ab\n\n" + "c" * 2 + "\n\nab",
            "abc\n\n" + "c" * 4 + "\n\nabc",
            "max_duplicate_paragraph_characters",
        ),
    ],
)
def test_page_at_the_limits(passes, drops, rule):
    default = 0.2 if rule.endswith("characters") else 0.3
    limits = OFF | {rule: default}
    assert gopher_repetition_filter(passes, **limits).keep
    verdict = gopher_repetition_filter(drops, **limits)
    assert verdict.rule == f"gopher_repetition.{rule}"
    assert verdict.value > default


@pytest.mark.parametrize("n", [2, 3, 4])
def test_top_ngram_at_its_limit(n):
    # The n-gram "a ... a" has 2 n - 1 characters; filled up to 100 characters it stands for that.
    top = " ".join("a" * n)
    page = f"{top} zz {top} "
    page += "".join(map(chr, range(200, 300 - len(page))))
    share = 2 * len(top) / len(page)
    assert gopher_repetition_filter(page, **(OFF | {"max_top_ngram": {n: share}})).keep
    verdict = gopher_repetition_filter(page, **(OFF | {"max_top_ngram": {n: share - 1e-9}}))
    assert (verdict.keep, verdict.rule) == (False, f"gopher_repetition.max_top_ngram[{n}]")
    assert verdict.value == share


@pytest.mark.parametrize("n", DUPLICATE_NGRAM_LIMITS)
def test_duplicate_ngram_at_its_limit(n):
    piece = " ".join("abcdefghij"[:n])
    page = f"{piece} x {piece}"
    limit = n / len(page)
    assert gopher_repetition_filter(page, **(OFF | {"max_duplicate_ngrams": {n: limit}})).keep
    verdict = gopher_repetition_filter(page, **(OFF | {"max_duplicate_ngrams": {n: limit - 1e-9}}))
    assert (verdict.keep, verdict.rule) == (False, f"gopher_repetition.max_duplicate_ngrams[{n}]")
    assert verdict.value == limit


def test_top_ngram_counts_overlaps_twice():
    text = "spam " * 50  # "spam spam" begins at 49 of the 50 words
    verdict = gopher_repetition_filter(text, **(OFF | {"max_top_ngram": {2: 0.2}}))
    assert (verdict.keep, verdict.value) == (False, 49 * 9 / 250)


def test_top_ngram_counts_even_if_it_stands_once():
    verdict = gopher_repetition_filter("Read more", **(OFF | {"max_top_ngram": {2: 0.2}}))
    assert (verdict.keep, verdict.value) == (False, 1.0)


def test_ngrams_tell_capitals_and_marks():
    limits = OFF | {"max_duplicate_ngrams": {2: 0.0}}
    assert gopher_repetition_filter("the owl, The owl. the Owl", **limits).keep
    assert not gopher_repetition_filter("the owl, the owl.", **limits).keep


@pytest.mark.parametrize("text", ["", "word", PROSE])
def test_text_without_repeats_passes(text):
    assert gopher_repetition_filter(text).keep


def test_ngram_verdict_names_size_and_both_numbers():
    text = f"{PROSE} {PROSE}"
    letters = len(PROSE.replace(" ", ""))
    verdict = gopher_repetition_filter(text, max_duplicate_ngrams={7: 0.25})
    assert verdict.rule == "gopher_repetition.max_duplicate_ngrams[7]"
    assert verdict.threshold == 0.25
    # 200 words are 28 whole steps of 7, and 4 words that begin no n-gram any more.
    assert verdict.value == pytest.approx(letters / len(text), abs=0.02)
