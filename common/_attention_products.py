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
    """q (B, H, T, D), k and v (B, H_kv, T, D) bfloat16 -> (B, H, T, D), keeping the weights.

    Scores are float32, since a score of 1000 in bfloat16 is off by 2; weights are bfloat16. The
    first half of the queries needs the first half of the keys only: a quarter of the work.
    """
    num_tokens, group_size = q.shape[-2], q.shape[1] // k.shape[1]
    k, v = (t.repeat_interleave(group_size, dim=1) for t in (k, v))  # contiguous as well
    q, k = (q.float() / math.sqrt(q.shape[-1])).contiguous(), k.float()
    hide = torch.full((num_tokens, num_tokens), -math.inf, device=q.device).triu(diagonal=1)
    rows = []
    with torch.autocast("cpu", enabled=False):
        for start, end in ((0, num_tokens // 2), (num_tokens // 2, num_tokens)):
            scores = q[:, :, start:end] @ k[:, :, :end].mT + hide[start:end, :end]
            rows.append(torch.softmax(scores, dim=-1).to(v.dtype) @ v[:, :, :end])
    return torch.cat(rows, dim=2)
