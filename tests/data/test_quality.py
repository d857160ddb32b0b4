import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data.quality import (
    Verdict,
    c4_quality_filter,
    fineweb_quality_filter,
    gopher_quality_filter,
    gopher_repetition_filter,
    length_filter,
    mojibake_filter,
    phrase_filter,
    remove_c4_lines,
    split_words,
    stop_word_filter,
    symbol_filter,
    token_to_character_filter,
)

RULES = [
    c4_quality_filter,
    fineweb_quality_filter,
    gopher_quality_filter,
    gopher_repetition_filter,
    length_filter,
    mojibake_filter,
    phrase_filter,
    stop_word_filter,
    symbol_filter,
    token_to_character_filter,
]
GOOD = "The keeper of the mill lives with a grey cat, and both have to be up before the sun. "
GOOD_PAGE = "\n\n".join(GOOD * 2 for _ in range(4))


@pytest.mark.parametrize("rule", RULES)
@given(text=st.text(max_size=200))
def test_rule_answers_for_any_text_and_agrees_with_its_own_numbers(rule, text):
    verdict = rule(text)
    below = ".min_" in verdict.rule
    passes = verdict.value >= verdict.threshold if below else verdict.value <= verdict.threshold
    assert verdict.keep == passes


@pytest.mark.parametrize("rule", RULES)
@given(text=st.text(alphabet="the of. \n#{Ã¶", max_size=200))
def test_rule_gives_the_same_for_text_and_for_words(rule, text):
    assert rule(text) == rule(split_words(text))


def test_stop_words_match_in_any_case():
    assert stop_word_filter("THE MILL Of Stone").keep
    assert stop_word_filter("the mill of stone").value == 2


def test_stop_words_count_different_words_inside_no_other():
    assert stop_word_filter("the the the other breathe").value == 1


@pytest.mark.parametrize(
    "text",
    [
        "Nach dem Regen trägt die alte Bäckerin das Brötchen über die Brücke.",
        "Le matin, la boulangère porte un panier au marché.",
        "Por la mañana el niño busca las manzanas junto al río.",
        "kettle lantern socket vector pepper onion",
    ],
)
def test_stop_words_drop_other_languages_and_word_lists(text):
    verdict = stop_word_filter(text)
    assert (verdict.keep, verdict.value, verdict.threshold) == (False, 0, 2)


def test_stop_words_can_be_another_language():
    words = frozenset({"der", "die", "und"})
    assert stop_word_filter("Die Mühle und der Fluss", stop_words=words, min_stop_words=3).keep


def test_stop_words_may_be_given_in_capitals():
    assert stop_word_filter("die Uhr und der Tag", stop_words=frozenset({"DIE", "Und"})).keep


def test_token_to_character_by_hand():
    assert token_to_character_filter("four five").value == 2 / 9
    assert token_to_character_filter("aGVsbG8gd29ybGQ" * 9).rule.endswith("min_ratio")
    assert token_to_character_filter("a b c d e").rule.endswith("max_ratio")


def test_token_to_character_at_its_limits():
    """From one token in ten characters to three in ten; a letter of two bytes is one character."""
    assert token_to_character_filter("é" * 10).keep
    assert not token_to_character_filter("é" * 11).keep
    assert token_to_character_filter("ab cd éfgh").keep
    assert not token_to_character_filter("ab cd éfg").keep


def test_token_to_character_uses_the_tokenizer_it_is_given():
    by_letter = token_to_character_filter("four five", tokenize=list)
    assert (by_letter.keep, by_letter.value) == (False, 1.0)


def test_gopher_quality_keeps_prose():
    assert gopher_quality_filter(GOOD_PAGE).keep
    assert length_filter(GOOD_PAGE).keep
    assert symbol_filter(GOOD_PAGE).keep


# GOOD has 19 words, a comma and a full stop; GOOD_PAGE is eight of it: 152 words, 168 pieces.
DROPS = [
    ("the cat and " * 16, "min_words", 48, 50),
    ("the and " * 50_001, "max_words", 100_002, 100_000),
    ("to be a we " * 20, "min_mean_word_length", 1.75, 3),
    ("incomprehensibilities " * 60, "max_mean_word_length", 21, 10),
    (GOOD_PAGE + "# " * 30, "max_symbols_per_word", 30 / 198, 0.1),
    (GOOD_PAGE + "... " * 20, "max_symbols_per_word", 20 / 188, 0.1),
    (GOOD_PAGE + "… " * 20, "max_symbols_per_word", 20 / 188, 0.1),
    ("\n".join(f"• {GOOD}" for _ in range(5)), "max_bullet_lines", 1.0, 0.9),
    ("\n".join(f"  - {GOOD}" for _ in range(5)), "max_bullet_lines", 1.0, 0.9),
    ("\n".join(f"{GOOD[:-2]}..." for _ in range(5)), "max_ellipsis_lines", 1.0, 0.3),
    ("river 1234 " * 30, "min_alphabetic_words", 0.5, 0.8),
    ("river , " * 60, "min_alphabetic_words", 0.5, 0.8),
    ("river house " * 30, "min_stop_words", 0, 2),
]


@pytest.mark.parametrize(("text", "rule", "value", "threshold"), DROPS)
def test_gopher_quality_drops_with_reason(text, rule, value, threshold):
    verdict = gopher_quality_filter(text)
    assert not verdict.keep
    assert verdict.rule == f"gopher_quality.{rule}"
    assert verdict.value == pytest.approx(value)
    assert verdict.threshold == threshold
    lifted = gopher_quality_filter(text, **{rule: verdict.value})
    assert lifted.keep or lifted.rule != verdict.rule


@pytest.mark.parametrize(("text", "rule", "value", "threshold"), DROPS[:-1])
def test_length_and_symbol_filters_are_parts_of_gopher_quality(text, rule, value, threshold):
    verdicts = [length_filter(text), symbol_filter(text)]
    verdict = next(verdict for verdict in verdicts if not verdict.keep)
    assert verdict.rule in (f"length.{rule}", f"symbols.{rule}")
    assert (verdict.value, verdict.threshold) == (pytest.approx(value), threshold)
    part = length_filter if verdict.rule.startswith("length") else symbol_filter
    lifted = part(text, **{rule: verdict.value})
    assert lifted.keep or lifted.rule != verdict.rule


def test_mean_word_length_is_in_characters_and_of_words_without_marks():
    verdict = length_filter("An owl, été.", min_words=3)
    assert (verdict.rule, verdict.value) == ("length.min_mean_word_length", (2 + 3 + 3) / 3)


def test_symbols_by_hand():
    """Bullets begin a line, an ellipsis ends it, empty lines count, and "x2" has a letter."""
    text = "- One # two.\n\n• Three … four\n* Five - six...\nSeven... x2\nEight…"
    verdict = symbol_filter(text, max_symbols_per_word=1, max_ellipsis_lines=1)
    shares = [check.value for check in (*verdict.passed, verdict)]
    assert shares == [4 / 19, 2 / 6, 2 / 6, 9 / 19]


def test_hashes_and_ellipses_are_not_added_up():
    assert symbol_filter(RIVER + " #" * 5 + " ..." * 5).passed[0].value == 5 / 60


RIVER = "river " * 48 + "the of"  # 50 words with two stop words
BULLET, PLAIN, TEASER = "- the of that river\n", "the river of that\n", "and all of that...\n"


@pytest.mark.parametrize(
    ("passes", "drops", "rule"),
    [
        (RIVER, RIVER.removeprefix("river "), "min_words"),
        (RIVER + " and" * 99_950, RIVER + " and" * 99_951, "max_words"),
        ("the of that " * 20, "the of that " * 20 + "of", "min_mean_word_length"),  # 9 / 3
        ("the of " + "tencharact " * 60, "the of " + "elevenchars " * 60, "max_mean_word_length"),
        (RIVER + " #" * 5, RIVER + " #" * 6, "max_symbols_per_word"),  # 5 / 55, 6 / 56
        (BULLET * 18 + "it\n" * 2, BULLET * 19 + "it\n" * 2, "max_bullet_lines"),  # 18 of 20
        (PLAIN * 28 + TEASER * 12, PLAIN * 27 + TEASER * 12, "max_ellipsis_lines"),  # 12 of 40
        (RIVER + " 12" * 12, RIVER + " 12" * 13, "min_alphabetic_words"),  # 50 / 62, 50 / 63
        (RIVER, RIVER.replace("of", "the"), "min_stop_words"),
    ],
)
def test_gopher_quality_at_its_limits(passes, drops, rule):
    assert gopher_quality_filter(passes).keep
    assert gopher_quality_filter(drops).rule == f"gopher_quality.{rule}"


def test_stop_words_of_gopher_match_in_any_case():
    assert gopher_quality_filter(RIVER[:-6] + "The OF").keep
    assert not gopher_quality_filter(RIVER[:-6] + "The the").keep


def test_phrases_match_whole_words_in_any_case():
    assert phrase_filter("CHEAP hats. A cheaper hat. Buy Now!").value == pytest.approx(200 / 7)
    assert phrase_filter("A dirtcheap hat.").value == 0.0
    assert phrase_filter("We sell hats.", phrases=["SELL", "Hats"]).value == pytest.approx(200 / 3)


def test_phrases_forgive_one_comment_on_a_long_page():
    assert phrase_filter(GOOD_PAGE * 3 + "Buy now!").keep
    assert not phrase_filter("Buy now! " * 5 + GOOD_PAGE).keep


def test_phrases_can_be_another_list():
    verdict = phrase_filter("The keeper of the mill.", phrases=["keeper", "of the mill"])
    assert verdict.value == 40.0


def test_phrases_and_mojibake_at_their_limits():
    """One in a hundred words may be; marks are no words."""
    for rule, found in [(phrase_filter, "cheap"), (mojibake_filter, "fÃªte")]:
        words = " owl," * 99
        assert rule(found + words).keep
        assert rule(found + words).value == 1.0
        assert not rule(found + words[5:]).keep
        assert rule(found + words[5:], max_per_100_words=100 / 99).keep


def test_phrases_are_text_and_no_patterns():
    assert phrase_filter("what", phrases=["w.at"]).value == 0.0


@pytest.mark.parametrize("trace", ["Ã©", "â€œ", "â€", "\ufffd"])
def test_each_trace_of_a_wrong_encoding_is_one(trace):
    page = split_words(f"{trace}one two {trace}four six")
    assert mojibake_filter(page).value == pytest.approx(200 / len(page.words))


def test_default_phrases_are_of_advertising_and_of_begging():
    assert not phrase_filter("Dear friend, send us the number of your credit card today.").keep


@pytest.mark.parametrize(
    "good", ["Café „Müller“ – naïve", "São João, Ñandú", "Årø, Ëlan", "12 °C, 5 £", "Čapek, Škoda"]
)
def test_mojibake_leaves_letters_and_finds_them_misread(good):
    misread = good.encode("utf-8").decode("cp1252", errors="replace")
    assert mojibake_filter(good).value == 0.0
    assert not mojibake_filter(misread).keep
    letters = len(re.findall(r"[^\x00-\x7f]", good))
    assert mojibake_filter(misread).value >= 100 * letters / len(split_words(misread).words) / 2


HOSTILE = {
    "one URL of 1 MB": "https://example.org/" + "a" * 10**6,
    "one line of 5 MB": GOOD * 60_000,
    "brackets": "(" * 300_000,
    "colons and brackets": ":)" * 150_000,
    "dots": "." * 300_000 + "x",
    "stops of addresses": "a." * 150_000,
    "signs of mail": "a@" * 150_000,
    "many empty lines": "\n" * 300_000 + "x",
    "spaces": " " * 300_000 + "x",
    "the same line": "x\n" * 150_000,
    "citations": "[1" * 150_000,
    "NUL bytes": "\x00" * 300_000,
    "marks on one letter": "e" + "\u0301" * 300_000,
    "half a surrogate": "\ud800 the of" * 1000,
}


@pytest.mark.parametrize("rule", [*RULES, remove_c4_lines])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_rule_answers_on_hostile_pages(rule, text):
    answer = rule(text)
    assert isinstance(answer, Verdict) or answer[1] >= 0
