"""Attention by loops over Python floats (64 bits): the slow twin that a reader can check by eye."""

import math

import torch
from torch import Tensor


def attention_oracle(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """q (B, H, T, D), k (B, H_kv, S, D), v (B, H_kv, S, E) -> (B, H, T, E) in float64.

    Query head h reads key-value head h * H_kv // H. mask is True where a query may attend; a query
    that may attend nowhere gets zeros.
    """
    (batch_size, num_heads, num_queries, head_dim), num_keys = q.shape, k.shape[2]
    out = torch.zeros(batch_size, num_heads, num_queries, v.shape[-1], dtype=torch.float64)
    if mask is None:
        mask = torch.ones(num_queries, num_keys, dtype=torch.bool)
    allowed = mask.expand(batch_size, num_heads, num_queries, num_keys).tolist()
    queries, keys, values = q.tolist(), k.tolist(), v.tolist()
    for b in range(batch_size):
        for h in range(num_heads):
            kv_head = h * k.shape[1] // num_heads
            for t in range(num_queries):
                seen = [s for s in range(num_keys) if allowed[b][h][t][s]]
                scores = [
                    dot(queries[b][h][t], keys[b][kv_head][s]) / math.sqrt(head_dim) for s in seen
                ]
                exponentials = [math.exp(score - max(scores)) for score in scores]
                for e in range(v.shape[-1]):
                    mixed = dot(exponentials, [values[b][kv_head][s][e] for s in seen])
                    out[b, h, t, e] = mixed / math.fsum(exponentials) if seen else 0.0
    return out


def dot(a: list[float], b: list[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True))
