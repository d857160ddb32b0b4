"""config.json: presets there and back, defaults, contradictions, and what we do not compute."""

import json

import pytest
import transformers

from common.interop.config_file import read_config, write_config
from common.model_config import ModelConfig
from common.rope_scaling import LinearScaling, Llama3Scaling, YarnScaling

LLAMA = {
    "model_type": "llama",
    "vocab_size": 61,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
}
GPT2 = {
    "model_type": "gpt2",
    "vocab_size": 61,
    "n_positions": 64,
    "n_embd": 32,
    "n_layer": 2,
    "n_head": 4,
}


@pytest.mark.parametrize(
    "config, model_type",
    [
        (ModelConfig.gpt2_small(), "gpt2"),
        (ModelConfig.llama2_7b(rope_layout="half"), "llama"),
        (ModelConfig.llama3_8b(rope_layout="half", rope_scaling=Llama3Scaling()), "llama"),
        (ModelConfig.mistral_7b(rope_layout="half"), "mistral"),
        (ModelConfig.mixtral_8x7b(rope_layout="half"), "mixtral"),
        (ModelConfig.qwen3_0_6b(), "qwen3"),
        (ModelConfig.qwen3_0_6b(window_tokens=64), "qwen3"),
        (ModelConfig.qwen3_0_6b(qk_norm=False), "llama"),
        (ModelConfig(61, 64, 30, 2, 4, head_dim=8, rope_layout="half"), "mistral"),
    ],
)
def test_config_survives_json_and_transformers(config, model_type, tmp_path):
    values = write_config(config)
    assert values["model_type"] == model_type
    assert read_config(json.loads(json.dumps(values))) == config
    (tmp_path / "config.json").write_text(json.dumps(values))
    theirs = transformers.AutoConfig.from_pretrained(tmp_path)
    assert read_config(theirs.to_dict() | {"architectures": None}) == config


@pytest.mark.parametrize("model_type", ["gpt2", "llama", "mistral", "mixtral", "qwen3"])
def test_left_out_settings_have_the_value_of_transformers(model_type):
    smallest = dict(GPT2 if model_type == "gpt2" else LLAMA | {"model_type": model_type})
    if model_type == "mixtral":
        smallest |= {"num_local_experts": 4, "num_experts_per_tok": 2}
    if model_type in ("mistral", "mixtral", "qwen3"):
        smallest |= {"hidden_size": 64, "num_attention_heads": 32, "max_position_embeddings": 8192}
    theirs = transformers.AutoConfig.for_model(**smallest)
    assert read_config(theirs.to_dict()) == read_config(smallest)


def test_window_that_hides_nothing_is_none():
    values = LLAMA | {"model_type": "mistral", "num_key_value_heads": 2}
    assert read_config(values | {"sliding_window": 64}).window_tokens is None
    assert read_config(values | {"sliding_window": 63}).window_tokens == 63
    assert read_config(values | {"sliding_window": None}).window_tokens is None


@pytest.mark.parametrize(
    "settings, scaling",
    [
        (None, None),
        ({"type": "linear", "factor": 2.0}, LinearScaling(2.0)),
        (
            {"rope_type": "llama3", "factor": 4.0, "original_max_position_embeddings": 16},
            Llama3Scaling(4.0, original_context=16),
        ),
        (
            {"type": "yarn", "factor": 4.0, "beta_fast": 16, "truncate": False},
            YarnScaling(4.0, original_context=64, beta_fast=16, truncate=False),
        ),
    ],
)
def test_rope_is_read_in_both_spellings(settings, scaling):
    old = LLAMA | {"rope_theta": 5000.0, "rope_scaling": settings}
    new = LLAMA | {"rope_parameters": (settings or {}) | {"rope_theta": 5000.0}}
    assert read_config(old) == read_config(new)
    assert read_config(old).rope_scaling == scaling
    assert read_config(old).rope_theta == 5000.0


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"model_type": "bert"}, "model_type 'bert' is unknown; supported are gpt2, llama"),
        ({"model_type": None}, "model_type None is unknown"),
        ({"architectures": ["GPT2LMHeadModel"]}, r"must be \['LlamaForCausalLM'\]"),
        ({"architectures": ["LlamaForSequenceClassification"]}, "architectures must be"),
        ({"hidden_size": None, "vocab_size": None}, "needs vocab_size, hidden_size"),
        ({"hidden_size": "32"}, "d_model must be a whole number, got '32'"),
        ({"hidden_size": 33}, "num_heads 4 must divide d_model 33"),
        ({"num_key_value_heads": 3}, "num_kv_heads 3 must divide num_heads 4"),
        ({"num_hidden_layers": 0}, "num_layers must be at least 1, got 0"),
        ({"rms_norm_eps": "small"}, "value of the wrong kind"),
        ({"hidden_act": "gelu"}, "hidden_act must be 'silu' or 'swish', got 'gelu'"),
        ({"mlp_bias": True}, "mlp_bias must be False, got True"),
        ({"quantization_config": {"bits": 4}}, "quantization_config must be None"),
        ({"rope_scaling": {"type": "dynamic", "factor": 2.0}}, "default, linear, llama3, yarn"),
        ({"rope_scaling": {"type": "linear"}}, "'linear' needs a factor"),
        ({"rope_scaling": {"type": "linear", "factor": 0.5}}, "factor must be"),
        ({"rope_scaling": "linear"}, "must be an object or null"),
        ({"rope_scaling": {"type": "linear", "rope_type": "yarn"}}, "rope_type is given twice"),
        (
            {"rope_theta": 1.0e4, "rope_parameters": {"rope_theta": 5e5}},
            "rope_theta is given twice",
        ),
        (
            {"rope_scaling": {"type": "linear"}, "rope_parameters": {"rope_theta": 1e4}},
            "RoPE is given twice and differs",
        ),
        ({"partial_rotary_factor": 0.5}, "partial_rotary_factor must be 1, got 0.5"),
        ({"rope_theta": 0.5}, "theta must be a finite number above 1"),
    ],
)
def test_config_is_refused_when_it_contradicts_itself_or_us(changes, message):
    with pytest.raises(ValueError, match=message):
        read_config(LLAMA | changes)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"activation_function": "gelu"}, "must be 'gelu_new' or 'gelu_pytorch_tanh', got 'gelu'"),
        ({"scale_attn_weights": False}, "scale_attn_weights must be True"),
        ({"scale_attn_by_inverse_layer_idx": True}, "must be False, got True"),
        ({"n_embd": None, "n_head": None}, "a gpt2 config.json needs n_embd, n_head"),
    ],
)
def test_gpt2_is_refused_when_it_computes_something_else(changes, message):
    with pytest.raises(ValueError, match=message):
        read_config(GPT2 | changes)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"use_sliding_window": True, "max_window_layers": 1}, "window .* in 1 of 2"),
        ({"layer_types": ["full_attention", "sliding_attention"]}, "window .* in 1 of 2"),
        ({"layer_types": ["full_attention"]}, "window .* in 0 of 1"),
        ({"layer_types": ["sliding_attention"] * 2}, "there is no sliding_window in use"),
    ],
)
def test_window_in_some_layers_is_refused(changes, message):
    values = LLAMA | {"model_type": "qwen3", "num_key_value_heads": 2, "sliding_window": 16}
    assert read_config(values).window_tokens is None
    with pytest.raises(ValueError, match=message):
        read_config(values | changes)
