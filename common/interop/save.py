"""Save a model in Hugging Face's layout, for transformers and whatever else reads it.

A folder gets config.json, generation_config.json, the weights in one safetensors file or in several
with an index, tokenizer.json and tokenizer_config.json.

Taught in ch04_model/06_exchange.ipynb.
Needs: ../model.py, ../model_config.py, ../rope.py, ../tokenizer/, ../tokenizer/huggingface.py,
../tokenizer/storage.py, _tokenizer_files.py, config_file.py, mapping.py, weight_file.py.
"""

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..model import TransformerLM
from ..model_config import ModelConfig
from ..rope import convert_rope_layout
from ..tokenizer import BPETokenizer
from ..tokenizer.huggingface import write_huggingface
from ..tokenizer.storage import json_bytes
from ._tokenizer_files import generation_settings, tokenizer_settings
from .config_file import write_config
from .mapping import Place, published_places, skeleton
from .weight_file import write_weights

_INDEX = "model.safetensors.index.json"
_WEIGHTS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors|model\.safetensors\.index\.json")
_ROTATED = re.compile(r"\.attn\.(q|k)_(proj|norm)\.")


def save_pretrained(
    model: TransformerLM,
    tokenizer: BPETokenizer | None,
    folder: str | os.PathLike[str],
    *,
    max_shard_bytes: int = 5_000_000_000,
) -> Path:
    """Write `folder` so that `load_pretrained` and transformers load the same model from it.

    The architecture follows from the config: see `config_file.write_config`. Weights keep their
    dtype; queries and keys are reordered to RoPE's "half" layout. A tokenizer with the book's
    control tokens brings its chat template.

    Args:
        tokenizer: None writes none, and no token that ends a text.
        folder: made when it is not there. Of an older checkpoint in it the weights, config and
            tokenizer are replaced, config.json last: a folder without it is no checkpoint, so that
            a crash never leaves half of one and half of another.
        max_shard_bytes: the most bytes of tensors in a file, unless a single tensor has more.

    Returns:
        The folder.

    Raises:
        ValueError: no published architecture computes what the model does, the tokenizer has ids
            that the model has not, or the model's weights are not those that its config describes:
            all that differs in one message. Int8 weights are such: save the float model.

    Cost: one copy on the disk, one tensor in memory.

    >>> config = ModelConfig(vocab_size=10, context_length=8, d_model=4, num_layers=1, num_heads=2)
    >>> folder = save_pretrained(TransformerLM(config), None, tempfile.mkdtemp())
    >>> sorted(path.name for path in folder.iterdir())
    ['config.json', 'generation_config.json', 'model.safetensors']
    """
    if max_shard_bytes < 1:
        raise ValueError(f"max_shard_bytes must be at least 1, got {max_shard_bytes}")
    if tokenizer is not None and tokenizer.vocab_size > model.config.vocab_size:
        raise ValueError(
            f"the tokenizer has ids up to {tokenizer.vocab_size - 1}, the model's vocab_size is "
            f"{model.config.vocab_size}"
        )
    folder = Path(folder)
    content = write_config(model.config)
    if problems := _misfits(model):
        raise ValueError("the model is not what its config describes:\n  " + "\n  ".join(problems))
    ends = generation_settings(tokenizer)
    content |= ends | {"torch_dtype": _dtype_name(model)}
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="unfinished-") as name:
        unfinished = Path(name)
        _write_shards(model, content["model_type"], unfinished, max_shard_bytes)
        (unfinished / "generation_config.json").write_bytes(json_bytes(ends))
        if tokenizer is not None:
            write_huggingface(tokenizer.parts, unfinished / "tokenizer.json")
            settings = tokenizer_settings(tokenizer, model.config.context_length)
            (unfinished / "tokenizer_config.json").write_bytes(json_bytes(settings))
        (unfinished / "config.json").write_bytes(json_bytes(content))
        _put_in_place(unfinished, folder)
    return folder


def _misfits(model: TransformerLM) -> list[str]:
    """Every weight that is missing, extra, misshapen, or tied and not so in the config."""
    if any(buffer.dtype == torch.int8 for buffer in model.buffers()):
        return ["its weights are int8: save the float model and quantise it after loading"]
    wanted, found = (
        {name: tuple(parameter.shape) for name, parameter in _parameters(each).items()}
        for each in (skeleton(model.config), model)
    )
    problems = [f"missing: {name} {wanted[name]}" for name in wanted if name not in found]
    problems += [f"extra: {name} {found[name]}" for name in found if name not in wanted]
    for name, shape in wanted.items():
        if found.get(name, shape) != shape:
            problems.append(f"{name} is {found[name]}, the config asks for {shape}")
    head, table, ties = "lm_head.weight", "token_embeddings.weight", model.config.tie_embeddings
    if head in found and table in found:
        if (model.get_parameter(head) is model.get_parameter(table)) != ties:
            must = "must" if ties else "must not"
            problems.append(f"{head} {must} be {table}: the config says tie_embeddings {ties}")
    return problems


def _parameters(model: TransformerLM) -> dict[str, Tensor]:
    """By name, and what has two names twice."""
    return dict(model.named_parameters(remove_duplicate=False))


def _put_in_place(unfinished: Path, folder: Path) -> None:
    """Move the new files over the old; while that lasts, there is no config.json."""
    (folder / "config.json").unlink(missing_ok=True)
    for old in folder.iterdir():
        if _WEIGHTS.fullmatch(old.name) or old.name in ("tokenizer.json", "tokenizer_config.json"):
            old.unlink()
    for new in sorted(unfinished.iterdir(), key=lambda path: path.name == "config.json"):
        os.replace(new, folder / new.name)


def _dtype_name(model: TransformerLM) -> str:
    return str(model.token_embeddings.weight.dtype).removeprefix("torch.")


def _write_shards(
    model: TransformerLM, model_type: str, folder: Path, max_shard_bytes: int
) -> None:
    parameters = _parameters(model)
    sources: dict[str, list[str]] = {}  # published name -> our names: one, or three of c_attn
    places = published_places(model.config, model_type)
    for ours, place in places.items():
        sources.setdefault(place.name, []).append(ours)
    layout = {}
    for published, names in sources.items():
        shape = places[names[0]].published_shape(parameters[names[0]].shape)
        layout[published] = torch.empty(shape, dtype=parameters[names[0]].dtype, device="meta")
    shards = _shards(layout, max_shard_bytes)
    owners = {}
    for number, shard in enumerate(shards, start=1):
        name = "model.safetensors"
        if len(shards) > 1:
            name = f"model-{number:05}-of-{len(shards):05}.safetensors"
        tensors = (
            _published_tensor(model.config, {n: parameters[n] for n in sources[published]}, places)
            for published in shard
        )
        write_weights(folder / name, {n: layout[n] for n in shard}, tensors)
        owners |= dict.fromkeys(shard, name)
    if len(shards) > 1:
        total = sum(_nbytes(tensor) for tensor in layout.values())
        index = {"metadata": {"total_size": total}, "weight_map": owners}
        (folder / _INDEX).write_bytes(json_bytes(index))


def _shards(layout: Mapping[str, Tensor], max_shard_bytes: int) -> list[list[str]]:
    """The names, in order, in groups of at most max_shard_bytes, or of one tensor that has more."""
    shards: list[list[str]] = [[]]
    room = max_shard_bytes
    for name, tensor in layout.items():
        if shards[-1] and _nbytes(tensor) > room:
            shards.append([])
            room = max_shard_bytes
        shards[-1].append(name)
        room -= _nbytes(tensor)
    return shards


def _nbytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


@torch.no_grad()
def _published_tensor(
    config: ModelConfig, ours: Mapping[str, Tensor], places: Mapping[str, Place]
) -> Tensor:
    """What is stored for one tensor of ours, or for the three that share c_attn."""
    turned = []
    reorder = config.positions == "rope" and config.rope_layout == "interleaved"
    for name, tensor in ours.items():
        if reorder and (rotated := _ROTATED.search(name)):
            heads = config.num_heads if rotated[1] == "q" else config.num_kv_heads
            if rotated[2] == "norm":  # one gain for each entry of a head, the same for all heads
                heads = 1
            tensor = convert_rope_layout(tensor, heads, source="interleaved", target="half")
        turned.append(tensor.T if places[name].transposed else tensor)
    return turned[0] if len(turned) == 1 else torch.cat(turned, dim=-1)
