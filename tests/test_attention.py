"""common/attention.py: three rungs that agree, and the layer with every option.

What nobody may see is in test_attention_jacobian.py, digits are in test_attention_accuracy.py,
refusals in test_attention_errors.py, caches in test_cached_logits.py.
"""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from common.attention import (
    MultiHeadAttention,
    causal_mask,
    fused_attention,
    scaled_dot_product_attention,
)
from common.kv_cache import KVCache
from common.rope import RotaryEmbedding
from tests.attention_oracle import attention_oracle
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
        mask = causal_mask(num_tokens, num_tokens, window_tokens=layer.window_tokens)
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


@pytest.mark.parametrize("attention", [scaled_dot_product_attention, fused_attention])
def test_row_that_may_attend_nowhere_gives_zeros_and_no_gradient(attention) -> None:
    q, k, v = (t.requires_grad_() for t in random_qkv(1, 1, 3, 4))
    mask = torch.tensor([[True, True, False], [False, False, False], [True, True, True]])
    with pytest.warns(UserWarning, match="Anomaly"), torch.autograd.detect_anomaly():
        output = attention(q, k, v, mask)
        output.cos().sum().backward()  # raises if a NaN appears on the way
    assert (output[0, 0, 1] == 0).all()
    assert all(t.grad.isfinite().all() for t in (q, k, v))
    assert (q.grad[0, 0, 1] == 0).all()


@pytest.mark.parametrize("attention", [scaled_dot_product_attention, fused_attention])
def test_all_rows_masked_give_zeros_and_zero_gradients(attention) -> None:
    q, k, v = (t.requires_grad_() for t in random_qkv(1, 2, 3, 4))
    output = attention(q, k, v, torch.zeros(3, 3, dtype=torch.bool))
    output.cos().sum().backward()
    assert (output == 0).all()
    assert all((t.grad == 0).all() for t in (q, k, v))


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("attention", [scaled_dot_product_attention, fused_attention])
def test_of_no_queries_comes_nothing_and_of_no_keys_zeros(attention, dtype: torch.dtype) -> None:
    q, k, v = (t.requires_grad_() for t in random_qkv(2, 2, 3, 4, dtype=dtype))
    assert attention(q[:, :, :0], k, v).shape == (2, 2, 0, 4)
    none = attention(q, k[:, :, :0], v[:, :, :0])
    assert none.shape == (2, 2, 3, 4) and (none == 0).all() and none.dtype == dtype
    none.sum().backward()
    assert q.grad is None or (q.grad == 0).all()


@pytest.mark.parametrize("changes", [{}, {"window_tokens": 1}, {"window_tokens": 3}])
def test_layer_maps_no_tokens_to_no_tokens(changes: dict) -> None:
    layer = new_attention(**changes)
    assert layer(torch.empty(2, 0, 32, dtype=torch.float64)).shape == (2, 0, 32)
    assert layer(torch.empty(0, 5, 32, dtype=torch.float64)).shape == (0, 5, 32)
    cache = KVCache(1, 2, 2, 6, 8, dtype=torch.float64, **changes)
    with torch.no_grad():
        layer(random_tokens(2, 4, 32), cache=cache.layer(0))
        empty = layer(torch.empty(2, 0, 32, dtype=torch.float64), cache=cache.layer(0))
    assert empty.shape == (2, 0, 32) and cache.length == 4


def test_causal_mask_places_the_queries_last() -> None:
    assert causal_mask(2, 4).tolist() == [[True, True, True, False], [True] * 4]
    assert causal_mask(0, 3).shape == (0, 3)


@given(st.integers(0, 7), st.integers(0, 7), st.integers(1, 9))
def test_causal_mask_with_a_window_shows_itself_and_the_tokens_before(
    num_queries: int, before: int, window_tokens: int
) -> None:
    num_keys = before + num_queries
    expected = [
        [t - window_tokens < s <= t for s in range(num_keys)] for t in range(before, num_keys)
    ]
    actual = causal_mask(num_queries, num_keys, window_tokens=window_tokens)
    assert actual.tolist() == expected


@st.composite
def attention_problems(draw: st.DrawFn) -> dict:
    """Sizes, a kind of mask and how the fused form is asked for it."""
    num_keys = draw(st.integers(1, 9))
    is_causal = draw(st.booleans())
    return {
        "batch_size": draw(st.integers(1, 2)),
        "num_kv_heads": draw(st.integers(1, 2)),
        "group_size": draw(st.integers(1, 3)),
        "num_queries": draw(st.integers(1, num_keys)),
        "num_keys": num_keys,
        "is_causal": is_causal,
        "window_tokens": draw(st.none() | st.integers(1, 10)) if is_causal else None,
        "masked": draw(st.booleans()),
        "dtype": draw(st.sampled_from(list(TOLERANCE))),
        "seed": draw(st.integers(0, 99)),
    }


def make_problem(p: dict) -> tuple[list[torch.Tensor], torch.Tensor | None, torch.Tensor]:
    """q, k, v; the caller's mask, rows of nothing included; the mask that all of it amounts to."""
    generator = torch.Generator().manual_seed(p["seed"])
    batch_size, num_queries, num_keys = p["batch_size"], p["num_queries"], p["num_keys"]
    num_heads = p["num_kv_heads"] * p["group_size"]
    shapes = [
        (num_heads, num_queries),
        (p["num_kv_heads"], num_keys),
        (p["num_kv_heads"], num_keys),
    ]
    q, k, v = (
        torch.randn(batch_size, *shape, 8, generator=generator, dtype=torch.float64).to(p["dtype"])
        for shape in shapes
    )
    mask = None
    if p["masked"]:
        mask = torch.rand(batch_size, 1, num_queries, num_keys, generator=generator) < 0.6
        mask[0, :, 0] = False
    total = torch.ones(num_queries, num_keys, dtype=torch.bool)
    if p["is_causal"]:
        total = causal_mask(num_queries, num_keys, window_tokens=p["window_tokens"])
    return [q, k, v], mask, total if mask is None else mask & total


@settings(max_examples=150)
@given(attention_problems())
def test_three_rungs_agree(p: dict) -> None:
    (q, k, v), mask, total = make_problem(p)
    expected = attention_oracle(q, k, v, total).to(p["dtype"])
    grouped = q.unflatten(1, (p["num_kv_heads"], -1))  # (B, H_kv, G, T, D)
    readable = scaled_dot_product_attention(
        grouped, k[:, :, None], v[:, :, None], total.unsqueeze(-3)
    ).flatten(1, 2)
    fused = fused_attention(
        q, k, v, mask, is_causal=p["is_causal"], window_tokens=p["window_tokens"]
    )
    torch.testing.assert_close(readable, expected, **TOLERANCE[p["dtype"]])
    torch.testing.assert_close(fused, expected, **TOLERANCE[p["dtype"]])


@settings(max_examples=60)
@given(attention_problems())
def test_gradients_of_the_fused_rung_are_those_of_the_readable_one(p: dict) -> None:
    p["dtype"] = torch.float64
    qkv, mask, total = make_problem(p)
    q, k, v = (t.requires_grad_() for t in qkv)
    grouped = q.unflatten(1, (p["num_kv_heads"], -1))
    readable = scaled_dot_product_attention(
        grouped, k[:, :, None], v[:, :, None], total.unsqueeze(-3)
    ).flatten(1, 2)
    fused = fused_attention(
        q, k, v, mask, is_causal=p["is_causal"], window_tokens=p["window_tokens"]
    )
    expected = torch.autograd.grad(readable.sin().sum(), (q, k, v))
    actual = torch.autograd.grad(fused.sin().sum(), (q, k, v))
    for a, e in zip(actual, expected, strict=True):
        torch.testing.assert_close(a, e, **TOLERANCE[torch.float64])


MASK_SHAPES = [(5,), (1,), (5, 1), (1, 5), (3, 5, 5), (3, 1, 1), (2, 1, 1, 5), (2, 3, 1, 1)]


@pytest.mark.parametrize("shape", MASK_SHAPES)
@pytest.mark.parametrize(
    ("is_causal", "window_tokens"), [(False, None), (True, None), (True, 2), (True, 5)]
)
def test_masks_of_every_shape_that_broadcasts_are_read_alike(
    shape: tuple[int, ...], is_causal: bool, window_tokens: int | None
) -> None:
    q, k, v = random_qkv(2, 3, 5, 4)
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(7)) < 0.6
    total = mask & causal_mask(5, 5, window_tokens=window_tokens) if is_causal else mask
    expected = scaled_dot_product_attention(q, k, v, total)
    actual = fused_attention(q, k, v, mask, is_causal=is_causal, window_tokens=window_tokens)
    torch.testing.assert_close(actual, expected, **TOLERANCE[torch.float64])


def test_readable_attention_passes_gradcheck() -> None:
    q, k, v = (t.requires_grad_() for t in random_qkv(2, 4, 3))
    mask = causal_mask(4, 4) & (torch.arange(4) != 2)[:, None]  # query 2 may attend nowhere
    assert torch.autograd.gradcheck(lambda *t: scaled_dot_product_attention(*t, mask), (q, k, v))


@pytest.mark.parametrize("num_tokens", [41, 200])
@pytest.mark.parametrize("dtype", list(TOLERANCE))
def test_long_windows_in_blocks_equal_the_whole_mask(num_tokens: int, dtype: torch.dtype) -> None:
    q, k, v = random_qkv(1, 2, num_tokens, 8, dtype=dtype)
    for before in (0, 3):  # queries that are the last of more keys
        mask = causal_mask(num_tokens - before, num_tokens, window_tokens=20)
        expected = scaled_dot_product_attention(q[:, :, before:], k, v, mask)
        actual = fused_attention(q[:, :, before:], k, v, is_causal=True, window_tokens=20)
        torch.testing.assert_close(actual, expected, **TOLERANCE[dtype])


def test_shared_heads_and_long_windows_are_not_copied_or_masked_as_a_whole() -> None:
    """The largest tensor that the fused rung makes is far below repeated heads, or T x S."""
    q, k = torch.randn(1, 16, 256, 8), torch.randn(1, 1, 256, 8)
    with LargestTensor() as causal:
        fused_attention(q, k, k, is_causal=True)
    assert causal.numel == q.numel()  # the output, and nothing as large as 16 heads of keys
    assert causal.names == ["_scaled_dot_product_flash_attention_for_cpu"]
    with LargestTensor() as windowed:
        fused_attention(q[:, :1], k, k, is_causal=True, window_tokens=16)
    assert windowed.numel == q[:, :1].numel() < 256 * 256


class LargestTensor(TorchDispatchMode):
    """Names what torch runs, and counts the entries of the largest tensor that comes out."""

    def __init__(self) -> None:
        super().__init__()
        self.names, self.numel = [], 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        if not function.is_view:
            self.names.append(function._schema.name.removeprefix("aten::"))
            tensors = [t for t in tree_leaves(out) if isinstance(t, torch.Tensor)]
            self.numel = max([self.numel, *(t.numel() for t in tensors)])
        return out


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("num_kv_heads", [1, 2, 4])
@pytest.mark.parametrize("window_tokens", [None, 1, 3, 8, 9, 20])
def test_layer_equals_the_loop_over_heads(
    window_tokens: int | None, num_kv_heads: int, dtype: torch.dtype
) -> None:
    layer = new_attention(dtype, num_kv_heads=num_kv_heads, window_tokens=window_tokens)
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


def test_left_padding_by_negative_positions_equals_no_padding() -> None:
    layer, x = new_attention(), random_tokens(2, 7, 32)
    padding = 3  # the second sequence is four tokens, pushed to the right
    positions = torch.arange(7) - torch.tensor([[0], [padding]])
    padded = layer(x, positions)
    torch.testing.assert_close(padded[:1], layer(x[:1]), **TOLERANCE[torch.float64])
    torch.testing.assert_close(
        padded[1:, padding:], layer(x[1:, padding:]), **TOLERANCE[torch.float64]
    )
    assert (padded[1, :padding] == 0).all()  # a query that may see nothing


@pytest.mark.parametrize("window_tokens", [None, 3])
def test_padding_anywhere_equals_a_mask_on_its_keys(window_tokens: int | None) -> None:
    layer, x = new_attention(window_tokens=window_tokens), random_tokens(3, 9, 32)
    real = torch.rand(3, 9, generator=torch.Generator().manual_seed(5)) < 0.7
    positions = (real.cumsum(1) - 1).masked_fill(~real, -1)
    by_mask = layer(x, positions.clamp(min=0), mask=real[:, None, None])
    torch.testing.assert_close(by_mask, layer(x, positions), **TOLERANCE[torch.float64])


def test_order_and_not_positions_decides_who_may_look() -> None:
    """Documents packed into one row start at position 0 again: still nobody sees a later token."""
    layer, x = new_attention(rope=None), random_tokens(1, 6, 32)
    expected = layer(x)
    for positions in (torch.tensor([0, 1, 2, 0, 1, 2]), torch.arange(6).flip(0)):
        assert torch.equal(layer(x, positions), expected)


def test_gradients_are_finite_when_a_query_sees_nothing() -> None:
    layer, x = new_attention(torch.float32), random_tokens(1, 4, 32, dtype=torch.float32)
    layer(x, torch.arange(4)[None] - 2).square().sum().backward()
    assert all(p.grad.isfinite().all() for p in layer.parameters())


def test_options_each_change_the_output() -> None:
    x = random_tokens(1, 5, 32)
    base = new_attention(num_kv_heads=4)
    for changes in (
        {"rope": None}, {"qk_norm": False}, {"rope": RotaryEmbedding(8, 64, 50.0)},
        {"window_tokens": 4},
    ):  # fmt: skip
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
