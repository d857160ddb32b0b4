"""Loading: what is refused and how it is said; dtypes, shards, tied weights, older files."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from common.interop import load_pretrained, save_pretrained
from common.interop.weight_file import WeightFile
from common.model import TransformerLM
from common.model_config import ModelConfig

CONFIG = ModelConfig(
    vocab_size=16, context_length=8, d_model=4, num_layers=1, num_heads=2, rope_layout="half"
)


def new_model(**changes: object) -> TransformerLM:
    config = ModelConfig(**CONFIG.to_dict() | changes)
    return TransformerLM(config, generator=torch.Generator().manual_seed(0)).eval()


def rewrite(folder: Path, **changes: torch.Tensor | None) -> None:
    """Replace, add or (None) remove tensors of model.safetensors."""
    tensors = load_file(folder / "model.safetensors") | changes
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    save_file(kept, folder / "model.safetensors")


def rewrite_config(folder: Path, **changes: object) -> None:
    values = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(values))


def assert_same(loaded: TransformerLM, model: TransformerLM) -> None:
    wanted = model.state_dict()
    assert loaded.state_dict().keys() == wanted.keys()
    for name, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, wanted[name]), name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_pretrained(new_model(), None, tmp_path / "model")


def test_load_lists_every_misfit_in_one_error(folder):
    rewrite(
        folder,
        **{
            "model.norm.weight": None,
            "model.layers.0.mlp.up_proj.weight": None,
            "model.layers.7.extra": torch.ones(2),
            "lm_head.weight": torch.ones(3, 4),
            "model.embed_tokens.weight": torch.ones(16, 4, dtype=torch.int8),
        },
    )
    with pytest.raises(ValueError) as error:
        load_pretrained(folder)
    for line in (
        "missing: model.norm.weight (4,)",
        "missing: model.layers.0.mlp.up_proj.weight (32, 4)",
        "extra: model.layers.7.extra (2,)",
        "lm_head.weight is (3, 4), the config asks for (16, 4)",
        "model.embed_tokens.weight is torch.int8",
    ):
        assert line in str(error.value)


def test_load_lists_where_index_and_files_disagree(tmp_path):
    folder = save_pretrained(new_model(), None, tmp_path, max_shard_bytes=600)
    index = folder / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    moved = "model.layers.0.self_attn.q_proj.weight"
    first, last = content["weight_map"][moved], content["weight_map"]["lm_head.weight"]
    content["weight_map"][moved] = last
    index.write_text(json.dumps(content))
    match = f"{moved} is in {first}, the index says {last}"
    with pytest.raises(ValueError, match=match):
        load_pretrained(folder)


def test_load_lists_what_the_index_names_and_no_file_holds(tmp_path):
    folder = save_pretrained(new_model(), None, tmp_path, max_shard_bytes=600)
    index = folder / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    head = content["weight_map"]["lm_head.weight"]
    # Older versions stored constants, which nobody misses.
    content["weight_map"] |= dict.fromkeys(["ghost", "model.rotary_emb.inv_freq"], head)
    del content["weight_map"]["model.norm.weight"]
    index.write_text(json.dumps(content))
    with pytest.raises(ValueError) as error:
        load_pretrained(folder)
    assert f"ghost is in no file, the index says {head}" in str(error.value)
    assert "missing: model.norm.weight (4,)" in str(error.value)
    assert "inv_freq" not in str(error.value)


def test_load_names_shards_that_are_not_there(tmp_path):
    folder = save_pretrained(new_model(), None, tmp_path, max_shard_bytes=600)
    shards = sorted(folder.glob("*.safetensors"))
    for shard in shards[1:]:
        shard.unlink()
    match = f"lacks {', '.join(shard.name for shard in shards[1:])}, which its index names"
    with pytest.raises(ValueError, match=match):
        load_pretrained(folder)


@pytest.mark.parametrize("outside", ["../model.safetensors", "/etc/passwd", "pytorch_model.bin"])
def test_load_stays_in_its_folder(tmp_path, outside):
    folder = save_pretrained(new_model(), None, tmp_path, max_shard_bytes=600)
    index = folder / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    content["weight_map"]["model.norm.weight"] = outside
    index.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"in its own folder, not {outside}"):
        load_pretrained(folder)


class _Trap:
    """Unpickling this would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "consolidated.00.pth", "model.pt"])
def test_load_refuses_pickles_by_name(folder, tmp_path, name):
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps(_Trap(tmp_path / "sprung")))
    with pytest.raises(ValueError, match=f"{name} only: pickles"):
        load_pretrained(folder)
    with pytest.raises(ValueError, match=f"{name} is a pickle"):
        load_pretrained(folder / name)
    assert not (tmp_path / "sprung").exists()


def test_load_refuses_a_pickle_under_another_name(folder, tmp_path):
    torch.save({"w": torch.ones(2)}, folder / "model.safetensors")
    with pytest.raises(ValueError, match="model.safetensors is a pickle"):
        load_pretrained(folder)


def test_load_says_what_is_there_instead_of_weights(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(ValueError, match="neither .* it has config.json, generation_config.json"):
        load_pretrained(folder)


def test_load_says_that_there_is_no_folder(tmp_path):
    with pytest.raises(ValueError, match="there is no folder .*nowhere"):
        load_pretrained(tmp_path / "nowhere")


def test_load_says_that_there_is_no_config(folder):
    (folder / "config.json").unlink()
    with pytest.raises(ValueError, match="lacks config.json"):
        load_pretrained(folder)


def test_load_names_a_damaged_config(folder):
    path = folder / "config.json"
    path.write_text(path.read_text()[:50])
    with pytest.raises(ValueError, match=r"config.json is damaged or cut off"):
        load_pretrained(folder)


def test_load_names_the_config_that_contradicts_itself(folder):
    rewrite_config(folder, num_key_value_heads=3)
    with pytest.raises(ValueError, match=r"config.json: num_kv_heads 3 must divide num_heads 2"):
        load_pretrained(folder)


def test_load_names_the_architectures_that_there_are(folder):
    rewrite_config(folder, model_type="bloom")
    match = "config.json: model_type 'bloom' is unknown; supported are gpt2, llama, mistral"
    with pytest.raises(ValueError, match=match):
        load_pretrained(folder)


def test_load_accepts_a_tied_head_that_is_stored(tmp_path):
    model = new_model(tie_embeddings=True)
    folder = save_pretrained(model, None, tmp_path)
    rewrite(folder, **{"lm_head.weight": model.lm_head.weight.detach().clone()})
    loaded = load_pretrained(folder)
    assert_same(loaded, model)
    assert loaded.lm_head.weight is loaded.token_embeddings.weight


def test_load_refuses_a_tied_head_that_differs(tmp_path):
    folder = save_pretrained(new_model(tie_embeddings=True), None, tmp_path)
    rewrite(folder, **{"lm_head.weight": torch.ones(16, 4)})
    with pytest.raises(ValueError, match="lm_head.weight differs from model.embed_tokens.weight"):
        load_pretrained(folder)


def test_load_misses_an_untied_head(folder):
    rewrite(folder, **{"lm_head.weight": None})
    with pytest.raises(ValueError, match="missing: lm_head.weight"):
        load_pretrained(folder)


def test_load_reads_the_published_gpt2(tmp_path):
    """Its names lack "transformer.", and it stores the causal mask of every layer."""
    sizes = {"vocab_size": 16, "context_length": 8, "d_model": 4, "num_layers": 1, "num_heads": 2}
    model = TransformerLM(ModelConfig.gpt2_small(**sizes)).eval()
    folder = save_pretrained(model, None, tmp_path)
    stored = load_file(folder / "model.safetensors")
    bare = {name.removeprefix("transformer."): tensor for name, tensor in stored.items()}
    bare["h.0.attn.bias"] = torch.ones(1, 1, 8, 8).tril()
    save_file(bare, folder / "model.safetensors")
    loaded = load_pretrained(folder)
    assert_same(loaded, model)
    assert all(parameter.is_contiguous() for parameter in loaded.parameters())


def test_load_skips_the_frequencies_of_older_llamas(folder):
    rewrite(folder, **{"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(1)})
    assert_same(load_pretrained(folder), new_model())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
def test_load_converts_to_the_dtype_asked_for(folder, dtype):
    assert_same(load_pretrained(folder, dtype=dtype), new_model().to(dtype))


def test_load_keeps_the_dtype_of_the_file(tmp_path):
    model = new_model().to(torch.bfloat16)
    loaded = load_pretrained(save_pretrained(model, None, tmp_path))
    assert_same(loaded, model)


def test_load_takes_the_widest_of_several_dtypes(folder):
    rewrite(folder, **{"lm_head.weight": torch.ones(16, 4, dtype=torch.bfloat16)})
    loaded = load_pretrained(folder)
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}


def test_load_refuses_integers(folder):
    with pytest.raises(ValueError, match="dtype must be one of .* got torch.int8"):
        load_pretrained(folder, dtype=torch.int8)


def test_load_gives_a_model_of_its_own(folder):
    """Written to, it leaves the file as it is; and the file may change."""
    before = (folder / "model.safetensors").read_bytes()
    loaded = load_pretrained(folder)
    with torch.no_grad():
        loaded.ln_final.weight.fill_(7.0)
    assert (folder / "model.safetensors").read_bytes() == before
    (folder / "model.safetensors").write_bytes(b"")
    assert loaded.ln_final.weight.sum() == 28
    assert not loaded.training
    assert all(parameter.requires_grad for parameter in loaded.parameters())


def test_load_in_blocks_equals_load_at_once(tmp_path, monkeypatch):
    model = TransformerLM(
        ModelConfig.gpt2_small(
            vocab_size=33, context_length=8, d_model=12, num_layers=1, num_heads=2
        )
    )
    folder = save_pretrained(model, None, tmp_path)
    monkeypatch.setattr("common.interop.load._BLOCK_BYTES", 5 * 12 * 4)  # 5 rows, which divide none
    assert_same(load_pretrained(folder), model)


def test_load_gives_back_each_block_of_the_file(folder, monkeypatch):
    """Otherwise a model and its file are in memory at once: twice the size of the checkpoint."""
    released = []
    monkeypatch.setattr(WeightFile, "release", lambda file: released.append(file.path))
    monkeypatch.setattr("common.interop.load._BLOCK_BYTES", 4 * 4)  # one row of 4 numbers
    model = load_pretrained(folder)
    rows = sum(len(parameter) for parameter in model.parameters() if parameter.dim() == 2)
    assert len(released) >= rows
