"""Save a training run so that it survives a crash, and resume it with the same bits.

A checkpoint is a folder:

    state.json                       step, model configuration, sampler, optimizer settings, digests
    model-<digest>.safetensors       parameters and buffers under their names in the model
    training-<digest>.safetensors    optimizer tensors and torch's random state, for resuming

The tensor files are written first, under names that say their content; then state.json, which names
them, replaces the old one in a single `os.replace`. A crash at any moment leaves the old checkpoint
or the new one, whole. Loading compares every SHA-256 digest. Nothing is pickled, so loading a
stranger's checkpoint runs no code of theirs.
Taught in ch05_pretraining/01_training_step.ipynb.
Needs: ../model.py, ../model_config.py and safetensors.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..model import TransformerLM
from ..model_config import ModelConfig

_FORMAT = 1


class CheckpointError(ValueError):
    """A checkpoint that is missing, damaged, of another format, or of another model or run.

    >>> load_checkpoint("nowhere")
    Traceback (most recent call last):
    common.training.checkpoint.CheckpointError: no checkpoint in nowhere: state.json is missing
    """


class _Stateful(Protocol):
    """Anything whose position can be saved and restored, such as a sampler."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...


@dataclass(frozen=True)
class Checkpoint:
    """What `load_checkpoint` returns beside the objects that it fills.

    >>> Checkpoint(step=7, model_config=None).extra
    {}
    """

    step: int
    model_config: dict[str, Any] | None
    extra: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(
    folder: str | Path,
    *,
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer] = (),
    sampler: _Stateful | None = None,
    step: int = 0,
    extra: dict[str, Any] | None = None,
) -> Path:
    """Write the state of a run to `folder`, replacing the checkpoint there at one instant.

    `model.config`, where the model has one, is kept as JSON, so that `load_model` can rebuild the
    model. torch's global random state is kept when there are optimizers. `extra` and the sampler's
    state hold JSON values. Returns the folder. Cost: one copy of all tensors on disk, twice that
    while writing. OSError when the disk refuses; the old checkpoint then stands.

    >>> import tempfile
    >>> model = nn.Linear(2, 1)
    >>> folder = save_checkpoint(tempfile.mkdtemp(), model=model, step=7)
    >>> load_checkpoint(folder, model=model).step
    7
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = getattr(model, "config", None)
    tensors: dict[str, Tensor] = {}
    state = {
        "format": _FORMAT,
        "step": step,
        "model_config": config.to_dict() if isinstance(config, ModelConfig) else None,
        "sampler": sampler.state_dict() if sampler else None,
        "optimizers": [
            {
                "class": type(optimizer).__name__,
                "state_dict": _take_tensors(optimizer.state_dict(), str(i), tensors),
            }
            for i, optimizer in enumerate(optimizers)
        ],
        "extra": extra or {},
        "files": {"model": _write_tensors(folder, "model", _model_tensors(model))},
    }
    if optimizers:
        state["files"]["training"] = _write_tensors(folder, "training", tensors | _random_state())
    _write_state(folder, state)
    kept = {entry["name"] for entry in state["files"].values()}
    for old in [*folder.glob("*.safetensors"), *folder.glob("*.partial")]:
        if old.name not in kept:
            old.unlink()
    return folder


def load_checkpoint(
    folder: str | Path,
    *,
    model: nn.Module | None = None,
    optimizers: Sequence[torch.optim.Optimizer] = (),
    sampler: _Stateful | None = None,
    restore_random: bool = False,
) -> Checkpoint:
    """Fill the given objects with a checkpoint's state; return its step, model config and extra.

    Everything is read and compared before the first object is changed. `restore_random` also puts
    back torch's global random state. CheckpointError when the folder holds no checkpoint, when a
    file is missing, truncated or changed, and when the model's tensors do not fit: then all
    missing, extra and misshapen ones are listed in one message.

    >>> import tempfile
    >>> folder = save_checkpoint(tempfile.mkdtemp(), model=nn.Linear(2, 1))
    >>> load_checkpoint(folder, model=nn.Linear(3, 1, bias=False))
    Traceback (most recent call last):
    common.training.checkpoint.CheckpointError: ... does not fit the model:
      extra in the checkpoint: bias
      weight is (1, 2) float32 in the checkpoint, (1, 3) float32 in the model
    """
    folder = Path(folder)
    state = _read_state(folder)
    weights = _read_tensors(folder, state, "model") if model else {}
    training = _read_tensors(folder, state, "training") if optimizers or restore_random else {}
    if model:
        _check_model(folder, weights, _model_tensors(model))
    if optimizers:
        _check_optimizers(folder, state["optimizers"], optimizers, training)
    if sampler:
        if state["sampler"] is None:
            raise CheckpointError(f"{folder} was saved without a sampler")
        try:
            sampler.load_state_dict(state["sampler"])  # checks before it changes anything
        except ValueError as error:
            raise CheckpointError(f"{folder} is of another run: {error}") from None

    if model:
        with torch.no_grad():
            for name, tensor in _model_tensors(model).items():
                tensor.copy_(weights[name])
    if optimizers:
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(_put_tensors(saved["state_dict"], training))
    if restore_random:
        _set_random_state(training)
    return Checkpoint(state["step"], state["model_config"], state["extra"])


def load_model(folder: str | Path) -> TransformerLM:
    """Build the TransformerLM that a checkpoint describes and fill it; on the CPU, in eval mode.

    CheckpointError as for `load_checkpoint`, or when the saved model had no ModelConfig.

    >>> import tempfile
    >>> config = ModelConfig(vocab_size=9, context_length=8, d_model=8, num_layers=1, num_heads=2)
    >>> folder = save_checkpoint(tempfile.mkdtemp(), model=TransformerLM(config))
    >>> load_model(folder).config == config
    True
    """
    config = load_checkpoint(folder).model_config
    if config is None:
        raise CheckpointError(f"the model in {folder} was saved without a ModelConfig")
    try:
        with torch.random.fork_rng():  # building the model draws weights, which are then replaced
            model = TransformerLM(ModelConfig.from_dict(config))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{folder} describes a model of another version: {error}") from None
    load_checkpoint(folder, model=model)
    return model.eval()


def _model_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name; of a tied tensor only its first name."""
    first_names: dict[int, str] = {}
    tensors = model.state_dict(keep_vars=True)
    for name, tensor in tensors.items():
        first_names.setdefault(id(tensor), name)
    return {name: tensors[name] for name in first_names.values()}


def _random_state() -> dict[str, Tensor]:
    state = {"random.cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states = torch.cuda.get_rng_state_all()
        state |= {f"random.cuda.{i}": gpu_state for i, gpu_state in enumerate(states)}
    return state


def _set_random_state(tensors: dict[str, Tensor]) -> None:
    torch.set_rng_state(tensors["random.cpu"])
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            torch.cuda.set_rng_state(tensors[f"random.cuda.{i}"], i)


def _take_tensors(tree: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Copy a nested state for JSON: each tensor moves to `tensors` and leaves its name behind."""
    if isinstance(tree, Tensor):
        tensors[name] = tree
        return {"tensor": name}
    if isinstance(tree, dict):
        return {str(k): _take_tensors(v, f"{name}.{k}", tensors) for k, v in tree.items()}
    if isinstance(tree, list | tuple):
        return [_take_tensors(v, f"{name}.{i}", tensors) for i, v in enumerate(tree)]
    return tree


def _put_tensors(tree: Any, tensors: dict[str, Tensor]) -> Any:
    """Undo `_take_tensors`. Optimizers number their parameters, so digits become integer keys."""
    if isinstance(tree, dict):
        if tree.keys() == {"tensor"}:
            return tensors[tree["tensor"]]
        return {int(k) if k.isdigit() else k: _put_tensors(v, tensors) for k, v in tree.items()}
    if isinstance(tree, list):
        return [_put_tensors(v, tensors) for v in tree]
    return tree


def _check_model(folder: Path, saved: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    problems = []
    if missing := sorted(wanted.keys() - saved.keys()):
        problems.append("missing from the checkpoint: " + ", ".join(missing))
    if extra := sorted(saved.keys() - wanted.keys()):
        problems.append("extra in the checkpoint: " + ", ".join(extra))
    for name in sorted(saved.keys() & wanted.keys()):
        theirs, ours = _describe(saved[name]), _describe(wanted[name])
        if theirs != ours:
            problems.append(f"{name} is {theirs} in the checkpoint, {ours} in the model")
    if problems:
        raise CheckpointError(f"{folder} does not fit the model:\n  " + "\n  ".join(problems))


def _check_optimizers(
    folder: Path,
    saved: list[dict[str, Any]],
    optimizers: Sequence[torch.optim.Optimizer],
    tensors: dict[str, Tensor],
) -> None:
    theirs = [
        (entry["class"], [len(group["params"]) for group in entry["state_dict"]["param_groups"]])
        for entry in saved
    ]
    ours = [(type(o).__name__, [len(g["params"]) for g in o.param_groups]) for o in optimizers]
    if theirs != ours:
        raise CheckpointError(
            f"{folder} holds optimizers with parameters in groups of {theirs}, got {ours}"
        )
    for entry, optimizer in zip(saved, optimizers, strict=True):
        params = [p for group in optimizer.param_groups for p in group["params"]]
        for number, values in _put_tensors(entry["state_dict"]["state"], tensors).items():
            for name, value in values.items():
                if isinstance(value, Tensor) and value.shape not in (params[number].shape, ()):
                    raise CheckpointError(
                        f"{folder}: {name} of parameter {number} of {entry['class']} is "
                        f"{_describe(value)}, the parameter is {_describe(params[number])}"
                    )


def _describe(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"


def _write_tensors(folder: Path, kind: str, tensors: dict[str, Tensor]) -> dict[str, Any]:
    """Write one tensor file, named after its content; return its entry in state.json."""
    partial = folder / f"{kind}.partial"
    save_file({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, partial)
    digest = _sha256_of_file(partial)
    name = f"{kind}-{digest[:12]}.safetensors"
    size = partial.stat().st_size
    _put_in_place(partial, folder / name)
    return {"name": name, "bytes": size, "sha256": digest}


def _write_state(folder: Path, state: dict[str, Any]) -> None:
    state = json.loads(json.dumps(state))  # as a reader will see it: tuples are lists, keys strings
    partial = folder / "state.json.partial"
    partial.write_text(json.dumps(state | {"sha256": _sha256_of_json(state)}, indent=1) + "\n")
    _put_in_place(partial, folder / "state.json")


def _put_in_place(partial: Path, target: Path) -> None:
    with partial.open("rb+") as stream:
        os.fsync(stream.fileno())  # on the disk before it gets its name, should the power fail
    os.replace(partial, target)


def _read_state(folder: Path) -> dict[str, Any]:
    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        version, digest = state["format"], state.pop("sha256")
    except FileNotFoundError:
        raise CheckpointError(f"no checkpoint in {folder}: state.json is missing") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{folder / 'state.json'} is damaged: {error}") from None
    if version != _FORMAT:
        raise CheckpointError(
            f"{folder} has checkpoint format {version}, this code reads {_FORMAT}"
        )
    if _sha256_of_json(state) != digest:
        raise CheckpointError(f"{folder / 'state.json'} was changed after it was written")
    return state


def _read_tensors(folder: Path, state: dict[str, Any], kind: str) -> dict[str, Tensor]:
    if kind not in state["files"]:
        raise CheckpointError(f"{folder} holds a model without optimizers: it cannot be resumed")
    entry = state["files"][kind]
    path = folder / Path(entry["name"]).name  # a name only: never a path out of the folder
    if not path.is_file():
        raise CheckpointError(f"{folder} lacks its file {path.name}")
    if (size := path.stat().st_size) != entry["bytes"]:
        raise CheckpointError(f"{path} has {size} bytes instead of {entry['bytes']}")
    if _sha256_of_file(path) != entry["sha256"]:
        raise CheckpointError(f"{path} was changed after it was written")
    return load_file(path)


def _sha256_of_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sha256_of_json(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
