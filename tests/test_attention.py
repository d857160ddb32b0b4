"""common/attention.py: equal to torch, to a loop, and to itself with a cache; never looks ahead."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from common.attention import MultiHeadAttention, causal_mask, scaled_dot_product_attention
from common.kv_cache import KVCache
from common.rope import RotaryEmbedding
from tests.tolerances import TOLERANCE


def random_qkv(*shape: int, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return list(torch.randn(3, *shape, generator=generator, dtype=torch.float64).to(dtype))


def new_attention(dtype: torch.dtype = torch.float64, **changes) -> MultiHeadAttention:
    """d_model 32, 4 heads, 2 key-value heads, RoPE: head_dim 8."""
    torch.manual_seed(0)
    settings = dict(num_heads=4, num_kv_heads=2, rope=RotaryEmbedding(8, 64), qk_norm=True)
    return MultiHeadAttention(32, **{**settings, **changes}).to(dtype)


def random_tokens(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=dtype)


def readable_attention(layer: MultiHeadAttention, x: torch.Tensor) -> torch.Tensor:
    """The layer again: one head at a time, with the readable formula."""
    num_tokens, head_dim = x.shape[1], layer.head_dim
    heads = []
    for head in range(layer.num_heads):
        kv_head = head * layer.num_kv_heads // layer.num_heads
        rows = slice(head * head_dim, (head + 1) * head_dim)
        kv_rows = slice(kv_head * head_dim, (kv_head + 1) * head_dim)
        q = layer.q_norm(x @ layer.q_proj.weight[rows].T)
        k = layer.k_norm(x @ layer.k_proj.weight[kv_rows].T)
        v = x @ layer.v_proj.weight[kv_rows].T
        q, k = (layer.rope(t, torch.arange(num_tokens)) for t in (q, k))
        mask = causal_mask(num_tokens, num_tokens)
        heads.append(scaled_dot_product_attention(q, k, v, mask))
    return torch.cat(heads, dim=-1) @ layer.output_proj.weight.T


def test_attention_with_equal_scores_is_the_mean() -> None:
    _, k, v = random_qkv(5, 4)
    actual = scaled_dot_product_attention(torch.zeros_like(k), k, v)
    torch.testing.assert_close(actual, v.mean(0).expand(5, 4), **TOLERANCE[torch.float64])


def test_attention_of_two_keys_by_hand() -> None:
    q = torch.tensor([[2.0, 0.0, 0.0, 0.0]])
    k = torch.tensor([[math.log(3), 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])  # scores log 3 and 0
    v = torch.tensor([[4.0], [8.0]])
    torch.testing.assert_close(scaled_dot_product_attention(q, k, v), torch.tensor([[5.0]]))


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("shape", [(7, 8), (3, 7, 8), (2, 3, 7, 8)])
def test_attention_equals_torch_with_and_without_mask(
    shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    q, k, v = random_qkv(*shape, dtype=dtype)
    for mask in (None, causal_mask(7, 7)):
        actual = scaled_dot_product_attention(q, k, v, mask)
        expected = F.scaled_dot_product_attention(q, k, v, mask)
        assert actual.dtype == dtype
        torch.testing.assert_close(actual, expected, **TOLERANCE[dtype])


def test_attention_accepts_other_numbers_of_keys_and_value_sizes() -> None:
    q, (k, v) = random_tokens(2, 3, 4), random_tokens(2, 2, 5, 4)
    v = torch.cat([v, v[..., :2]], dim=-1)
    actual = scaled_dot_product_attention(q, k, v)
    assert actual.shape == (2, 3, 6)
    torch.testing.assert_close(actual, F.scaled_dot_product_attention(q, k, v))


def test_row_that_may_attend_nowhere_gives_zeros_and_no_gradient() -> None:
    q, k, v = (t.requires_grad_() for t in random_qkv(3, 4))
    mask = torch.tensor([[True, True, False], [False, False, False], [True, True, True]])
    with pytest.warns(UserWarning, match="Anomaly"), torch.autograd.detect_anomaly():
        output = scaled_dot_product_attention(q, k, v, mask)
        output.square().sum().backward()  # raises if a NaN appears on the way
    assert (output[1] == 0).all()
    assert all(t.grad.isfinite().all() for t in (q, k, v))
    assert (q.grad[1] == 0).all()


def test_attention_mask_that_is_not_bool_is_an_error() -> None:
    q, k, v = random_qkv(3, 4)
    with pytest.raises(ValueError, match="True where a query may attend, got torch.float32"):
        scaled_dot_product_attention(q, k, v, torch.ones(3, 3))


def test_attention_size_mismatch_is_an_error() -> None:
    q, k, v = random_qkv(3, 4)
    with pytest.raises(ValueError, match=r"got q \(3, 2\), k \(3, 4\), v \(3, 4\)"):
        scaled_dot_product_attention(q[:, :2], k, v)


def test_causal_mask_places_the_queries_last() -> None:
    assert causal_mask(2, 4).tolist() == [[True, True, True, False], [True] * 4]
    with pytest.raises(ValueError, match="num_queries 4 must be at most num_keys 2"):
        causal_mask(4, 2)


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("num_kv_heads", [1, 2, 4])
def test_layer_equals_the_loop_over_heads(num_kv_heads: int, dtype: torch.dtype) -> None:
    layer = new_attention(dtype, num_kv_heads=num_kv_heads)
    x = random_tokens(2, 9, 32, dtype=dtype)
    torch.testing.assert_close(layer(x), readable_attention(layer, x), **TOLERANCE[dtype])


@pytest.mark.parametrize("num_kv_heads", [1, 4])
@pytest.mark.parametrize("num_tokens", [2, 7, 40])
def test_bfloat16_gradients_follow_float32(num_tokens: int, num_kv_heads: int) -> None:
    """On a CPU bfloat16 takes products in place of the fused kernel: the same derivative."""
    exact = new_attention(torch.float32, num_kv_heads=num_kv_heads)
    rounded = new_attention(torch.bfloat16, num_kv_heads=num_kv_heads)
    x = random_tokens(2, num_tokens, 32, dtype=torch.float32)
    for layer, tokens in ((exact, x), (rounded, x.bfloat16())):
        layer(tokens).float().sin().sum().backward()
    for name, parameter in exact.named_parameters():
        actual = rounded.get_parameter(name).grad.float()
        error = (actual - parameter.grad).norm() / parameter.grad.norm()
        assert error < 0.05, f"{name}: relative error {error:.3f}"


def test_layer_equals_torch_multihead_attention() -> None:
    layer = new_attention(num_kv_heads=4, rope=None, qk_norm=False, bias=True)
    reference = torch.nn.MultiheadAttention(32, 4, batch_first=True, dtype=torch.float64)
    projections = (layer.q_proj, layer.k_proj, layer.v_proj)
    with torch.no_grad():
        for projection in (*projections, layer.output_proj):
            projection.bias.normal_()
        reference.in_proj_weight.copy_(torch.cat([p.weight for p in projections]))
        reference.in_proj_bias.copy_(torch.cat([p.bias for p in projections]))
        reference.out_proj.load_state_dict(layer.output_proj.state_dict())
    x = random_tokens(2, 6, 32)
    expected, _ = reference(x, x, x, attn_mask=~causal_mask(6, 6), need_weights=False)
    torch.testing.assert_close(layer(x), expected, **TOLERANCE[torch.float64])


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("masked", [False, True])
def test_no_output_depends_on_a_later_token(masked: bool, dtype: torch.dtype) -> None:
    layer, x = new_attention(dtype), random_tokens(1, 6, 32, dtype=dtype)
    mask = torch.ones(1, 1, 6, 6, dtype=torch.bool) if masked else None
    jacobian = torch.autograd.functional.jacobian(lambda t: layer(t, mask=mask), x)
    depends = jacobian[0, :, :, 0].abs().amax(dim=(1, 3))  # (T of the output, T of the input)
    assert (depends.triu(1) == 0).all()  # exactly: not small, zero
    assert (depends.tril() > 0).sum() == 21


@settings(deadline=None, max_examples=30)
@given(
    chunks=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    num_kv_heads=st.sampled_from([1, 2, 4]),
)
def test_any_chunks_through_the_cache_equal_one_pass(chunks: list[int], num_kv_heads: int) -> None:
    layer, num_tokens = new_attention(num_kv_heads=num_kv_heads), sum(chunks)
    x = random_tokens(2, num_tokens, 32)
    cache = KVCache(1, 2, num_kv_heads, num_tokens, 8, dtype=x.dtype)
    with torch.no_grad():
        pieces = [layer(piece, cache=cache.layer(0)) for piece in x.split(chunks, dim=1)]
        torch.testing.assert_close(torch.cat(pieces, dim=1), layer(x), **TOLERANCE[torch.float64])
    assert cache.length == num_tokens


def test_left_padding_with_positions_and_mask_equals_no_padding() -> None:
    layer, x = new_attention(), random_tokens(2, 7, 32)
    padding = 3  # the second sequence is four tokens, pushed to the right
    positions = torch.stack([torch.arange(7), (torch.arange(7) - padding).clamp(min=0)])
    mask = torch.ones(2, 1, 7, 7, dtype=torch.bool)
    mask[1, :, :, :padding] = False
    padded = layer(x, positions, mask=mask)
    torch.testing.assert_close(padded[:1], layer(x[:1]), **TOLERANCE[torch.float64])
    torch.testing.assert_close(
        padded[1:, padding:], layer(x[1:, padding:]), **TOLERANCE[torch.float64]
    )
    assert (padded[1, :padding] == 0).all()  # a query that may see nothing


def test_left_padding_through_the_cache_equals_no_padding() -> None:
    layer, x, padding = new_attention(), random_tokens(1, 7, 32), 2
    cache = KVCache(1, 1, 2, 9, 8, dtype=x.dtype)
    mask = torch.ones(1, 1, 1, 9, dtype=torch.bool)
    mask[..., :padding] = False
    padded = torch.cat([torch.zeros(1, padding, 32, dtype=x.dtype), x], dim=1)
    positions = (torch.arange(9) - padding).clamp(min=0)
    with torch.no_grad():
        layer(padded[:, :8], positions[:8], cache.layer(0), mask=mask[..., :8])
        last = layer(padded[:, 8:], positions[8:], cache.layer(0), mask=mask)
        torch.testing.assert_close(last, layer(x)[:, -1:], **TOLERANCE[torch.float64])


def test_gradients_are_finite_when_a_query_sees_nothing() -> None:
    layer, x = new_attention(torch.float32), random_tokens(1, 4, 32, dtype=torch.float32)
    mask = torch.ones(1, 1, 4, 4, dtype=torch.bool)
    mask[..., :2] = False
    layer(x, mask=mask).square().sum().backward()
    assert all(p.grad.isfinite().all() for p in layer.parameters())


def test_options_each_change_the_output() -> None:
    x = random_tokens(1, 5, 32)
    base = new_attention(num_kv_heads=4)
    for changes in ({"rope": None}, {"qk_norm": False}, {"rope": RotaryEmbedding(8, 64, 50.0)}):
        other = new_attention(num_kv_heads=4, **changes)
        other.load_state_dict(base.state_dict(), strict=False)
        assert not torch.allclose(other(x), base(x))
    assert not torch.allclose(base(x, torch.arange(5) * 2), base(x))


def test_qk_norm_makes_scores_independent_of_the_scale_of_the_weights() -> None:
    layer, x = new_attention(), random_tokens(1, 5, 32)
    before = layer(x)
    with torch.no_grad():
        layer.q_proj.weight *= 1000
    torch.testing.assert_close(layer(x), before, rtol=1e-4, atol=1e-4)


def test_parameters_have_the_names_and_shapes_of_the_field() -> None:
    shapes = {name: tuple(p.shape) for name, p in new_attention().named_parameters()}
    assert shapes == {
        "q_proj.weight": (32, 32),
        "k_proj.weight": (16, 32),
        "v_proj.weight": (16, 32),
        "output_proj.weight": (32, 32),
        "q_norm.weight": (8,),
        "k_norm.weight": (8,),
    }


def test_heads_that_do_not_divide_are_errors() -> None:
    with pytest.raises(ValueError, match="num_heads 6 must divide d_model 100"):
        MultiHeadAttention(100, 6)
    with pytest.raises(ValueError, match="num_kv_heads 3 must divide num_heads 4"):
        MultiHeadAttention(32, 4, 3)
