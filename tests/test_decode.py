"""A Decoder gives the logits of its model for every architecture, in generation too."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from common.decode import Decoder
from common.generate import generate, generate_batch, generate_stream
from common.int8 import quantize_int8
from common.model import TransformerLM
from common.model_config import ModelConfig
from common.rope_scaling import Llama3Scaling
from tests.tolerances import TOLERANCE

SIZES = {"vocab_size": 20, "context_length": 48, "d_model": 32, "num_layers": 2, "num_heads": 4}
ARCHITECTURES = {
    "gpt2": ModelConfig.gpt2_small(**SIZES),
    "llama2": ModelConfig.llama2_7b(**SIZES, d_ff=64),
    "llama3": ModelConfig.llama3_8b(
        **SIZES, num_kv_heads=2, d_ff=64, rope_scaling=Llama3Scaling(4.0, original_context=12)
    ),
    "mistral": ModelConfig.mistral_7b(**SIZES, num_kv_heads=2, d_ff=64, window_tokens=5),
    "mixtral": ModelConfig.mixtral_8x7b(**SIZES, num_kv_heads=2, d_ff=64, num_experts=4),
    "qwen3": ModelConfig.qwen3_0_6b(**SIZES, num_kv_heads=2, d_ff=64, head_dim=16),
}
PRESETS = {
    "gpt2": ModelConfig.gpt2_small,
    "llama2": ModelConfig.llama2_7b,
    "llama3": ModelConfig.llama3_8b,
    "mistral": ModelConfig.mistral_7b,
    "mixtral": ModelConfig.mixtral_8x7b,
    "qwen3": ModelConfig.qwen3_0_6b,
}


def make(config: ModelConfig, dtype: torch.dtype = torch.float64) -> TransformerLM:
    """Embeddings large enough that every token matters; biases that are not zero."""
    generator = torch.Generator().manual_seed(0)
    model = TransformerLM(config, generator=generator)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.1, generator=generator)
            parameter.mul_(20 if "embeddings" in name else 1)
    return model.to(dtype)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_presets_keep_their_style_in_small(name):
    """The sizes above change nothing of what makes an architecture: norms, positions, experts."""
    small, full = ARCHITECTURES[name], PRESETS[name]()
    for field in ("norm", "positions", "ffn", "qk_norm", "rope_layout", "attention_bias"):
        assert getattr(small, field) == getattr(full, field)


@pytest.mark.parametrize("name", ARCHITECTURES)
@torch.no_grad()
def test_decoder_steps_equal_the_model_without_a_cache(name):
    model = make(ARCHITECTURES[name])
    decoder, cache = Decoder(model), model.new_cache(2)
    ids = torch.randint(20, (2, 24), generator=torch.Generator().manual_seed(1))
    for piece in ids[:, :4].split(cache.chunk_tokens, dim=1):
        model(piece, cache)
    logits = torch.stack([decoder.step(ids[:, t], cache) for t in range(4, 24)], dim=1)
    torch.testing.assert_close(logits, model(ids)[:, 4:], **TOLERANCE[torch.float64])


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(sorted(ARCHITECTURES)),
    pads=st.lists(st.integers(0, 7), min_size=1, max_size=4),
    seed=st.integers(0, 99),
    stated=st.booleans(),
)  # fmt: skip
@torch.no_grad()
def test_decoder_steps_after_padding_equal_each_row_alone(name, pads, seed, stated):
    model = make(ARCHITECTURES[name])
    ids = torch.randint(20, (len(pads), 20), generator=torch.Generator().manual_seed(seed))
    places = torch.arange(20) - torch.tensor(pads)[:, None]
    cache, decoder, start = model.new_cache(len(pads), 20), Decoder(model), 0
    for piece in ids[:, :8].split(cache.chunk_tokens, dim=1):
        model(piece, cache, positions=places[:, start : start + piece.shape[1]])
        start += piece.shape[1]
    for t in range(8, 20):
        logits = decoder.step(ids[:, t], cache, places[:, t : t + 1] if stated else None)
    for row, pad in enumerate(pads):
        alone = model(ids[row : row + 1, pad:])[0, -1]
        torch.testing.assert_close(logits[row], alone, **TOLERANCE[torch.float64])


@pytest.mark.parametrize("name", ARCHITECTURES)
@torch.no_grad()
def test_decoder_in_float32_stays_within_1e_5(name):
    model = make(ARCHITECTURES[name], torch.float32)
    ids, cache = torch.arange(10)[None], model.new_cache(1)
    for piece in ids[:, :9].split(cache.chunk_tokens, dim=1):
        model(piece, cache)
    logits = Decoder(model).step(ids[:, 9], cache)
    torch.testing.assert_close(logits, model(ids)[:, -1], rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_decoder_of_bfloat16_and_int8_models_equals_them():
    ids = torch.arange(10)[None]
    for model in (make(ARCHITECTURES["llama3"], torch.bfloat16),
                  quantize_int8(make(ARCHITECTURES["gpt2"], torch.float32))):  # fmt: skip
        cache = model.new_cache(1)
        model(ids[:, :9], cache)
        logits, expected = Decoder(model).step(ids[:, 9], cache), model(ids)[:, -1]
        assert logits.dtype == expected.dtype
        torch.testing.assert_close(logits, expected, rtol=0.03, atol=0.03 * expected.abs().max())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_generation_with_a_decoder_writes_the_same(name):
    model = make(ARCHITECTURES[name])
    ids = torch.tensor([[1, 2, 3], [4, 5, 6]])
    few = [generate(model, ids, n, temperature=0) for n in (8, 16, 31)]  # without one
    lean = generate(Decoder(model), ids, 31, temperature=0)
    assert torch.equal(lean, few[2]) and torch.equal(lean[:, :19], few[1])
    own = generate(model, ids, 45, temperature=0)  # long enough for generate to make its own
    assert torch.equal(own[:, :34], lean)
    assert (
        list(generate_stream(Decoder(model), [1, 2, 3], 45, temperature=0)) == own[0, 3:].tolist()
    )
    assert generate_batch(Decoder(model), ids.tolist(), 31) == lean[:, 3:].tolist()


def test_generate_takes_the_decoder_from_the_second_token_on(monkeypatch):
    steps = []
    step = Decoder.step
    monkeypatch.setattr(Decoder, "step", lambda *args: steps.append(1) or step(*args))
    generate(make(ARCHITECTURES["gpt2"]), torch.tensor([[1, 2, 3]]), 40)
    assert len(steps) == 39
    generate(make(ARCHITECTURES["gpt2"]), torch.tensor([[1, 2, 3]]), 10)
    assert len(steps) == 39  # too few tokens to pay for one


def test_decoder_is_a_snapshot():
    model = make(ARCHITECTURES["llama2"])
    decoder, ids = Decoder(model), torch.tensor([[1, 2, 3]])
    before = generate(decoder, ids, 1)
    with torch.no_grad():
        for layer in model.layers:
            layer.attn.q_proj.weight.zero_()
            layer.attn.k_proj.weight.zero_()
    cache, other = model.new_cache(1), model.new_cache(1)
    with torch.no_grad():
        model(ids, cache), model(ids, other)
        old, new = decoder.step(before[:, -1], cache), Decoder(model).step(before[:, -1], other)
    assert not torch.allclose(old, new)


def test_decoder_refuses_a_full_cache_and_records_no_gradients():
    model = make(ARCHITECTURES["llama2"])
    decoder, cache = Decoder(model), model.new_cache(1, 2)
    for _ in range(2):
        assert not decoder.step(torch.tensor([1]), cache).requires_grad
    with pytest.raises(ValueError, match="the cache holds 2 tokens: 2 are stored and 1 more"):
        decoder.step(torch.tensor([1]), cache)


@pytest.mark.parametrize("name", ["gpt2", "llama2", "mistral"])
def test_decoder_refuses_to_pass_the_context(name):
    model = make(ARCHITECTURES[name])
    decoder, cache = Decoder(model), model.new_cache(1, 60)
    for _ in range(48):
        decoder.step(torch.tensor([1]), cache)
    with pytest.raises(ValueError, match="49 tokens are more than context_length 48"):
        decoder.step(torch.tensor([1]), cache)


@torch.no_grad()
def test_decoder_keeps_to_the_window_in_a_cache_that_remembers_more():
    model = make(ARCHITECTURES["mistral"])  # a window of 5; up to 10 slots the cache keeps all
    ids = torch.randint(20, (1, 9), generator=torch.Generator().manual_seed(1))
    cache, decoder = model.new_cache(1, 9), Decoder(model)
    assert cache.layer(0).window_tokens is None
    logits = torch.stack([decoder.step(ids[:, t], cache) for t in range(9)], dim=1)
    torch.testing.assert_close(logits, model(ids), **TOLERANCE[torch.float64])
