"""The DPO loss of common/alignment/dpo.py."""

import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.alignment.batches import collate
from common.alignment.chat import ChatTemplate
from common.alignment.dpo import (
    PreferenceBatches,
    dpo,
    dpo_loss,
    implicit_rewards,
    preference_margins,
)
from common.alignment.sft import response_log_probs
from common.model import ModelConfig, TransformerLM
from common.tokenizer.encode import BPETokenizer
from common.tokenizer.special import CHAT_SPECIAL_TOKENS
from tests.tolerances import TOLERANCE

TOKENIZER = BPETokenizer({i: bytes([i]) for i in range(256)}, [], CHAT_SPECIAL_TOKENS)
PAIRS = [
    SimpleNamespace(prompt=prompt, chosen="no " + "x" * (i % 3), rejected="yes")
    for i, prompt in enumerate(["a", "bb", "c", "dddd", "e", "ff", "g"])
]
log_prob = st.floats(-60, 0)


def tiny_model(seed: int = 0) -> TransformerLM:
    config = ModelConfig(TOKENIZER.vocab_size, 32, d_model=16, num_layers=1, num_heads=2)
    return TransformerLM(config, generator=torch.Generator().manual_seed(seed))


def scalar(*values: float) -> list[torch.Tensor]:
    return [torch.tensor([value], dtype=torch.float64) for value in values]


def test_dpo_loss_known_answer_by_hand() -> None:
    # rewards 0.5 * (-1 + 3) = 1 and 0.5 * (-6 + 2) = -2, margin 3: -log sigmoid(3) = log(1 + e^-3)
    got = dpo_loss(*scalar(-1, -6, -3, -2), beta=0.5)
    assert got.item() == pytest.approx(math.log1p(math.exp(-3)), rel=1e-12)


def test_dpo_loss_at_the_reference_is_log_two() -> None:
    assert dpo_loss(*scalar(-4, -7, -4, -7), beta=0.3).item() == pytest.approx(math.log(2))


@given(log_prob, log_prob, log_prob, log_prob, st.floats(0.01, 2))
def test_dpo_loss_gradient_is_the_papers(chosen, rejected, ref_chosen, ref_rejected, beta) -> None:
    """Section 4: the gradient weighs a pair by beta * sigmoid(r_rejected - r_chosen)."""
    policy = [value.requires_grad_() for value in scalar(chosen, rejected)]
    reference = scalar(ref_chosen, ref_rejected)
    dpo_loss(*policy, *reference, beta=beta).backward()
    margin = implicit_rewards(policy[0] - policy[1], reference[0] - reference[1], beta=beta)
    weight = beta * torch.sigmoid(-margin.detach())
    assert torch.allclose(policy[0].grad, -weight, **TOLERANCE[torch.float64])
    assert torch.allclose(policy[1].grad, weight, **TOLERANCE[torch.float64])


@given(log_prob, log_prob, st.floats(-20, 20))
def test_dpo_loss_sees_only_the_difference_of_log_ratios(chosen, rejected, shift) -> None:
    plain = dpo_loss(*scalar(chosen, rejected, -5, -9), beta=0.1)
    moved = dpo_loss(*scalar(chosen + shift, rejected + shift, -5, -9), beta=0.1)
    assert torch.allclose(plain, moved, rtol=1e-9, atol=1e-9)


def test_dpo_loss_is_finite_for_huge_margins() -> None:
    values = scalar(0, -1e6, -1e6, 0)
    assert dpo_loss(*values, beta=1.0).item() == 0
    assert dpo_loss(values[1], values[0], values[3], values[2], beta=1.0).item() == 2e6


def test_dpo_loss_beta_changes_the_loss() -> None:
    values = scalar(-1, -6, -3, -2)
    assert dpo_loss(*values, beta=0.1) > dpo_loss(*values, beta=0.5)


@pytest.mark.parametrize("beta", [0.0, -0.1, math.nan])
def test_dpo_loss_refuses_a_beta_that_is_not_positive(beta) -> None:
    with pytest.raises(ValueError, match="beta must be greater than 0, got"):
        dpo_loss(*scalar(0, 0, 0, 0), beta=beta)


def test_implicit_rewards_known_answer() -> None:
    got = implicit_rewards(torch.tensor([-2.0, -5.0]), torch.tensor([-5.0, -2.0]), beta=0.1)
    assert torch.allclose(got, torch.tensor([0.3, -0.3]))


def test_preference_batches_reference_is_the_summed_log_probability_of_each_answer() -> None:
    model = tiny_model().double()
    batches = PreferenceBatches(model, TOKENIZER, PAIRS, batch_size=2)
    template = ChatTemplate(TOKENIZER)
    for row, pair in enumerate(PAIRS):
        for column, answer in enumerate((pair.chosen, pair.rejected)):
            rendered = template.render_exchange(pair.prompt, answer)
            ids, labels = collate([rendered], pad_id=0)
            expected = response_log_probs(model, ids, labels).sum()
            got = batches.reference[column, row]
            assert torch.allclose(got, expected, **TOLERANCE[torch.float64])


def test_preference_batches_pair_each_row_with_its_reference() -> None:
    model = tiny_model()
    batches = PreferenceBatches(model, TOKENIZER, PAIRS, batch_size=3, seed=1)
    for _ in range(4):
        ids, labels, reference = batches.next_batch()
        got = response_log_probs(model, ids, labels).sum(-1)
        assert len(ids) == 6 and torch.allclose(got, reference, rtol=1e-4, atol=1e-4)


def test_preference_batches_resume_with_the_same_bits() -> None:
    model = tiny_model()
    stream = PreferenceBatches(model, TOKENIZER, PAIRS, batch_size=2)
    for _ in range(4):
        stream.next_batch()
    resumed = PreferenceBatches(model, TOKENIZER, PAIRS, batch_size=2)
    resumed.load_state_dict(stream.state_dict())
    for expected, got in zip(stream.next_batch(), resumed.next_batch(), strict=True):
        assert torch.equal(expected, got)


def test_preference_batches_refuse_a_batch_larger_than_the_data() -> None:
    with pytest.raises(ValueError, match="batch_size 8 must lie in 1 .. 7 pairs"):
        PreferenceBatches(tiny_model(), TOKENIZER, PAIRS, batch_size=8)


def test_preference_margins_are_zero_for_the_reference_and_not_for_another_model() -> None:
    batches = PreferenceBatches(tiny_model(), TOKENIZER, PAIRS, batch_size=1)
    assert torch.equal(preference_margins(tiny_model(), batches, beta=0.1), torch.zeros(7))
    assert preference_margins(tiny_model(1), batches, beta=0.1).abs().min() > 0


def test_dpo_first_loss_is_log_two_and_it_learns_the_preference() -> None:
    model = tiny_model()
    held = PreferenceBatches(model, TOKENIZER, PAIRS, batch_size=1)
    records = dpo(
        model,
        TOKENIZER,
        PAIRS,
        steps=30,
        lr=3e-3,
        beta=0.5,
        batch_size=4,
        report=lambda _: None,
    )
    assert records[0].loss == pytest.approx(math.log(2), rel=1e-4)
    assert records[-1].loss < 0.3
    assert (preference_margins(model, held, beta=0.5) > 0).all()
