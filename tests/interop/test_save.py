"""Saving: shards, atomicity, and what no published architecture computes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from common.int8 import quantize_int8
from common.interop import load_pretrained, save, save_pretrained
from common.model import TransformerLM
from common.model_config import ModelConfig
from common.tokenizer import BPETokenizer

CONFIG = ModelConfig(vocab_size=16, context_length=8, d_model=8, num_layers=2, num_heads=2)
BYTES = {byte: bytes([byte]) for byte in range(256)}


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("max_shard_bytes", [1, 512, 1200, 100_000])
def test_save_shards_hold_everything_within_the_limit(tmp_path, max_shard_bytes):
    model = TransformerLM(CONFIG)
    save_pretrained(model, None, tmp_path, max_shard_bytes=max_shard_bytes)
    shards = [load_file(path) for path in sorted(tmp_path.glob("*.safetensors"))]
    sizes = [sum(t.nbytes for t in shard.values()) for shard in shards]
    assert sum(sizes) == 4 * sum(p.numel() for p in model.parameters())
    for size, shard in zip(sizes, shards, strict=True):
        assert size <= max_shard_bytes or len(shard) == 1
    if len(shards) > 1:
        index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
        assert index["metadata"]["total_size"] == sum(sizes)
        assert sorted(index["weight_map"]) == sorted(name for shard in shards for name in shard)
    loaded = load_pretrained(tmp_path)
    ids = torch.arange(8)[None]
    torch.testing.assert_close(loaded(ids), model(ids))


def test_save_writes_shards_whose_headers_begin_like_a_pickle(tmp_path):
    model = TransformerLM(ModelConfig(64, 16, 32, 2, 2, qk_norm=True))
    save_pretrained(model, None, tmp_path, max_shard_bytes=20_000)
    starts = {path.read_bytes()[:2] for path in tmp_path.glob("*.safetensors")}
    assert b"\x80\x02" in starts, f"no header of 640 bytes among {starts}"
    ids = torch.arange(16)[None]
    torch.testing.assert_close(load_pretrained(tmp_path)(ids), model(ids))


def test_save_replaces_an_older_checkpoint_and_nothing_else(tmp_path):
    (tmp_path / "README.md").write_text("mine")
    tokenizer = BPETokenizer(BYTES, [], ["<|endoftext|>"])
    wide = ModelConfig(257, 8, 4, 1, 2)
    save_pretrained(TransformerLM(wide), tokenizer, tmp_path, max_shard_bytes=2000)
    assert "model.safetensors.index.json" in files(tmp_path)
    save_pretrained(TransformerLM(CONFIG), None, tmp_path)
    left = ["README.md", "config.json", "generation_config.json", "model.safetensors"]
    assert files(tmp_path) == left
    assert load_pretrained(tmp_path).config.vocab_size == 16


def test_save_that_fails_leaves_the_older_checkpoint(tmp_path, monkeypatch):
    save_pretrained(TransformerLM(CONFIG), None, tmp_path)
    before = files(tmp_path)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(save, "write_weights", full)
    with pytest.raises(OSError, match="no space"):
        save_pretrained(TransformerLM(CONFIG), None, tmp_path)
    assert files(tmp_path) == before
    assert load_pretrained(tmp_path).config.num_layers == 2


def test_save_that_stops_while_moving_leaves_no_mixture(tmp_path, monkeypatch):
    save_pretrained(TransformerLM(CONFIG), None, tmp_path)
    replace, moved = save.os.replace, []

    def stop_at_second(source: object, target: object) -> None:
        if moved:
            raise KeyboardInterrupt
        moved.append(target)
        replace(source, target)

    monkeypatch.setattr(save.os, "replace", stop_at_second)
    with pytest.raises(KeyboardInterrupt):
        save_pretrained(TransformerLM(CONFIG), None, tmp_path)
    with pytest.raises(ValueError, match="lacks config.json"):
        load_pretrained(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"norm": "layernorm"},
        {"positions": "learned", "ffn": "gelu", "norm": "layernorm"},  # without biases
        {"num_experts": 2, "qk_norm": True},
        {"window_tokens": 4, "attention_bias": True},
    ],
)
def test_save_refuses_what_no_architecture_computes(tmp_path, changes):
    model = TransformerLM(ModelConfig(**CONFIG.to_dict() | changes))
    with pytest.raises(ValueError, match="none of gpt2, llama, mistral, mixtral, qwen3 combines"):
        save_pretrained(model, None, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_save_lists_every_misfit_of_model_and_config(tmp_path):
    model = TransformerLM(CONFIG)
    model.ln_final.weight = torch.nn.Parameter(torch.ones(3))
    model.layers[1].attn.q_proj = torch.nn.Identity()
    model.extra = torch.nn.Linear(2, 3, bias=False)
    model.lm_head.weight = model.token_embeddings.weight
    with pytest.raises(ValueError) as error:
        save_pretrained(model, None, tmp_path / "model")
    for line in (
        "missing: layers.1.attn.q_proj.weight (8, 8)",
        "extra: extra.weight (3, 2)",
        "ln_final.weight is (3,), the config asks for (8,)",
        "lm_head.weight must not be token_embeddings.weight: the config says tie_embeddings False",
    ):
        assert line in str(error.value)
    assert not (tmp_path / "model").exists()


def test_save_refuses_a_tie_that_the_config_does_not_have(tmp_path):
    """Loaded again it would be another model: the head that is not stored would be lost."""
    tied = TransformerLM(replace(CONFIG, tie_embeddings=True))
    tied.lm_head.weight = torch.nn.Parameter(torch.randn(16, 8))
    with pytest.raises(ValueError, match="lm_head.weight must be token_embeddings.weight: the co"):
        save_pretrained(tied, None, tmp_path / "model")
    untied = TransformerLM(CONFIG)
    untied.lm_head.weight = untied.token_embeddings.weight
    with pytest.raises(ValueError, match="lm_head.weight must not be token_embeddings.weight"):
        save_pretrained(untied, None, tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("tied", [False, True])
def test_save_refuses_int8_and_says_what_to_do(tmp_path, tied):
    model = quantize_int8(TransformerLM(replace(CONFIG, tie_embeddings=tied)))
    with pytest.raises(ValueError, match="save the float model and quantise it after loading"):
        save_pretrained(model, None, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_save_refuses_a_tokenizer_with_more_ids(tmp_path):
    tokenizer = BPETokenizer(BYTES, [], ["<|endoftext|>"])
    with pytest.raises(ValueError, match="ids up to 256, the model's vocab_size is 16"):
        save_pretrained(TransformerLM(CONFIG), tokenizer, tmp_path)


def test_save_refuses_shards_of_nothing(tmp_path):
    with pytest.raises(ValueError, match="max_shard_bytes must be at least 1, got 0"):
        save_pretrained(TransformerLM(CONFIG), None, tmp_path, max_shard_bytes=0)


def test_save_keeps_what_the_model_was_and_its_memory(tmp_path):
    """Saving reorders copies: the model itself stays interleaved."""
    model = TransformerLM(CONFIG)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    save_pretrained(model, None, tmp_path)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    stored = load_file(tmp_path / "model.safetensors")
    query = "model.layers.0.self_attn.q_proj.weight"
    assert not torch.equal(stored[query], before["layers.0.attn.q_proj.weight"])
