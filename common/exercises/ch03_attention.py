"""Checks of the exercises of chapter 3: one function an exercise, named as the reader's is.

Each takes the reader's function, tries it on small tensors, and raises AssertionError with a hint
when an answer is wrong. Where a typical mistake gives a result of its own, that result is computed
here too, so that the hint can name the mistake.

T queries, S keys, D head_dim, H heads, G heads of keys and values.
Used in ch03_attention/exercises.ipynb and ch03_attention/solutions.ipynb.
Needs: _compare.py, _memory.py.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ._compare import compare, demand, refuse
from ._memory import LargestKept

Attend = Callable[[Tensor], Tensor]


def softmax_backward(attempt: Callable[[Tensor, Tensor], Tensor]) -> None:
    """The gradient by the scores, from softmax's result and the gradient by that result."""
    by_hand = torch.tensor([0.5, 0.25, 0.25]), torch.tensor([1.0, 0.0, 0.0])
    calls = {"softmax_backward([0.5, 0.25, 0.25], [1, 0, 0])": by_hand}
    for shape in ((3, 3), (2, 4, 5)):
        y = torch.softmax(_normal(*shape), dim=-1)
        calls[f"softmax_backward(weights {shape}, grad {shape})"] = y, _normal(*shape, seed=1)
    for call, (y, grad) in calls.items():
        dot = (y * grad).sum(-1, keepdim=True)
        rows = "Every row is a softmax of its own: sum over the last size, with keepdim=True."
        mistakes = [
            (y * (1 - y) * grad, "That is what each score does to its own weight. Raising one "
             "score lowers all the other weights too: the sum below the line holds every score."),
            (y * grad, "That is the part above the line. The sum below it depends on each score "
             "as well, and takes y times sum(y * grad) away."),
            (grad - dot, "The factor y is missing: a weight near zero hardly moves."),
            (y * (grad - grad.sum(-1, keepdim=True)), "The sum takes each gradient with its "
             "weight: sum(y * grad)."),
            (y * (grad - grad.mean(-1, keepdim=True)), "The mean takes each gradient with its "
             "weight: sum(y * grad)."),
            (y * (dot - grad), "The sign is the wrong way round."),
            (y * (grad - (y * grad).sum()), rows),
            (y * (grad - (y * grad).sum(0)), rows),
            *([(y * (grad - dot.squeeze(-1)), rows)] if y.shape == (3, 3) else []),
        ]  # fmt: skip
        compare(call, attempt(y.clone(), grad.clone()), y * (grad - dot), mistakes)


def online_logsumexp(attempt: Callable[[list[Tensor]], Tensor]) -> None:
    """log(sum(exp(x))) of each row, from blocks of columns that are seen once each."""
    infinite = torch.full((2, 2), -torch.inf)
    cases = {
        "small scores that rise": _blocks([[1.0, 2.0], [5.0]]),
        "scores near 1000": _blocks([[1000.0, 1001.0], [990.0, 1003.0]]),
        "scores near -1000": _blocks([[-1000.0], [-1001.0, -1002.0]]),
        "two rows, of which one lies near 0 and one near -2000": [
            torch.tensor([[0.0, 1.0], [-2000.0, -2001.0]]),
            torch.tensor([[2.0], [-1999.0]]),
        ],
        "a first block of -inf, which a mask has emptied": [infinite, _normal(2, 3).float()],
        "blocks of -inf alone": [infinite, infinite],
    }
    for name, blocks in cases.items():
        right = torch.cat(blocks, -1).double().logsumexp(-1).float()
        mistakes = [
            (torch.full_like(right, torch.nan) if "-inf" in name else None, "-inf - (-inf) is NaN. "
             "As long as a row has seen only -inf, subtract 0 instead of its maximum."),
            (_online(blocks, rescale=0), "When a later block raises the maximum, what was summed "
             "before was measured from the old one. Multiply that sum by exp(old - new)."),
            (_online(blocks, rescale=-1), "The old sum is multiplied by exp(new - old). It must "
             "shrink when the maximum grows: exp(old - new)."),
            (_online(blocks, by_row=False), "Each row needs a maximum of its own: amax(-1)."),
            (_online(blocks, start=0.0), "The running maximum begins at -inf: zero is a score like "
             "any other, and above all of these."),
            (torch.cat(blocks, -1).exp().sum(-1).log(), "exp leaves the range of float32: above "
             "88 it is inf, below -104 it is 0. Subtract the running maximum before exp."),
            (right.exp(), "That is the sum: the logarithm is missing."),
        ]  # fmt: skip
        got = attempt([block.clone() for block in blocks])
        compare(f"online_logsumexp(blocks), {name},", got, right, mistakes)


def _blocks(rows: list[list[float]]) -> list[Tensor]:
    return [torch.tensor([row]) for row in rows]


def _online(
    blocks: list[Tensor], *, rescale: int = 1, start: float = -math.inf, by_row: bool = True
) -> Tensor:
    """The algorithm with one mistake: in the old sum's factor, or in the maximum."""
    largest = torch.full(blocks[0].shape[:-1], start)
    total = torch.zeros_like(largest)
    for block in blocks:
        new = torch.maximum(largest, block.amax(-1) if by_row else block.max())
        factor = ((largest - new) * rescale).exp() if rescale else 1.0
        total = total * factor + (block - new[..., None]).exp().sum(-1)
        largest = new
    return largest + total.log()


def find_leaks(attempt: Callable[[Attend, int, int], set[tuple[int, int]]]) -> None:
    """The pairs (query, later key) whose derivative is not exactly zero, of a given attention."""
    T, d = 4, 3
    all_pairs = {(t, s) for t in range(T) for s in range(t + 1, T)}
    next_word = {(t, t + 1) for t in range(T - 1)}
    cases = [
        ("attention without a mask", _attend(T), all_pairs),
        ("a causal attention", _attend(0), set()),
        ("a mask that is off by one", _attend(1), next_word),
        ("attention masked after the softmax", _masked_after, all_pairs),
        ("a leak of one part in a billion", lambda x: x + 1e-9 * _attend(1)(x), next_word),
        ("outputs beside their negatives", _with_negatives, next_word),
        ("outputs minus their mean over the words", lambda x: x - x.mean(0), all_pairs),
    ]
    for name, attend, right in cases:
        call, got = f"find_leaks(attend, {T}, {d}), attend being {name},", attempt(attend, T, d)
        demand(isinstance(got, set), f"{call} gives {got!r}. Return a set of pairs (query, key).")
        demand(not right or got != {(s, t) for t, s in right}, f"{call} gives {sorted(got)}. Pairs "
               "are (query, key): the output that changed comes first.")  # fmt: skip
        past, missed = {(t, s) for t, s in got if s <= t}, right - got
        demand(not past, f"{call} names {sorted(past)}. A word may look at itself and at what came "
               "before: keep the pairs with key > query.")  # fmt: skip
        demand(not missed, f"{call} misses {sorted(missed)}. {_why_it_was_missed(name)}")
        compare(call, got, right)


def _why_it_was_missed(name: str) -> str:
    if "billion" in name:
        return (
            "A leak is whatever is not exactly 0: no threshold, no allclose, and no difference "
            "quotient, which drowns it in rounding. Use autograd."
        )
    if "negatives" in name:
        return (
            "You add up the outputs of a word before you differentiate, and in this sum the "
            "derivatives cancel. Take each output by itself, then absolute values."
        )
    return (
        "Differentiate every output by every input. The last word has no future, so its gradient "
        "shows nothing. And is your x random? At zeros or at equal rows derivatives may vanish."
    )


def _attend(ahead: int) -> Attend:
    """Attention of x to itself in which a word sees those before it, and `ahead` words more."""

    def attend(x: Tensor) -> Tensor:
        scores = x @ x.T
        hidden = torch.ones_like(scores, dtype=torch.bool).triu(1 + ahead)
        return scores.masked_fill(hidden, -math.inf).softmax(-1) @ x

    return attend


def _with_negatives(x: Tensor) -> Tensor:
    out = _attend(1)(x)
    return torch.cat([out, -out], -1)


def _masked_after(x: Tensor) -> Tensor:
    return (x @ x.T).softmax(-1).tril() @ x


def alibi_bias(attempt: Callable[[int, int], Tensor]) -> None:
    """(H, T, T): what ALiBi adds to the scores, -inf where the future lies."""
    for H, T in ((8, 4), (2, 3), (16, 5), (1, 2)):
        distance = torch.arange(T)[:, None] - torch.arange(T)
        slopes = 2.0 ** (-8 * torch.arange(1, H + 1) / H)
        right = _alibi(slopes, distance)
        mistakes = [
            (_alibi(-slopes, distance), "The sign is wrong: what is far away loses."),
            (_alibi(slopes * 2 ** (8 / H), distance), "The first slope is 2 ** (-8 / H), not 1: "
             "the heads count from 1."),
            (_alibi(2.0 ** -torch.arange(1.0, H + 1), distance), "The slopes end at 2 ** -8 for "
             "any number of heads: head h of H has 2 ** (-8 h / H)."),
            (_alibi(slopes.flip(0), distance), "The first head has the steepest slope."),
            (-slopes[:, None, None] * distance, "Later words get a bonus for being far ahead. They "
             "are the future: -inf."),
            (-slopes[:, None, None] * distance.abs(), "Later words are the future: -inf."),
            (_alibi(slopes, distance, future=0.0), "Later words get 0. They are the future: -inf."),
            (right.mT, "Rows are queries and columns keys: the future is above the diagonal."),
        ]  # fmt: skip
        compare(f"alibi_bias({H}, {T})", attempt(H, T), right, mistakes)
    hint = "This rule is for 1, 2, 4, 8, ... heads. For others the paper has one of its own."
    refuse("alibi_bias(6, 4)", lambda: attempt(6, 4), hint)


def _alibi(slopes: Tensor, distance: Tensor, future: float = -math.inf) -> Tensor:
    return (-slopes[:, None, None] * distance).masked_fill(distance < 0, future)


def to_half_layout(attempt: Callable[[Tensor, int], Tensor]) -> None:
    """Queries or keys of all heads, from RoPE's interleaved layout to the one in halves."""
    cases = [(torch.arange(6.0), 1), (torch.arange(12.0), 2), (_normal(2, 5, 24), 3)]
    for x, num_heads in cases:
        heads = x.unflatten(-1, (num_heads, -1))
        half = heads.shape[-1] // 2
        right = torch.cat([heads[..., 0::2], heads[..., 1::2]], -1).flatten(-2)
        back = heads.unflatten(-1, (2, half)).mT.flatten(-2).flatten(-2)
        mistakes = [
            (torch.cat([x[..., 0::2], x[..., 1::2]], -1), "The whole vector was sorted. Every head "
             "has pairs of its own: split the vector into heads first."),
            (back, "That is the way back, from halves to interleaved."),
            (torch.cat([heads[..., half:], heads[..., :half]], -1).flatten(-2), "The halves were "
             "swapped. The first entries of all pairs come first, then the second entries."),
            (torch.cat([heads[..., 1::2], heads[..., 0::2]], -1).flatten(-2), "The second entries "
             "of the pairs come first here. They make the second half."),
            (x, "Nothing has moved."),
        ]  # fmt: skip
        call = f"to_half_layout(x {tuple(x.shape)}, {num_heads})"
        compare(call, attempt(x.clone(), num_heads), right, mistakes)


def grouped_attention(attempt: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
    """Attention of H query heads to G heads of keys and values, none of which is copied."""
    for H, G, T, S, D in ((4, 2, 3, 5, 4), (6, 2, 1, 7, 2), (4, 4, 2, 3, 4), (8, 2, 1, 64, 32)):
        q, k, v = _normal(H, T, D), _normal(G, S, D, seed=1), _normal(G, S, D, seed=2)
        group, scale = H // G, D**-0.5
        keys, values = (x.repeat_interleave(group, 0) for x in (k, v))
        by_queries = torch.softmax(q @ keys.mT * scale, dim=-2) @ values
        mistakes = [
            (_full(q, k.repeat(group, 1, 1), v.repeat(group, 1, 1), scale), "The heads are grouped "
             f"the other way: query heads 0 to {group - 1} share the keys of head 0."),
            (_full(q, keys, values, 1.0), "The scores are not divided by the root of D."),
            (_full(q, keys, values, 1 / D), "The scores are divided by D, not by its root."),
            (by_queries, "The softmax runs over the queries. The weights of one query add up to 1: "
             "dim=-1."),
        ]  # fmt: skip
        call = f"grouped_attention(q {(H, T, D)}, k {(G, S, D)}, v {(G, S, D)})"
        with LargestKept() as kept:
            got = attempt(q.requires_grad_(), k.requires_grad_(), v.requires_grad_())
        compare(call, got, _full(q, keys, values, scale), mistakes)
        demand(H * T > G * D or kept.numel <= k.numel(), f"{call} is right, but on the way it made "
               f"a tensor of {kept.numel} numbers where all keys have {k.numel()}: they were "
               "repeated. So does @ when a size of 1 meets one of more. Put the queries of a group "
               "into the rows of one matrix: (G, H / G * T, D).")  # fmt: skip


def _full(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    return torch.softmax(q @ k.mT * scale, dim=-1) @ v


def sink_mask(attempt: Callable[[int, int, int, int], Tensor]) -> None:
    """(T, S) bool: a window over the last keys and the first few, for queries at the end."""
    cases = [(5, 5, 5, 0), (2, 5, 5, 0), (5, 5, 2, 0), (3, 8, 3, 2), (6, 6, 1, 3)]
    for T, S, window, sinks in cases:
        key, query = torch.arange(S), torch.arange(S - T, S)[:, None]
        past, near, sink = key <= query, key > query - window, key < sinks
        right, early = past & (near | sink), query - (S - T)
        mistakes = [
            (~right, "It is the other way round: True where a query may look."),
            ((key < query) & (near | sink), "A word may look at itself."),
            ((key <= early) & ((key > early - window) | sink), f"The queries are the last {T} of "
             f"the {S} words: query 0 stands at position {S - T}, and sees what lies before."),
            (past & ((key >= query - window) | sink), f"The window is one too wide: {window} keys, "
             "the word itself among them."),
            (past & ((key > query - window + 1) | sink), f"The window is one too narrow: {window} "
             "keys, the word itself among them."),
            (past, "All words before are visible: the window is missing."),
            (past & near, "The first words are hidden as soon as the window has left them."),
            ((past & near) | sink, "A sink can lie in the future of a query: causality holds for "
             "the first words as well."),
            (past & near & sink, "A key is visible in the window or as a sink: | and not &."),
        ]  # fmt: skip
        call = f"sink_mask({T}, {S}, {window}, {sinks})"
        compare(call, attempt(T, S, window, sinks), right, mistakes)


def merge_tiles(attempt: Callable[..., tuple[Tensor, Tensor]]) -> None:
    """Attention over two sets of keys, from the attention and the log-sum-exp over each."""
    empty = torch.zeros(2, 3), torch.full((2,), -torch.inf)
    high, higher = torch.tensor([1000.0, 990.0]), torch.tensor([1001.0, 991.0])
    cases = {
        "outputs 1 and 3 of sums 2 and 6": (
            (torch.tensor([[1.0]]), torch.tensor([2.0]).log()),
            (torch.tensor([[3.0]]), torch.tensor([6.0]).log()),
        ),
        "three queries": ((_normal(3, 3), _normal(3)), (_normal(3, 3, seed=1), _normal(3, seed=2))),
        "log-sum-exps near 1000": ((_normal(2, 3), high), (_normal(2, 3, seed=1), higher)),
        "a tile that a mask has emptied": ((_normal(2, 3), _normal(2)), empty),
        "two empty tiles": (empty, empty),
    }
    for name, ((out_a, lse_a), (out_b, lse_b)) in cases.items():
        out_a, lse_a, out_b, lse_b = (x.float() for x in (out_a, lse_a, out_b, lse_b))
        lse = torch.logaddexp(lse_a, lse_b)
        a, b = ((x - lse).exp().nan_to_num(0.0)[:, None] for x in (lse_a, lse_b))  # the weights
        got = attempt(*(x.clone() for x in (out_a, lse_a, out_b, lse_b)))
        call = f"merge_tiles(out_a, lse_a, out_b, lse_b), {name}:"
        pair = isinstance(got, tuple) and len(got) == 2
        demand(pair, f"{call} gives {type(got).__name__}. Return two tensors, out and lse.")
        apart = "Subtract the larger of the two before exp, or use torch.logaddexp."
        if lse_a.isneginf().any():
            nan_hint = "-inf - (-inf) is NaN: where neither tile has a key, out is 0, lse -inf."
        else:
            nan_hint = f"exp(1000) is inf, and inf / inf is NaN. {apart}"
        nan = (
            (torch.full_like(out_a, torch.nan), nan_hint),
            (torch.full_like(lse, torch.nan), nan_hint),
        )
        compare(f"{call} lse", got[1], lse, [
            nan[1],
            (lse_a + lse_b, "What adds up is the sums, not their logarithms."),
            ((lse_a.exp() + lse_b.exp()).log(), f"exp(1000) is inf in float32. {apart}"),
            (torch.maximum(lse_a, lse_b), "The smaller of the two adds to the sum as well."),
        ])  # fmt: skip
        square = a.shape[0] == out_a.shape[1]
        crossed = a[:, 0] * out_a + b[:, 0] * out_b if square else nan[0][0]
        linear = [(x / (lse_a + lse_b))[:, None] for x in (lse_a, lse_b)]
        compare(f"{call} out", got[0], a * out_a + b * out_b, [
            nan[0],
            ((out_a + out_b) / 2, "The mean of two means is wrong when one of them stands for more "
             "weight: exp(lse) says how much."),
            (b * out_a + a * out_b, "The two weights are exchanged."),
            (linear[0] * out_a + linear[1] * out_b, "lse is a logarithm: weights go by exp(lse)."),
            (lse_a.exp()[:, None] * out_a + lse_b.exp()[:, None] * out_b, "Divide by the sum of "
             "the weights: each is exp(lse_a - lse)."),
            (crossed, "A weight belongs to a query, which is a row of out: give the weights a last "
             "size of 1 with unsqueeze(-1)."),
        ])  # fmt: skip


def _normal(*shape: int, seed: int = 0) -> Tensor:
    """Random numbers in float64: what differs from the right answer differs by a mistake."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)
