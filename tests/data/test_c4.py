import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data import c4
from common.data.c4 import c4_quality_filter, remove_c4_lines

LINE = "The owl sleeps in the barn."
PAGE = "\n".join([LINE, "She wakes up when it rains.", "Then the mice have to run."])


def kept(line: str, **settings) -> bool:
    return remove_c4_lines(line, **settings)[1] == 0


@pytest.mark.parametrize("end", [".", "?", "!", '"', "'", '."'])
def test_lines_that_end_like_sentences_stay(end):
    assert remove_c4_lines(f"  The owl sleeps in the barn{end} ") == (LINE[:-1] + end, 0)


@pytest.mark.parametrize("end", ["", ",", ":", ";", ")", "”", "...", ". ...", "…"])
def test_lines_that_end_otherwise_go(end):
    assert remove_c4_lines(f"{PAGE}\nThe owl sleeps in the barn{end}") == (PAGE, 1)


def test_words_of_a_line_at_the_limit():
    assert kept("The owl sleeps all day.")
    assert not kept("The owl sleeps well.")
    assert kept("The owl sleeps.", min_words_per_line=3)
    assert not kept("She sleeps.", min_words_per_line=3)


def test_length_of_a_word_at_the_limit():
    assert kept(f"The owl eats {'a' * 1000} now.")
    assert not kept(f"The owl eats {'a' * 1001} now.")
    assert not kept("The owl eats grasshoppers now.", max_word_characters=11)
    assert kept("The owl eats grasshoppers now.", max_word_characters=12)


@pytest.mark.parametrize(
    "words",
    [
        "JavaScript",
        "terms of use",
        "Privacy Policy",
        "cookie policy",
        "uses cookies",
        "use of cookies",
        "use cookies",
    ],
)
def test_lines_about_scripts_and_cookies_go(words):
    assert remove_c4_lines(f"{PAGE}\nPlease read what we say about {words} here.") == (PAGE, 1)


def test_lines_about_biscuits_stay():
    assert kept("The cookies of the owl are for the mice.")


def test_citation_marks_are_removed_from_lines_that_stay():
    text = "The owl[1] sleeps[] in[edit] the barn [see 2].[citation needed]"
    assert remove_c4_lines(text) == ("The owl sleeps in the barn [see 2].", 0)


def test_words_are_counted_with_their_marks_and_ends_looked_at_without():
    assert kept("The owl [3] sleeps well.")  # five pieces between spaces
    assert not kept("The owl sleeps all day. [3]")  # ends in a space now, as in C4's own code


def test_empty_lines_are_not_counted_as_removed():
    assert remove_c4_lines(f"\n\n{LINE}\n \nMenu\n") == (LINE, 1)


@given(st.lists(st.sampled_from([LINE, "Menu", "", "a. b. c. d. e."])))
def test_removing_lines_again_changes_nothing(lines):
    once, _ = remove_c4_lines("\n".join(lines))
    assert remove_c4_lines(once) == (once, 0)


@pytest.mark.parametrize(
    ("text", "rule", "value"),
    [
        ("Go home now. " * 2 + "\nNo.", "min_sentences", 2),
        ("We value your privacy policy very much. " * 4, "min_sentences", 0),
        ("Please turn on JavaScript to read on. " * 4, "min_sentences", 0),
        (f"{PAGE}\nThe owl is called {{owl}} in our code.", "max_curly_brackets", 1),
        (f"{PAGE}\nThe owl said lorem IPSUM all day long.", "max_lorem_ipsum", 1),
    ],
)
def test_page_is_dropped_with_reason(text, rule, value):
    verdict = c4_quality_filter(text)
    assert (verdict.keep, verdict.rule, verdict.value) == (False, f"c4_quality.{rule}", value)


def test_page_at_the_limits():
    assert (c4_quality_filter(PAGE).keep, c4_quality_filter(PAGE).value) == (True, 3)
    assert not c4_quality_filter(PAGE, min_sentences=4).keep
    braces = f"{PAGE}\nThe owl is called {{owl}} in our code."
    assert c4_quality_filter(braces, max_curly_brackets=1).keep
    assert not c4_quality_filter(braces + "{.", max_curly_brackets=1).keep
    assert c4_quality_filter("Go home.\n" * 4, min_words_per_line=2).keep
    assert not c4_quality_filter("Go home.\n" * 4).keep


def test_lines_of_the_page_are_read_with_its_settings():
    assert c4_quality_filter("The owl sleeps all day.\n" * 4).keep
    assert not c4_quality_filter("The owl sleeps well.\n" * 4).keep
    assert not c4_quality_filter("The owl eats grasshoppers now.\n" * 4, max_word_characters=11)
    lorem = f"{PAGE}\nThe owl said lorem ipsum, lorem ipsum all day."
    assert c4_quality_filter(lorem, max_lorem_ipsum=2).keep
    assert not c4_quality_filter(lorem, max_lorem_ipsum=1).keep


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("Our lorem ipsum has JavaScript in it.", "max_lorem_ipsum"),
        ("Our cookie policy is in {this} file.", "max_curly_brackets"),
        ("Our JavaScript is in {this} file today.", "min_sentences"),
        ("Our lorem ipsum is in {this} file today.", "max_lorem_ipsum"),
    ],
)
def test_line_is_judged_in_the_order_of_c4(line, rule):
    """Lorem ipsum counts before JavaScript takes the line, a bracket before a policy does."""
    assert c4_quality_filter(f"{PAGE}\n{line}", min_sentences=5).rule == f"c4_quality.{rule}"


def test_brackets_and_lorem_ipsum_count_on_lines_that_stay():
    assert c4_quality_filter(f"{PAGE}\nint main() {{\nLorem ipsum dolor sit amet").keep


@pytest.mark.parametrize(
    ("line", "sentences"),
    [
        ("She went home. It rained all day.", 2),
        ("She went home? Yes! She did.", 3),
        ("Mr. Owl had 3.5 mice, e.g. two, at 5 p.m. on Monday.", 1),
        ("What?! Who said so?!", 2),
        ('"Come in, Tom." He came in.', 2),
        ("See the page www.owls.example for more.", 1),
        ("It ended.Then it began again.", 2),
        ("The end . ' \" ) .", 1),
        ("He came. 3.5!", 2),
    ],
)
def test_sentences_are_counted_at_their_ends(line, sentences):
    assert c4_quality_filter(line, min_sentences=-1, min_words_per_line=1).value == sentences


def test_bad_words_are_whole_words_in_any_case():
    words = ["gosh", "blast it"]
    assert c4_quality_filter(PAGE, bad_words=words).keep
    verdict = c4_quality_filter(f"{PAGE}\nGOSH, the owl said. Blast  it! goshawk", bad_words=words)
    assert (verdict.rule, verdict.value) == ("c4_quality.max_bad_words", 1)
    assert c4_quality_filter(f"{PAGE}\nGosh", bad_words=words, max_bad_words=1).keep


def test_memory_of_shapes_is_bounded(monkeypatch):
    monkeypatch.setattr(c4, "_MAX_REMEMBERED", 10)
    c4._SHAPES.clear()
    page = " ".join(f"Owl{n}." for n in range(35))
    assert c4_quality_filter(page).value == 35
    assert 0 < len(c4._SHAPES) <= 10
