"""Causal attention by plain products, where torch's fused kernel is slow: bfloat16 on a CPU.

Shapes: B batch, H heads, H_kv key-value heads, T tokens, D head_dim.
Needs: nothing but torch.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

_AT_A_TIME = 2  # sequences, whose scores take H T T x 8 bytes: 3 MB for 6 heads and 256 tokens


def products_win(q: Tensor) -> bool:
    """Whether products are faster than the fused kernel, whose backward pass is the slow part.

    Forward and backward at B 6, H 4, T 192, D 32, one core: 7.7 ms fused, 4.0 ms by products. From
    T = 512 on there is nothing to win.
    """
    return q.device.type == "cpu" and q.dtype == torch.bfloat16 and 1 < q.shape[-2] <= 256


def causal_by_products(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """q (B, H, T, D), k and v (B, H_kv, T, D) bfloat16 -> (B, H, T, D).

    Scores are float32, since a score of 1000 in bfloat16 is off by 2; weights are bfloat16. The
    first half of the queries needs the first half of the keys only: a quarter of the work.
    """
    group_size = q.shape[1] // k.shape[1]
    k, v = (t.repeat_interleave(group_size, dim=1) for t in (k, v))  # contiguous as well
    return _CausalProducts.apply(q, k, v)


class _CausalProducts(torch.autograd.Function):
    """Autograd finds the same derivative, but keeps all scores and weights.

    Here they are computed anew in the backward pass, a few sequences at a time: what fits into the
    cache of a core is as fast to make again as to fetch.
    """

    @staticmethod
    def forward(ctx, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        ctx.save_for_backward(q, k, v)
        out = torch.empty_like(v)
        for some_out, *some in _split(out, q, k, v):
            some_q, some_k, some_v = some
            for (start, end), weights in _weights(some_q, some_k):
                some_out[:, :, start:end] = weights @ some_v[:, :, :end]
        return out

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if torch.is_grad_enabled():  # only under create_graph=True: better nothing than half of it
            raise NotImplementedError("this attention has no gradients of gradients")
        q, k, v = ctx.saved_tensors
        grads = torch.empty_like(v), torch.zeros_like(v), torch.zeros_like(v)
        for some in _split(q, k, v, grad.contiguous(), *grads):
            _backward(*some)
        grad_q, grad_k, grad_v = grads
        scale = q.shape[-1] ** -0.5
        return grad_q.mul_(scale), grad_k.mul_(scale), grad_v


def _backward(q: Tensor, k: Tensor, v: Tensor, grad: Tensor, *grads: Tensor) -> None:
    """Fill the gradients of q, k and v, those of q and k still to be scaled."""
    grad_q, grad_k, grad_v = grads
    for (start, end), weights in _weights(q, k):
        upstream = grad[:, :, start:end]
        by_weights = upstream @ v[:, :, :end].mT
        by_scores = torch.ops.aten._softmax_backward_data(by_weights, weights, -1, q.dtype)
        grad_v[:, :, :end] += weights.mT @ upstream
        grad_k[:, :, :end] += by_scores.mT @ q[:, :, start:end]
        grad_q[:, :, start:end] = by_scores @ k[:, :, :end]


def _split(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    return zip(*(t.split(_AT_A_TIME) for t in tensors), strict=True)


def _weights(q: Tensor, k: Tensor) -> Iterator[tuple[tuple[int, int], Tensor]]:
    """For each half of the queries, which they are, and their weights (B, H, T / 2, up to T)."""
    num_tokens = q.shape[-2]
    wide_q, wide_k = (q.float() / math.sqrt(q.shape[-1])).contiguous(), k.float()
    hide = torch.full((num_tokens, num_tokens), -math.inf, device=q.device).triu(diagonal=1)
    for start, end in ((0, num_tokens // 2), (num_tokens // 2, num_tokens)):
        with torch.autocast("cpu", enabled=False):
            scores = wide_q[:, :, start:end] @ wide_k[:, :, :end].mT
        weights = torch.softmax(scores.add_(hide[start:end, :end]), dim=-1)
        yield (start, end), weights.to(q.dtype)
