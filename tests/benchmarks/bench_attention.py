"""The attention layer against torch's fused kernel called by hand; a window; decoding with a cache.

"layer": MultiHeadAttention and a function that does the same projections and calls the kernel with
nothing else around it, in turn, forward and backward. A ratio of 1.05 is 5 % overhead.
"""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from common.attention import MultiHeadAttention, fused_attention
from common.kv_cache import KVCache
from tests.benchmarks.measure import report, seconds

torch.manual_seed(0)


def by_hand(layer: MultiHeadAttention, x: Tensor) -> Tensor:
    """What the layer computes, in as few calls as there are."""
    q, k, v = (
        projection(x).unflatten(-1, (-1, layer.head_dim)).transpose(1, 2)
        for projection in (layer.q_proj, layer.k_proj, layer.v_proj)
    )
    heads = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    return layer.output_proj(heads.transpose(1, 2).flatten(2))


def backward(function: Callable[[Tensor], Tensor], x: Tensor) -> None:
    function(x).sum().backward()


def in_turn(*works: Callable[[], object], rounds: int = 9) -> list[float]:
    """The best CPU seconds of each; one after the other, so that a busy machine hits all alike."""
    best = [float("inf")] * len(works)
    for _ in range(rounds):
        best = [min(b, seconds(work, runs=1)) for b, work in zip(best, works, strict=True)]
    return best


for dtype in (torch.float32, torch.bfloat16):
    for batch, tokens, d_model, heads, kv_heads in (
        (8, 256, 256, 8, 8), (4, 512, 512, 8, 8), (4, 512, 512, 8, 2), (1, 2048, 512, 8, 8)
    ):  # fmt: skip
        layer = MultiHeadAttention(d_model, heads, kv_heads).to(dtype)
        x = torch.randn(batch, tokens, d_model, dtype=dtype)
        ours, theirs = in_turn(
            partial(backward, layer, x), partial(backward, partial(by_hand, layer), x)
        )
        name = f"layer, {dtype}, B {batch} T {tokens} d_model {d_model} heads {heads}/{kv_heads}"
        report(name, ms=1e3 * ours, by_hand_ms=1e3 * theirs, ratio=ours / theirs)

q = torch.randn(1, 8, 4096, 64)
full = seconds(lambda: fused_attention(q, q, q, is_causal=True))
window = seconds(lambda: fused_attention(q, q, q, is_causal=True, window_tokens=256))
report("window of 256 at T 4096, forward", ms=1e3 * window, all_ms=1e3 * full, ratio=window / full)


@torch.no_grad()
def decode(layer: MultiHeadAttention, cache: KVCache, token: Tensor) -> None:
    cache.reset()
    for _ in range(500):
        layer(token, cache=cache.layer(0))


@torch.no_grad()
def decode_by_concatenation(layer: MultiHeadAttention, token: Tensor) -> None:
    past = torch.empty(2, len(token), layer.num_kv_heads, 0, layer.head_dim)
    for _ in range(500):
        q, k, v = (
            projection(token).unflatten(-1, (-1, layer.head_dim)).transpose(1, 2)
            for projection in (layer.q_proj, layer.k_proj, layer.v_proj)
        )
        past = torch.cat([past, torch.stack([k, v])], dim=3)
        heads = F.scaled_dot_product_attention(q, past[0], past[1], enable_gqa=True)
        layer.output_proj(heads.transpose(1, 2).flatten(2))


for batch in (1, 16):
    layer, token = MultiHeadAttention(256, 8), torch.randn(batch, 1, 256)
    cache = KVCache(1, batch, 8, 500, 32, dtype=token.dtype)
    ours, theirs = in_turn(
        partial(decode, layer, cache, token),
        partial(decode_by_concatenation, layer, token),
        rounds=3,
    )
    report(
        f"500 tokens through the cache, batch {batch}",
        us_a_token=2e3 * ours, concatenated_us=2e3 * theirs, ratio=ours / theirs,
    )  # fmt: skip
