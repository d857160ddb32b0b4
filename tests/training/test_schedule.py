"""The schedule hits its three anchors and never jumps."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.training.schedule import cosine_lr


@given(st.integers(1, 50), st.integers(1, 500), st.floats(0, 1))
def test_cosine_lr_hits_its_anchors(warmup, decay, min_lr):
    plan = dict(max_lr=1.0, min_lr=min_lr, warmup_steps=warmup, total_steps=warmup + decay)
    assert cosine_lr(0, **plan) == 0
    assert cosine_lr(warmup, **plan) == 1
    assert cosine_lr(warmup + decay, **plan) == min_lr
    assert cosine_lr(warmup + decay + 1000, **plan) == min_lr


def test_cosine_lr_quarter_way_by_hand():
    plan = dict(max_lr=3.0, min_lr=1.0, warmup_steps=10, total_steps=50)
    assert cosine_lr(20, **plan) == pytest.approx(1 + 2 * (1 + math.sqrt(0.5)) / 2)


@given(st.integers(0, 40), st.integers(41, 200))
def test_cosine_lr_rises_and_then_falls(warmup, total):
    plan = dict(max_lr=1.0, min_lr=0.05, warmup_steps=warmup, total_steps=total)
    values = [cosine_lr(step, **plan) for step in range(total + 5)]
    assert values[: warmup + 1] == sorted(values[: warmup + 1])
    assert values[warmup:] == sorted(values[warmup:], reverse=True)
    assert values[warmup] == max(values) == 1.0


def test_cosine_lr_without_cosine_ends_at_the_floor():
    plan = dict(max_lr=1.0, min_lr=0.1, warmup_steps=5, total_steps=5)
    assert [cosine_lr(step, **plan) for step in (4, 5, 6)] == [0.8, 0.1, 0.1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"step": -1}, "step -1 must not be negative"),
        ({"warmup_steps": 11}, r"warmup_steps 11 must lie in 0..total_steps 10"),
        ({"min_lr": 2.0}, r"min_lr 2.0 must lie in 0..max_lr 1.0"),
    ],
)
def test_cosine_lr_refuses_a_plan_that_contradicts_itself(change, message):
    plan = dict(step=3, max_lr=1.0, min_lr=0.1, warmup_steps=2, total_steps=10) | change
    with pytest.raises(ValueError, match=message):
        cosine_lr(plan.pop("step"), **plan)
