"""Every layer equals its formula, and torch's or transformers' layer of the same name."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from transformers.activations import NewGELUActivation

from common.layers import MLP, Embedding, LayerNorm, Linear, RMSNorm, SwiGLU, gelu, silu
from tests.tolerances import TOLERANCE

FLOAT32, FLOAT64 = TOLERANCE[torch.float32], TOLERANCE[torch.float64]


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def rms_formula(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    return x / torch.sqrt((x * x).mean(dim=-1, keepdim=True) + eps) * weight


def layer_formula(x: torch.Tensor, norm: LayerNorm) -> torch.Tensor:
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = (centred * centred).mean(dim=-1, keepdim=True)
    return centred / torch.sqrt(variance + norm.eps) * norm.weight + norm.bias


@torch.no_grad()
def randomised(module: nn.Module) -> nn.Module:
    for i, parameter in enumerate(module.parameters()):
        parameter.copy_(normal(*parameter.shape, seed=i))
    return module


def test_linear_known_answer():
    layer = Linear(2, 3, bias=True)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
        layer.bias.copy_(torch.tensor([0.0, 0.0, 10.0]))
    assert layer(torch.tensor([1.0, 10.0])).tolist() == [21.0, 43.0, 75.0]


def test_linear_equals_torch():
    ours = randomised(Linear(6, 4, bias=True).double())
    theirs = nn.Linear(6, 4).double()
    theirs.load_state_dict(ours.state_dict())
    x = normal(2, 3, 6)
    torch.testing.assert_close(ours(x), theirs(x), **FLOAT64)


@pytest.mark.parametrize("d_in", [64, 1024])
def test_linear_keeps_a_variance_of_one_at_any_width(d_in):
    torch.manual_seed(1)
    out = Linear(d_in, 512)(normal(64, d_in, dtype=torch.float32))
    assert out.std().item() == pytest.approx(1, abs=0.03)


def test_embedding_reads_rows():
    table = Embedding(5, 3)
    ids = torch.tensor([[4, 0], [4, 1]])
    assert torch.equal(table(ids), table.weight[ids])


def test_embedding_rows_start_small():
    torch.manual_seed(0)
    assert Embedding(1000, 64).weight.std().item() == pytest.approx(0.02, rel=0.02)


def test_embedding_refuses_an_id_outside_the_table():
    with pytest.raises(IndexError, match="out of range"):
        Embedding(5, 3)(torch.tensor([5]))


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


def test_silu_equals_the_formula():
    x = torch.linspace(-20, 20, 101, dtype=torch.float64)
    torch.testing.assert_close(silu(x), x / (1 + torch.exp(-x)), **FLOAT64)


def test_gelu_equals_the_formula_and_gpt2():
    x = torch.linspace(-20, 20, 101, dtype=torch.float64)
    formula = 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    torch.testing.assert_close(gelu(x), formula, **FLOAT64)
    torch.testing.assert_close(gelu(x), NewGELUActivation()(x), **FLOAT64)
    exact = x * torch.distributions.Normal(0.0, 1.0).cdf(x)
    assert (gelu(x) - exact).abs().max() < 5e-4  # the approximation is this good


def test_swiglu_equals_the_formula():
    layer = randomised(SwiGLU(6, 10).double())
    x = normal(2, 3, 6, seed=9)
    w1, w2, w3 = layer.w1.weight, layer.w2.weight, layer.w3.weight
    gate = x @ w1.T
    torch.testing.assert_close(
        layer(x), (gate / (1 + torch.exp(-gate)) * (x @ w3.T)) @ w2.T, **FLOAT64
    )


def test_mlp_equals_the_formula():
    layer = randomised(MLP(6, 10).double())
    x = normal(2, 3, 6, seed=9)
    inner = gelu(x @ layer.w1.weight.T + layer.w1.bias)
    torch.testing.assert_close(layer(x), inner @ layer.w2.weight.T + layer.w2.bias, **FLOAT64)


@pytest.mark.parametrize("feed_forward", [SwiGLU, MLP])
def test_feed_forward_treats_each_position_alone(feed_forward):
    layer = feed_forward(6, 10).double()
    x = normal(2, 3, 6)
    alone = torch.stack([layer(x[:, t]) for t in range(3)], dim=1)
    torch.testing.assert_close(layer(x), alone, **FLOAT64)
