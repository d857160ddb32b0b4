"""Every predicted size equals what is counted on a real model."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from common.model import ModelConfig, TransformerLM
from common.numerics import cross_entropy
from common.sizes import (
    active_parameters,
    count_parameters,
    flops_per_token,
    kv_cache_bytes,
    parameter_table,
    training_bytes,
)
from common.training.adamw import AdamW

TINY = {"vocab_size": 50, "context_length": 16, "d_model": 32, "num_layers": 2, "num_heads": 4}
GQA = {"num_kv_heads": 2, "d_ff": 48}
LLAMA = ModelConfig(**TINY, num_kv_heads=2)
GPT2 = ModelConfig.gpt2_small(**TINY)
MIXTRAL = ModelConfig.mixtral_8x7b(**TINY | GQA)
QWEN3 = ModelConfig.qwen3_0_6b(**TINY | GQA, head_dim=16)
ARCHITECTURES = {
    "gpt2": GPT2,
    "llama2": ModelConfig.llama2_7b(**TINY | {"d_ff": 88}),
    "llama3": ModelConfig.llama3_8b(**TINY | GQA),
    "mistral": ModelConfig.mistral_7b(**TINY | GQA, window_tokens=16),
    "mixtral": MIXTRAL,
    "qwen3": QWEN3,
}
each_architecture = pytest.mark.parametrize("name", ARCHITECTURES)


configs = st.builds(
    ModelConfig,
    vocab_size=st.integers(1, 40),
    context_length=st.integers(1, 20),
    d_model=st.just(24),
    num_layers=st.integers(1, 3),
    num_heads=st.sampled_from([4, 12]),
    num_kv_heads=st.sampled_from([None, 1, 2]),
    d_ff=st.sampled_from([None, 7]),
    norm=st.sampled_from(["rmsnorm", "layernorm"]),
    positions=st.sampled_from(["rope", "learned"]),
    head_dim=st.sampled_from([None, 10]),
    ffn=st.sampled_from(["swiglu", "gelu"]),
    attention_bias=st.booleans(),
    qk_norm=st.booleans(),
    tie_embeddings=st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(config=configs)
def test_count_parameters_is_the_number_of_parameters(config):
    with torch.device("meta"):
        model = TransformerLM(config)
    assert count_parameters(config) == sum(p.numel() for p in model.parameters())
    table = parameter_table(config)
    assert table["lm_head"] == (0 if config.tie_embeddings else model.lm_head.weight.numel())
    norms = [p for name, p in model.named_parameters() if "norm" in name or "ln" in name]
    assert table["norms"] == sum(p.numel() for p in norms)


@each_architecture
def test_count_parameters_of_a_tiny_version_is_exact(name):
    config = ARCHITECTURES[name]
    model = TransformerLM(config)
    assert count_parameters(config) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("preset", "published"),
    [
        (ModelConfig.gpt2_small, 124_439_808),  # openai-community/gpt2
        (ModelConfig.llama2_7b, 6_738_415_616),  # meta-llama/Llama-2-7b-hf
        (ModelConfig.llama3_8b, 8_030_261_248),  # meta-llama/Meta-Llama-3-8B
        (ModelConfig.mistral_7b, 7_241_732_096),  # mistralai/Mistral-7B-v0.1
        (ModelConfig.mixtral_8x7b, 46_702_792_704),  # mistralai/Mixtral-8x7B-v0.1
        (ModelConfig.qwen3_0_6b, 596_049_920),  # Qwen/Qwen3-0.6B
    ],
)
def test_count_parameters_gives_the_published_sizes(preset, published):
    assert count_parameters(preset()) == published


def test_active_parameters_are_those_that_one_token_gives_a_gradient():
    model = TransformerLM(MIXTRAL).double()
    model(torch.tensor([[7]])).sum().backward()
    matrices = [p for name, p in model.named_parameters() if "experts" in name]
    idle = sum(p.numel() for p in matrices if not p.grad.any())
    assert active_parameters(MIXTRAL) == count_parameters(MIXTRAL) - idle
    assert active_parameters(GPT2) == count_parameters(GPT2)


@pytest.mark.parametrize("name", [n for n in ARCHITECTURES if n != "mistral"])
def test_flops_per_token_equals_torch_counter(name):
    config = ARCHITECTURES[name]
    model = TransformerLM(config)
    ids = torch.randint(50, (2, 16))
    # The fused kernel hides its multiplications from the counter; the plain one shows them all.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        F.cross_entropy(model(ids).flatten(0, 1), ids.flatten()).backward()
    assert counter.get_total_flops() == flops_per_token(config) * ids.numel()


def test_flops_per_token_grows_with_context_only_through_attention():
    config = ModelConfig.gpt2_small()
    growth = flops_per_token(config, 1024) - flops_per_token(config, 512)
    assert growth == 12 * 12 * 768 * 512
    mistral = ModelConfig.mistral_7b()
    assert flops_per_token(mistral, 8192) == flops_per_token(mistral, 4096)  # the window


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@each_architecture
def test_kv_cache_bytes_are_those_of_the_cache(name, dtype):
    config = ARCHITECTURES[name]
    cache = TransformerLM(config).to(dtype).new_cache(3)
    assert kv_cache_bytes(config, 3, dtype=dtype) == cache.num_bytes


def test_kv_cache_bytes_of_a_window_stop_growing():
    config = ModelConfig(**TINY | {"context_length": 64}, window_tokens=8)
    for tokens in (10, 16, 17, 64):
        cache = TransformerLM(config).new_cache(1, tokens)
        assert kv_cache_bytes(config, 1, tokens) == cache.num_bytes


def kept_for_backward(model: TransformerLM, ids: torch.Tensor) -> int:
    """Bytes of every tensor that the backward pass will need, parameters left out."""
    seen = {p.untyped_storage().data_ptr(): None for p in model.parameters()}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        seen.setdefault(storage.data_ptr(), storage)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = cross_entropy(model(ids), ids.roll(-1, dims=1))
    assert loss.isfinite()
    return sum(storage.nbytes() for storage in seen.values() if storage is not None)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@each_architecture
def test_training_bytes_predict_every_byte_that_is_kept(name, dtype):
    config, ids = ARCHITECTURES[name], torch.randint(50, (3, 12))
    predicted = training_bytes(config, 3, 12, dtype=dtype)
    model = TransformerLM(config).to(dtype)
    assert kept_for_backward(model, ids) == predicted["activations"]
    assert sum(p.nbytes for p in model.parameters()) == predicted["weights"]


@pytest.mark.parametrize("num_tokens", [1, 2])
@pytest.mark.parametrize("num_heads", [1, 2])
@pytest.mark.parametrize("rope_layout", ["half", "interleaved"])
def test_training_bytes_of_one_token_or_one_head(rope_layout, num_heads, num_tokens):
    """Where there is one of either, heads and tokens need no copy to change places."""
    config = ModelConfig(50, 16, 32, 2, num_heads, rope_layout=rope_layout)
    predicted = training_bytes(config, 3, num_tokens)["activations"]
    ids = torch.randint(50, (3, num_tokens))
    assert kept_for_backward(TransformerLM(config), ids) == predicted


def test_training_bytes_predict_gradients_and_optimizer():
    model, predicted = TransformerLM(QWEN3), training_bytes(QWEN3, 1)
    optimizer = AdamW(model.parameters())
    model(torch.zeros(1, 4, dtype=torch.int64)).sum().backward()
    optimizer.step()
    assert sum(p.grad.nbytes for p in model.parameters()) == predicted["gradients"]
    means = [t for state in optimizer.state.values() for t in state.values()]
    assert sum(t.nbytes for t in means if torch.is_tensor(t)) == predicted["optimizer"]
