"""Who depends on whom, by derivatives: exactly nothing on what is hidden, something on all else.

The derivative of output t by input s is a matrix; `depends[t, s]` is its largest entry. Where s may
not be seen it must be 0.0, not small. Through a cache, which stores no gradients, derivatives are
carried forward (dual numbers) through the very same memory, and inputs are changed outright.
"""

from collections.abc import Callable, Sequence

import pytest
import torch
import torch.autograd.forward_ad as forward_ad
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from common.attention import (
    MultiHeadAttention,
    causal_mask,
    fused_attention,
    scaled_dot_product_attention,
)
from common.kv_cache import KVCache
from common.model import ModelConfig, TransformerLM
from common.rope import RotaryEmbedding

TOKENS, D_MODEL = 9, 16
LAYERS = {
    "plain": {},
    "gqa": {"num_kv_heads": 2},
    "mqa": {"num_kv_heads": 1},
    "qk_norm": {"qk_norm": True},
    "window": {"window_tokens": 4},
    "window of 1": {"window_tokens": 1},
    "long window": {"window_tokens": TOKENS + 1},
    "half layout": {"rope": RotaryEmbedding(4, 64, layout="half")},
    "no rope": {"rope": None},
    "gqa, qk_norm, window": {"num_kv_heads": 2, "qk_norm": True, "window_tokens": 4},
}
CHUNKS = {"one by one": [1] * TOKENS, "prefill": [6, 1, 1, 1], "chunks": [2, 4, 1, 2]}


def make(changes: dict, dtype: torch.dtype = torch.float64) -> MultiHeadAttention:
    torch.manual_seed(0)
    options = {"rope": RotaryEmbedding(4, 512), **changes}
    return MultiHeadAttention(D_MODEL, 4, **options).to(dtype)


def tokens(dtype: torch.dtype = torch.float64, count: int = TOKENS) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(1, count, D_MODEL, generator=generator, dtype=torch.float64).to(dtype)


def depends(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """(T of the output, T of the input), backwards through `function` of x (1, T, d_model)."""
    jacobian = torch.autograd.functional.jacobian(function, x)
    return jacobian[0, :, :, 0].abs().amax(dim=(1, 3))


def depends_forward(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The same in one direction of each input, forwards: for memory that refuses gradients.

    torch's fused kernels have no forward derivative: its plain one stands in for them.
    """
    directions = torch.randn(x.shape, generator=torch.Generator().manual_seed(4), dtype=x.dtype)
    columns = []
    for s in range(x.shape[1]):
        tangent = torch.zeros_like(x)
        tangent[:, s] = directions[:, s]
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), forward_ad.dual_level():
            out = forward_ad.unpack_dual(function(forward_ad.make_dual(x, tangent)))
        columns.append(out.tangent[0].abs().amax(dim=-1))
    return torch.stack(columns, dim=1)


def assert_depends_exactly_on(seen: Tensor, found: Tensor) -> None:
    leaks = (found[~seen] != 0).sum().item()
    blind = (found[seen] == 0).sum().item()
    assert not leaks, f"{leaks} outputs depend on what they may not see"
    assert not blind, f"{blind} outputs miss what they may see"


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("changes", LAYERS.values(), ids=LAYERS)
def test_layer_depends_on_what_it_may_see_and_nothing_else(
    changes: dict, dtype: torch.dtype
) -> None:
    """bfloat16 takes the products in place of the fused kernel."""
    layer = make(changes, dtype)
    seen = causal_mask(TOKENS, TOKENS, window_tokens=layer.window_tokens)
    assert_depends_exactly_on(seen, depends(layer, tokens(dtype)))


@pytest.mark.parametrize("count", [40, 300])
@pytest.mark.parametrize("window_tokens", [None, 7])
def test_long_texts_leak_nothing_between_the_blocks_of_a_kernel(
    count: int, window_tokens: int | None
) -> None:
    layer, x = make({"window_tokens": window_tokens}, torch.float32), tokens(torch.float32, count)
    seen = causal_mask(count, count, window_tokens=window_tokens)
    for t in (0, 6, 31, 32, 39, count // 2, count - 1):
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(layer(x)[0, t].sin().sum(), x)
        assert_depends_exactly_on(seen[t], gradient[0].abs().amax(dim=-1))


@pytest.mark.parametrize("changes", [{}, {"num_kv_heads": 2, "window_tokens": 4}])
def test_layer_with_a_mask_and_padding_sees_neither(changes: dict) -> None:
    layer = make(changes)
    mask = torch.rand(TOKENS, TOKENS, generator=torch.Generator().manual_seed(2)) < 0.6
    positions = torch.arange(TOKENS)[None] - 3  # three tokens of padding
    seen = causal_mask(TOKENS, TOKENS, window_tokens=layer.window_tokens)
    seen = seen & mask & (positions >= 0)
    found = depends(lambda x: layer(x, positions, mask=mask), tokens())
    found.diagonal().masked_fill_(~seen.diagonal(), 0.0)  # through its query: its own affair
    alone = ~seen.diagonal() & seen.any(dim=-1)
    assert alone.any() and (~seen.any(dim=-1)).any()  # both cases are there
    assert_depends_exactly_on(seen, found)


@pytest.mark.parametrize("form", [scaled_dot_product_attention, fused_attention])
def test_formula_depends_on_what_the_mask_shows_and_nothing_else(form) -> None:
    mask = torch.rand(TOKENS, TOKENS, generator=torch.Generator().manual_seed(3)) < 0.5
    mask[4] = False
    q = tokens()[None]
    for at in (0, 1):  # by keys, by values
        jacobian = torch.autograd.functional.jacobian(
            lambda t, at=at: form(q, *((t, q) if at == 0 else (q, t)), mask), q
        )
        seen = mask.clone()
        if at == 0:  # where one key is all that is seen, its weight is 1 whatever it is
            seen[mask.sum(-1) == 1] = False
        assert_depends_exactly_on(seen, jacobian[0, 0, :, :, 0, 0].abs().amax(dim=(1, 3)))


def through_cache(layer: MultiHeadAttention, chunks: Sequence[int]) -> Callable[[Tensor], Tensor]:
    """x -> the layer's outputs, chunk by chunk, through a cache that must evict if it can."""
    window, largest = layer.window_tokens, max(chunks)
    evicts = window is not None and window < TOKENS
    slots = window - 1 + largest if evicts else TOKENS

    def run(x: Tensor) -> Tensor:
        cache = KVCache(
            1, 1, layer.num_kv_heads, slots, layer.head_dim, dtype=x.dtype,
            window_tokens=window if evicts else None,
        )  # fmt: skip
        return torch.cat([layer(part, cache=cache.layer(0)) for part in x.split(chunks, 1)], 1)

    return run


@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
@pytest.mark.parametrize("changes", LAYERS.values(), ids=LAYERS)
def test_cached_layer_depends_on_what_it_may_see_and_nothing_else(
    changes: dict, chunks: list[int]
) -> None:
    layer = make(changes)
    seen = causal_mask(TOKENS, TOKENS, window_tokens=layer.window_tokens)
    assert_depends_exactly_on(seen, depends_forward(through_cache(layer, chunks), tokens()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
@pytest.mark.parametrize("changes", LAYERS.values(), ids=LAYERS)
def test_no_bit_of_a_cached_output_changes_with_a_hidden_token(
    changes: dict, chunks: list[int], dtype: torch.dtype
) -> None:
    layer, x = make(changes, dtype), tokens(dtype)
    run = torch.no_grad()(through_cache(layer, chunks))
    seen, before = causal_mask(TOKENS, TOKENS, window_tokens=layer.window_tokens), run(x)
    for s in range(TOKENS):
        changed = x.clone()
        changed[:, s] = 5 - 3 * changed[:, s]
        same = (run(changed) == before)[0].all(dim=-1)
        assert torch.equal(same, ~seen[:, s])


MODELS = {
    "llama": {},
    "gqa and window": {"num_kv_heads": 2, "window_tokens": 3, "qk_norm": True},
    "gpt-2": {"positions": "learned", "norm": "layernorm", "ffn": "gelu"},
}


@pytest.mark.parametrize("changes", MODELS.values(), ids=MODELS)
def test_model_depends_on_the_past_its_layers_reach_and_nothing_else(changes: dict) -> None:
    """Two layers with a window of 3 reach 4 tokens back: each hands on what it has seen."""
    config = ModelConfig(20, 16, D_MODEL, num_layers=2, num_heads=4, **changes)
    model = TransformerLM(config, generator=torch.Generator().manual_seed(0)).double()
    vectors = tokens()

    def logits(x: Tensor) -> Tensor:
        model.token_embeddings.forward = lambda ids: x
        return model(torch.zeros(1, TOKENS, dtype=torch.int64))

    window = config.window_tokens
    reach = None if window is None else config.num_layers * (window - 1) + 1
    seen = causal_mask(TOKENS, TOKENS, window_tokens=reach)
    assert_depends_exactly_on(seen, depends(logits, vectors))
