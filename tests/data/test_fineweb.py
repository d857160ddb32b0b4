import pytest

from common.data.fineweb import fineweb_quality_filter
from common.data.verdict import Words

LONG = "a long line about the owl and the mice in the barn"  # no full stop, 12 words
OFF = {
    "min_punctuated_lines": 0.0,
    "max_short_lines": 1.0,
    "max_duplicate_line_characters": 1.0,
    "max_newlines_per_word": 9.0,
}


def lines(*counts_and_lines) -> str:
    pairs = zip(counts_and_lines[::2], counts_and_lines[1::2], strict=True)
    return "\n".join(f"{line[:-1]}{i}{line[-1]}" for n, line in pairs for i in range(n))


@pytest.mark.parametrize(
    ("passes", "drops", "rule"),
    [
        # 3 of 25 lines end in a full stop, then 11 of 100.
        (lines(22, LONG, 3, LONG + "."), lines(89, LONG, 11, LONG + "."), "min_punctuated_lines"),
        # 67 of 100 lines are short, then 68; 30 characters are short, 31 are not.
        (
            lines(67, "the owls sleep and so we do.", 33, LONG + "."),
            lines(68, "the owls sleep and so we do.", 32, LONG + "."),
            "max_short_lines",
        ),
        # 10 characters of 100 stand in a line that was there before, then 11 of 111.
        ("z" * 9 + ".\n" + "y" * 79 + ".\n" + "z" * 9 + ".", "", "max_duplicate_line_characters"),
        ("", "z" * 10 + ".\n" + "y" * 77 + ".\n" + "z" * 10 + ".", "max_duplicate_line_characters"),
        # 3 new lines for 10 words, then 10 for 33.
        ("a\n" * 3 + "b " * 7, "a\n" * 10 + "b " * 23, "max_newlines_per_word"),
    ],
)
def test_page_at_the_limits(passes, drops, rule):
    lenient = {key: value for key, value in OFF.items() if key != rule}
    assert not passes or fineweb_quality_filter(passes, **lenient).keep
    if drops:
        verdict = fineweb_quality_filter(drops, **lenient)
        assert (verdict.keep, verdict.rule) == (False, f"fineweb_quality.{rule}")


def test_line_of_thirty_characters_is_short():
    settings = OFF | {"max_short_lines": 0.5}
    assert not fineweb_quality_filter("é" * 30, **settings).keep
    assert fineweb_quality_filter("a" * 31, **settings).keep
    assert fineweb_quality_filter("a" * 30, **settings, short_line_characters=29).keep


def test_duplicate_characters_by_hand():
    """Of 13 characters, blank lines and no line breaks counted, 4 stand in a line read before."""
    settings = OFF | {"max_duplicate_line_characters": 4 / 13}
    text = "été.\n  \nété.\nab."
    assert fineweb_quality_filter(text, **settings).passed[2].value == 4 / 13
    verdict = fineweb_quality_filter(text, **(settings | {"max_duplicate_line_characters": 0.3}))
    assert (verdict.rule, verdict.value, verdict.threshold) == (
        "fineweb_quality.max_duplicate_line_characters",
        4 / 13,
        0.3,
    )


def test_newlines_for_each_word_or_mark_at_the_limit():
    settings = OFF | {"max_newlines_per_word": 0.3}
    verdict = fineweb_quality_filter("it.\nb\nc\nd e f g h i j", **settings)
    assert (verdict.keep, verdict.value) == (True, 3 / 10)  # 3 / 11 with the mark, not needed
    verdict = fineweb_quality_filter("a\nb\nc\nd\n e f g h i", **settings)  # 4 / 9
    assert (verdict.keep, verdict.value) == (False, 4 / 9)
    verdict = fineweb_quality_filter(
        "it.\nis.\nan.\nox.\n or, by. us. we. do.", **settings
    )  # 4 / 18
    assert (verdict.keep, verdict.value) == (True, 4 / 18)


def test_page_that_passes_between_spaces_is_not_cut_up():
    page = Words(lines(3, LONG + "."))
    assert fineweb_quality_filter(page).value == 2 / 36
    assert "pieces" not in vars(page)


@pytest.mark.parametrize("end", [".", "!", "?", "。", "？", "।", "؟"])
def test_lines_end_like_sentences_in_any_script(end):
    assert fineweb_quality_filter(LONG + end).keep


@pytest.mark.parametrize("end", ["", ",", '."', "...)", "…", ". "])
def test_lines_that_end_otherwise(end):
    verdict = fineweb_quality_filter(LONG + end)
    assert (verdict.rule, verdict.value) == ("fineweb_quality.min_punctuated_lines", 0)


@pytest.mark.parametrize("text", ["", "\n \n\t\n"])
def test_page_without_a_line_is_dropped(text):
    assert not fineweb_quality_filter(text).keep


def test_blank_lines_are_no_lines_but_newlines():
    text = "\n\n".join([LONG + "."] * 1 + [LONG + "!"])
    verdict = fineweb_quality_filter(text)
    assert (verdict.keep, verdict.value) == (True, 2 / 24)
    assert verdict.passed[0].value == 1.0


def test_lines_are_those_that_a_new_line_ends_and_that_have_something_on_them():
    assert fineweb_quality_filter(f"{LONG}.\n \t\n{LONG}!").passed[0].value == 1.0
    assert fineweb_quality_filter(f"{LONG}\f{LONG}\r{LONG}\u2028{LONG}.").passed[0].value == 1.0
