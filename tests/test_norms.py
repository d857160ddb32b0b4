"""Every norm equals its formula and torch's layer, in every dtype."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from common.norms import LayerNorm, RMSNorm
from tests.tensors import normal, randomised
from tests.tolerances import TOLERANCE

FLOAT32, FLOAT64 = TOLERANCE[torch.float32], TOLERANCE[torch.float64]


def rms_formula(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    return x / torch.sqrt((x * x).mean(dim=-1, keepdim=True) + eps) * weight


def layer_formula(x: torch.Tensor, norm: LayerNorm) -> torch.Tensor:
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = (centred * centred).mean(dim=-1, keepdim=True)
    return centred / torch.sqrt(variance + norm.eps) * norm.weight + norm.bias


def test_rmsnorm_known_answer():
    norm = RMSNorm(2, eps=1e-20)
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
@pytest.mark.parametrize("weights", [torch.bfloat16, torch.float32])
def test_norm_computes_in_float32_and_returns_the_dtype_it_got(norm_class, weights):
    norm = randomised(norm_class(256)).to(weights)
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
@pytest.mark.parametrize("eps", [1e-20, 1e-8, 1e-5])  # in float16, 1e-8 would be 0
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_norm_of_zeros_is_zeros_with_a_finite_gradient(norm_class, eps, dtype):
    x = torch.zeros(3, 4, dtype=dtype, requires_grad=True)
    out = norm_class(4, eps).to(dtype)(x)
    (gradient,) = torch.autograd.grad(out[0, 0], x)
    assert torch.equal(out, torch.zeros(3, 4, dtype=dtype))
    assert not gradient.isnan().any()
    largest = torch.finfo(dtype).max  # 1 / sqrt(1e-20) is more than float16 holds
    assert gradient.isfinite().all() or eps**-0.5 > largest / 2


def rms_backward(
    x: np.ndarray, weight: np.ndarray, upstream: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray]:
    r = np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    y, g = x / r, upstream * weight
    return (g - y * (g * y).mean(axis=-1, keepdims=True)) / r, (upstream * y).sum(axis=(0, 1))


def layer_backward(
    x: np.ndarray, weight: np.ndarray, upstream: np.ndarray, eps: float
) -> tuple[np.ndarray, ...]:
    dx, dweight = rms_backward(x - x.mean(axis=-1, keepdims=True), weight, upstream, eps)
    return dx - dx.mean(axis=-1, keepdims=True), dweight, upstream.sum(axis=(0, 1))


@pytest.mark.parametrize(
    ("norm_class", "backward"), [(RMSNorm, rms_backward), (LayerNorm, layer_backward)]
)
@pytest.mark.parametrize("eps", [1e-5, 0.5])
def test_norm_gradients_equal_those_by_hand(norm_class, backward, eps):
    norm = randomised(norm_class(8, eps).double())
    x, upstream = normal(3, 5, 8, seed=9).requires_grad_(), normal(3, 5, 8, seed=10)
    given = torch.autograd.grad(norm(x), (x, *norm.parameters()), upstream)
    by_hand = backward(*(t.detach().numpy() for t in (x, norm.weight, upstream)), eps)
    for ours, expected in zip(given, by_hand, strict=True):
        torch.testing.assert_close(ours, torch.from_numpy(expected), **FLOAT64)


@pytest.mark.parametrize("norm_class", [RMSNorm, LayerNorm])
def test_norm_passes_gradcheck(norm_class):
    norm, x = randomised(norm_class(5, 0.1).double()), normal(3, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, *_: norm(x), (x, *norm.parameters()))


@pytest.mark.parametrize(("norm_class", "sum_of_gradient"), [(RMSNorm, False), (LayerNorm, True)])
def test_norm_gradient_is_orthogonal_to_what_it_forgets(norm_class, sum_of_gradient):
    norm, x = norm_class(16, 1e-20).double(), normal(4, 16).requires_grad_()
    (gradient,) = torch.autograd.grad(norm(x), x, normal(4, 16, seed=1))
    direction = x.detach() - x.detach().mean(dim=-1, keepdim=True) * sum_of_gradient
    nothing = torch.zeros(4, dtype=torch.float64)
    torch.testing.assert_close((gradient * direction).sum(dim=-1), nothing, **FLOAT64)
    if sum_of_gradient:
        torch.testing.assert_close(gradient.sum(dim=-1), nothing, **FLOAT64)


@pytest.mark.parametrize("norm_class", [RMSNorm, LayerNorm])
@pytest.mark.parametrize("shape", [(6,), (0, 6), (2, 0, 6), (2, 1, 3, 6)])
def test_norm_takes_any_leading_dimensions(norm_class, shape):
    norm, x = norm_class(6).double(), normal(*shape).requires_grad_()
    gradients = torch.autograd.grad(norm(x).sum(), (x, *norm.parameters()))
    rows = [torch.autograd.grad(norm(row).sum(), row)[0] for row in x.reshape(-1, 1, 6)]
    expected = torch.cat(rows).view(shape) if rows else x
    torch.testing.assert_close(gradients[0], expected, **FLOAT64)


@pytest.mark.parametrize("norm_class", [RMSNorm, LayerNorm])
def test_norm_takes_weights_of_16_bits_with_inputs_of_32(norm_class):
    norm, x = randomised(norm_class(8)).bfloat16(), normal(4, 8).float()
    out = norm(x)
    assert out.dtype == torch.float32
    torch.testing.assert_close(out, norm.float()(x), **FLOAT32)


@pytest.mark.parametrize("norm_class", [RMSNorm, LayerNorm])
@pytest.mark.parametrize("eps", [0.0, -1e-5, 1e-21, math.nan])
def test_norm_refuses_an_eps_that_cannot_save_zeros(norm_class, eps):
    with pytest.raises(ValueError, match=f"eps must be at least 1e-20.*got {eps}"):
        norm_class(4, eps)


@pytest.mark.parametrize("norm_class", [RMSNorm, LayerNorm])
def test_norm_refuses_vectors_without_entries(norm_class):
    with pytest.raises(ValueError, match="d_model must be at least 1, got 0"):
        norm_class(0)


@settings(max_examples=30, deadline=None)
@given(scale=st.floats(0.1, 1e4), seed=st.integers(0, 1000))
def test_rmsnorm_forgets_the_scale(scale, seed):
    norm, x = RMSNorm(16, eps=1e-20).double(), normal(2, 16, seed=seed)
    torch.testing.assert_close(norm(scale * x), norm(x), **FLOAT64)
    torch.testing.assert_close(norm(x).square().mean(-1), torch.ones(2).double(), **FLOAT64)


def test_rmsnorm_refuses_gradients_of_gradients() -> None:
    """Its backward pass on a CPU is written by hand: a second derivative would lack a part."""
    x = normal(2, 4, dtype=torch.float32).requires_grad_()
    with pytest.raises(NotImplementedError, match="no derivative of its own"):
        torch.autograd.grad(RMSNorm(4)(x).sum(), x, create_graph=True)
