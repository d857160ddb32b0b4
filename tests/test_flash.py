"""common/flash.py: equal to the formula and to torch, exact at huge scores, never T x T."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from common import flash
from common.flash import FlashAttention, flash_attention
from tests.tolerances import TOLERANCE


def random_tensors(*shapes: tuple[int, ...], dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Standard normal leaves with gradients."""
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    return [x.to(dtype).requires_grad_() for x in drawn]


def visible(num_queries: int, num_keys: int, is_causal: bool) -> Tensor:
    """(T, S) bool; the queries are the last T of S tokens, also when there are more of them."""
    everything = torch.ones(num_queries, num_keys, dtype=torch.bool)
    return everything.tril(num_keys - num_queries) if is_causal else everything


def written_out(q: Tensor, k: Tensor, v: Tensor, is_causal: bool) -> Tensor:
    """The formula with its T x S matrix; key heads repeated; rows without keys are zeros."""
    if q.dim() > 2:
        k, v = (x.repeat_interleave(q.shape[-3] // k.shape[-3], dim=-3) for x in (k, v))
    mask = visible(q.shape[-2], k.shape[-2], is_causal)
    scores = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, -1e300)
    return (scores.softmax(-1) * mask) @ v


def assert_same_with_gradients(q: Tensor, k: Tensor, v: Tensor, is_causal: bool) -> None:
    """Answer and gradients against `written_out` in float64, to the tolerance of q's dtype."""
    wide = [x.detach().double().requires_grad_() for x in (q, k, v)]
    actual, expected = flash_attention(q, k, v, is_causal), written_out(*wide, is_causal)
    assert actual.dtype == q.dtype
    (weights,) = random_tensors(expected.shape, dtype=q.dtype)
    gradients = torch.autograd.grad(actual, (q, k, v), weights)
    expected_gradients = torch.autograd.grad(expected, wide, weights.double())
    pairs = zip((actual, *gradients), (expected, *expected_gradients), strict=True)
    for ours, theirs in pairs:
        torch.testing.assert_close(ours, theirs.to(q.dtype), **TOLERANCE[q.dtype])


class Created(TorchDispatchMode):
    """Notes the size of the largest tensor that an operation returned, in numbers."""

    largest = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        sizes = [x.numel() for x in tree_leaves(result) if isinstance(x, Tensor)]
        self.largest = max([self.largest, *sizes])
        return result


def largest_tensor(q: Tensor, k: Tensor, v: Tensor, is_causal: bool) -> int:
    with Created() as created:
        flash_attention(q, k, v, is_causal).sum().backward()
    return created.largest


# Known answers


def test_flash_with_equal_scores_is_the_mean_of_what_is_seen() -> None:
    (v,) = random_tensors((300, 3))
    means = v.cumsum(0) / torch.arange(1, 301)[:, None]
    zeros = torch.zeros(300, 4, dtype=torch.float64)
    actual = flash_attention(zeros, zeros, v, is_causal=True)
    torch.testing.assert_close(actual, means, **TOLERANCE[torch.float64])


def test_flash_of_two_keys_by_hand() -> None:
    q = torch.tensor([[2.0, 0.0, 0.0, 0.0]])
    k = torch.tensor([[math.log(3), 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])  # scores log 3 and 0
    v = torch.tensor([[4.0], [8.0]])
    torch.testing.assert_close(flash_attention(q, k, v), torch.tensor([[5.0]]))


@pytest.mark.parametrize("num_tokens", [1, 128, 300])
def test_saved_log_sum_exp_is_torchs(num_tokens: int) -> None:
    q, k, v = random_tensors(*[(2, num_tokens, 8)] * 3)
    saved = flash_attention(q, k, v, is_causal=True).grad_fn.saved_tensors
    (lse,) = [x for x in saved if x.shape == (2, num_tokens)]
    scores = (q @ k.mT / math.sqrt(8)).masked_fill(~visible(num_tokens, num_tokens, True), -1e300)
    torch.testing.assert_close(lse, scores.logsumexp(-1), **TOLERANCE[torch.float64])


# Parity


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("num_tokens", [1, 127, 128, 129, 400])
@pytest.mark.parametrize("dtype", list(TOLERANCE))
def test_flash_equals_the_formula(dtype: torch.dtype, num_tokens: int, is_causal: bool) -> None:
    q, k, v = random_tensors(*[(2, num_tokens, 16)] * 3, dtype=dtype)
    assert_same_with_gradients(q, k, v, is_causal)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_flash_equals_torch_with_shared_heads(dtype: torch.dtype) -> None:
    shapes = ((2, 6, 200, 8), *[(2, 3, 200, 8)] * 2, (2, 6, 200, 8))
    *inputs, weights = random_tensors(*shapes, dtype=dtype)
    exact = [x.detach().double().requires_grad_() for x in inputs]
    expected = F.scaled_dot_product_attention(*exact, is_causal=True, enable_gqa=True)
    actual = flash_attention(*inputs, is_causal=True)
    torch.testing.assert_close(actual.double(), expected, **TOLERANCE[dtype])
    gradients = torch.autograd.grad(expected, exact, weights.double())
    for ours, theirs in zip(torch.autograd.grad(actual, inputs, weights), gradients, strict=True):
        torch.testing.assert_close(ours.double(), theirs, **TOLERANCE[dtype])


@given(
    leading=st.lists(st.integers(1, 2), max_size=2),
    num_kv_heads=st.integers(1, 2),
    group_size=st.integers(1, 3),
    sizes=st.tuples(*[st.integers(1, 11)] * 2),
    widths=st.tuples(*[st.integers(1, 4)] * 2),
    is_causal=st.booleans(),
    block=st.integers(1, 6),
)
@settings(max_examples=150)
def test_flash_equals_the_formula_for_any_sizes_and_blocks(
    leading: list[int],
    num_kv_heads: int,
    group_size: int,
    sizes: tuple[int, int],
    widths: tuple[int, int],
    is_causal: bool,
    block: int,
) -> None:
    (num_queries, num_keys), (head_dim, value_size) = sizes, widths
    keys = (*leading, num_kv_heads, num_keys)
    q, k, v = random_tensors(
        (*leading, num_kv_heads * group_size, num_queries, head_dim),
        (*keys, head_dim),
        (*keys, value_size),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flash, "_BLOCK", block)
        assert_same_with_gradients(q, k, v, is_causal)


@pytest.mark.parametrize("is_causal", [False, True])
def test_gradcheck_passes(monkeypatch: pytest.MonkeyPatch, is_causal: bool) -> None:
    monkeypatch.setattr(flash, "_BLOCK", 3)
    q, k, v = random_tensors((4, 7, 3), (2, 8, 3), (2, 8, 2))
    assert torch.autograd.gradcheck(FlashAttention.apply, (q, k, v, is_causal))


def test_gradients_of_gradients_are_refused() -> None:
    q, k, v = random_tensors(*[(5, 4)] * 3)
    with pytest.raises(NotImplementedError, match="no gradients of gradients"):
        torch.autograd.gradgradcheck(flash_attention, (q, k, v))
    with pytest.raises(NotImplementedError, match="no gradients of gradients"):
        torch.autograd.grad(flash_attention(q, k, v).sum(), q, create_graph=True)


# Precision


@pytest.mark.parametrize("largest_score", [5.0, 15.0, 100.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_flash_keeps_the_tolerance_at_scores_up_to_10_000(
    dtype: torch.dtype, largest_score: float
) -> None:
    q, k, v = (x.detach() for x in random_tensors(*[(2, 300, 16)] * 3))
    factor = math.sqrt(largest_score / (q @ k.mT / 4).abs().max())
    leaves = [x.to(dtype).requires_grad_() for x in (q * factor, k * factor, v)]
    assert_same_with_gradients(*leaves, is_causal=True)


def test_tiles_are_wide_only_where_scores_may_be_large() -> None:
    ones = torch.ones(3, 4)  # the bound on scores is 2 * 2 / 2
    for scale, dtype, expected in [
        (10.0, torch.float32, torch.float32),
        (11.0, torch.float32, torch.float64),
        (1e4, torch.bfloat16, torch.float32),
        (1.0, torch.float64, torch.float64),
    ]:
        assert flash._tile_dtype(scale * ones.to(dtype), ones.to(dtype)) == expected


def test_scores_beyond_float32_give_the_right_key() -> None:
    q = torch.tensor([[1e30, 0.0]])
    k = torch.tensor([[1e30, 0.0], [2e30, 0.0], [-1e30, 0.0]])  # q k^T overflows float32
    actual = flash_attention(q, k, torch.tensor([[1.0], [2.0], [3.0]]))
    torch.testing.assert_close(actual, torch.tensor([[2.0]]))


def test_autocast_does_not_reach_the_scores() -> None:
    q, k, v = random_tensors(*[(2, 150, 8)] * 3, dtype=torch.float32)
    expected = flash_attention(q, k, v, is_causal=True)
    gradients = torch.autograd.grad(expected.sum(), (q, k, v))
    with torch.autocast("cpu", torch.bfloat16):
        actual = flash_attention(q, k, v, is_causal=True)
        under_autocast = torch.autograd.grad(actual.sum(), (q, k, v))
    assert torch.equal(actual, expected)
    assert all(map(torch.equal, under_autocast, gradients))


# Causality


@pytest.mark.parametrize("num_queries", [7, 10])
def test_no_gradient_comes_from_the_future(
    monkeypatch: pytest.MonkeyPatch, num_queries: int
) -> None:
    monkeypatch.setattr(flash, "_BLOCK", 4)
    q, k, v = random_tensors((num_queries, 3), (10, 3), (10, 3))
    out = flash_attention(q, k, v, is_causal=True)
    for query in range(num_queries):
        gradients = torch.autograd.grad(out[query].sum(), (k, v), retain_graph=True)
        last_seen = query + 10 - num_queries
        for gradient in gradients:
            assert gradient[last_seen + 1 :].eq(0).all()
            assert last_seen == 0 or gradient[last_seen].ne(0).any()


def test_a_changed_future_changes_no_bit_of_the_past() -> None:
    q, k, v = random_tensors(*[(300, 8)] * 3, dtype=torch.float32)
    before = flash_attention(q, k, v, is_causal=True)
    with torch.no_grad():
        k[200:], v[200:] = 2.0, -1.0
    after = flash_attention(q, k, v, is_causal=True)
    assert torch.equal(before[:200], after[:200])
    assert not torch.equal(before[200:], after[200:])


def test_tiles_of_the_future_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flash, "_BLOCK", 4)
    cpu = torch.device("cpu")
    done, masked = [], []
    for rows in flash._blocks(12):
        for cols, future in flash._tiles(rows, 12, 12, True, cpu):
            (done if future is None else masked).append((rows.start, cols.start))
    assert masked == [(0, 0), (4, 4), (8, 8)]
    assert done == [(4, 0), (8, 0), (8, 4)]


def test_queries_before_every_key_get_zeros_and_finite_gradients() -> None:
    q, k, v = random_tensors((200, 4), (50, 4), (50, 4))
    out = flash_attention(q, k, v, is_causal=True)
    assert out[:150].eq(0).all() and out[150:].ne(0).all()
    grad_q, grad_k, grad_v = torch.autograd.grad(out.sum(), (q, k, v))
    assert grad_q[:150].eq(0).all()
    assert grad_q.isfinite().all() and grad_k.isfinite().all() and grad_v.isfinite().all()


@pytest.mark.parametrize(
    ("queries", "keys"),
    [((5, 0, 4), (5, 3, 4)), ((5, 3, 4), (5, 0, 4)), ((0, 3, 4), (0, 3, 4)), ((0, 4), (0, 4))],
)
@pytest.mark.parametrize("is_causal", [False, True])
def test_empty_sequences_give_zeros(
    queries: tuple[int, ...], keys: tuple[int, ...], is_causal: bool
) -> None:
    q, k, v = random_tensors(queries, keys, keys, dtype=torch.float32)
    out = flash_attention(q, k, v, is_causal)
    assert out.shape == q.shape and out.eq(0).all()
    for gradient in torch.autograd.grad(out.sum(), (q, k, v)):
        assert gradient.eq(0).all()


# Memory and layout


def test_no_tensor_grows_with_the_square_of_the_length() -> None:
    for num_tokens in (512, 2048):
        q, k, v = random_tensors(*[(num_tokens, 64)] * 3, dtype=torch.float32)
        assert largest_tensor(q, k, v, is_causal=True) == num_tokens * 64


def test_shared_keys_are_not_repeated() -> None:
    q, k, v = random_tensors((16, 2, 8), *[(1, 4096, 8)] * 2, dtype=torch.float32)
    assert largest_tensor(q, k, v, is_causal=True) == 4096 * 8


def test_views_are_accepted_and_not_copied() -> None:
    """(B, T, H, D) seen as (B, H, T, D), as in MultiHeadAttention."""
    packed = random_tensors(*[(2, 150, 3, 8)] * 3)
    q, k, v = (x.transpose(1, 2) for x in packed)
    assert_same_with_gradients(q, k, v, is_causal=True)
    assert flash._by_batch(q, k)[0].data_ptr() == packed[0].data_ptr()


def test_the_same_input_gives_the_same_bits() -> None:
    q, k, v = random_tensors(*[(2, 300, 8)] * 3, dtype=torch.float32)
    runs = [flash_attention(q, k, v, is_causal=True) for _ in range(2)]
    assert torch.equal(*runs)
    first, second = (torch.autograd.grad(out.sum(), (q, k, v)) for out in runs)
    assert all(map(torch.equal, first, second))


# Errors


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(4,), (4,), (4,)], r"must agree in D, at least 1, got q \(4,\)"),
        ([(2, 4), (2, 5), (2, 5)], r"must agree in D, at least 1, got q \(2, 4\), k \(2, 5\)"),
        ([(2, 0), (2, 0), (2, 4)], "must agree in D, at least 1"),
        ([(2, 4), (2, 4), (3, 4)], r"k and v must agree in all sizes but the last.*v \(3, 4\)"),
        ([(2, 3, 4), (3, 4), (3, 4)], "agree in the sizes before the heads"),
        ([(2, 1, 3, 4), (1, 1, 3, 4), (1, 1, 3, 4)], "agree in the sizes before the heads"),
        ([(6, 3, 4), (4, 3, 4), (4, 3, 4)], "4 heads of k must divide 6 heads of q"),
        ([(6, 3, 4), (0, 3, 4), (0, 3, 4)], "0 heads of k must divide 6 heads of q"),
    ],
)
def test_sizes_that_disagree_are_named(shapes: list[tuple[int, ...]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        flash_attention(*map(torch.zeros, shapes))


def test_dtypes_and_devices_that_disagree_are_named() -> None:
    x = torch.zeros(2, 4)
    with pytest.raises(ValueError, match="one floating dtype.*float32, torch.float64"):
        flash_attention(x, x.double(), x)
    with pytest.raises(ValueError, match="one floating dtype, got torch.int64"):
        flash_attention(x.long(), x.long(), x.long())
    with pytest.raises(ValueError, match="one device, got cpu, cpu, meta"):
        flash_attention(x, x, x.to("meta"))


@pytest.mark.parametrize("name", ["q", "k", "v"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_named_and_not_spread(name: str, value: float) -> None:
    tensors = {each: torch.zeros(2, 3, 4) for each in "qkv"}
    tensors[name][1, 2, 0] = value
    with pytest.raises(ValueError, match=rf"^{name} must be finite, got {value} at \[1, 2, 0\]"):
        flash_attention(**tensors)
