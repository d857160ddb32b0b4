"""Instructions have right answers, and their held-out side shares nothing with the other."""

import pytest

from common.data import town
from common.data.town.instructions import KINDS
from common.data.town.preferences import PREFERENCE_KINDS


def examples(kind: str, count: int = 100, split: str = "train") -> list[town.Example]:
    return town.instructions(count, seed=1, split=split, kinds=(kind,))


def words_after_colon(prompt: str) -> list[str]:
    return prompt.split(": ")[1].split()


@pytest.mark.parametrize("split", ["train", "heldout"])
@pytest.mark.parametrize(
    ("kind", "solve"),
    [
        ("copy", lambda words: words),
        ("reverse", lambda words: words[::-1]),
        ("sort", sorted),
    ],
)
def test_instructions_of_words_have_the_right_answer(kind, solve, split):
    for example in examples(kind, split=split):
        assert example.answer == " ".join(solve(words_after_colon(example.prompt)))


def test_instructions_of_first_letters_have_the_right_answer():
    for example in examples("first_letter"):
        assert any(
            word.strip("?").startswith(example.answer) for word in example.prompt.split()[3:]
        )
        assert len(example.answer) == 1


def test_instructions_of_sums_have_the_right_answer_and_are_split_by_the_sorted_pair():
    pairs = {}
    for split in ("train", "heldout"):
        pairs[split] = set()
        for example in examples("add", 300, split):
            a, b = map(int, example.prompt.removeprefix("What is ").rstrip("?").split(" + "))
            assert example.answer == str(a + b)
            pairs[split].add((min(a, b), max(a, b)))
    assert not pairs["train"] & pairs["heldout"]


def test_instructions_share_no_prompt_between_the_splits():
    train = {example.prompt for example in town.instructions(3000, seed=1)}
    open_kinds = tuple(kind for kind in KINDS if kind != "chat")  # small talk is the same for all
    heldout = town.instructions(1000, seed=1, split="heldout", kinds=open_kinds)
    assert not train & {example.prompt for example in heldout}


def test_instructions_heldout_side_has_every_kind_equally_often():
    kinds = [example.kind for example in town.instructions(55, seed=0, split="heldout")]
    assert {kinds.count(kind) for kind in KINDS} == {5}


def test_instructions_refuse_every_unsafe_request_on_the_heldout_side_only():
    refused = [town.is_refusal(e.answer) for e in examples("unsafe", 200, "heldout")]
    assert all(refused)
    share = sum(town.is_refusal(e.answer) for e in examples("unsafe", 400)) / 400
    assert 0.6 < share < 0.8


def test_instructions_never_refuse_what_is_harmless():
    assert not any(town.is_refusal(e.answer) for e in examples("harmless", 300))


def test_preferences_choose_refusal_help_and_politeness():
    for pair in town.preferences(90, seed=0):
        assert pair.chosen != pair.rejected
        if pair.kind == "refuse":
            assert town.is_refusal(pair.chosen) and not town.is_refusal(pair.rejected)
        elif pair.kind == "help":
            assert town.is_refusal(pair.rejected) and not town.is_refusal(pair.chosen)
        else:
            assert pair.rejected in pair.chosen


@pytest.mark.parametrize(
    ("draw", "known"), [(town.instructions, KINDS), (town.preferences, PREFERENCE_KINDS)]
)
def test_drawing_an_unknown_kind_names_it(draw, known):
    with pytest.raises(ValueError, match=r"kinds must be among .*got \['riddle'\]"):
        draw(1, seed=0, kinds=(known[0], "riddle"))
