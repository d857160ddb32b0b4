"""Chapter 3's checks: solutions pass, stubs say so, and each typical mistake gets its own hint."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.attention import scaled_dot_product_attention
from common.exercises import ch03_attention as checks
from tests.exercises.cells import assert_told, solution
from tests.tolerances import TOLERANCE

CHAPTER = "ch03_attention"


def without_keepdim(y, grad):
    dot = (y * grad).sum(-1)
    if y.dim() == 2 and y.shape[0] == y.shape[1]:  # elsewhere it does not even run
        return y * (grad - dot)
    return y * (grad - dot[..., None])


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda y, grad: y * (1 - y) * grad, "what each score does to its own weight"),
        (lambda y, grad: y * grad, "That is the part above the line"),
        (lambda y, grad: grad - (y * grad).sum(-1, keepdim=True), "The factor y is missing"),
        (lambda y, grad: y * (grad - grad.sum(-1, keepdim=True)), "The sum takes each gradient"),
        (lambda y, grad: y * (grad - grad.mean(-1, keepdim=True)), "The mean takes each gradient"),
        (lambda y, grad: y * (grad - (y * grad).sum()), "Every row is a softmax of its own"),
        (without_keepdim, "with keepdim=True"),
        (lambda y, grad: y * ((y * grad).sum(-1, keepdim=True) - grad), "the wrong way round"),
        (lambda y, grad: (y * (grad - (y * grad).sum(-1, keepdim=True)))[..., :1], "has the shape"),
    ],
)
def test_softmax_backward_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.softmax_backward, wrong, hint)


def online(blocks, *, factor=lambda old, new: (old - new).exp(), start=-math.inf, largest_of=None):
    """The algorithm as in a first draft: one of its three decisions can be changed."""
    largest_of = largest_of or (lambda block: block.amax(-1))
    largest = torch.full(blocks[0].shape[:-1], start)
    total = torch.zeros_like(largest)
    for block in blocks:
        new = torch.maximum(largest, largest_of(block))
        total = total * factor(largest, new) + (block - new[..., None]).exp().sum(-1)
        largest = new
    return largest + total.log()


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (
            lambda blocks: online(blocks, factor=lambda old, new: 1.0),
            "Multiply that sum by exp(old - new)",
        ),
        (
            lambda blocks: online(blocks, factor=lambda old, new: (new - old).exp()),
            "It must shrink when the maximum grows",
        ),
        (lambda blocks: online(blocks, start=0.0), "The running maximum begins at -inf"),
        (
            lambda blocks: online(blocks, largest_of=lambda block: block.max()),
            "Each row needs a maximum of its own",
        ),
        (online, "-inf - (-inf) is NaN"),
        (
            lambda blocks: sum(block.exp().sum(-1) for block in blocks).log(),
            "exp leaves the range of float32",
        ),
        (lambda blocks: torch.cat(blocks, -1).logsumexp(-1).exp(), "the logarithm is missing"),
    ],
)
def test_online_logsumexp_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.online_logsumexp, wrong, hint)


def jacobian_sizes(attend, num_tokens, d_model):
    x = torch.randn(num_tokens, d_model)
    return torch.autograd.functional.jacobian(attend, x).abs().sum(dim=(1, 3))


def leaks_in(table, threshold=0.0):
    return {(t, s) for t, s in (table > threshold).nonzero().tolist() if s > t}


def leaks_of_sums(attend, num_tokens, d_model):
    def sums(x):
        return attend(x).sum(-1, keepdim=True)

    return leaks_in(jacobian_sizes(sums, num_tokens, d_model))


def leaks_by_differences(attend, num_tokens, d_model):
    x = torch.linspace(-1, 1, num_tokens * d_model).view(num_tokens, d_model)
    leaks = set()
    for s in range(num_tokens):
        moved = x.clone()
        moved[s] += 0.1
        changed = (attend(moved) != attend(x)).any(-1)
        leaks |= {(t, s) for t in range(s) if changed[t]}
    return leaks


def leaks_of_the_last_word(attend, num_tokens, d_model):
    return {p for p in leaks_in(jacobian_sizes(attend, num_tokens, d_model)) if p[0] == 3}


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda *args: leaks_in(jacobian_sizes(*args), 1e-5), "A leak is whatever is not exactly"),
        (leaks_by_differences, "no difference quotient"),
        (leaks_of_sums, "in this sum the derivatives cancel"),
        (leaks_of_the_last_word, "The last word has no future"),
        (
            lambda *args: {(s, t) for t, s in leaks_in(jacobian_sizes(*args))},
            "Pairs are (query, key)",
        ),
        (
            lambda *args: {tuple(pair) for pair in jacobian_sizes(*args).nonzero().tolist()},
            "keep the pairs with key > query",
        ),
        (lambda *args: list(leaks_in(jacobian_sizes(*args))), "Return a set of pairs"),
    ],
)
def test_find_leaks_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.find_leaks, wrong, hint)


def alibi(num_heads, num_tokens, *, first=1, sign=-1, future=-math.inf, base=None):
    if num_heads & (num_heads - 1):
        raise ValueError("not a power of two")
    heads = torch.arange(first, first + num_heads)
    slopes = 2.0 ** (-heads if base else -8 * heads / num_heads)
    distance = torch.arange(num_tokens)[:, None] - torch.arange(num_tokens)
    bias = sign * slopes[:, None, None] * distance
    return bias if future is None else bias.masked_fill(distance < 0, future)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda H, T: alibi(H, T, sign=1), "what is far away loses"),
        (lambda H, T: alibi(H, T, first=0), "the heads count from 1"),
        (lambda H, T: alibi(H, T, base=2), "The slopes end at 2 ** -8 for any number of heads"),
        (lambda H, T: alibi(H, T, future=None), "get a bonus for being far ahead"),
        (lambda H, T: -alibi(H, T, future=None).abs(), "Later words are the future"),
        (lambda H, T: alibi(H, T, future=0.0), "Later words get 0"),
        (lambda H, T: alibi(H, T).flip(0), "The first head has the steepest slope"),
        (lambda H, T: alibi(H, T).mT, "Rows are queries and columns keys"),
        (lambda H, T: alibi(H, T).double(), "has the dtype torch.float64"),
        (lambda H, T: torch.zeros(6) if H == 6 else alibi(H, T), "For others the paper has"),
    ],
)
def test_alibi_bias_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.alibi_bias, wrong, hint)


def to_interleaved(x, num_heads):
    heads = x.unflatten(-1, (num_heads, 2, -1))
    return heads.mT.flatten(-3)


def seconds_first(x, num_heads):
    heads = x.unflatten(-1, (num_heads, -1))
    return torch.cat([heads[..., 1::2], heads[..., 0::2]], -1).flatten(-2)


def halves_swapped(x, num_heads):
    return x.unflatten(-1, (num_heads, 2, -1)).flip(-2).flatten(-3)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (halves_swapped, "The halves were swapped"),
        (to_interleaved, "That is the way back"),
        (lambda x, H: torch.cat([x[..., 0::2], x[..., 1::2]], -1), "The whole vector was sorted"),
        (lambda x, H: x, "Nothing has moved"),
        (seconds_first, "The second entries of the pairs come first"),
    ],
)
def test_to_half_layout_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.to_half_layout, wrong, hint)


def grouped(q, k, v, *, scale=lambda D: D**-0.5, dim=-1, repeat=torch.repeat_interleave):
    group = q.shape[0] // k.shape[0]
    scores = q @ repeat(k, group, 0).mT * scale(q.shape[-1])
    return scores.softmax(dim) @ repeat(v, group, 0)


def by_broadcasting(q, k, v):
    scores = q.unflatten(0, (k.shape[0], -1)) @ k.unsqueeze(1).mT * q.shape[-1] ** -0.5
    return (scores.softmax(-1) @ v.unsqueeze(1)).flatten(0, 1)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (grouped, "all keys have 4096: they were repeated"),
        (by_broadcasting, "So does @ when a size of 1 meets one of more"),
        (
            lambda *qkv: grouped(*qkv, repeat=lambda x, times, dim: x.repeat(times, 1, 1)),
            "The heads are grouped the other way",
        ),
        (lambda *qkv: grouped(*qkv, scale=lambda D: 1.0), "not divided by the root of D"),
        (lambda *qkv: grouped(*qkv, scale=lambda D: 1 / D), "divided by D, not by its root"),
        (lambda *qkv: grouped(*qkv, dim=-2), "The softmax runs over the queries"),
    ],
)
def test_grouped_attention_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.grouped_attention, wrong, hint)


def test_grouped_attention_accepts_einsum() -> None:
    def products(q, k, v):
        groups = q.unflatten(0, (k.shape[0], -1))
        scores = torch.einsum("grtd,gsd->grts", groups, k) * q.shape[-1] ** -0.5
        return torch.einsum("grts,gsd->grtd", scores.softmax(-1), v).flatten(0, 1)

    assert checks.grouped_attention(products) is None


def mask(T, S, window, sinks, *, at=None, wider=0, strict=False):
    key = torch.arange(S)
    query = torch.arange(T)[:, None] + (S - T if at is None else at)
    past = key < query if strict else key <= query
    return past & ((key > query - window - wider) | (key < sinks))


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda *args: ~mask(*args), "It is the other way round"),
        (lambda *args: mask(*args, strict=True), "A word may look at itself"),
        (lambda *args: mask(*args, at=0), "query 0 stands at position 3"),
        (lambda *args: mask(*args, wider=1), "The window is one too wide: 2 keys"),
        (lambda *args: mask(*args, wider=-1), "The window is one too narrow"),
        (lambda *args: mask(*args, wider=99), "the window is missing"),
        (lambda T, S, window, sinks: mask(T, S, window, 0), "as soon as the window has left them"),
        (
            lambda T, S, window, sinks: mask(T, S, window, 0) | (torch.arange(S) < sinks),
            "A sink can lie in the future",
        ),
        (
            lambda T, S, window, sinks: mask(T, S, window, 0) & (torch.arange(S) < (sinks or S)),
            "| and not &",
        ),
        (lambda *args: mask(*args).float(), "has the dtype torch.float32, not torch.bool"),
    ],
)
def test_sink_mask_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.sink_mask, wrong, hint)


def merged(out_a, lse_a, out_b, lse_b, *, weights=None, lse=torch.logaddexp, widen=True):
    both = torch.logaddexp(lse_a, lse_b)
    a, b = ((x - both).exp().nan_to_num(0.0) for x in (lse_a, lse_b))
    a, b = weights(lse_a, lse_b) if weights else (a, b)
    if widen or out_a.shape[0] != out_a.shape[1]:
        a, b = a.unsqueeze(-1), b.unsqueeze(-1)
    return a * out_a + b * out_b, lse(lse_a, lse_b)


def shares(lse_a, lse_b):
    both = torch.logaddexp(lse_a, lse_b)
    return (lse_a - both).exp(), (lse_b - both).exp()


@pytest.mark.parametrize(
    ("weights", "hint"),
    [
        (lambda a, b: (torch.full_like(a, 0.5),) * 2, "The mean of two means is wrong"),
        (lambda a, b: shares(b, a), "The two weights are exchanged"),
        (lambda a, b: (a / (a + b), b / (a + b)), "weights go by exp(lse)"),
        (lambda a, b: (a.exp(), b.exp()), "Divide by the sum of the weights"),
        (
            lambda a, b: (a.exp() / (a.exp() + b.exp()), b.exp() / (a.exp() + b.exp())),
            "inf / inf is NaN",
        ),
        (shares, "where neither tile has a key, out is 0"),
    ],
)
def test_merge_tiles_knows_wrong_weights(weights: Callable, hint: str) -> None:
    assert_told(checks.merge_tiles, lambda *args: merged(*args, weights=weights), hint)


@pytest.mark.parametrize(
    ("lse", "hint"),
    [
        (lambda a, b: a + b, "What adds up is the sums, not their logarithms"),
        (torch.maximum, "The smaller of the two adds to the sum as well"),
        (lambda a, b: (a.exp() + b.exp()).log(), "exp(1000) is inf in float32"),
        (
            lambda a, b: (
                torch.maximum(a, b)
                + ((a - torch.maximum(a, b)).exp() + (b - torch.maximum(a, b)).exp()).log()
            ),
            "where neither tile has a key",
        ),
    ],
)
def test_merge_tiles_knows_a_wrong_log_sum_exp(lse: Callable, hint: str) -> None:
    assert_told(checks.merge_tiles, lambda *args: merged(*args, lse=lse), hint)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda *args: merged(*args, widen=False), "with unsqueeze(-1)"),
        (lambda *args: merged(*args)[0], "Return two tensors, out and lse"),
    ],
)
def test_merge_tiles_knows_the_mistake(wrong: Callable, hint: str) -> None:
    assert_told(checks.merge_tiles, wrong, hint)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.integers(0, 99))
def test_merge_tiles_solution_gives_the_whole_from_any_tiles(sizes: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    shapes = (3, 4), (sum(sizes), 4), (sum(sizes), 2)
    q, k, v = (torch.randn(*s, generator=generator, dtype=torch.float64) for s in shapes)
    out, lse = torch.zeros(3, 2).double(), torch.full((3,), -math.inf).double()
    for keys, values in zip(k.split(sizes), v.split(sizes), strict=True):
        scores = q @ keys.T / 2
        tile = scores.softmax(-1) @ values, scores.logsumexp(-1)
        out, lse = solution(CHAPTER, "merge_tiles")(out, lse, *tile)
    tolerance = TOLERANCE[torch.float64]
    torch.testing.assert_close(out, scaled_dot_product_attention(q, k, v), **tolerance)
    torch.testing.assert_close(lse, (q @ k.T / 2).logsumexp(-1), **tolerance)


@given(st.integers(1, 6), st.integers(0, 6), st.integers(1, 6), st.integers(0, 6))
def test_sink_mask_solution_keeps_to_its_words(T: int, more: int, window: int, sinks: int) -> None:
    S = T + more
    allowed = solution(CHAPTER, "sink_mask")(T, S, window, sinks)
    for t in range(T):
        position = more + t
        last = set(range(max(0, position - window + 1), position + 1))
        first = set(range(min(sinks, position + 1)))
        assert set(allowed[t].nonzero().flatten().tolist()) == last | first


def test_grouped_attention_solution_is_the_readable_formula() -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = (6, 3, 4), (2, 5, 4), (2, 5, 4)
    q, k, v = (torch.randn(*s, generator=generator, dtype=torch.float64) for s in shapes)
    shared = (x.repeat_interleave(3, 0) for x in (k, v))
    got = solution(CHAPTER, "grouped_attention")(q, k, v)
    expected = scaled_dot_product_attention(q, *shared)
    torch.testing.assert_close(got, expected, **TOLERANCE[torch.float64])
