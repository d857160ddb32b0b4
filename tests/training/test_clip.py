"""Clipping keeps the direction, bounds the norm and equals torch's."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from common.training.clip import clip_grad_norm_
from tests.tolerances import TOLERANCE

FLOAT64 = TOLERANCE[torch.float64]


def parameters(scale: float) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    params = [nn.Parameter(torch.zeros(s, dtype=torch.float64)) for s in [(3, 4), (5,), ()]]
    for p in params:
        p.grad = scale * torch.randn(p.shape, generator=generator, dtype=torch.float64)
    return [*params, nn.Parameter(torch.zeros(7))]  # the last one has no gradient


def norm_of(params: list[nn.Parameter]) -> float:
    return torch.cat([p.grad.flatten() for p in params if p.grad is not None]).norm().item()


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_clip_equals_torch(scale):
    ours, theirs = parameters(scale), parameters(scale)
    norm = clip_grad_norm_(ours, 2.0)
    torch.testing.assert_close(norm, nn.utils.clip_grad_norm_(theirs, 2.0), **FLOAT64)
    for p, q in zip(ours[:3], theirs[:3], strict=True):
        torch.testing.assert_close(p.grad, q.grad, **FLOAT64)


@given(st.floats(1e-3, 1e3), st.floats(1e-2, 1e2))
def test_clip_bounds_the_norm_and_keeps_small_gradients(scale, max_norm):
    params = parameters(scale)
    before = norm_of(params)
    clip_grad_norm_(params, max_norm)
    assert norm_of(params) == pytest.approx(min(before, max_norm), rel=1e-3)


def test_clip_skips_parameters_without_gradients():
    params = parameters(1.0)
    clip_grad_norm_(params, 0.1)
    assert params[-1].grad is None
    assert clip_grad_norm_([params[-1]], 0.1).item() == 0.0


def test_clip_takes_a_generator_and_works_in_place():
    params = parameters(100.0)
    kept = params[0].grad
    clip_grad_norm_((p for p in params), 1.0)
    assert params[0].grad is kept
    assert norm_of(params) == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("max_norm", [0.0, -1.0, float("nan")])
def test_clip_refuses_a_norm_that_is_not_positive(max_norm):
    with pytest.raises(ValueError, match=f"max_norm {max_norm} must be positive"):
        clip_grad_norm_(parameters(1.0), max_norm)
