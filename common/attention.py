"""Attention: every token takes a weighted average of the tokens that it may look at.

    attention(q, k, v) = softmax(q k^T / sqrt(D)) v

(Vaswani et al. 2017, "Attention Is All You Need", arXiv:1706.03762, equation 1.)
`scaled_dot_product_attention` is the formula, to be read and to be tested against.
`fused_attention` gives the same numbers through torch's fused kernel, which keeps no T x S matrix.
`MultiHeadAttention` is the layer that models use: causal, several heads, optionally fewer key-value
heads (Ainslie et al. 2023, "GQA", arXiv:2305.13245), a sliding window (Beltagy et al. 2020,
"Longformer", arXiv:2004.05150), rotary positions, normalised queries and keys (Henry et al. 2020,
arXiv:2010.04245) and a key-value cache.

Shapes: B batch, H heads, H_kv key-value heads, T queries, S keys, D head_dim. A mask is True where
a query may attend.
Taught in ch03_attention/03_masks_and_heads.ipynb.
Needs: numerics.py, layers.py, norms.py, rope.py, kv_cache.py, _attention_checks.py,
_attention_products.py.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._attention_checks import check_finite, check_inputs, check_window
from ._attention_products import causal_by_products, products_win
from .kv_cache import LayerCache
from .layers import Linear
from .norms import RMSNorm
from .numerics import softmax
from .rope import RotaryEmbedding


def causal_mask(
    num_queries: int,
    num_keys: int,
    *,
    window_tokens: int | None = None,
    device: torch.device | str | None = None,
) -> Tensor:
    """(T, S) bool: the queries are the last T of S tokens; each sees itself and what came before.

    window_tokens: it sees itself and the window_tokens - 1 tokens before; None shows all of them.
    Raises ValueError when there are more queries than keys, or for a window of less than 1.

    >>> causal_mask(2, 4)
    tensor([[ True,  True,  True, False],
            [ True,  True,  True,  True]])
    >>> causal_mask(2, 4, window_tokens=2)
    tensor([[False,  True,  True, False],
            [False, False,  True,  True]])
    """
    if num_queries > num_keys:
        raise ValueError(f"num_queries {num_queries} must be at most num_keys {num_keys}")
    check_window(window_tokens)
    itself = num_keys - num_queries  # the diagonal on which a query meets its own key
    mask = torch.ones(num_queries, num_keys, dtype=torch.bool, device=device).tril(itself)
    return mask if window_tokens is None else mask.triu(itself - window_tokens + 1)


def scaled_dot_product_attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None
) -> Tensor:
    """softmax(q k^T / sqrt(D)) v for q (..., T, D), k (..., S, D), v (..., S, E) -> (..., T, E).

    Leading dimensions broadcast. mask: bool, broadcastable to (..., T, S), True where a query may
    attend. A row that may attend nowhere gives zeros with zero gradients, not NaN. Computed one
    width up (16 bits in float32, float32 in float64): a score of 10 000 rounded to float32 is off
    by 0.0005, and so would be the weights. Time and memory grow with T * S: the weights are kept.

    Raises ValueError when sizes, dtypes or devices disagree, when the mask is not bool or has
    another shape, and when an entry of q, k or v is not finite: it names the first one.

    >>> q = torch.zeros(2, 4)                       # a query of zeros likes all keys alike:
    >>> v = torch.tensor([[2.0], [4.0]])            # the answer is the mean of what it may see
    >>> scaled_dot_product_attention(q, torch.ones(2, 4), v, causal_mask(2, 2))
    tensor([[2.],
            [3.]])
    """
    check_inputs(q, k, v, mask)
    check_finite(q=q, k=k, v=v)
    wide_q, wide_k, wide_v = (_one_width_up(t) for t in (q, k, v))
    with torch.autocast(q.device.type, enabled=False):
        scores = wide_q @ wide_k.mT / math.sqrt(q.shape[-1])  # (..., T, S)
        if mask is not None:
            # The lowest finite number, not -inf: a row masked everywhere is finite, then emptied.
            scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        weights = softmax(scores)
        if mask is not None:
            weights = weights.masked_fill(~mask, 0.0)
        return (weights @ wide_v).to(q.dtype)


def fused_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    *,
    is_causal: bool = False,
    window_tokens: int | None = None,
) -> Tensor:
    """The same by torch's fused kernel: q (B, H, T, D), k and v (B, H_kv, S, D) -> (B, H, T, D).

    Each of the H_kv heads of keys and values serves H / H_kv heads of queries, without copies of
    them. mask: as above, broadcastable to (B, H, T, S). is_causal: the queries are the last T of S
    tokens and see nothing after themselves; window_tokens: nor anything before the last
    window_tokens up to themselves. Memory grows with T + S, or with T * S where a mask is needed;
    with a window and without a mask of the caller's, time and memory grow with T * window_tokens.
    Short causal sequences of bfloat16 on a CPU are faster by plain products, which copy the shared
    heads and keep the weights.

    Scores are float32 for float32 inputs, as torch computes them: one of 10 000 is off by up to
    0.001, and its weight by that part of itself. qk_norm keeps scores small; the readable form and
    `flash_attention` keep more digits.

    Raises ValueError like the readable form, except that it does not look for NaN, which would cost
    another pass over q, k and v. A NaN in q harms its own row only: it gives NaN, or zeros where
    the kernel takes the row for empty. One in k or v can reach every query of its heads, also those
    that may not see it, since 0 * NaN is NaN: clear what you mask.

    >>> q, k = torch.randn(1, 8, 5, 4), torch.randn(1, 2, 5, 4)  # four queries share a key
    >>> readable = scaled_dot_product_attention(
    ...     q.unflatten(1, (2, 4)), k[:, :, None], k[:, :, None], causal_mask(5, 5)
    ... )
    >>> torch.allclose(fused_attention(q, k, k, is_causal=True), readable.flatten(1, 2), atol=1e-6)
    True
    """
    check_inputs(q, k, v, mask, grouped=True)
    check_window(window_tokens)
    if window_tokens is not None and not is_causal:
        raise ValueError("window_tokens counts backwards from a query: it needs is_causal=True")
    num_queries, num_keys = q.shape[-2], k.shape[-2]
    if is_causal:
        if num_queries > num_keys:
            raise ValueError(f"num_queries {num_queries} must be at most num_keys {num_keys}")
        if window_tokens is not None and window_tokens < num_keys:
            if mask is None and num_queries > 2 * window_tokens:
                return _windows_in_blocks(q, k, v, window_tokens)
            seen = window_tokens + num_queries - 1  # by any of the queries
            k, v = k[:, :, -seen:], v[:, :, -seen:]
            mask = mask if mask is None else mask[..., -seen:]
        elif mask is None and num_queries == num_keys:
            if products_win(q):
                return causal_by_products(q, k, v)
            return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        if num_queries > 1:  # a single query is the last token: it may see all that is left
            causal = causal_mask(
                num_queries, k.shape[-2], window_tokens=window_tokens, device=q.device
            )
            if mask is None:
                return F.scaled_dot_product_attention(q, k, v, causal, enable_gqa=True)
            mask = mask & causal
    if mask is None:
        return F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    # torch promises nothing about a row that may attend nowhere: let it see all, then empty it.
    mask = torch.atleast_2d(mask)
    is_empty = ~mask.any(dim=-1, keepdim=True)
    heads = F.scaled_dot_product_attention(q, k, v, mask | is_empty, enable_gqa=True)
    return heads.masked_fill(is_empty, 0.0)


class MultiHeadAttention(nn.Module):
    """Causal self-attention (B, T, d_model) -> (B, T, d_model) in num_heads heads.

    num_kv_heads: heads of keys and values, each shared by num_heads / num_kv_heads query heads;
    None gives every query head its own. head_dim: the width D of a head; None takes d_model /
    num_heads, another one need not fit d_model (Qwen3). rope: rotates queries and keys. qk_norm:
    RMSNorm with norm_eps over each head's queries and keys, which bounds the scores whatever
    q_proj and k_proj grow to. window_tokens: a token sees itself and window_tokens - 1 before it.
    bias: as in GPT-2, on all four projections.

    Parameters: q_proj (H * D, d_model); k_proj, v_proj (H_kv * D, d_model); output_proj (d_model,
    H * D). Raises ValueError when num_kv_heads does not divide num_heads, when there is no head_dim
    and num_heads does not divide d_model, or when rope turns heads of another width.

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
        head_dim: int | None = None,
        rope: RotaryEmbedding | None = None,
        qk_norm: bool = False,
        norm_eps: float = 1e-5,
        window_tokens: int | None = None,
        bias: bool = False,
    ) -> None:
        super().__init__()
        num_kv_heads = num_heads if num_kv_heads is None else num_kv_heads
        if num_heads < 1 or (head_dim is None and d_model % num_heads):
            raise ValueError(f"num_heads {num_heads} must divide d_model {d_model}")
        if num_kv_heads < 1 or num_heads % num_kv_heads:
            raise ValueError(f"num_kv_heads {num_kv_heads} must divide num_heads {num_heads}")
        head_dim = d_model // num_heads if head_dim is None else head_dim
        if head_dim < 1:
            raise ValueError(f"head_dim must be at least 1, got {head_dim}")
        if rope is not None and rope.head_dim != head_dim:
            raise ValueError(f"rope turns heads of {rope.head_dim} entries, these have {head_dim}")
        check_window(window_tokens)
        self.num_heads = num_heads
        self.num_kv_heads = num_kv_heads
        self.head_dim = head_dim
        self.window_tokens = window_tokens
        self.q_proj = Linear(d_model, num_heads * head_dim, bias=bias)
        self.k_proj = Linear(d_model, num_kv_heads * head_dim, bias=bias)
        self.v_proj = Linear(d_model, num_kv_heads * head_dim, bias=bias)
        self.output_proj = Linear(num_heads * head_dim, d_model, bias=bias)
        self.q_norm = RMSNorm(head_dim, norm_eps) if qk_norm else None
        self.k_norm = RMSNorm(head_dim, norm_eps) if qk_norm else None
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

        positions: (T,) or (B, T) integers for rope; None counts on from the cache. Negative entries
        of (B, T) are padding, which nobody sees. Who came first is decided by the order of the
        tokens, never by positions. cache: receives these T tokens and gives the S that they may
        see. mask: bool, broadcastable to (B, H, T, S), False hides a key from a query on top of all
        this. A query that may see nothing gets zeros before output_proj.
        """
        self._check(x, positions, cache)
        q = self._split_heads(self.q_proj(x), self.q_norm)  # (B, H, T, D)
        k = self._split_heads(self.k_proj(x), self.k_norm)  # (B, H_kv, T, D)
        v = self._split_heads(self.v_proj(x), None)
        if positions is None and cache is not None:
            positions = cache.next_positions(x.shape[1])
        if self.rope is not None:
            if positions is None:
                positions = torch.arange(x.shape[1], device=x.device)
            # Padding has no place to be turned to, and is hidden anyway.
            places = positions.clamp(min=0) if positions.dim() == 2 else positions
            q, k = self.rope(q, places), self.rope(k, places)
        if cache is not None:
            k, v = cache.append(k, v, positions)  # (B, H_kv, S, D)
            positions = cache.positions
        if positions is not None and positions.dim() == 2:
            real = (positions >= 0)[:, None, None]  # (B, 1, 1, S)
            mask = real if mask is None else mask & real
        heads = fused_attention(q, k, v, mask, is_causal=True, window_tokens=self.window_tokens)
        return self.output_proj(heads.transpose(1, 2).flatten(2))  # (B, T, H * D)

    def _split_heads(self, x: Tensor, norm: RMSNorm | None) -> Tensor:
        """(B, T, H * D) -> (B, H, T, D), a view of what the norm, if any, made of each head."""
        heads = x.unflatten(-1, (-1, self.head_dim))  # (B, T, H, D)
        return (heads if norm is None else norm(heads)).transpose(1, 2)

    def _check(self, x: Tensor, positions: Tensor | None, cache: LayerCache | None) -> None:
        weight = self.q_proj.weight
        if x.dim() != 3 or x.shape[-1] != weight.shape[1]:
            raise ValueError(f"x must be (B, T, {weight.shape[1]}), got {tuple(x.shape)}")
        if x.device != weight.device:
            raise ValueError(f"x is on {x.device}, the weights are on {weight.device}")
        is_other = weight.is_floating_point() and x.dtype != weight.dtype  # int8 takes any x
        if is_other and not torch.is_autocast_enabled(x.device.type):
            raise ValueError(f"x is {x.dtype}, the weights are {weight.dtype}")
        if positions is not None:
            if positions.is_floating_point() or positions.shape not in (x.shape[1:2], x.shape[:2]):
                raise ValueError(
                    f"positions must be integers of shape {tuple(x.shape[1:2])} or "
                    f"{tuple(x.shape[:2])}, got {positions.dtype} of {tuple(positions.shape)}"
                )
        kept = None if cache is None else cache.window_tokens
        if kept is not None and (self.window_tokens is None or self.window_tokens > kept):
            sees = "all tokens" if self.window_tokens is None else f"{self.window_tokens} tokens"
            raise ValueError(f"the cache keeps the last {kept} tokens, the layer looks at {sees}")


def _one_width_up(x: Tensor) -> Tensor:
    """float32 for 16 bits, else float64, which Apple's GPUs do not have."""
    if x.dtype in (torch.float16, torch.bfloat16):
        return x.float()
    return x if x.device.type == "mps" else x.double()


def _windows_in_blocks(q: Tensor, k: Tensor, v: Tensor, window_tokens: int) -> Tensor:
    """Many queries, window_tokens at a time: each block sees two windows and not all S keys."""
    num_queries, before = q.shape[-2], k.shape[-2] - q.shape[-2]
    blocks = []
    for start in range(0, num_queries, window_tokens):
        end = min(start + window_tokens, num_queries)
        queries, (keys, values) = q[:, :, start:end], (t[:, :, : before + end] for t in (k, v))
        blocks.append(
            fused_attention(queries, keys, values, is_causal=True, window_tokens=window_tokens)
        )
    return torch.cat(blocks, dim=2)
