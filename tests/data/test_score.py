from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data.score import Score, precision_recall, score_kinds, score_stages, wrongly_dropped


@dataclass
class Receipt:
    url: str
    stage: str
    note: str = ""


LABELS = {
    "/a": "clean",
    "/a1": "mirror",
    "/a2": "near_copy",
    "/b": "clean",
    "/c": "pii",
    "/s": "spam",
    "/t": "spam",
    "/g": "gibberish",
}
COPIES = {"/a1": "/a", "/a2": "/a"}


def test_score_known_answer():
    score = Score(hits=48, dropped=50, wanted=60)
    assert (score.precision, score.recall) == (0.96, 0.8)
    assert score.precision_interval == pytest.approx((0.8654, 0.9890), abs=1e-4)
    assert score.recall_interval == pytest.approx((0.6822, 0.8817), abs=1e-4)


def test_score_of_nothing_knows_nothing():
    score = Score(0, 0, 0)
    assert (score.precision, score.recall) == (1.0, 1.0)
    assert score.precision_interval == score.recall_interval == (0.0, 1.0)


@pytest.mark.parametrize("counts", [(3, 2, 5), (3, 5, 2), (-1, 2, 2)])
def test_score_refuses_impossible_counts(counts):
    with pytest.raises(ValueError, match=r"hits must lie in 0 .. min\(dropped, wanted\)"):
        Score(*counts)


@given(st.sets(st.text(max_size=2)), st.sets(st.text(max_size=2)))
def test_precision_recall_turns_into_each_other(dropped, wanted):
    score, other = precision_recall(dropped, wanted), precision_recall(wanted, dropped)
    assert score.hits == len(dropped & wanted)
    assert (score.precision, score.recall) == (other.recall, other.precision)


def test_wrongly_dropped_lets_one_of_a_group_stay_whichever_it_is():
    for first, second, third in [("/a", "/a1", "/a2"), ("/a2", "/a", "/a1")]:
        two = [Receipt(first, "prose"), Receipt(second, "copies", third)]
        assert wrongly_dropped(two, LABELS, COPIES) == {}
        assert wrongly_dropped([*two, Receipt(third, "late")], LABELS, COPIES) == {third: "late"}


@given(st.permutations(list(LABELS)), st.integers(0, len(LABELS)))
def test_wrongly_dropped_is_one_page_for_each_group_without_survivor(order, count):
    drops = [Receipt(url, f"stage {n}") for n, url in enumerate(order[:count])]
    left = set(order[count:])
    groups = [{"/a", "/a1", "/a2"}, {"/b"}, {"/c"}]
    gone = [group for group in groups if not group & left]
    lost = wrongly_dropped(drops, LABELS, COPIES)
    assert lost == {
        url: f"stage {order.index(url)}" for url in (max(g, key=order.index) for g in gone)
    }


@given(st.permutations(list(LABELS)), st.integers(0, len(LABELS)))
def test_score_stages_hits_and_losses_add_up_to_the_drops(order, count):
    drops = [Receipt(url, f"stage {n % 3}") for n, url in enumerate(order[:count])]
    scores = score_stages(drops, LABELS, COPIES)
    lost = wrongly_dropped(drops, LABELS, COPIES)
    assert sum(score.dropped for score in scores.values()) == count
    assert sum(score.hits for score in scores.values()) == count - len(lost)
    wanted = [score.wanted for score in scores.values()]
    assert wanted[:1] in ([], [5]) and wanted == sorted(wanted, reverse=True)


def test_wrongly_dropped_takes_a_page_alone_at_once():
    drops = [Receipt("/b", "prose"), Receipt("/c", "spam"), Receipt("/s", "spam")]
    assert wrongly_dropped(drops, LABELS, COPIES) == {"/b": "prose", "/c": "spam"}


def test_wrongly_dropped_counts_an_address_once():
    """A page that came in twice, of which both went, leaves its group's other page where it is."""
    drops = [Receipt("/a", "copies"), Receipt("/a", "prose"), Receipt("/a2", "prose")]
    assert wrongly_dropped(drops, LABELS, COPIES) == {}
    twice = [*drops, Receipt("/a1", "copies"), Receipt("/a1", "late")]
    assert wrongly_dropped(twice, LABELS, COPIES) == {"/a1": "late"}


def test_wrongly_dropped_goes_by_the_labels_that_are_good():
    drops = [Receipt("/b", "prose"), Receipt("/s", "spam")]
    assert wrongly_dropped(drops, LABELS, COPIES, good={"spam"}) == {"/s": "spam"}


def test_wrongly_dropped_refuses_a_page_without_a_label():
    with pytest.raises(ValueError, match="/unknown"):
        wrongly_dropped([Receipt("/unknown", "spam")], LABELS, COPIES)


def test_score_kinds_charges_a_stage_to_each_kind_it_serves():
    drops = [
        Receipt("/s", "spam"),
        Receipt("/b", "spam"),
        Receipt("/g", "prose"),
        Receipt("/a1", "copies", "/a"),
    ]
    assert score_kinds(drops, LABELS, COPIES) == {
        "spam": Score(1, 2, 2),
        "gibberish": Score(1, 1, 1),
        "copies": Score(1, 1, 2),
    }
    assert list(score_kinds(drops, LABELS, COPIES)) == ["gibberish", "spam", "copies"]


def test_score_kinds_copy_of_another_page_is_a_wrong_drop():
    drops = [Receipt("/b", "copies", "/a"), Receipt("/a2", "copies", "/a")]
    assert score_kinds(drops, LABELS, COPIES)["copies"] == Score(1, 2, 2)


def test_score_kinds_mess_that_copies_mess_does_not_count_for_copies():
    drops = [Receipt("/t", "copies", "/s")]
    assert score_kinds(drops, LABELS, COPIES)["copies"] == Score(0, 0, 2)


def test_score_kinds_wants_no_copy_that_went_for_another_reason():
    drops = [Receipt("/a", "prose"), Receipt("/a1", "prose")]
    assert score_kinds(drops, LABELS, COPIES)["copies"] == Score(0, 0, 0)


def test_score_stages_counts_what_was_still_to_go():
    drops = [Receipt("/g", "prose"), Receipt("/b", "prose"), Receipt("/a", "copies", "/a1")]
    scores = score_stages(drops, LABELS, COPIES)
    assert scores == {"prose": Score(1, 2, 5), "copies": Score(1, 1, 4)}
    assert list(scores) == ["prose", "copies"]
