"""Int8 weights: rounded as promised, both ways of multiplying alike, a model hardly changed."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from common.generate import generate, generate_batch
from common.int8 import Int8Linear, quantize_int8, quantize_rows
from common.layers import Linear
from common.model import TransformerLM
from common.model_config import ModelConfig
from tests.town_model import bits_per_byte, log2_probabilities, train_on_town

SIZES = {"vocab_size": 50, "context_length": 48, "d_model": 64, "num_layers": 2, "num_heads": 4}


def make(**choices: object) -> TransformerLM:
    return TransformerLM(
        ModelConfig(**SIZES, **choices), generator=torch.Generator().manual_seed(0)
    )


def random_linear(d_in: int, d_out: int, *, bias: bool = False) -> Linear:
    linear = Linear(d_in, d_out, bias)
    with torch.no_grad():
        for parameter in linear.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(1))
    return linear


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return ((a - b).norm() / b.norm()).item()


def test_quantize_rows_of_a_row_by_hand():
    numbers, scales = quantize_rows(torch.tensor([[-2.54, 1.0, 0.0], [0.0, 0.0, 0.0]]))
    assert numbers.tolist() == [[-127, 50, 0], [0, 0, 0]]
    assert scales.tolist() == pytest.approx([0.02, 1.0], rel=2**-8)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 999), size=st.integers(1, 40), magnitude=st.floats(1e-6, 1e6))
def test_quantize_rows_is_off_by_half_a_scale_at_most(seed, size, magnitude):
    generator = torch.Generator().manual_seed(seed)
    weight = magnitude * torch.randn(5, size, generator=generator)
    numbers, scales = quantize_rows(weight)
    assert numbers.abs().max() <= 127 and torch.equal(scales, scales.bfloat16().float())
    error = (numbers * scales[:, None] - weight).abs()
    assert (error <= 0.505 * scales[:, None]).all()  # a scale rounded down cuts the largest entry


def test_quantize_rows_refuses_nan():
    with pytest.raises(ValueError, match="weights must be finite to be quantised"):
        quantize_rows(torch.tensor([[1.0, torch.nan]]))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("d_in", "d_out"), [(64, 10), (32, 1), (352, 128), (33, 7), (1, 1)])
@pytest.mark.parametrize("rows", [1, 5, 32, 33])
def test_both_ways_of_multiplying_give_the_weights_that_the_layer_holds(d_in, d_out, bias, rows):
    layer = Int8Linear([random_linear(d_in, d_out, bias=bias)])
    x = torch.randn(rows, d_in, generator=torch.Generator().manual_seed(0))
    held = (layer.weight * layer.scales[:, None]).double()
    expected = x.double() @ held.T + (0 if layer.bias is None else layer.bias.double())
    y = layer(x)
    assert y.shape == (rows, d_out) and y.dtype == torch.float32
    assert relative(y.double(), expected) < 0.008  # x and y rounded to bfloat16
    torch.testing.assert_close(layer(x[None]), y[None])
    torch.testing.assert_close(layer.for_few_vectors()(x), y)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_int8_linear_answers_in_the_dtype_of_x(dtype):
    layer = Int8Linear([random_linear(64, 8)])
    assert layer(torch.ones(2, 64, dtype=dtype)).dtype == dtype


def test_int8_linear_of_several_gives_their_outputs_side_by_side():
    first, second = random_linear(64, 8, bias=True), random_linear(64, 3, bias=True)
    x = torch.randn(4, 64, generator=torch.Generator().manual_seed(0))
    parts = [Int8Linear([layer]) for layer in (first, second)]
    expected = torch.cat([part(x) for part in parts], dim=-1)
    torch.testing.assert_close(Int8Linear([first, second])(x), expected)
    torch.testing.assert_close(Int8Linear(parts)(x), expected)


def test_a_layer_of_normal_weights_is_off_by_less_than_two_percent():
    linear = random_linear(384, 1024)
    x = torch.randn(200, 384, generator=torch.Generator().manual_seed(0))
    assert 0.001 < relative(Int8Linear([linear])(x), linear(x)) < 0.02


def test_quantize_int8_replaces_every_linear_layer_and_leaves_the_model_alone():
    model = make(tie_embeddings=True)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    small = quantize_int8(model)
    assert not any(isinstance(module, Linear) for module in small.modules())
    kinds = [type(module) for module in model.modules()]
    assert kinds.count(Linear) == sum(isinstance(m, Int8Linear) for m in small.modules()) == 15
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert small.token_embeddings.weight is not model.token_embeddings.weight


def test_quantize_int8_reads_a_quarter_of_the_bytes():
    model = make()
    small = quantize_int8(model)
    wide = sum(m.weight.nbytes for m in model.modules() if isinstance(m, Linear))
    narrow = sum(m.weight.nbytes for m in small.modules() if isinstance(m, Int8Linear))
    assert narrow * 4 == wide


@pytest.mark.parametrize("choices", [{}, {"num_experts": 4, "d_ff": 64}, {"qk_norm": True}])
@torch.no_grad()
def test_quantize_int8_changes_logits_by_little(choices):
    model = make(**choices)
    ids = torch.arange(40)[None]
    limit = 0.15 if "num_experts" in choices else 0.03  # a router may change its mind
    assert 0 < relative(quantize_int8(model)(ids), model(ids)) < limit


def test_quantize_int8_keeps_bits_per_byte_within_half_a_percent():
    model = train_on_town()
    small = quantize_int8(model)
    before = bits_per_byte(model)
    assert before < 3  # it learned something that rounding can damage
    assert bits_per_byte(small) == pytest.approx(before, rel=0.005)
    # A change of the loss may be luck. The divergence is what rounding costs on average.
    exact, rounded = (log2_probabilities(m)[0] for m in (model, small))
    divergence = (exact.exp2() * (exact - rounded)).sum(dim=-1).mean().item()
    assert 0 < divergence < 3e-5 * before


def test_quantize_int8_keeps_routers_of_experts():
    small = quantize_int8(make(num_experts=4, d_ff=64))
    assert all(type(layer.ffn.router) is Linear for layer in small.layers)


def test_quantized_models_write_alone_and_in_batches():
    small = quantize_int8(make(num_kv_heads=2))
    out = generate(small, torch.tensor([[1, 2, 3]]), 40, temperature=0)
    assert out.shape == (1, 43)
    assert [len(new) for new in generate_batch(small, [[1], [1, 2, 3]], 40)] == [40, 40]


def test_quantize_int8_refuses_a_model_without_linear_layers():
    with pytest.raises(ValueError, match="needs Linear layers to be quantised, found none"):
        quantize_int8(nn.Sequential(nn.ReLU()))
    with pytest.raises(ValueError, match="found none"):
        quantize_int8(quantize_int8(make()))
