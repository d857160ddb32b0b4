"""The DPO loss of common/alignment/dpo.py."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.alignment.dpo import dpo_loss, implicit_rewards
from tests.tolerances import TOLERANCE

log_prob = st.floats(-60, 0)


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
