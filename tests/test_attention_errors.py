"""What attention refuses, and with which words; what it makes of NaN."""

from re import escape

import pytest
import torch

from common.attention import (
    MultiHeadAttention,
    causal_mask,
    fused_attention,
    scaled_dot_product_attention,
)
from common.kv_cache import KVCache
from common.rope import RotaryEmbedding

FORMS = [scaled_dot_product_attention, fused_attention]
NAN, INF = float("nan"), float("inf")


def qkv(*shape: int, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return list(torch.randn(3, *(shape or (1, 2, 3, 4)), generator=generator).to(dtype))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (torch.ones(3, 3), "mask must be bool, True where a query may attend, got torch.float32"),
        (torch.ones(3, 3, dtype=torch.int64), "mask must be bool, True where a query may attend"),
        (torch.ones(3, 2, dtype=torch.bool), "mask must broadcast to (1, 2, 3, 3), got (3, 2)"),
        (torch.ones(3, 1, 3, 3, dtype=torch.bool), "mask must broadcast to (1, 2, 3, 3), got (3,"),
        (torch.ones(1, 1, 2, 3, 3, dtype=torch.bool), "must broadcast to (1, 2, 3, 3), got (1, 1"),
        (torch.ones(3, 3, dtype=torch.bool, device="meta"), "mask is on meta, q, k and v are on"),
    ],
)
def test_mask_of_another_shape_dtype_or_device_is_refused(form, mask, message: str) -> None:
    with pytest.raises(ValueError, match=escape(message)):
        form(*qkv(), mask)


@pytest.mark.parametrize("form", FORMS)
def test_sizes_that_disagree_are_refused(form) -> None:
    q, k, v = qkv()
    message = "q and k must agree in their last size, k and v in the one before, got q (1, 2, 3, "
    with pytest.raises(ValueError, match=escape(message)):
        form(q[..., :2], k, v)
    with pytest.raises(ValueError, match=escape(message)):
        form(q, k, v[..., :2, :])


@pytest.mark.parametrize("form", FORMS)
def test_mixed_dtypes_and_integers_are_refused(form) -> None:
    q, k, v = qkv()
    message = "q, k and v must have one floating dtype, got "
    with pytest.raises(
        ValueError, match=escape(message + "torch.float32, torch.float64, torch.float32")
    ):
        form(q, k.double(), v)
    with pytest.raises(ValueError, match=escape(message + "torch.int64, torch.int64, torch.int64")):
        form(q.long(), k.long(), v.long())


@pytest.mark.parametrize("form", FORMS)
def test_mixed_devices_are_refused(form) -> None:
    q, k, v = qkv()
    with pytest.raises(
        ValueError, match=escape("q, k and v must be on one device: cpu, cpu, meta")
    ):
        form(q, k, v.to("meta"))


@pytest.mark.parametrize("form", FORMS)
def test_vectors_are_refused(form) -> None:
    with pytest.raises(
        ValueError,
        match=escape("q, k and v need at least two dimensions, got q (4,), k (4,), v (4,)"),
    ):
        form(*qkv(4))


def test_leading_dimensions_that_do_not_broadcast_are_refused() -> None:
    q, k, v = qkv(3, 5, 4)
    with pytest.raises(
        ValueError,
        match=escape(
            "leading dimensions must broadcast, got q (3, 5, 4), k (2, 5, 4), v (3, 5, 4)"
        ),
    ):
        scaled_dot_product_attention(q, k[:2], v)


def test_fused_attention_refuses_heads_that_do_not_divide() -> None:
    q, k, v = qkv(1, 4, 3, 4)
    with pytest.raises(
        ValueError,
        match=escape(
            "k and v need equally many heads, a divisor of q's, got q (1, 4, 3, 4), k (1, 3"
        ),
    ):
        fused_attention(q, k[:, :3], v[:, :3])
    with pytest.raises(
        ValueError, match=escape("k and v need equally many heads, a divisor of q's")
    ):
        fused_attention(q, k[:, :2], v[:, :1])
    with pytest.raises(
        ValueError, match=escape("q must be (B, H, T, D), k and v (B, H_kv, S, D), got q (4, 3, 4)")
    ):
        fused_attention(q[0], k[0], v[0])
    with pytest.raises(ValueError, match=escape("q must be (B, H, T, D), k and v (B, H_kv, S, D)")):
        fused_attention(q.expand(2, -1, -1, -1), k, v)


def test_more_queries_than_keys_cannot_be_the_last_of_them() -> None:
    q, k, v = qkv()
    with pytest.raises(ValueError, match=escape("num_queries 3 must be at most num_keys 2")):
        fused_attention(q, k[:, :, :2], v[:, :, :2], is_causal=True)
    with pytest.raises(ValueError, match=escape("num_queries 4 must be at most num_keys 2")):
        causal_mask(4, 2)


def test_windows_of_nothing_or_without_order_are_refused() -> None:
    message = "window_tokens must be at least 1, the token itself, got 0"
    with pytest.raises(ValueError, match=escape(message)):
        causal_mask(2, 2, window_tokens=0)
    with pytest.raises(ValueError, match=escape(message)):
        MultiHeadAttention(8, 2, window_tokens=0)
    with pytest.raises(ValueError, match=escape(message)):
        fused_attention(*qkv(), is_causal=True, window_tokens=0)
    with pytest.raises(
        ValueError,
        match=escape("window_tokens counts backwards from a query: it needs is_causal=True"),
    ):
        fused_attention(*qkv(), window_tokens=2)


def test_layer_refuses_heads_that_do_not_divide() -> None:
    with pytest.raises(ValueError, match=escape("num_heads 6 must divide d_model 100")):
        MultiHeadAttention(100, 6)
    with pytest.raises(ValueError, match=escape("num_kv_heads 3 must divide num_heads 4")):
        MultiHeadAttention(32, 4, 3)
    with pytest.raises(ValueError, match=escape("num_heads 0 must divide d_model 32")):
        MultiHeadAttention(32, 0)


def layer_of(**changes) -> MultiHeadAttention:
    return MultiHeadAttention(8, 2, rope=RotaryEmbedding(4, 6), **changes)


def test_layer_refuses_tokens_of_another_shape_dtype_or_device() -> None:
    for x in (torch.zeros(1, 3, 9), torch.zeros(3, 8)):
        with pytest.raises(ValueError, match=escape(f"x must be (B, T, 8), got {tuple(x.shape)}")):
            layer_of()(x)
    with pytest.raises(
        ValueError, match=escape("x is torch.float64, the weights are torch.float32")
    ):
        layer_of()(torch.zeros(1, 3, 8, dtype=torch.float64))
    with pytest.raises(ValueError, match=escape("x is on meta, the weights are on cpu")):
        layer_of()(torch.zeros(1, 3, 8, device="meta"))


def test_layer_takes_two_dtypes_under_autocast() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert layer_of()(torch.zeros(1, 3, 8, dtype=torch.bfloat16)).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        (torch.arange(4, 7), "positions must be in 0..5 (max_seq_len 6), got 4..6"),
        (torch.arange(-1, 2), "positions must be in 0..5 (max_seq_len 6), got -1..1"),
        (torch.tensor([[0, 1, 6]]), "positions must be in 0..5 (max_seq_len 6), got 0..6"),
        (torch.arange(2), "positions must be integers of shape (3,) or (1, 3), got torch.int64"),
        (torch.zeros(2, 3).long(), "positions must be integers of shape (3,) or (1, 3), got torch"),
        (torch.arange(3.0), "positions must be integers of shape (3,) or (1, 3), got torch.float"),
    ],
)
def test_layer_refuses_positions_that_do_not_fit(positions, message: str) -> None:
    with pytest.raises(ValueError, match=escape(message)):
        layer_of()(torch.zeros(1, 3, 8), positions)


@torch.no_grad()
def test_layer_refuses_to_overflow_its_cache() -> None:
    cache = KVCache(1, 1, 2, 5, 4, dtype=torch.float32).layer(0)
    layer_of()(torch.zeros(1, 4, 8), cache=cache)
    with pytest.raises(
        ValueError, match=escape("the cache holds 5 tokens: 4 are stored and 2 more do not fit")
    ):
        layer_of()(torch.zeros(1, 2, 8), cache=cache)
    assert cache.length == 4


@torch.no_grad()
def test_layer_refuses_a_cache_that_forgets_what_it_looks_at() -> None:
    cache = KVCache(1, 1, 2, 5, 4, dtype=torch.float32, window_tokens=3).layer(0)
    with pytest.raises(
        ValueError, match=escape("the cache keeps the last 3 tokens, the layer looks at all tokens")
    ):
        layer_of()(torch.zeros(1, 2, 8), cache=cache)
    with pytest.raises(
        ValueError, match=escape("the cache keeps the last 3 tokens, the layer looks at 4 tokens")
    ):
        layer_of(window_tokens=4)(torch.zeros(1, 2, 8), cache=cache)
    assert layer_of(window_tokens=2)(torch.zeros(1, 2, 8), cache=cache).shape == (1, 2, 8)


@pytest.mark.parametrize("name", ["q", "k", "v"])
@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_readable_attention_names_the_first_entry_that_is_not_finite(
    name: str, bad: float, dtype: torch.dtype
) -> None:
    inputs = dict(zip("qkv", qkv(dtype=dtype), strict=True))
    inputs[name][0, 1, 2, 3] = inputs[name][0, 1, 1, 0] = bad
    hidden = torch.zeros(3, 3, dtype=torch.bool)  # not even where nobody looks
    with pytest.raises(
        ValueError, match=escape(f"{name} must be finite, but {name}[0, 1, 1, 0] is {bad}")
    ):
        scaled_dot_product_attention(*inputs.values(), hidden)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("num_tokens", [3, 40, 600])  # products and fused kernel for bfloat16
def test_fused_attention_keeps_a_nan_query_in_its_row(num_tokens: int, dtype: torch.dtype) -> None:
    """Its row is NaN, or zeros where the kernel takes a row without a maximum for an empty one."""
    q, k, v = qkv(1, 2, num_tokens, 4, dtype=dtype)
    clean = fused_attention(q, k, v, is_causal=True)
    q[0, 1, 1, 0] = NAN
    harmed = fused_attention(q, k, v, is_causal=True)
    row = harmed[0, 1, 1].clone()
    assert row.isnan().all() or (row == 0).all()
    harmed[0, 1, 1] = clean[0, 1, 1]
    assert torch.equal(harmed, clean)


@pytest.mark.parametrize("name", ["k", "v"])
def test_fused_attention_keeps_a_nan_key_or_value_in_its_head(name: str) -> None:
    q, k, v = qkv()
    clean = fused_attention(q, k, v, is_causal=True)
    {"k": k, "v": v}[name][0, 1, 1] = NAN
    harmed = fused_attention(q, k, v, is_causal=True)
    assert torch.equal(harmed[:, 0], clean[:, 0])
    assert harmed[0, 1, 2].isnan().all()  # it sees the NaN, and other keys


def test_fused_attention_with_hidden_values_cleared_hides_a_nan() -> None:
    q, k, v = qkv()
    mask = torch.tensor([True, False, True])
    v[..., 1, :] = k[..., 1, :] = NAN
    cleared = [t.masked_fill(~mask[:, None], 0.0) for t in (k, v)]
    assert fused_attention(q, *cleared, mask).isfinite().all()


def test_bfloat16_products_refuse_gradients_of_gradients() -> None:
    """Their backward pass is written by hand: a second derivative would lack a part."""
    q, k, v = (x.clone().requires_grad_() for x in qkv(1, 2, 8, 4, dtype=torch.bfloat16))
    out = fused_attention(q, k, v, is_causal=True)
    with pytest.raises(NotImplementedError, match="no gradients of gradients"):
        torch.autograd.grad(out.sum(), q, create_graph=True)
