"""What the steps of a pipeline are and how they are set, as plain data: equal steps, equal data.

Needs: steps.py.
"""

import dataclasses
import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from importlib import metadata
from typing import Any

import numpy as np

from .. import __version__
from .steps import Step

_MAX_ITEMS = 40  # a longer list is given by its length and hash


def describe_run(sources: list[dict], steps: Mapping[str, Step]) -> dict[str, Any]:
    """What a run starts from: sources, settings of every step, versions of what does the work."""
    libraries = {name: metadata.version(name) for name in ("lxml", "numpy")}
    return {
        "sources": sources,
        "steps": {stage: describe(step) for stage, step in steps.items()},
        "versions": {"common": __version__, "python": platform.python_version()} | libraries,
    }


def describe(value: Any) -> Any:
    """A value as JSON can hold it, the same in every process; what is long becomes a hash."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return value if len(value) <= 200 else _hashed("text", len(value), value.encode())
    if isinstance(value, bytes):
        return _hashed("bytes", len(value), value)
    if isinstance(value, (np.ndarray, np.generic)):
        return _hashed(f"{value.dtype} {value.shape}", value.size, value.tobytes())
    if isinstance(value, Mapping):
        return _short("map", {str(key): describe(entry) for key, entry in value.items()})
    if isinstance(value, AbstractSet):
        return _short("set", sorted((describe(entry) for entry in value), key=_text))
    if isinstance(value, Sequence):
        return _short("list", [describe(entry) for entry in value])
    if isinstance(value, partial):
        settings = {str(i): describe(entry) for i, entry in enumerate(value.args)}
        settings |= {name: describe(entry) for name, entry in value.keywords.items()}
        return {"rule": describe(value.func), **settings}
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}".removeprefix("common.data.")
    if dataclasses.is_dataclass(value):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    else:
        fields = vars(value)
    return {"kind": type(value).__name__.lstrip("_")} | {k: describe(v) for k, v in fields.items()}


def _short(kind: str, plain: Any) -> Any:
    return plain if len(plain) <= _MAX_ITEMS else _hashed(kind, len(plain), _text(plain).encode())


def _hashed(kind: str, size: int, data: bytes) -> dict[str, str | int]:
    return {"kind": kind, "size": size, "sha256": hashlib.sha256(data).hexdigest()[:16]}


def _text(plain: Any) -> str:
    return json.dumps(plain, sort_keys=True)
