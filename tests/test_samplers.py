"""Samplers keep what they promise to keep, and refuse rows that no token can be drawn from."""

import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from common.samplers import (
    greedy,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    penalise_repetition,
    sample,
)

LOGITS = torch.tensor([0.4, 0.3, 0.2, 0.1]).log()

rows = st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=12).map(torch.tensor)
# Logits of a 16-bit model: many are equal, and there are enough of them for unstable sorting.
tied_rows = st.builds(
    lambda seed, size, levels: torch.randint(levels, (size,), generator=generator(seed)).float(),
    st.integers(0, 999), st.sampled_from([2, 4, 10, 100, 3000]), st.integers(1, 4),
)  # fmt: skip


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def kept(logits: torch.Tensor) -> set[int]:
    return set(logits.isfinite().nonzero().flatten().tolist())


def frequencies(logits: torch.Tensor, **options: float) -> torch.Tensor:
    drawn = sample(logits.expand(20_000, -1), generator=generator(), **options)
    return torch.bincount(drawn, minlength=logits.shape[-1]) / 20_000


def test_greedy_takes_the_first_of_equals():
    assert greedy(torch.tensor([[1.0, 5.0, 5.0], [2.0, 1.0, 0.0]])).tolist() == [1, 0]


def test_sample_draws_with_the_softmax_probabilities():
    error = (frequencies(LOGITS) - LOGITS.exp()).abs()
    assert error.max() < 4 * math.sqrt(0.25 / 20_000)  # four standard errors


def test_sample_temperature_raises_probabilities_to_a_power():
    expected = LOGITS.exp() ** 2 / (LOGITS.exp() ** 2).sum()
    error = (frequencies(LOGITS, temperature=0.5) - expected).abs()
    assert error.max() < 4 * math.sqrt(0.25 / 20_000)


@settings(max_examples=50, deadline=None)
@given(logits=rows)
def test_sample_at_temperature_zero_and_with_top_k_one_is_greedy(logits):
    assert sample(logits, temperature=0) == greedy(logits)
    assert logits[sample(logits, top_k=1)] == logits.max()


@settings(max_examples=100, deadline=None)
@given(logits=tied_rows)
def test_sample_with_top_k_one_or_a_tiny_top_p_is_greedy_among_equals(logits):
    assert sample(logits, top_k=1) == greedy(logits)
    assert sample(logits, top_p=1e-9) == greedy(logits)


def test_sample_takes_a_top_p_that_is_zero_in_float32():
    assert sample(torch.tensor([1.0, 2.0, 2.0]), top_p=5e-324) == 1


def test_sample_takes_temperatures_up_to_the_largest_float32():
    row = torch.tensor([1.0, -math.inf, 2.0])
    drawn = sample(row.expand(200, -1), temperature=3.4e38, generator=generator())
    assert set(drawn.tolist()) == {0, 2}


@pytest.mark.parametrize("temperature", [1e-3, 1e-37, 1e-300])
def test_sample_near_temperature_zero_is_greedy_without_overflow(temperature):
    logits = torch.tensor([[100.0, 300.0, 200.0]]).expand(100, -1)
    drawn = sample(logits, temperature=temperature, generator=generator())
    assert drawn.tolist() == [1] * 100


def test_sample_is_reproduced_by_the_seed():
    logits = torch.zeros(1000, 50)
    first = sample(logits, generator=generator(1))
    assert torch.equal(first, sample(logits, generator=generator(1)))
    assert not torch.equal(first, sample(logits, generator=generator(2)))


def test_sample_keeps_leading_dimensions():
    assert sample(torch.zeros(2, 3, 5)).shape == (2, 3)
    assert sample(torch.zeros(5)).shape == ()


@pytest.mark.parametrize(
    ("options", "allowed"),
    [({"top_k": 2}, {0, 1}), ({"top_p": 0.75}, {0, 1, 2}), ({"min_p": 0.3}, {0, 1, 2}),
     ({"top_k": 3, "top_p": 0.5}, {0, 1})],
)  # fmt: skip
def test_sample_draws_only_what_the_filters_keep(options, allowed):
    assert set(frequencies(LOGITS, **options).nonzero().flatten().tolist()) == allowed


def test_sample_applies_temperature_before_top_p():
    assert set(frequencies(LOGITS, temperature=0.2, top_p=0.75).nonzero().flatten().tolist()) == {0}


@settings(max_examples=100, deadline=None)
@given(logits=rows, k=st.integers(1, 15))
def test_keep_top_k_keeps_exactly_the_k_highest(logits, k):
    survivors = keep_top_k(logits, k)
    assert len(kept(survivors)) == min(k, len(logits))
    dropped = set(range(len(logits))) - kept(survivors)
    lowest = min(logits[i] for i in kept(survivors))
    assert all(logits[i] <= lowest for i in dropped)
    assert all(survivors[i] == logits[i] for i in kept(survivors))


@settings(max_examples=100, deadline=None)
@given(logits=tied_rows, k=st.integers(1, 15), p=st.floats(0.01, 0.99))
def test_keep_top_k_and_top_p_keep_the_first_of_equals(logits, k, p):
    order = sorted(range(len(logits)), key=lambda i: -logits[i].item())  # Python sorts stably
    assert kept(keep_top_k(logits, k)) == set(order[:k])
    survivors = kept(keep_top_p(logits, p))
    assert survivors == set(order[: len(survivors)])


def test_keep_top_k_keeps_the_first_of_equals_in_every_row_alone():
    rows = torch.tensor([[1.0, 3.0, 3.0, 3.0], [3.0, 2.0, 2.0, 1.0], [0.0, 1.0, 2.0, 3.0]])
    assert [kept(row) for row in keep_top_k(rows, 2)] == [{1, 2}, {0, 1}, {2, 3}]


@settings(max_examples=200, deadline=None)
@given(logits=rows, p=st.floats(0.01, 0.99))
def test_keep_top_p_keeps_the_smallest_sufficient_set(logits, p):
    probabilities = logits.double().softmax(-1)
    survivors = kept(keep_top_p(logits.double(), p))
    total = sum(probabilities[i] for i in survivors)
    assert total >= p - 1e-12
    assert total - min(probabilities[i] for i in survivors) < p + 1e-12  # one fewer is too few
    dropped = [probabilities[i] for i in range(len(logits)) if i not in survivors]
    assert max(dropped, default=0) <= min(probabilities[i] for i in survivors)


@settings(max_examples=50, deadline=None)
@given(logits=rows)
def test_keep_top_p_of_one_keeps_everything(logits):
    assert torch.equal(keep_top_p(logits, 1.0), logits)


@settings(max_examples=100, deadline=None)
@given(logits=rows, p=st.floats(0.01, 1))
def test_keep_min_p_compares_with_the_best(logits, p):
    probabilities = logits.double().softmax(-1)
    expected = set((probabilities >= p * probabilities.max()).nonzero().flatten().tolist())
    assert kept(keep_min_p(logits.double(), p)) == expected


def test_penalise_repetition_lowers_seen_tokens_whatever_their_sign():
    logits = torch.tensor([[2.0, -2.0, 1.0]])
    assert penalise_repetition(logits, torch.tensor([[0, 1, 1, 0]]), 2.0).tolist() == [[1, -4, 1]]


def test_filters_leave_their_input_alone():
    logits = LOGITS.clone()
    keep_top_k(logits, 1), keep_top_p(logits, 0.1), keep_min_p(logits, 0.9)
    penalise_repetition(logits, torch.tensor([0]), 2.0)
    assert torch.equal(logits, LOGITS)


@pytest.mark.parametrize(
    ("row", "kind"),
    [([0.0, math.nan], "NaN"), ([-math.inf, -math.inf], "nothing but -inf"),
     ([0.0, math.inf], r"\+inf")],
)  # fmt: skip
@pytest.mark.parametrize("choose", [greedy, sample])
def test_choosing_from_a_broken_row_is_refused(choose, row, kind):
    logits = torch.tensor([[1.0, 2.0], row])
    with pytest.raises(ValueError, match=f"a row of logits holds {kind}"):
        choose(logits)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *(
            ({"temperature": bad}, rf"at least 0 and finite in float32, got {re.escape(str(bad))}")
            for bad in (-1.0, math.nan, math.inf, 1e300)
        ),
        ({"top_k": 0}, "top_k must be at least 1, got 0"),
        ({"top_p": 0.0}, "top_p must be above 0 and at most 1, got 0.0"),
        ({"top_p": 1.5}, "top_p must be above 0 and at most 1, got 1.5"),
        ({"min_p": 2.0}, "min_p must be between 0 and 1, got 2.0"),
    ],
)
def test_sample_refuses_options_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        sample(LOGITS, **options)


def test_penalise_repetition_refuses_a_reward():
    with pytest.raises(ValueError, match="repetition_penalty must be at least 1, got 0.5"):
        penalise_repetition(LOGITS, torch.tensor([0]), 0.5)
