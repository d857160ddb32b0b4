"""Names and places: every published tensor is used once, and GPT-2's thirds are read and shaped."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.interop.config_file import read_config
from common.interop.mapping import Place, published_places, skeleton
from common.model_config import ModelConfig
from tests.interop.published import ARCHITECTURES, CONFIGS, their_model


@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_places_are_the_tensors_that_transformers_saves(model_type, tmp_path):
    from safetensors.torch import load_file

    theirs = their_model(CONFIGS[model_type])
    theirs.save_pretrained(tmp_path)
    stored = {n: tuple(t.shape) for n, t in load_file(tmp_path / "model.safetensors").items()}
    config = read_config(theirs.config.to_dict())
    ours = skeleton(config)
    places = published_places(config, model_type)
    shapes = {p.name: p.published_shape(ours.get_parameter(n).shape) for n, p in places.items()}
    assert shapes == stored


@given(st.integers(1, 4), st.integers(1, 4))
def test_place_takes_thirds_apart(d_in, d_out):
    thirds = [torch.randn(d_out, d_in) for _ in range(3)]
    c_attn = torch.cat([third.T for third in thirds], dim=1)
    for i, third in enumerate(thirds):
        place = Place("c_attn.weight", transposed=True, third=i)
        assert torch.equal(place.read(c_attn), third)
        assert place.published_shape(third.shape) == c_attn.shape


def test_place_takes_biases_apart():
    place = Place("c_attn.bias", third=2)
    assert place.read(torch.arange(6)).tolist() == [4, 5]
    assert place.published_shape(torch.Size([2])) == (6,)


def test_skeleton_has_names_and_no_numbers():
    config = ModelConfig.llama3_8b()
    parameters = dict(skeleton(config).named_parameters())
    assert {parameter.device.type for parameter in parameters.values()} == {"meta"}
    assert sum(parameter.numel() for parameter in parameters.values()) == 8_030_261_248


def test_a_tied_head_has_no_place():
    sizes = {"vocab_size": 8, "context_length": 8, "d_model": 4, "num_layers": 1, "num_heads": 2}
    tied = published_places(ModelConfig(**sizes, tie_embeddings=True), "llama")
    assert "lm_head.weight" in published_places(ModelConfig(**sizes), "llama")
    assert "lm_head.weight" not in tied
