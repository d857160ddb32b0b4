import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data import verdict as verdict_module
from common.data.verdict import Verdict, Words, split_words


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
    verdicts = [Verdict(True, "a", 1, 0), Verdict(True, "b", 2, 0, "note")]
    assert Verdict.first_failure(verdicts) == verdicts[1]


def test_first_failure_carries_all_evidence_in_order():
    inner = Verdict.first_failure([Verdict(True, "a", 1, 0), Verdict(True, "b", 2, 0)])
    outer = Verdict.first_failure([inner, Verdict(False, "c", 3, 9), Verdict(True, "d", 4, 0)])
    assert [verdict.rule for verdict in (*outer.passed, outer)] == ["a", "b", "c"]


def test_split_words_by_hand():
    page = split_words("The  Mill's wheel -> turns.\n\n  3 times \n")
    assert page.tokens == ["The", "Mill's", "wheel", "->", "turns.", "3", "times"]
    assert page.pieces == ["The", "Mill", "'s", "wheel", "-", ">", "turns", ".", "3", "times"]
    assert page.words == ["the", "mill", "'s", "wheel", "turns", "3", "times"]
    assert page.lines == ["The  Mill's wheel -> turns.", "3 times"]
    assert page.lettered == 6  # all the words but 3
    assert split_words("é1 x2 33").lettered == 2
    assert split_words("We cannot. Dont").pieces == ["We", "can", "not", ".", "Do", "nt"]
    assert split_words("\x80 \x01 “ a").words == ["a"]


@pytest.mark.parametrize("page", [None, b"a page", 3, ["a", "page"]])
def test_split_words_refuses_what_is_no_text(page):
    with pytest.raises(TypeError, match=f"must be a string or Words, not a {type(page).__name__}"):
        split_words(page)


@pytest.mark.parametrize("name", ["tokens", "pieces", "words", "lettered", "numbers", "lines"])
def test_each_part_of_a_page_is_worked_out_once(name):
    page = Words("It's a page\n" * 300)
    assert getattr(page, name) is getattr(page, name)


@given(st.text())
def test_split_words_is_idempotent_and_keeps_text(text):
    page = split_words(text)
    assert split_words(page) is page
    assert page.text == text


@given(st.text(alphabet="ab.'-(): 1Ã\n", max_size=60))
def test_pieces_are_the_text_without_its_white_space(text):
    assert "".join(Words(text).pieces) == "".join(text.split())


@given(st.text(max_size=60))
def test_equal_pieces_have_equal_numbers_and_others_have_others(text):
    page = Words(text)
    assert len(set(zip(page.pieces, page.numbers.tolist(), strict=True))) == len(set(page.pieces))
    assert len(set(page.numbers.tolist())) == len(set(page.pieces))


def test_page_is_cut_up_once(monkeypatch):
    calls = []
    real = verdict_module.cut
    monkeypatch.setattr(verdict_module, "cut", lambda token: calls.append(token) or real(token))
    page = Words("Once-only, quite-unheard-of!")
    for _ in range(2):
        assert (len(page.pieces), len(page.words), page.lettered) == (10, 5, 5)
    assert calls == ["Once-only,", "quite-unheard-of!"]


def test_memory_of_pieces_is_bounded(monkeypatch):
    monkeypatch.setattr(verdict_module, "_MAX_REMEMBERED", 10)
    memory = verdict_module._PIECES
    memory.clear()
    for n in range(35):
        assert len(Words(f"[{n}]").pieces) == 3
        assert 0 < len(memory) <= 10
    assert len(Words("x-" * 100).pieces) == 199
    assert max(map(len, memory)) <= verdict_module._MAX_REMEMBERED_CHARACTERS


@pytest.mark.parametrize("text", ["", " \n\t", "\x00"])
def test_words_of_nothing(text):
    assert Words(text).words == []
    assert Words(text).lettered == 0
