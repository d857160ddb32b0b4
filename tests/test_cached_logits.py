"""Generation with a cache gives the logits of a pass without one, whatever the cache does."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from common.generate import generate, generate_batch
from common.model import ModelConfig, TransformerLM
from common.samplers import greedy
from tests.tolerances import TOLERANCE

CONTEXT = 30


def make(**changes) -> TransformerLM:
    """Two layers in float64, weights large enough that every token matters."""
    config = ModelConfig(20, CONTEXT, d_model=16, num_layers=2, num_heads=4, d_ff=32, **changes)
    model = TransformerLM(config, generator=torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.mul_(20 if "embeddings" in name else 1)
    return model


@st.composite
def cases(draw: st.DrawFn) -> dict:
    window_tokens = draw(st.none() | st.integers(1, 12))
    chunks = draw(st.lists(st.integers(1, 9), min_size=1, max_size=8))
    total = min(sum(chunks), CONTEXT)
    lengths = draw(st.lists(st.integers(1, total), min_size=1, max_size=3))
    return {
        "num_kv_heads": draw(st.sampled_from([1, 2, 4])),
        "window_tokens": window_tokens,
        "qk_norm": draw(st.booleans()),
        "positions": draw(st.sampled_from(["rope", "learned"])),
        "rope_layout": draw(st.sampled_from(["interleaved", "half"])),
        "chunks": chunks,
        "total": total,
        "lengths": [total, *lengths],  # tokens of each row, the rest is padding on the left
        "spare_slots": draw(st.integers(0, 5)),
        "stated": draw(st.booleans()),  # positions given with each chunk, or continued by the cache
        "seed": draw(st.integers(0, 9)),
    }


def split(total: int, chunks: list[int]) -> list[int]:
    """The chunks, cut off or filled up with single tokens so that they hold `total`."""
    sizes = []
    for size in [*chunks, *[1] * total]:
        sizes.append(min(size, total - sum(sizes)))
    return [size for size in sizes if size]


@settings(max_examples=120)
@given(cases())
@torch.no_grad()
def test_cached_logits_equal_uncached_for_every_combination(case: dict) -> None:
    names = ("num_kv_heads", "window_tokens", "qk_norm", "positions", "rope_layout")
    model = make(**{name: case[name] for name in names})
    total, lengths, chunks = case["total"], case["lengths"], split(case["total"], case["chunks"])
    generator = torch.Generator().manual_seed(case["seed"])
    ids = torch.randint(20, (len(lengths), total), generator=generator)
    positions = torch.arange(total) - (total - torch.tensor(lengths))[:, None]
    cache = model.new_cache(len(lengths), total)
    if case["window_tokens"] is not None:  # as small as it can be, or a little larger
        slots = case["window_tokens"] - 1 + max(chunks) + case["spare_slots"]
        cache = type(cache)(
            2, len(lengths), case["num_kv_heads"], slots, 4, dtype=torch.float64,
            window_tokens=case["window_tokens"],
        )  # fmt: skip
    pieces, start = [], 0
    for size in chunks:
        here = slice(start, start + size)
        given_positions = positions[:, here] if case["stated"] or start == 0 else None
        pieces.append(model(ids[:, here], cache, positions=given_positions))
        start += size
    logits = torch.cat(pieces, dim=1)
    assert logits.isfinite().all() and cache.length == total
    for row, length in enumerate(lengths):
        alone = model(ids[row : row + 1, total - length :])
        torch.testing.assert_close(
            logits[row : row + 1, total - length :], alone, **TOLERANCE[torch.float64]
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@torch.no_grad()
def test_cached_logits_equal_uncached_in_working_precision(dtype: torch.dtype) -> None:
    model = make(num_kv_heads=2, window_tokens=5, qk_norm=True).to(dtype)
    ids = torch.randint(20, (2, CONTEXT), generator=torch.Generator().manual_seed(0))
    cache = model.new_cache(2)
    assert cache.chunk_tokens == 6 and cache.num_bytes < make().new_cache(2).num_bytes
    logits = torch.cat([model(piece, cache) for piece in ids.split([6, 4, 1, 1, 6, 6, 6], 1)], 1)
    expected = model(ids)
    error = ((logits - expected).abs().max() / expected.abs().max()).item()
    assert error < TOLERANCE[dtype]["rtol"]


@pytest.mark.parametrize("window_tokens", [1, 3, 5, 14, CONTEXT])
def test_generation_with_a_window_equals_recomputing(window_tokens: int) -> None:
    model = make(window_tokens=window_tokens, num_kv_heads=2)
    prompts = [[1, 2, 3], list(range(18)), [7], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1]]
    expected = []
    for prompt in prompts:
        new: list[int] = []
        with torch.no_grad():
            while len(new) < 12 and len(prompt) + len(new) < CONTEXT:
                new.append(greedy(model(torch.tensor([prompt + new]))[0, -1]).item())
        expected.append(new)
    assert generate_batch(model, prompts, 12) == expected
    out = generate(model, torch.tensor(prompts[1:2]), 12, temperature=0)
    assert out[0].tolist() == prompts[1] + expected[1]


@torch.no_grad()
def test_a_reset_cache_remembers_no_padding() -> None:
    model = make(window_tokens=4)
    ids = torch.randint(20, (2, 8), generator=torch.Generator().manual_seed(0))
    cache = model.new_cache(2)
    for part in ids.split(4, dim=1):
        model(part, cache, positions=torch.arange(4) - torch.tensor([[0], [2]]))
    cache.reset()
    logits = torch.cat([model(part, cache) for part in ids.split(4, dim=1)], dim=1)
    torch.testing.assert_close(logits, model(ids), **TOLERANCE[torch.float64])


@torch.no_grad()
def test_a_window_changes_the_logits_from_its_first_full_token_on() -> None:
    model, ids = make(window_tokens=3), torch.arange(10)[None]
    full = make()
    full.load_state_dict(model.state_dict())
    differs = ((model(ids) - full(ids)).abs() > 1e-9)[0].any(dim=-1)
    assert differs.tolist() == [False] * 3 + [True] * 7


@pytest.mark.parametrize("positions", ["rope", "learned"])
@torch.no_grad()
def test_explicit_positions_beyond_the_context_are_refused(positions: str) -> None:
    model, ids = make(positions=positions), torch.zeros(1, 2, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"positions must be in 0\.\.29 .*, got 29\.\.30"):
        model(ids, positions=torch.tensor([[29, 30]]))
