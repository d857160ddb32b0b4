"""A configuration is what its model is; contradictions are refused; JSON loses nothing."""

import json
import math
from dataclasses import fields, replace

import pytest
import torch
import transformers

from common.model_config import ModelConfig
from common.norms import LayerNorm, RMSNorm
from common.rope_scaling import Llama3Scaling, NTKScaling, YarnScaling
from common.training.checkpoint import load_model, save_checkpoint

TINY = {"vocab_size": 50, "context_length": 16, "d_model": 32, "num_layers": 2, "num_heads": 4}
LLAMA = ModelConfig(**TINY, num_kv_heads=2)


def test_what_is_left_out_takes_its_usual_value():
    config = ModelConfig(**TINY)
    assert (config.num_kv_heads, config.head_dim, config.d_ff) == (4, 8, 96)
    assert ModelConfig(**TINY, ffn="gelu").d_ff == 128


def test_head_dim_need_not_fit_d_model():
    assert ModelConfig(**TINY | {"num_heads": 5}, head_dim=8).head_dim == 8


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (ModelConfig.mistral_7b(), transformers.MistralConfig()),
        (ModelConfig.mixtral_8x7b(), transformers.MixtralConfig()),
        (ModelConfig.gpt2_small(), transformers.GPT2Config()),
    ],
)
def test_presets_agree_with_the_defaults_of_transformers(ours, theirs):
    assert ours.d_model == theirs.hidden_size
    assert ours.num_layers == theirs.num_hidden_layers
    assert ours.num_heads == theirs.num_attention_heads
    assert ours.vocab_size == theirs.vocab_size
    for name, value in (
        ("num_kv_heads", getattr(theirs, "num_key_value_heads", 12)),
        ("d_ff", getattr(theirs, "intermediate_size", 3072)),
        ("window_tokens", getattr(theirs, "sliding_window", None)),
        ("num_experts", getattr(theirs, "num_local_experts", None)),
    ):
        assert getattr(ours, name) == value, name


@pytest.mark.parametrize(
    "scaling", [None, Llama3Scaling(), NTKScaling(2.0), YarnScaling(4.0, original_context=512)]
)
def test_configuration_survives_json(scaling):
    config = replace(LLAMA, qk_norm=True, rope_scaling=scaling, num_experts=4, norm_eps=1e-6)
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_configuration_saved_before_a_field_existed_still_loads():
    values = ModelConfig(**TINY).to_dict()
    for name in ("head_dim", "num_experts", "experts_per_token", "rope_scaling"):
        del values[name]
    assert ModelConfig.from_dict(values) == ModelConfig(**TINY)


def test_checkpoint_keeps_rope_scaling_and_experts(tmp_path):
    from common.model import TransformerLM

    config = replace(LLAMA, rope_scaling=Llama3Scaling(original_context=8), num_experts=3)
    model = TransformerLM(config)
    loaded = load_model(save_checkpoint(tmp_path, model=model))
    assert loaded.config == config
    ids = torch.arange(16)[None]
    assert torch.equal(loaded(ids), model(ids))


def test_from_dict_names_what_it_does_not_know():
    with pytest.raises(ValueError, match="has no field heads, layers"):
        ModelConfig.from_dict(LLAMA.to_dict() | {"layers": 2, "heads": 2})
    with pytest.raises(ValueError, match="method must be one of LinearScaling, .* got 'magic'"):
        ModelConfig.from_dict(LLAMA.to_dict() | {"rope_scaling": {"method": "magic"}})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_heads": 5, "head_dim": None}, "num_heads 5 must divide d_model 32, or head_dim be"),
        ({"num_kv_heads": 3}, "num_kv_heads 3 must divide num_heads 4"),
        ({"head_dim": 3}, "head_dim 3 must be even"),
        ({"head_dim": 0}, "head_dim must be at least 1, got 0"),
        ({"num_layers": 0}, "num_layers must be at least 1, got 0"),
        ({"d_model": 32.0}, "d_model must be a whole number, got 32.0"),
        ({"norm": "batchnorm"}, "norm must be one of .* got 'batchnorm'"),
        ({"vocab_size": True}, "vocab_size must be a whole number, got True"),
        ({"head_dim": 8.0}, "head_dim must be a whole number or None, got 8.0"),
        ({"attention_bias": 1}, "attention_bias must be True or False, got 1"),
        ({"tie_embeddings": "no"}, "tie_embeddings must be True or False, got 'no'"),
        ({"rope_theta": "1e4"}, "rope_theta must be a number, got '1e4'"),
        ({"rope_scaling": {"factor": 2.0}}, "must be one of LinearScaling, .*, or None, got {"),
        ({"norm_eps": None}, "norm_eps must be a number, got None"),
        ({"norm_eps": 0.0}, "norm_eps must be at least 1e-20 and below 1, got 0.0"),
        ({"norm_eps": math.nan}, "norm_eps must be at least 1e-20 and below 1, got nan"),
        ({"window_tokens": 0}, "window_tokens must be at least 1, got 0"),
        ({"window_tokens": 17}, "window_tokens 17 must be at most context_length 16"),
        ({"num_experts": 0}, "num_experts must be at least 1, got 0"),
        ({"num_experts": 1}, "experts_per_token 2 must be at most num_experts 1"),
        ({"num_experts": 4, "experts_per_token": 0}, "experts_per_token must be at least 1, got 0"),
        ({"num_experts": 4, "ffn": "gelu"}, "num_experts 4 needs ffn \"swiglu\", got 'gelu'"),
        (
            {"positions": "learned", "rope_scaling": Llama3Scaling()},
            "rope_scaling needs positions \"rope\", got 'learned'",
        ),
        ({"rope_theta": 1.0}, "theta must be a finite number above 1, got 1.0"),
        ({"head_dim": 2, "rope_scaling": NTKScaling(2.0)}, "NTK scaling needs head_dim of at le"),
    ],
)
def test_configuration_refuses_contradictions(change, message):
    with pytest.raises(ValueError, match=message):
        replace(LLAMA, **change)


@pytest.mark.parametrize("norm", [RMSNorm, LayerNorm])
def test_least_norm_eps_is_that_of_the_norms(norm):
    least = 1e-20
    assert replace(LLAMA, norm_eps=least).norm_eps == norm(4, eps=least).eps
    below = math.nextafter(least, 0)
    for make in (lambda: replace(LLAMA, norm_eps=below), lambda: norm(4, eps=below)):
        with pytest.raises(ValueError, match="eps must be at least 1e-20"):
            make()


def test_window_goes_with_learned_positions():
    assert replace(LLAMA, positions="learned", window_tokens=16).window_tokens == 16


def test_every_field_has_an_annotation_that_is_checked():
    assert all(not isinstance(field.type, str) for field in fields(ModelConfig))
