"""Every norm equals its formula and torch's layer, in every dtype."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from common.norms import LayerNorm, RMSNorm
from tests.tolerances import TOLERANCE

FLOAT32, FLOAT64 = TOLERANCE[torch.float32], TOLERANCE[torch.float64]


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@torch.no_grad()
def randomised(module: nn.Module) -> nn.Module:
    for i, parameter in enumerate(module.parameters()):
        parameter.copy_(normal(*parameter.shape, seed=i))
    return module


def rms_formula(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    return x / torch.sqrt((x * x).mean(dim=-1, keepdim=True) + eps) * weight


def layer_formula(x: torch.Tensor, norm: LayerNorm) -> torch.Tensor:
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = (centred * centred).mean(dim=-1, keepdim=True)
    return centred / torch.sqrt(variance + norm.eps) * norm.weight + norm.bias


def test_rmsnorm_known_answer():
    norm = RMSNorm(2, eps=0.0)
    norm.weight.data = torch.tensor([1.0, 10.0])
    expected = torch.tensor([3 / math.sqrt(12.5), 40 / math.sqrt(12.5)])
    torch.testing.assert_close(norm(torch.tensor([3.0, 4.0])), expected, **FLOAT32)


@pytest.mark.parametrize("eps", [1e-5, 0.5])
def test_rmsnorm_equals_the_formula_with_its_gradients(eps):
    norm = randomised(RMSNorm(8, eps).double())
    x = normal(3, 5, 8, seed=9).requires_grad_()
    given, expected = norm(x), rms_formula(x, norm.weight, eps)
    torch.testing.assert_close(given, expected, **FLOAT64)
    upstream = normal(3, 5, 8, seed=10)
    for ours, by_hand in zip(
        torch.autograd.grad(given, (x, norm.weight), upstream),
        torch.autograd.grad(expected, (x, norm.weight), upstream),
        strict=True,
    ):
        torch.testing.assert_close(ours, by_hand, **FLOAT64)


def test_layernorm_equals_the_formula():
    norm = randomised(LayerNorm(8, eps=0.1).double())
    x = normal(3, 8, seed=9)
    torch.testing.assert_close(norm(x), layer_formula(x, norm), **FLOAT64)


def test_layernorm_equals_torch():
    ours = randomised(LayerNorm(8).double())
    theirs = nn.LayerNorm(8).double()
    theirs.load_state_dict(ours.state_dict())
    x = normal(3, 8, seed=9)
    torch.testing.assert_close(ours(x), theirs(x), **FLOAT64)


@pytest.mark.parametrize("norm_class", [RMSNorm, LayerNorm])
def test_norm_computes_in_float32_and_returns_the_dtype_it_got(norm_class):
    norm = randomised(norm_class(256)).bfloat16()
    x = (100 * normal(4, 256, seed=3)).bfloat16()
    exact = norm_class(256)
    exact.load_state_dict({name: value.float() for name, value in norm.state_dict().items()})
    out = norm(x)
    assert out.dtype == torch.bfloat16
    assert torch.equal(out, exact(x.float()).bfloat16())  # one rounding, at the end


@pytest.mark.parametrize("norm_class", [RMSNorm, LayerNorm])
def test_norm_survives_float16_values_whose_squares_overflow(norm_class):
    x = torch.tensor([300.0, -400.0, 500.0, -600.0], dtype=torch.float16)
    out = norm_class(4).half()(x)
    assert out.isfinite().all() and out.abs().max() < 2


@pytest.mark.parametrize("norm_class", [RMSNorm, LayerNorm])
def test_norm_of_zeros_is_zeros_with_a_finite_gradient(norm_class):
    x = torch.zeros(3, 4, requires_grad=True)
    out = norm_class(4)(x)
    out.sum().backward()
    assert torch.equal(out, torch.zeros(3, 4))
    assert x.grad.isfinite().all()


@settings(max_examples=30, deadline=None)
@given(scale=st.floats(0.1, 1e4), seed=st.integers(0, 1000))
def test_rmsnorm_forgets_the_scale(scale, seed):
    norm, x = RMSNorm(16, eps=0.0).double(), normal(2, 16, seed=seed)
    torch.testing.assert_close(norm(scale * x), norm(x), **FLOAT64)
    torch.testing.assert_close(norm(x).square().mean(-1), torch.ones(2).double(), **FLOAT64)
