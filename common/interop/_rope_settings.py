"""RoPE's settings in a config.json: the old spelling, the new one, and contradictions.

Up to transformers 4: `rope_theta` beside `rope_scaling`, a dict or null. From 5 on: one dict,
`rope_parameters`, with `rope_theta` in it. Both are read; the old one is written, which all
versions read.

Needs: ../model_config.py, ../rope_scaling.py.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..model_config import ModelConfig
from ..rope_scaling import LinearScaling, Llama3Scaling, NTKScaling, RopeScaling, YarnScaling

_LONGEST = 100_000_000  # tokens; far beyond, transformers' YaRN slows what it should keep
_METHODS = ("default", "linear", "llama3", "yarn")
_YARN = ("beta_fast", "beta_slow", "attention_factor", "mscale", "mscale_all_dim")


def read_rope(
    values: Mapping[str, Any], *, default_theta: float
) -> tuple[float, RopeScaling | None]:
    """theta and scaling of a config.json.

    Some settings may stand beside the dict instead of in it. ValueError for a method that is not
    known here, a value that is no number, and settings that contradict each other.

    >>> read_rope({"max_position_embeddings": 64, "rope_theta": 500000.0}, default_theta=10000.0)
    (500000.0, None)
    >>> settings = {"type": "linear", "factor": 2.0}
    >>> read_rope(
    ...     {"max_position_embeddings": 64, "rope_parameters": settings}, default_theta=10000.0
    ... )
    (10000.0, LinearScaling(factor=2.0))
    """
    spellings = values.get("rope_scaling"), values.get("rope_parameters")
    settings = _agreed("rope_scaling, or rope_parameters,", *spellings)
    settings = {} if settings is None else settings
    if not isinstance(settings, Mapping):
        raise ValueError(f"rope_scaling must be an object or null, got {settings!r}")
    if parts := [name for name, value in settings.items() if isinstance(value, Mapping)]:
        raise ValueError(f"RoPE must be the same in all layers, got {', '.join(parts)}")
    beside = ("rope_theta", "partial_rotary_factor", "original_max_position_embeddings")
    theta, partial, trained = (
        _agreed(name, values.get(name), settings.get(name)) for name in beside
    )
    if partial not in (None, 1.0):
        raise ValueError(f"partial_rotary_factor must be 1, got {partial}")
    method = _agreed("rope_type", settings.get("type"), settings.get("rope_type"))
    scaling = _scaling(method, settings, values["max_position_embeddings"], trained)
    return (default_theta if theta is None else _number("rope_theta", theta)), scaling


def _scaling(
    method: str | None, settings: Mapping[str, Any], context: int, trained: float | None
) -> RopeScaling | None:
    if method in (None, "default"):
        return None
    if method not in _METHODS:
        raise ValueError(f"rope_type must be one of {', '.join(_METHODS)}, got {method!r}")
    if "factor" not in settings:
        raise ValueError(f"rope_type {method!r} needs a factor, got {dict(settings)}")
    factor = settings["factor"]
    if method == "linear":
        return LinearScaling(_number("factor", factor))
    trained = context if trained is None else trained
    if not 1 <= _number("original_max_position_embeddings", trained) <= _LONGEST:
        raise ValueError(
            f"original_max_position_embeddings must be from 1 to {_LONGEST}, got {trained}"
        )
    if method == "yarn" and factor is None:
        factor = context / trained
    known = {"factor": _number("factor", factor), "original_context": trained}
    names = _YARN if method == "yarn" else ("low_freq_factor", "high_freq_factor")
    known |= {n: _number(n, settings[n]) for n in names if settings.get(n) is not None}
    if method == "llama3":
        return Llama3Scaling(**known)
    truncate = settings.get("truncate", True)
    if not isinstance(truncate, bool):
        raise ValueError(f"truncate must be true or false, got {truncate!r}")
    return YarnScaling(**known, truncate=truncate)


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e38:
        raise ValueError(f"{name} must be a finite number, got {value!r}")
    return value


def _agreed(name: str, first: Any, second: Any) -> Any:
    """Whichever of two spellings is there; ValueError when both are and differ."""
    if first is not None and second is not None and first != second:
        raise ValueError(f"{name} is given twice and differs: {first} and {second}")
    return second if first is None else first


def write_rope(config: ModelConfig) -> dict[str, Any]:
    """`rope_theta` and `rope_scaling` of a config.json. NTK scaling is another theta.

    >>> config = ModelConfig(10, 64, d_model=8, num_layers=1, num_heads=2)
    >>> write_rope(config)
    {'rope_theta': 10000.0, 'rope_scaling': None}
    """
    theta, scaling = config.rope_theta, config.rope_scaling
    match scaling:
        case NTKScaling():
            theta *= scaling.factor ** (config.head_dim / (config.head_dim - 2))
            settings = None
        case LinearScaling():
            settings = {"rope_type": "linear", "factor": scaling.factor}
        case Llama3Scaling() | YarnScaling():
            method = "yarn" if isinstance(scaling, YarnScaling) else "llama3"
            settings = {"rope_type": method} | asdict(scaling)
            settings["original_max_position_embeddings"] = settings.pop("original_context")
            settings = {name: value for name, value in settings.items() if value is not None}
        case _:
            settings = None
    return {"rope_theta": theta, "rope_scaling": settings}
