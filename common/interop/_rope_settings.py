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

_METHODS = ("default", "linear", "llama3", "yarn")
_YARN = ("beta_fast", "beta_slow", "attention_factor", "mscale", "mscale_all_dim", "truncate")


def read_rope(
    values: Mapping[str, Any], *, default_theta: float
) -> tuple[float, RopeScaling | None]:
    """theta and scaling of a config.json.

    ValueError for a method that is not known here, and for settings that contradict each other.

    >>> read_rope({"rope_theta": 500000.0, "rope_scaling": None}, default_theta=10000.0)
    (500000.0, None)
    >>> read_rope({"rope_parameters": {"type": "linear", "factor": 2.0}}, default_theta=10000.0)
    (10000.0, LinearScaling(factor=2.0))
    """
    settings = _agreed("RoPE", values.get("rope_scaling"), values.get("rope_parameters")) or {}
    if not isinstance(settings, Mapping):
        raise ValueError(f"rope_scaling must be an object or null, got {settings!r}")
    theta = _agreed("rope_theta", values.get("rope_theta"), settings.get("rope_theta"))
    partial = _agreed(
        "partial_rotary_factor",
        values.get("partial_rotary_factor"),
        settings.get("partial_rotary_factor"),
    )
    if partial not in (None, 1.0):
        raise ValueError(f"partial_rotary_factor must be 1, got {partial}")
    method = _agreed("rope_type", settings.get("type"), settings.get("rope_type")) or "default"
    return (default_theta if theta is None else theta), _scaling(method, settings, values)


def _scaling(
    method: str, settings: Mapping[str, Any], values: Mapping[str, Any]
) -> RopeScaling | None:
    if method not in _METHODS:
        raise ValueError(f"rope_type must be one of {', '.join(_METHODS)}, got {method!r}")
    if method == "default":
        return None
    if "factor" not in settings:
        raise ValueError(f"rope_type {method!r} needs a factor, got {dict(settings)}")
    if method == "linear":
        return LinearScaling(settings["factor"])
    trained = settings.get("original_max_position_embeddings", values["max_position_embeddings"])
    known = {"factor": settings["factor"], "original_context": trained}
    names = _YARN if method == "yarn" else ("low_freq_factor", "high_freq_factor")
    known |= {name: settings[name] for name in names if settings.get(name) is not None}
    return YarnScaling(**known) if method == "yarn" else Llama3Scaling(**known)


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
