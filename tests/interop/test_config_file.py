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
YARN = {"type": "yarn", "factor": 4.0}
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


def test_left_out_window_of_qwen3_is_that_of_transformers():
    values = LLAMA | {"model_type": "qwen3", "num_key_value_heads": 2, "num_hidden_layers": 1}
    values |= {"use_sliding_window": True, "max_window_layers": 0, "max_position_embeddings": 8192}
    assert read_config(values).window_tokens == 4096
    assert transformers.AutoConfig.for_model(**values).sliding_window == 4096


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


def test_yarn_without_factor_stretches_the_trained_length_to_the_whole():
    scaling = {"type": "yarn", "factor": None, "original_max_position_embeddings": 16}
    assert read_config(LLAMA | {"rope_scaling": scaling}).rope_scaling == YarnScaling(4.0, 16)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"model_type": "bert"}, "model_type 'bert' is unknown; supported are gpt2, llama"),
        ({"model_type": None}, "model_type None is unknown"),
        ({"architectures": ["GPT2LMHeadModel"]}, r"must be \['LlamaForCausalLM'\]"),
        ({"architectures": ["LlamaForSequenceClassification"]}, "architectures must be"),
        ({"hidden_size": None, "vocab_size": None}, "needs vocab_size, hidden_size"),
        ({"model_type": ["llama"]}, r"model_type \['llama'\] is unknown"),
        ({"hidden_size": "32"}, "hidden_size must be a whole number, got '32'"),
        ({"vocab_size": True}, "vocab_size must be a whole number, got True"),
        ({"head_dim": 8.0}, "head_dim must be a whole number or null, got 8.0"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers must be at most 10000, got 1000000000"),
        ({"intermediate_size": 2**63}, "intermediate_size must be at most 100000000, got 92233"),
        ({"tie_word_embeddings": "false"}, "tie_word_embeddings must be true or false, got 'f"),
        ({"attention_bias": None}, "attention_bias must be true or false, got None"),
        ({"hidden_size": 33}, "num_heads 4 must divide d_model 33"),
        ({"num_key_value_heads": 3}, "num_kv_heads 3 must divide num_heads 4"),
        ({"num_hidden_layers": 0}, "num_layers must be at least 1, got 0"),
        ({"rms_norm_eps": "small"}, "norm_eps must be a number, got 'small'"),
        ({"hidden_act": "gelu"}, "hidden_act must be 'silu' or 'swish', got 'gelu'"),
        ({"mlp_bias": True}, "mlp_bias must be False, got True"),
        ({"quantization_config": {"bits": 4}}, "quantization_config must be None"),
        ({"rope_scaling": {"type": "dynamic", "factor": 2.0}}, "default, linear, llama3, yarn"),
        ({"rope_scaling": {"type": 0, "factor": 2.0}}, "rope_type must be one of .* got 0"),
        ({"rope_scaling": {"type": "linear"}}, "'linear' needs a factor"),
        ({"rope_scaling": {"type": "linear", "factor": 0.5}}, "factor must be"),
        (
            {"rope_scaling": {"type": "linear", "factor": None}},
            "factor must be a finite nu",
        ),
        (
            {"rope_scaling": {"type": "yarn", "factor": [2]}},
            r"number, got \[2",
        ),
        (
            {"rope_scaling": {"type": "yarn", "factor": 2, "beta_fast": 1e999}},
            "beta_fast must be a",
        ),
        (
            {"rope_scaling": {"type": "yarn", "factor": 2, "truncate": None}},
            "truncate must be true",
        ),
        (
            {"rope_scaling": YARN, "original_max_position_embeddings": 10**18},
            "original_max_position_embeddings must be from 1 to 100000000, got 1000000000",
        ),
        ({"rope_theta": "10000"}, "rope_theta must be a finite number, got '10000'"),
        ({"rope_parameters": {"full_attention": {}}}, "in all layers, got full_attention"),
        (
            {
                "rope_scaling": YARN | {"original_max_position_embeddings": 32},
                "original_max_position_embeddings": 16,
            },
            "original_max_position_embeddings is given twice and differs: 16 and 32",
        ),
        ({"rope_scaling": "linear"}, "must be an object or null"),
        ({"rope_scaling": {"type": "linear", "rope_type": "yarn"}}, "rope_type is given twice"),
        (
            {"rope_theta": 1.0e4, "rope_parameters": {"rope_theta": 5e5}},
            "rope_theta is given twice",
        ),
        (
            {"rope_scaling": {"type": "linear"}, "rope_parameters": {"rope_theta": 1e4}},
            "rope_scaling, or rope_parameters, is given twice and differs",
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
        ({"layer_types": []}, "window .* in 0 of 0"),
        ({"layer_types": ["sliding_attention"] * 2}, "there is no sliding_window in use"),
        ({"layer_types": ["chunked_attention"] * 2}, "must be full_attention or sliding_attention"),
        ({"layer_types": 2}, "layer_types must be a list or null, got 2"),
        ({"use_sliding_window": "no"}, "use_sliding_window must be true or false, got 'no'"),
        ({"max_window_layers": None}, "max_window_layers must be a whole number, got None"),
    ],
)
def test_window_in_some_layers_is_refused(changes, message):
    values = LLAMA | {"model_type": "qwen3", "num_key_value_heads": 2, "sliding_window": 16}
    assert read_config(values).window_tokens is None
    with pytest.raises(ValueError, match=message):
        read_config(values | changes)


@pytest.mark.parametrize("model_type", ["llama", "mistral", "mixtral"])
def test_window_in_some_layers_is_refused_in_every_architecture(model_type):
    values = LLAMA | {"model_type": model_type, "num_key_value_heads": 2, "sliding_window": 16}
    values |= {"num_local_experts": 4, "num_experts_per_tok": 2}
    mixed = ["full_attention", "sliding_attention"]
    with pytest.raises(ValueError, match="window .* in 1 of 2"):
        read_config(values | {"layer_types": mixed})
    with pytest.raises(ValueError, match="there is no sliding_window in use"):
        read_config(values | {"layer_types": mixed[1:] * 2, "sliding_window": None})
