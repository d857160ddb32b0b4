"""Every predicted size equals what is counted on a real model."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from common.model import ModelConfig, TransformerLM
from common.sizes import count_parameters, flops_per_token, parameter_table

LLAMA = ModelConfig(50, context_length=16, d_model=32, num_layers=2, num_heads=4, num_kv_heads=2)
GPT2 = ModelConfig.gpt2_small(
    vocab_size=50, context_length=16, d_model=32, num_layers=2, num_heads=4
)


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


def test_count_parameters_gives_the_published_sizes():
    assert count_parameters(ModelConfig.gpt2_small()) == 124_439_808  # openai-community/gpt2
    assert count_parameters(ModelConfig.llama3_8b()) == 8_030_261_248  # meta-llama/Meta-Llama-3-8B


@pytest.mark.parametrize("config", [LLAMA, GPT2])
def test_flops_per_token_equals_torch_counter(config):
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
