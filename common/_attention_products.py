"""Causal attention by plain products, where torch's fused kernel is slow: bfloat16 on a CPU.

Shapes: B batch, H heads, H_kv key-value heads, T tokens, D head_dim.
Needs: nothing but torch.
"""

import math

import torch
from torch import Tensor


def products_win(q: Tensor) -> bool:
    """Whether products are faster than the fused kernel, whose backward pass is the slow part.

    Forward and backward at B 6, H 4, T 192, D 32, one core: 7.7 ms fused, 4.0 ms by products. From
    T = 512 on there is nothing to win.
    """
    return q.device.type == "cpu" and q.dtype == torch.bfloat16 and 1 < q.shape[-2] <= 256


def causal_by_products(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """q (B, H, T, D), k and v (B, H_kv, T, D) bfloat16 -> (B, H, T, D).

    Scores are float32, since a score of 1000 in bfloat16 is off by 2; weights are bfloat16, and
    kept for the backward pass. The first half of the queries needs the first half of the keys only:
    a quarter of the work.
    """
    group_size = q.shape[1] // k.shape[1]
    k, v = (t.repeat_interleave(group_size, dim=1) for t in (k, v))  # contiguous as well
    return _CausalProducts.apply(q, k, v)


class _CausalProducts(torch.autograd.Function):
    """Autograd finds the same derivative, but stores scores and weights in float32 too."""

    @staticmethod
    def forward(ctx, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        num_tokens = q.shape[-2]
        wide_q, wide_k = (q.float() / math.sqrt(q.shape[-1])).contiguous(), k.float()
        hide = torch.full((num_tokens, num_tokens), -math.inf, device=q.device).triu(diagonal=1)
        rows, halves = [], []
        with torch.autocast("cpu", enabled=False):
            for start, end in _halves(num_tokens):
                scores = wide_q[:, :, start:end] @ wide_k[:, :, :end].mT
                weights = torch.softmax(scores.add_(hide[start:end, :end]), dim=-1).to(v.dtype)
                rows.append(weights @ v[:, :, :end])
                halves.append(weights)
        ctx.save_for_backward(q, k, v, *halves)
        return torch.cat(rows, dim=2)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if torch.is_grad_enabled():  # only under create_graph=True: better nothing than half of it
            raise NotImplementedError("this attention has no gradients of gradients")
        q, k, v, *halves = ctx.saved_tensors
        scale, grad = q.shape[-1] ** -0.5, grad.contiguous()
        rows, grad_k, grad_v = [], torch.zeros_like(k), torch.zeros_like(v)
        for (start, end), weights in zip(_halves(q.shape[-2]), halves, strict=True):
            upstream = grad[:, :, start:end]
            by_weights = upstream @ v[:, :, :end].mT
            by_scores = torch.ops.aten._softmax_backward_data(by_weights, weights, -1, q.dtype)
            grad_v[:, :, :end] += weights.mT @ upstream
            grad_k[:, :, :end] += by_scores.mT @ q[:, :, start:end]
            rows.append(by_scores @ k[:, :, :end])
        return torch.cat(rows, dim=2).mul_(scale), grad_k.mul_(scale), grad_v


def _halves(num_tokens: int) -> tuple[tuple[int, int], tuple[int, int]]:
    return (0, num_tokens // 2), (num_tokens // 2, num_tokens)
