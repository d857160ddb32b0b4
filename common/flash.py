"""FlashAttention in plain torch: exact attention in tiles, forward and backward.

The matrix of weights, T x S, is never stored. The forward pass takes a block of queries past the
blocks of keys, and keeps for each query the largest score so far, the sum of the exponentials and
the weighted sum of values; a larger score rescales both sums ("online softmax", Milakov and
Gimelshein 2018, arXiv:1805.02867). The backward pass computes each tile of weights again, from the
one number a query that was saved: the logarithm of its sum of exponentials, L.

    P = exp(S - L),   dV = P^T dO,   dS = P * (dO V^T - rowsum(dO * O)),   dQ = dS K,   dK = dS^T Q

(Dao et al. 2022, "FlashAttention", arXiv:2205.14135, algorithms 1 and 4; Dao 2023,
"FlashAttention-2", arXiv:2307.08691.) Memory grows with T + S. With is_causal, tiles that lie
entirely in the future are skipped: half of the work.

Exponentials are powers of two here, which torch computes several times faster on a CPU (0.14
against 0.61 ns a number with AVX-512). The factors log2(e) and 1 / sqrt(D) go into the queries.

Shapes: ... any leading dimensions, H heads, N key-value heads, G = H / N heads that share one, T
queries, S keys, D head_dim, E the size of a value. A slice of queries is `rows`, of keys `cols`.
Taught in ch03_attention/06_flash_attention.ipynb.
Needs: nothing but torch.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

# A tile of 128 x 128 float32 numbers takes 64 KiB a head: it stays in the cache of a core.
_BLOCK = 128
_LOG2_E = 1 / math.log(2)
# Largest score, in nats, whose rounding in float32 the weights do not show.
_LARGEST_SCORE = 20.0


def flash_attention(q: Tensor, k: Tensor, v: Tensor, is_causal: bool = False) -> Tensor:
    """softmax(q k^T / sqrt(D)) v without the matrix of weights.

    Args:
        q: (..., H, T, D) floating; (T, D) and (H, T, D) will do as well.
        k: (..., N, S, D), where N divides H: each head of keys serves H / N heads of queries,
            and is not copied for them.
        v: (..., N, S, E).
        is_causal: a query sees itself and what came before; the queries are the last T of the S
            tokens. With more queries than keys the first T - S come before every key.

    Returns:
        (..., H, T, E) in the dtype of q. A query that sees no key gets zeros, with zero gradients.

    Computed in float32 at least, and in float64 where scores may be so large (above 20 in float32)
    that float32 could not hold them to the precision of the answer: there it takes twice as long.

    Raises:
        ValueError: sizes, dtypes or devices that disagree; NaN or infinity, with its place.

    Cost: 4 T S D operations (half if causal), 10 T S D more backward. Keeps q, k, v, the answer and
    one number a query. Gradients of gradients are refused with a NotImplementedError.

    >>> q = torch.zeros(2, 4)                       # a query of zeros likes all keys alike:
    >>> v = torch.tensor([[2.0], [4.0]])            # the answer is the mean of what it may see
    >>> flash_attention(q, torch.ones(2, 4), v, is_causal=True)
    tensor([[2.],
            [3.]])
    """
    return FlashAttention.apply(q, k, v, is_causal)


class FlashAttention(torch.autograd.Function):
    """`apply(q, k, v, is_causal=False)`: as `flash_attention`.

    Saves q, k, v, the answer and the log-sum-exp of each query's scores, (..., H, T) in nats.

    >>> q, k, v = torch.randn(3, 300, 8, requires_grad=True)
    >>> out = FlashAttention.apply(q, k, v, True)
    >>> [tuple(tensor.shape) for tensor in out.grad_fn.saved_tensors]
    [(300, 8), (300, 8), (300, 8), (300, 8), (300,)]
    """

    @staticmethod
    def forward(ctx, q: Tensor, k: Tensor, v: Tensor, is_causal: bool = False) -> Tensor:
        _check(q, k, v)
        dtype = _tile_dtype(q, k)
        out = q.new_zeros(*q.shape[:-1], v.shape[-1], dtype=dtype)
        lse = q.new_full(q.shape[:-1], -math.inf, dtype=dtype)
        with torch.autocast(q.device.type, enabled=False):  # it would round scores to 8 bits
            for batch in zip(*_by_batch(q, k, v, out, lse.unsqueeze(-1)), strict=True):
                _forward_tiles(*batch, is_causal)
        ctx.save_for_backward(q, k, v, out, lse)
        ctx.is_causal = is_causal
        return out.to(q.dtype)

    @staticmethod
    def backward(ctx, grad_out: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        if torch.is_grad_enabled():  # once_differentiable would say nothing, and give zeros
            raise NotImplementedError("flash_attention has no gradients of gradients")
        q, k, v, out, lse = ctx.saved_tensors
        grads = [x.new_zeros(x.shape, dtype=lse.dtype) for x in (q, k, v)]
        tensors = (q, k, v, out, lse.unsqueeze(-1), grad_out, *grads)
        with torch.autocast(q.device.type, enabled=False):
            for batch in zip(*_by_batch(*tensors), strict=True):
                _backward_tiles(batch[:5], batch[5], batch[6:], ctx.is_causal)
        return *(grad.to(q.dtype) for grad in grads), None


def _forward_tiles(
    q: Tensor, k: Tensor, v: Tensor, out: Tensor, lse: Tensor, is_causal: bool
) -> None:
    """q (N, G, T, D), k (N, 1, S, D), v (N, 1, S, E): fills out (N, G, T, E), lse (N, G, T, 1)."""
    (num_queries, head_dim), dtype = q.shape[-2:], lse.dtype
    k, v = k.squeeze(1).to(dtype), v.squeeze(1).to(dtype)
    for rows in _blocks(num_queries):
        # The G heads that share keys stand below one another, as if they were more queries.
        q_block = (q[:, :, rows].to(dtype) * (_LOG2_E / math.sqrt(head_dim))).flatten(1, 2)
        # Of the keys seen so far: the largest score, the sum of 2^(score - largest), and that sum
        # with each term times its value. The lowest number, not -inf: inf - inf would be NaN.
        largest = torch.full_like(q_block[..., :1], torch.finfo(dtype).min)  # (N, G * rows, 1)
        total = torch.zeros_like(largest)
        weighted = q_block.new_zeros(*q_block.shape[:2], v.shape[-1])  # (N, G * rows, E)
        for cols, future in _tiles(rows, num_queries, k.shape[1], is_causal, q.device):
            scores = q_block @ k[:, cols].mT  # (N, G * rows, cols)
            _hide(scores, future)
            new_largest = torch.maximum(largest, scores.amax(-1, keepdim=True))
            p = scores.sub_(new_largest).exp2_()
            shrink = largest.sub_(new_largest).exp2_()  # what was summed under a smaller maximum
            total.mul_(shrink).add_(p.sum(-1, keepdim=True))
            weighted.mul_(shrink).baddbmm_(p, v[:, cols])
            largest = new_largest
        # A query that sees a key has a total of 1 or more: the largest term is 2^0.
        out[:, :, rows] = (weighted / total.clamp(min=1)).view_as(out[:, :, rows])
        lse[:, :, rows] = ((largest + total.log2()) / _LOG2_E).view_as(lse[:, :, rows])


def _backward_tiles(
    saved: tuple[Tensor, ...], grad_out: Tensor, grads: tuple[Tensor, ...], is_causal: bool
) -> None:
    """Shapes as in `_forward_tiles`: adds to the gradients of q, k and v, which hold zeros."""
    (q, k, v, out, lse), (grad_q, grad_k, grad_v) = saved, grads
    (num_queries, head_dim), dtype = q.shape[-2:], lse.dtype
    k, v, grad_k, grad_v = (x.squeeze(1).to(dtype) for x in (k, v, grad_k, grad_v))
    for rows in _blocks(num_queries):
        q_block = (q[:, :, rows].to(dtype) * (_LOG2_E / math.sqrt(head_dim))).flatten(1, 2)
        do_block = grad_out[:, :, rows].to(dtype)
        minus_delta = -(do_block * out[:, :, rows]).sum(-1, keepdim=True).flatten(1, 2)
        minus_lse = (lse[:, :, rows] * -_LOG2_E).flatten(1, 2)  # (N, G * rows, 1), base 2
        do_block = do_block.flatten(1, 2)
        dq_block = torch.zeros_like(q_block)
        for cols, future in _tiles(rows, num_queries, k.shape[1], is_causal, q.device):
            scores = torch.baddbmm(minus_lse, q_block, k[:, cols].mT)
            _hide(scores, future)
            p = scores.exp2_()  # the weights: the division by their sum is in minus_lse
            grad_v[:, cols].baddbmm_(p.mT, do_block)
            ds = torch.baddbmm(minus_delta, do_block, v[:, cols].mT).mul_(p)
            dq_block.baddbmm_(ds, k[:, cols])
            grad_k[:, cols].baddbmm_(ds.mT, q_block)
        grad_q[:, :, rows] = dq_block.div_(math.sqrt(head_dim)).view_as(grad_q[:, :, rows])
    grad_k.div_(_LOG2_E)  # q_block carried log2(e); 1 / sqrt(D) belongs there


def _blocks(length: int) -> Iterator[slice]:
    """0..length in slices of _BLOCK; the last may be shorter."""
    return (slice(i, min(i + _BLOCK, length)) for i in range(0, length, _BLOCK))


def _tiles(
    rows: slice, num_queries: int, num_keys: int, is_causal: bool, device: torch.device
) -> Iterator[tuple[slice, Tensor | None]]:
    """The slices of keys that some query of `rows` may see; (rows, cols) bool, True where hidden.

    None where nothing is hidden, which is every tile but those on the diagonal.
    """
    ahead = num_keys - num_queries  # query i is token i + ahead
    seen = max(0, min(num_keys, rows.stop + ahead)) if is_causal else num_keys
    for cols in _blocks(seen):
        first_hidden = rows.start + ahead + 1 - cols.start  # column of the first row's next token
        if not is_causal or first_hidden >= cols.stop - cols.start:
            yield cols, None
        else:
            tile = (rows.stop - rows.start, cols.stop - cols.start)
            yield cols, torch.ones(tile, dtype=torch.bool, device=device).triu(first_hidden)


def _hide(scores: Tensor, future: Tensor | None) -> None:
    """-inf where future (rows, cols) is True, for each of the G heads in scores' rows."""
    if future is not None:
        scores.unflatten(1, (-1, len(future))).masked_fill_(future, -math.inf)


def _by_batch(q: Tensor, k: Tensor, *others: Tensor) -> list[Tensor]:
    """Views (batch, N, heads / N, length, size) of tensors (..., heads, length, size)."""
    num_kv_heads = k.shape[-3] if k.dim() > 2 else 1
    views = []
    for x in (q, k, *others):
        heads = x.shape[-3] if x.dim() > 2 else 1
        shape = (math.prod(x.shape[:-3]), num_kv_heads, heads // max(num_kv_heads, 1))
        views.append(x.reshape(*shape, *x.shape[-2:]))
    return views


def _tile_dtype(q: Tensor, k: Tensor) -> torch.dtype:
    """float32, or float64 for float64 and for scores too large for float32.

    No score exceeds |q| |k| / sqrt(D), and float32 rounds it to 24 bits. An error of e in a score
    is a relative error of e in its weight: at 10 000, one part in 2000. Answers of 16 bits bear a
    larger error than those of float32.
    """
    if q.dtype == torch.float64:
        return torch.float64
    if q.numel() == 0 or k.numel() == 0:
        return torch.float32
    longest_q, longest_k = (
        torch.linalg.vector_norm(x, dim=-1, dtype=torch.float32).amax() for x in (q, k)
    )
    bound = (longest_q * longest_k).item() / math.sqrt(q.shape[-1])
    coarser = torch.finfo(q.dtype).eps / torch.finfo(torch.float32).eps
    return torch.float32 if bound <= _LARGEST_SCORE * coarser else torch.float64


def _check(q: Tensor, k: Tensor, v: Tensor) -> None:
    shapes = f"got q {tuple(q.shape)}, k {tuple(k.shape)}, v {tuple(v.shape)}"
    if min(q.dim(), k.dim(), v.dim()) < 2 or q.shape[-1] != k.shape[-1] or q.shape[-1] == 0:
        raise ValueError(f"q (..., T, D) and k (..., S, D) must agree in D, at least 1, {shapes}")
    if k.shape[:-1] != v.shape[:-1]:
        raise ValueError(f"k and v must agree in all sizes but the last, {shapes}")
    if q.dim() != k.dim() or q.shape[:-3] != k.shape[:-3]:
        raise ValueError(f"q and k must agree in the sizes before the heads, {shapes}")
    heads, num_kv_heads = (x.shape[-3] if x.dim() > 2 else 1 for x in (q, k))
    if heads % num_kv_heads if num_kv_heads else heads:
        raise ValueError(f"{num_kv_heads} heads of k must divide {heads} heads of q, {shapes}")
    if not q.is_floating_point() or not q.dtype == k.dtype == v.dtype:
        raise ValueError(
            f"q, k and v must have one floating dtype, got {q.dtype}, {k.dtype}, {v.dtype}"
        )
    if not q.device == k.device == v.device:
        raise ValueError(
            f"q, k and v must be on one device, got {q.device}, {k.device}, {v.device}"
        )
    for name, x in (("q", q), ("k", k), ("v", v)):
        if x.numel() and not all(extreme.isfinite() for extreme in x.aminmax()):
            place = (~x.isfinite()).nonzero()[0].tolist()
            raise ValueError(f"{name} must be finite, got {x[tuple(place)].item()} at {place}")
