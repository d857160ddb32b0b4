"""Batches hold consecutive tokens, reach every window, and resume anywhere."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from common.data.batches import BatchSampler, get_batch


def starts_of(sampler: BatchSampler, batches: int) -> list[int]:
    """Where each window began, when the tokens are 0, 1, 2, ..."""
    return [int(row[0]) for _ in range(batches) for row in sampler.next_batch()[0]]


def test_get_batch_targets_are_the_next_tokens():
    tokens = np.arange(1000, dtype=np.uint16) * 3 % 997
    inputs, targets = get_batch(tokens, 5, 7)
    assert inputs.shape == targets.shape == (5, 7)
    assert inputs.dtype == targets.dtype == torch.int64
    assert torch.equal(inputs[:, 1:], targets[:, :-1])
    for row, target in zip(inputs.tolist(), targets.tolist(), strict=True):
        assert any(
            row == tokens[s : s + 7].tolist() and target == tokens[s + 1 : s + 8].tolist()
            for s in range(993)
        )


def test_get_batch_reaches_every_legal_start_and_no_other():
    generator = torch.Generator().manual_seed(0)
    inputs, targets = get_batch(np.arange(9), 500, 4, generator=generator)
    assert set(inputs[:, 0].tolist()) == {0, 1, 2, 3, 4}
    assert targets.max() == 8
    counts = torch.bincount(inputs[:, 0])
    assert counts.min() > 60  # 100 expected of each


def test_get_batch_follows_its_generator():
    tokens = np.arange(10_000)
    draws = [
        get_batch(tokens, 4, 8, generator=torch.Generator().manual_seed(seed))[0]
        for seed in (1, 1, 2)
    ]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_get_batch_reads_a_memory_map(tmp_path):
    np.arange(100, dtype=np.uint16).tofile(tmp_path / "tokens.bin")
    tokens = np.memmap(tmp_path / "tokens.bin", dtype=np.uint16, mode="r")
    inputs, targets = get_batch(tokens, 3, 10)
    assert torch.equal(targets, inputs + 1)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((2, 10), "context_length 10 needs 11 tokens, got 10"),
        ((0, 5), "batch_size 0 and context_length 5 must be positive"),
    ],
)
def test_get_batch_refuses_what_does_not_fit(sizes, message):
    with pytest.raises(ValueError, match=message):
        get_batch(np.arange(10), *sizes)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(1, 9), st.integers(0, 100), st.integers(0, 2**16))
def test_sampler_epoch_shows_non_overlapping_windows_once(batch_size, length, extra, seed):
    tokens = np.arange((batch_size + 1) * length + 1 + extra)
    sampler = BatchSampler(tokens, batch_size, length, seed=seed)
    starts = sorted(starts_of(sampler, sampler.batches_per_epoch))
    assert len(set(starts)) == len(starts)
    assert all(later - earlier >= length for earlier, later in pairwise(starts))
    assert 0 <= starts[0] and starts[-1] + length < len(tokens)
    assert len(starts) >= (len(tokens) - 1) // length - batch_size  # wastes less than a batch


def test_sampler_epochs_differ_in_order_and_offset():
    sampler = BatchSampler(np.arange(2000), 4, 16, seed=0)
    first = starts_of(sampler, sampler.batches_per_epoch)
    second = starts_of(sampler, sampler.batches_per_epoch)
    assert first != sorted(first)
    assert first[0] % 16 != second[0] % 16


def test_sampler_resumes_anywhere_with_the_same_batches():
    straight = BatchSampler(np.arange(500), 3, 8, seed=5)
    batches = [straight.next_batch()[0] for _ in range(60)]  # three epochs
    for step in (0, 1, 19, 20, 59):
        resumed = BatchSampler(np.arange(500), 3, 8, seed=5)
        resumed.load_state_dict(straight.state_dict() | {"step": step})
        assert torch.equal(resumed.next_batch()[0], batches[step])


def test_sampler_seed_changes_the_order():
    one, two = (BatchSampler(np.arange(500), 3, 8, seed=seed) for seed in (1, 2))
    assert starts_of(one, 5) != starts_of(two, 5)


def test_sampler_refuses_the_state_of_another_stream():
    sampler = BatchSampler(np.arange(500), 3, 8, seed=5)
    other = BatchSampler(np.arange(400), 3, 8, seed=6)
    with pytest.raises(ValueError, match=r"has seed 6 \(here 5\), num_tokens 400 \(here 500\)"):
        sampler.load_state_dict(other.state_dict())
    assert sampler.step == 0


def test_sampler_refuses_too_few_tokens_for_a_batch():
    assert BatchSampler(np.arange(33), 3, 8).batches_per_epoch == 1
    with pytest.raises(ValueError, match="a batch needs 33 tokens for 3 windows of 8, got 32"):
        BatchSampler(np.arange(32), 3, 8)


@pytest.mark.parametrize("tokens", [np.arange(99) / 2, np.arange(100).reshape(50, 2)])
@pytest.mark.parametrize("sample", [get_batch, BatchSampler])
def test_tokens_of_another_kind_or_shape_are_refused(tokens, sample):
    with pytest.raises(ValueError, match="tokens must be integers of one dimension, not .* of sh"):
        sample(tokens, 2, 4)


@pytest.mark.parametrize("step", [None, -1, 1.5])
def test_sampler_refuses_a_step_that_is_none(step):
    sampler = BatchSampler(np.arange(99), 2, 4)
    with pytest.raises(ValueError, match=f"step must be 0 or more, not {step}"):
        sampler.load_state_dict(sampler.state_dict() | {"step": step})
    assert sampler.step == 0
