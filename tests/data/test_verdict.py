from hypothesis import given
from hypothesis import strategies as st

from common.data.verdict import Verdict, split_words


def test_verdict_is_true_when_it_keeps():
    assert Verdict(True, "r", 1, 0)
    assert not Verdict(False, "r", 0, 1)


def test_verdict_at_the_threshold_keeps_on_both_sides():
    assert Verdict.at_least("r", 2, 2) == Verdict(True, "r", 2, 2)
    assert Verdict.at_most("r", 2, 2) == Verdict(True, "r", 2, 2)
    assert not Verdict.at_least("r", 1, 2)
    assert not Verdict.at_most("r", 3, 2)


def test_first_failure_stops_working_things_out():
    seen = []

    def verdicts():
        for keep in (True, False, True):
            seen.append(keep)
            yield Verdict(keep, f"rule {len(seen)}", 0, 0)

    assert Verdict.first_failure(verdicts()).rule == "rule 2"
    assert seen == [True, False]


def test_first_failure_gives_last_verdict_when_all_keep():
    verdicts = [Verdict(True, "a", 1, 0), Verdict(True, "b", 2, 0)]
    assert Verdict.first_failure(verdicts) is verdicts[1]


def test_split_words_by_hand():
    page = split_words("The  Mill's wheel -> turns.\n\n  3 times \n")
    assert page.tokens == ["The", "Mill's", "wheel", "->", "turns.", "3", "times"]
    assert page.words == ["the", "mill's", "wheel", "turns", "3", "times"]
    assert page.lines == ["The  Mill's wheel -> turns.", "3 times"]


@given(st.text())
def test_split_words_is_idempotent_and_keeps_text(text):
    page = split_words(text)
    assert split_words(page) is page
    assert page.text == text
