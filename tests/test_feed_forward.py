"""The feed-forward layers and their activations equal the formulas and transformers'."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.activations import NewGELUActivation

from common.feed_forward import MLP, SwiGLU, gelu, silu
from tests.tensors import normal, randomised
from tests.tolerances import TOLERANCE

FLOAT64 = TOLERANCE[torch.float64]


def test_activations_known_answers():
    x = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)
    assert silu(x).tolist() == pytest.approx([-0.2689414214, 0, 0.7310585786])
    assert gelu(x).tolist() == pytest.approx([-0.1588080094, 0, 0.8411919906])


@settings(max_examples=50, deadline=None)
@given(x=st.floats(-1e6, 1e6))
def test_activations_on_both_sides_of_zero_differ_by_the_input(x):
    point = torch.tensor(x, dtype=torch.float64)
    for bend in (silu, gelu):
        torch.testing.assert_close(bend(point) - bend(-point), point, **FLOAT64)


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


def test_swiglu_of_two_units_multiplies_exactly():
    layer = SwiGLU(2, 2).double()
    with torch.no_grad():
        layer.w1.weight.copy_(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
        layer.w3.weight.copy_(torch.tensor([[0.0, 1.0], [0.0, 1.0]]))
        layer.w2.weight.copy_(torch.tensor([[1.0, -1.0], [0.0, 0.0]]))
    x = normal(20, 2)
    torch.testing.assert_close(layer(x)[:, 0], x[:, 0] * x[:, 1], **FLOAT64)


def test_mlp_is_a_sum_of_values_weighted_by_how_well_their_keys_match():
    layer = randomised(MLP(6, 10).double())
    x = normal(6, seed=9)
    keys, values = layer.w1.weight, layer.w2.weight.T  # both (d_ff, d_model)
    match = gelu(torch.stack([key @ x for key in keys]) + layer.w1.bias)
    expected = sum(m * value for m, value in zip(match, values, strict=True)) + layer.w2.bias
    torch.testing.assert_close(layer(x), expected, **FLOAT64)


@pytest.mark.parametrize("feed_forward", [SwiGLU, MLP])
def test_feed_forward_passes_gradcheck(feed_forward):
    layer, x = randomised(feed_forward(3, 4).double()), normal(2, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, *_: layer(x), (x, *layer.parameters()))


@pytest.mark.parametrize("feed_forward", [SwiGLU, MLP])
@pytest.mark.parametrize(
    ("sizes", "message"),
    [((0, 4), "d_in must be at least 1, got 0"), ((4, -1), "d_out must be at least 1, got -1")],
)
def test_feed_forward_refuses_sizes_below_one(feed_forward, sizes, message):
    with pytest.raises(ValueError, match=message):
        feed_forward(*sizes)


@pytest.mark.parametrize("feed_forward", [SwiGLU, MLP])
def test_feed_forward_treats_each_position_alone(feed_forward):
    layer = feed_forward(6, 10).double()
    x = normal(2, 3, 6)
    alone = torch.stack([layer(x[:, t]) for t in range(3)], dim=1)
    torch.testing.assert_close(layer(x), alone, **FLOAT64)


def test_swiglu_refuses_gradients_of_gradients() -> None:
    """Its backward pass on a CPU is written by hand: a second derivative would lack a part."""
    x = normal(2, 4, dtype=torch.float32).requires_grad_()
    with pytest.raises(NotImplementedError, match="no derivative of its own"):
        torch.autograd.grad(SwiGLU(4, 8)(x).sum(), x, create_graph=True)
