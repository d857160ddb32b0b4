import random
import string

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from common.data._languages.speakers import TABLES, speakers
from common.data.language import identify_language, language_filter
from common.data.verdict import split_words
from tests.data.mutants import HANG_S, Watch
from tests.data.sentences import PAIRS, SENTENCES

ONE_SCRIPT = {"el", "th", "zh", "ja", "ko"}
ENGLISH = " ".join(SENTENCES["en"].split())
GERMAN = " ".join(SENTENCES["de"].split())


def noise(seed: int) -> str:
    dice = random.Random(seed)
    letters = string.ascii_lowercase + string.digits * dice.randrange(2)
    words = ("".join(dice.choices(letters, k=dice.randint(3, 18))) for _ in range(60))
    return " ".join(words)


def test_sentences_of_41_languages_are_recognised():
    right = [identify_language(text)[0] == code for text, code in PAIRS]
    assert len(SENTENCES) == 41
    assert sum(right) / len(right) >= 0.95


@pytest.mark.parametrize("code", SENTENCES)
def test_four_sentences_together_are_recognised(code):
    found, probability = identify_language(SENTENCES[code])
    assert found == code
    assert probability > 0.9


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ქართული ენა", "ka"),
        ("Հայերեն", "hy"),
        ("বাংলা ভাষা", "bn"),
        ("தமிழ் மொழி", "ta"),
        ("ភាសាខ្មែរ", "km"),
        ("한국어 漢字", "ko"),
        ("漢字とかな", "ja"),
        ("カタカナ", "ja"),
        ("汉字", "zh"),
        ("\u0370\u03ff", "el"),  # the first and the last letter of a block
        ("\u0370", "el"),
        ("\u03ff", "el"),
    ],
)
def test_script_names_the_language(text, code):
    assert identify_language(text) == (code, 1.0)


@pytest.mark.parametrize("text", ["", " \n", "42 1999 3.14", "!?!", "🙂", "x" * 0])
def test_text_without_letters_is_undetermined(text):
    assert identify_language(text) == ("und", 1.0)


@pytest.mark.parametrize("seed", range(20))
def test_random_letters_are_undetermined(seed):
    assert identify_language(noise(seed))[0] == "und"


def test_page_in_two_languages_is_judged_by_the_larger_part():
    assert identify_language(GERMAN * 3 + ENGLISH)[0] == "de"
    assert identify_language(GERMAN + ENGLISH * 3)[0] == "en"


def test_capitals_change_nothing():
    assert identify_language(ENGLISH.upper()) == identify_language(ENGLISH)


def test_more_text_makes_it_surer():
    first = ENGLISH.split(".")[0]
    assert identify_language("was late")[1] < identify_language(first)[1] <= 1


@given(st.text(max_size=200))
@example("\ud800 lone")
@example("a\x00b")
def test_any_text_has_a_language_and_words_have_the_same(text):
    code, probability = identify_language(text)
    assert isinstance(code, str) and 0 <= probability <= 1
    assert identify_language(split_words(text)) == (code, probability)


def test_only_the_beginning_of_a_long_text_is_read():
    assert identify_language(ENGLISH * 500 + GERMAN * 5000)[0] == "en"


def test_a_page_that_is_split_is_read_no_further_than_a_text():
    page = "extraordinarily interesting neighbourhoods " * 470 + "und der die das " * 5_000
    assert identify_language(split_words(page)) == identify_language(page)
    assert identify_language(page)[0] == "en"


def test_first_20_000_characters_and_4_000_words_are_read():
    georgian = "ა" * 10_001 + "α" * 90_000
    assert identify_language(georgian)[0] == identify_language(split_words(georgian))[0] == "ka"
    assert identify_language("ა" * 9_999 + "α" * 90_000)[0] == "el"
    assert identify_language("the owl" + " " * 20_000 + "und der Hund " * 500)[0] == "en"
    assert identify_language(split_words("the " * 4_000 + "und " * 9_000))[0] == "en"
    assert identify_language(split_words("the " * 1_000 + "und " * 9_000))[0] == "de"


def test_a_word_as_long_as_a_file_takes_no_longer_than_others():
    page, watch = split_words(ENGLISH + " " + "a0" * 2_000_000), Watch()
    assert len(page.words[-1]) == 4_000_000
    with watch:
        identify_language(page)
    assert watch.slowest < HANG_S


def test_probability_is_softmax_of_four_tenths_of_the_evidence():
    tables = speakers("latin")
    evidence = tables.evidence(["was", "late"])
    chances = np.exp(0.4 * (evidence - evidence.max()))
    chances /= chances.sum()
    for code in ("en", "de", "nl"):
        expected = chances[tables.codes.index(code)]
        assert language_filter("was late", language=code).value == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("漢漢 abcd", "zh"),  # 5 to 4
        ("漢漢 the owl", "en"),  # 5 to 6
        ("漢" * 10 + " the owl", "zh"),  # 25 to 6
        ("한국 abc", "ko"),  # 4 to 3
        ("かなか abcd", "ja"),  # 4.5 to 4
        ("かなか the owl", "en"),  # 4.5 to 6
        ("漢" * 100 + "の" * 3, "zh"),  # 4.5 of kana to 2 % of 250
        ("漢" * 100 + "の" * 4, "ja"),  # 6 to 5
    ],
)
def test_scripts_are_compared_by_what_a_character_says(text, code):
    assert identify_language(text)[0] == code


@pytest.mark.parametrize("script", TABLES)
def test_speakers_know_at_least_50_words_and_few_twice(script):
    for code, text in TABLES[script].items():
        assert len(set(text.split())) >= 50, code
        assert text == text.lower(), code


@pytest.mark.parametrize("script", TABLES)
def test_letters_that_may_follow_a_letter_have_probability_one_in_all(script):
    pairs = speakers(script).spelling.pairs
    size = round(len(pairs) ** 0.5)
    chances = np.exp(pairs).reshape(size, size, -1)
    # After the last letter of the alphabet (any other letter), and after a space, as well.
    np.testing.assert_allclose(chances.sum(1), 1, rtol=1e-9)


def test_evidence_of_words_adds_up():
    tables = speakers("latin")
    apart = tables.evidence(["the"]) + tables.evidence(["zebra"]) + tables.evidence(["zebra"])
    np.testing.assert_allclose(tables.evidence(["zebra", "the", "zebra"]), apart, rtol=1e-12)


def test_evidence_of_an_unlisted_word_by_hand():
    tables = speakers("latin")
    size = int(tables.spelling.number[-1]) + 1
    number = {letter: int(tables.spelling.number[ord(letter)]) for letter in " zeb"}
    rows = [number[a] * size + number[b] for a, b in zip(" zeb", "zeb ", strict=True)]
    by_hand = tables.spelling.pairs[rows].sum(0) + np.log(1 - 0.4)
    column = tables.codes.index("en")
    assert tables.evidence(["zeb"])[column] == pytest.approx(by_hand[column], rel=1e-12)


def test_evidence_of_a_listed_word_by_hand():
    """The third word of a list has 1 / 22 of what the first words share, with chance 0.4."""
    tables = speakers("latin")
    listed = list(dict.fromkeys(TABLES["latin"]["en"].split()))
    column = tables.codes.index("en")
    taken = (1 / 22) / sum(1 / (20 + rank) for rank in range(len(listed)))
    spelled = np.exp(tables.spelling.pairs[tables.spelling.rows(listed[2])].sum(0)[column])
    by_hand = np.log(0.4 * taken + 0.6 * spelled)
    assert tables.evidence([listed[2]])[column] == pytest.approx(by_hand, rel=1e-12)


def test_noise_spells_pairs_that_no_language_has():
    """Half of what noise spells are common letters, 60 at the most, each as often as another."""
    spelling = speakers("latin").spelling
    chances = np.exp(spelling.pairs[spelling.rows("bzkbt")])[1:-1]
    assert (chances[:, -1] > 0.5 / 60).all()
    assert (chances[:, :-1].mean(-1) < 0.5 / 60).any()


@pytest.mark.parametrize(("bare", "marked"), [("של את", "של־ את־"), ("यह किताब है", "यह, किताब है॥")])
def test_marks_beside_a_word_change_nothing_in_other_scripts(bare, marked):
    code, probability = identify_language(bare)
    assert identify_language(marked) == (code, probability)
    assert 0 < probability == round(probability, 6)


def test_numbers_before_the_first_word_are_no_evidence():
    assert identify_language("1 " * 4_000 + "the owl sleeps") == ("und", 1.0)


def test_filter_keeps_the_language_and_notes_another():
    kept, dropped = language_filter(ENGLISH), language_filter(GERMAN)
    assert kept and not dropped
    assert (kept.note, dropped.note) == ("en", "de")
    assert (dropped.rule, dropped.threshold) == ("language.min_probability", 0.65)


def test_filter_can_ask_for_another_language():
    assert language_filter(GERMAN, language="de")
    assert language_filter("日本語のページです", language="ja").value == 1.0
    assert language_filter(GERMAN, language="fi").value < 0.01


def test_filter_compares_with_its_threshold():
    value = language_filter("was late").value
    assert 0 < value < 1
    assert language_filter("was late", min_probability=value).keep
    assert not language_filter("was late", min_probability=value + 1e-6).keep


@pytest.mark.parametrize("code", ["eng", "EN", "english", "han", "latin", ""])
def test_language_filter_refuses_a_code_it_does_not_know(code):
    with pytest.raises(ValueError, match=f"language '{code}' is none of af, .*en, .*zh"):
        language_filter(ENGLISH, language=code)


def test_language_filter_takes_every_code_that_can_be_found():
    found = {identify_language(text)[0] for text in SENTENCES.values()} | {"und", "zh", "ja", "el"}
    for code in sorted(found):
        assert language_filter("", language=code).keep == (code == "und")
