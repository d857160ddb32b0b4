"""Attention: every token takes a weighted average of the tokens that it may look at.

    attention(q, k, v) = softmax(q k^T / sqrt(D)) v

(Vaswani et al. 2017, "Attention Is All You Need", arXiv:1706.03762, equation 1.)
`scaled_dot_product_attention` is the formula, to be read and to be tested against.
`MultiHeadAttention` is the layer that models use: causal, several heads, optionally fewer key-value
heads (Ainslie et al. 2023, "GQA", arXiv:2305.13245), rotary positions, normalised queries and keys
(Henry et al. 2020, arXiv:2010.04245) and a key-value cache. It computes the same formula with
torch's fused kernel, which keeps no T x S matrix.

Shapes: B batch, H heads, T queries, S keys, D head_dim. A mask is True where a query may attend.
Taught in ch03_attention/03_masks_and_heads.ipynb.
Needs: numerics.py, layers.py, rope.py, kv_cache.py.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .kv_cache import LayerCache
from .layers import Linear, RMSNorm
from .numerics import softmax
from .rope import RotaryEmbedding


def causal_mask(
    num_queries: int, num_keys: int, *, device: torch.device | str | None = None
) -> Tensor:
    """(T, S) bool: the queries are the last T of S tokens; each sees itself and what came before.

    Raises ValueError when there are more queries than keys.

    >>> causal_mask(2, 3)
    tensor([[ True,  True, False],
            [ True,  True,  True]])
    """
    if num_queries > num_keys:
        raise ValueError(f"num_queries {num_queries} must be at most num_keys {num_keys}")
    everything = torch.ones(num_queries, num_keys, dtype=torch.bool, device=device)
    return everything.tril(diagonal=num_keys - num_queries)


def scaled_dot_product_attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None
) -> Tensor:
    """softmax(q k^T / sqrt(D)) v for q (..., T, D), k (..., S, D), v (..., S, E) -> (..., T, E).

    mask: bool, broadcastable to (..., T, S), True where a query may attend. A row that may attend
    nowhere gives zeros with zero gradients, not NaN. Time and memory grow with T * S: the matrix of
    weights is kept.

    Raises ValueError when the mask is not bool or when the sizes disagree.

    >>> q = torch.zeros(2, 4)                       # a query of zeros likes all keys alike:
    >>> v = torch.tensor([[2.0], [4.0]])            # the answer is the mean of what it may see
    >>> scaled_dot_product_attention(q, torch.ones(2, 4), v, causal_mask(2, 2))
    tensor([[2.],
            [3.]])
    """
    if q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ValueError(
            "q and k must agree in their last size, k and v in the one before, "
            f"got q {tuple(q.shape)}, k {tuple(k.shape)}, v {tuple(v.shape)}"
        )
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (..., T, S)
    if mask is None:
        return softmax(scores, dim=-1) @ v
    if mask.dtype != torch.bool:
        raise ValueError(f"mask must be bool, True where a query may attend, got {mask.dtype}")
    # The lowest finite number, not -inf: a row masked everywhere stays finite, then is emptied.
    scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    return softmax(scores, dim=-1).masked_fill(~mask, 0.0) @ v


class MultiHeadAttention(nn.Module):
    """Causal self-attention (B, T, d_model) -> (B, T, d_model) in num_heads heads.

    head_dim D is d_model / num_heads. num_kv_heads: heads of keys and values, each shared by
    num_heads / num_kv_heads query heads; None gives every query head its own. rope: rotates queries
    and keys. qk_norm: RMSNorm over each head's queries and keys, which bounds the scores whatever
    the weights grow to. bias: as in GPT-2, on all four projections.

    Parameters: q_proj, output_proj (d_model, d_model); k_proj, v_proj (num_kv_heads * head_dim,
    d_model). Raises ValueError when num_heads does not divide d_model, or num_kv_heads num_heads.

    >>> attention = MultiHeadAttention(64, num_heads=4, num_kv_heads=2)
    >>> attention(torch.randn(3, 10, 64)).shape
    torch.Size([3, 10, 64])
    >>> MultiHeadAttention(100, num_heads=6)
    Traceback (most recent call last):
    ValueError: num_heads 6 must divide d_model 100
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        num_kv_heads: int | None = None,
        *,
        rope: RotaryEmbedding | None = None,
        qk_norm: bool = False,
        bias: bool = False,
    ) -> None:
        super().__init__()
        num_kv_heads = num_heads if num_kv_heads is None else num_kv_heads
        if num_heads < 1 or d_model % num_heads:
            raise ValueError(f"num_heads {num_heads} must divide d_model {d_model}")
        if num_kv_heads < 1 or num_heads % num_kv_heads:
            raise ValueError(f"num_kv_heads {num_kv_heads} must divide num_heads {num_heads}")
        self.num_heads = num_heads
        self.num_kv_heads = num_kv_heads
        self.head_dim = d_model // num_heads
        self.q_proj = Linear(d_model, d_model, bias=bias)
        self.k_proj = Linear(d_model, num_kv_heads * self.head_dim, bias=bias)
        self.v_proj = Linear(d_model, num_kv_heads * self.head_dim, bias=bias)
        self.output_proj = Linear(d_model, d_model, bias=bias)
        self.q_norm = RMSNorm(self.head_dim) if qk_norm else None
        self.k_norm = RMSNorm(self.head_dim) if qk_norm else None
        self.rope = rope

    def forward(
        self,
        x: Tensor,
        positions: Tensor | None = None,
        cache: LayerCache | None = None,
        *,
        mask: Tensor | None = None,
    ) -> Tensor:
        """x (B, T, d_model) -> (B, T, d_model); token t sees those up to t, and the cached ones.

        positions: (T,) or (B, T) integers for rope; None counts on from the cache's length. cache:
        receives these T tokens and gives all S so far. mask: bool, broadcastable to (B, H, T, S),
        False hides a key from a query on top of causality (padding); a query that may see nothing
        gets zeros before output_proj.
        """
        num_tokens = x.shape[1]
        q = self._split_heads(self.q_proj(x), self.q_norm)  # (B, H, T, D)
        k = self._split_heads(self.k_proj(x), self.k_norm)  # (B, H_kv, T, D)
        v = self._split_heads(self.v_proj(x), None)
        if self.rope is not None:
            if positions is None:
                start = 0 if cache is None else cache.length
                positions = torch.arange(start, start + num_tokens, device=x.device)
            q, k = self.rope(q, positions), self.rope(k, positions)
        if cache is not None:
            k, v = cache.append(k, v)  # (B, H_kv, S, D)
        num_keys = k.shape[-2]
        is_causal = mask is None and num_keys == num_tokens
        if (
            not is_causal and num_tokens > 1
        ):  # a single query is the last token: it may see every key
            causal = causal_mask(num_tokens, num_keys, device=x.device)
            mask = causal if mask is None else mask & causal
        if is_causal and _products_win(q):
            heads = _causal_by_products(q, k, v)
        else:
            heads = F.scaled_dot_product_attention(
                q, k, v, mask, is_causal=is_causal, enable_gqa=self.num_kv_heads != self.num_heads
            )
        return self.output_proj(heads.transpose(1, 2).flatten(2))  # (B, T, H * D)

    def _split_heads(self, x: Tensor, norm: RMSNorm | None) -> Tensor:
        """(B, T, H * D) -> (B, H, T, D), a view of what the norm, if any, made of each head."""
        heads = x.unflatten(-1, (-1, self.head_dim))  # (B, T, H, D)
        return (heads if norm is None else norm(heads)).transpose(1, 2)


def _products_win(q: Tensor) -> bool:
    """Where torch's fused kernel is the slower way: bfloat16 on a CPU, backwards, up to T = 1024.

    Forward and backward at B 6, H 4, T 192, D 32, one core: 8.8 ms fused, 4.6 ms by products.
    """
    return q.device.type == "cpu" and q.dtype == torch.bfloat16 and 1 < q.shape[-2] <= 1024


def _causal_by_products(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention, q (B, H, T, D), k and v (B, H_kv, T, D), by products that keep weights.

    The first half of the queries needs the first half of the keys only: a quarter of the work.
    """
    num_tokens, group_size = q.shape[-2], q.shape[1] // k.shape[1]
    q = (q / math.sqrt(q.shape[-1])).contiguous()
    k, v = (t.repeat_interleave(group_size, dim=1) for t in (k, v))  # contiguous as well
    hidden = ~causal_mask(num_tokens, num_tokens, device=q.device)
    hide = torch.zeros_like(hidden, dtype=q.dtype).masked_fill(hidden, -math.inf)
    rows = []
    for start, end in ((0, num_tokens // 2), (num_tokens // 2, num_tokens)):
        scores = q[:, :, start:end] @ k[:, :, :end].mT + hide[start:end, :end]
        rows.append(torch.softmax(scores, dim=-1) @ v[:, :, :end])
    return torch.cat(rows, dim=2)
