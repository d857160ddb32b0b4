"""Load a checkpoint in Hugging Face's layout: a folder with config.json and safetensors files.

Everything is compared before a tensor is copied, and all that does not fit is said at once. The
files are memory-mapped and copied block by block, each block given back when it is done, so that
memory holds the model and never the model and its file.

Where a text ends is no part of the model: the eos_token_id of generation_config.json, a number or a
list, is what `generate_stream` and `generate_batch` take as stop_ids.

Taught in ch04_model/06_exchange.ipynb.
Needs: ../model.py, ../tokenizer/storage.py, config_file.py, mapping.py,
weight_file.py.
"""

import os
import re
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..model import TransformerLM
from ..tokenizer.storage import load_json
from .config_file import read_config
from .mapping import Place, published_places, skeleton
from .weight_file import WeightFile

_SINGLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
_HEAD = "lm_head.weight"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
_BLOCK_BYTES = 1 << 24  # 16 MiB of a file in memory at a time
# Constants that older versions stored beside the weights: causal masks and RoPE's frequencies.
_CONSTANTS = re.compile(r"\.attn\.(masked_)?bias$|\.rotary_emb\.inv_freq$")


def load_pretrained(
    folder: str | os.PathLike[str],
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> TransformerLM:
    """The model in a folder that transformers, or `save_pretrained`, wrote; ready to evaluate.

    GPT-2, Llama 2 and 3, Mistral, Mixtral and Qwen3. The tokenizer is a file of its own, and not
    always a byte-level BPE: `BPETokenizer.from_huggingface(folder / "tokenizer.json")`.

    Args:
        folder: with config.json and model.safetensors, or model.safetensors.index.json and the
            files that it names.
        dtype: float32, bfloat16, float16 or float64; None keeps the files', the widest of several.
        device: where the weights go, one tensor at a time; None is the CPU.

    Raises:
        ValueError: no checkpoint, only pickles (named, never opened), an unknown architecture, a
            damaged file, or tensors that are missing, extra or misshapen: all in one message.

    Cost: reads each byte once. Memory: the weights and 16 MiB.

    >>> import tempfile
    >>> from .save import ModelConfig, save_pretrained
    >>> config = ModelConfig(vocab_size=10, context_length=8, d_model=4, num_layers=1, num_heads=2)
    >>> folder = save_pretrained(TransformerLM(config), None, tempfile.mkdtemp())
    >>> load_pretrained(folder, dtype=torch.bfloat16).lm_head.weight.dtype
    torch.bfloat16
    """
    folder = Path(folder)
    if dtype not in (None, *_FLOATS):
        raise ValueError(f"dtype must be one of {_FLOATS} or None, got {dtype}")
    _refuse_pickles(folder)
    path = folder / "config.json"
    if not path.is_file():
        raise ValueError(f"{folder} lacks config.json: it holds no checkpoint, or half of one")
    values = load_json(path)
    try:
        config = read_config(values)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    stored, problems = _stored_tensors(folder, values["model_type"])
    places = published_places(config, values["model_type"])
    model = skeleton(config)
    problems += _misfits(model, places, stored)
    if problems:
        raise ValueError(
            f"{folder} does not hold the model that its config.json describes:\n  "
            + "\n  ".join(problems)
        )
    if dtype is None:
        dtype = reduce(torch.promote_types, {stored[p.name].dtype for p in places.values()})
    for name, place in places.items():
        tensor = stored[place.name]
        target = torch.empty(model.get_parameter(name).shape, dtype=dtype, device=device)
        _put(model, name, target)
        source = place.read(tensor.values)
        if place.transposed:  # both lie as in the file, so that blocks of rows are blocks of it
            source, target = source.T, target.T
        _copy(source, target, tensor.file)
    if config.tie_embeddings:
        model.lm_head.weight = model.token_embeddings.weight
    return model.eval()


class _Stored(NamedTuple):
    """A tensor in one of the files, under the name that it has there."""

    file: WeightFile
    name: str

    @property
    def shape(self) -> tuple[int, ...]:
        return self.file.entries[self.name].shape

    @property
    def dtype(self) -> torch.dtype:
        return self.file.entries[self.name].dtype

    @property
    def values(self) -> Tensor:
        return self.file.tensor(self.name)


def _refuse_pickles(folder: Path) -> None:
    if folder.suffix in _PICKLES:
        raise ValueError(f"{folder} is a pickle, which runs code when it is opened: not read")
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}")
    if (folder / _INDEX).is_file() or (folder / _SINGLE).is_file():
        return
    names = sorted(path.name for path in folder.iterdir())
    if pickles := [name for name in names if name.endswith(_PICKLES)]:
        raise ValueError(
            f"{folder} has its weights in {', '.join(pickles)} only: pickles, which run code when "
            "they are opened, and are not read here; ask for safetensors"
        )
    raise ValueError(f"{folder} has neither {_SINGLE} nor {_INDEX}; it has {', '.join(names)}")


def _stored_tensors(folder: Path, model_type: str) -> tuple[dict[str, _Stored], list[str]]:
    """The tensors by their full published names, and where files and index disagree."""
    if (folder / _SINGLE).is_file():
        tensors = {
            name: _Stored(file, name)
            for file in [WeightFile(folder / _SINGLE)]
            for name in file.entries
        }
        problems = []
    else:
        tensors, problems = _indexed_tensors(folder)
    if model_type == "gpt2" and not any(name.startswith("transformer.") for name in tensors):
        # The published GPT-2 leaves its first word out.
        bare = {name for name in tensors if not name.startswith("lm_head.")}
        tensors = {f"transformer.{n}" if n in bare else n: tensor for n, tensor in tensors.items()}
    return {n: t for n, t in tensors.items() if not _CONSTANTS.search(n)}, problems


def _indexed_tensors(folder: Path) -> tuple[dict[str, _Stored], list[str]]:
    owners = load_json(folder / _INDEX).get("weight_map")
    if not isinstance(owners, dict) or not owners:
        raise ValueError(f"{folder / _INDEX} must have a weight_map from tensors to files")
    names = sorted({str(owner) for owner in owners.values()})
    if outside := [n for n in names if Path(n).name != n or not n.endswith(".safetensors")]:
        raise ValueError(
            f"{folder / _INDEX} must name safetensors files in its own folder, not "
            f"{', '.join(outside)}"
        )
    if absent := [name for name in names if not (folder / name).is_file()]:
        raise ValueError(f"{folder} lacks {', '.join(absent)}, which its index names")
    files = [WeightFile(folder / name) for name in names]
    held = {name for file in files for name in file.entries}
    problems = [
        f"{name} is in no file, the index says {owner}"
        for name, owner in owners.items()
        if name not in held and not _CONSTANTS.search(name)
    ]
    tensors = {}
    for file in files:
        for name in file.entries:
            if owners.get(name) == file.path.name:
                tensors[name] = _Stored(file, name)
            else:
                says = owners.get(name, "nothing of it")
                problems.append(f"{name} is in {file.path.name}, the index says {says}")
    return tensors, problems


def _misfits(
    model: TransformerLM, places: Mapping[str, Place], stored: Mapping[str, _Stored]
) -> list[str]:
    """Everything that is missing, extra, misshapen, or tied and not equal."""
    wanted = {p.name: p.published_shape(model.get_parameter(n).shape) for n, p in places.items()}
    tied = model.config.tie_embeddings
    extra = stored.keys() - wanted.keys() - ({_HEAD} if tied else set())
    problems = [f"missing: {name} {wanted[name]}" for name in wanted if name not in stored]
    problems += [f"extra: {name} {stored[name].shape}" for name in sorted(extra)]
    for name, shape in wanted.items():
        if name in stored and (found := stored[name]).shape != shape:
            problems.append(f"{name} is {found.shape}, the config asks for {shape}")
        elif name in stored and found.dtype not in _FLOATS:
            problems.append(f"{name} is {found.dtype}, a weight must be one of {_FLOATS}")
    table = places["token_embeddings.weight"].name
    if tied and not problems and _HEAD in stored:
        if not torch.equal(stored[_HEAD].values, stored[table].values):
            problems.append(f"{_HEAD} differs from {table}, to which the config ties it")
    return problems


def _copy(source: Tensor, target: Tensor, file: WeightFile) -> None:
    """Fill `target` from the map, a block of rows at a time, and give each block back."""
    row_bytes = source[:1].numel() * source.element_size()
    rows = max(1, _BLOCK_BYTES // row_bytes)
    for ours, theirs in zip(target.split(rows), source.split(rows), strict=True):
        ours.copy_(theirs)
        file.release()


def _put(model: nn.Module, name: str, tensor: Tensor) -> None:
    module, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(module), leaf, nn.Parameter(tensor))
