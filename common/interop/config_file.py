"""config.json, Hugging Face's description of a model, to our ModelConfig and back.

Every architecture names the same sizes in its own way, and leaves some out, which then take the
values that transformers gives them. What we do not compute is refused rather than left out: another
activation, a window in some layers only, quantised weights.

Taught in ch04_model/06_exchange.ipynb.
Needs: ../model_config.py, _rope_settings.py.
"""

from collections.abc import Mapping
from typing import Any

from ..model_config import ModelConfig
from ._rope_settings import read_rope, write_rope

ARCHITECTURES = {
    "gpt2": "GPT2LMHeadModel",
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "mixtral": "MixtralForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
}
_GPT2_SIZES = {
    "vocab_size": "vocab_size",
    "context_length": "n_positions",
    "d_model": "n_embd",
    "num_layers": "n_layer",
    "num_heads": "n_head",
}
_SIZES = {
    "vocab_size": "vocab_size",
    "context_length": "max_position_embeddings",
    "d_model": "hidden_size",
    "num_layers": "num_hidden_layers",
    "num_heads": "num_attention_heads",
    "d_ff": "intermediate_size",
}
_MIXTRAL_SIZES = _SIZES | {
    "num_experts": "num_local_experts",
    "experts_per_token": "num_experts_per_tok",
}
# What a file leaves out has the value that transformers gives it.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "gpt2": {"n_inner": None, "layer_norm_epsilon": 1e-5, "tie_word_embeddings": True},
    "llama": {"rms_norm_eps": 1e-6, "num_key_value_heads": None},
    "mistral": {"rms_norm_eps": 1e-6, "num_key_value_heads": 8, "sliding_window": 4096},
    "mixtral": {"rms_norm_eps": 1e-5, "num_key_value_heads": 8},
    "qwen3": {
        "rms_norm_eps": 1e-6,
        "num_key_value_heads": 32,
        "head_dim": 128,
        "use_sliding_window": False,
        "sliding_window": 4096,
        "max_window_layers": 28,
    },
}
_THETA = {"mixtral": 1e6}  # of the files that leave rope_theta out; else 10000
# Settings that change what is computed, and the values of them that we compute.
_COMPUTED: dict[str, tuple[Any, ...]] = {
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "add_cross_attention": (False,),
    "hidden_act": ("silu", "swish"),
    "mlp_bias": (False,),
    "quantization_config": (None,),
}
_OPTIONAL_SIZES = ("num_key_value_heads", "head_dim", "n_inner", "sliding_window")
_FLAGS = ("tie_word_embeddings", "attention_bias", "use_sliding_window")
# More is a mistake, and would take hours or overflow before a tensor is found missing.
_MOST = 100_000_000
_MOST_PARTS = 10_000
_PARTS = ("num_hidden_layers", "n_layer", "num_local_experts")


def read_config(values: Mapping[str, Any]) -> ModelConfig:
    """The ModelConfig that the content of a config.json describes; RoPE's layout is "half".

    ValueError for an architecture that is not in ARCHITECTURES, sizes that are missing (all are
    listed), settings that contradict each other, and those that we do not compute.

    >>> read_config({"model_type": "bert"})
    Traceback (most recent call last):
    ValueError: model_type 'bert' is unknown; supported are gpt2, llama, mistral, mixtral, qwen3
    """
    model_type = _model_type(values)
    for name, choices in _COMPUTED.items():
        if name in values and values[name] not in choices:
            known = " or ".join(repr(choice) for choice in choices)
            raise ValueError(f"{name} must be {known}, got {values[name]!r}")
    values = _DEFAULTS[model_type] | dict(values)
    sizes = {"gpt2": _GPT2_SIZES, "mixtral": _MIXTRAL_SIZES}.get(model_type, _SIZES)
    if missing := [name for name in sizes.values() if values.get(name) is None]:
        raise ValueError(f"a {model_type} config.json needs {', '.join(missing)}")
    _check_kinds(values, (*sizes.values(), "max_window_layers"))
    fields = {ours: values[theirs] for ours, theirs in sizes.items()}
    fields["tie_embeddings"] = values.get("tie_word_embeddings", False)
    read = _read_gpt2 if model_type == "gpt2" else _read_llama
    return ModelConfig(**fields | read(values, model_type))


def _check_kinds(values: Mapping[str, Any], sizes: tuple[str, ...]) -> None:
    for name in (*sizes, *_OPTIONAL_SIZES):
        value, may_be_null = values.get(name), name in _OPTIONAL_SIZES
        if name not in values or value is None and may_be_null:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            kind = "a whole number or null" if may_be_null else "a whole number"
            raise ValueError(f"{name} must be {kind}, got {value!r}")
        if value > (most := _MOST_PARTS if name in _PARTS else _MOST):
            raise ValueError(f"{name} must be at most {most}, got {value}")
    for name in _FLAGS:
        if not isinstance(value := values.get(name, False), bool):
            raise ValueError(f"{name} must be true or false, got {value!r}")


def _model_type(values: Mapping[str, Any]) -> str:
    model_type, names = values.get("model_type"), values.get("architectures")
    if not isinstance(model_type, str) or model_type not in ARCHITECTURES:
        supported = ", ".join(ARCHITECTURES)
        raise ValueError(f"model_type {model_type!r} is unknown; supported are {supported}")
    if names and names != [ARCHITECTURES[model_type]]:
        raise ValueError(
            f"architectures must be [{ARCHITECTURES[model_type]!r}] for model_type "
            f"{model_type!r}, got {names}"
        )
    return model_type


def _read_gpt2(values: Mapping[str, Any], model_type: str) -> dict[str, Any]:
    return {
        "d_ff": values["n_inner"],  # None: 4 d_model
        "norm": "layernorm",
        "positions": "learned",
        "ffn": "gelu",
        "attention_bias": True,
        "norm_eps": values["layer_norm_epsilon"],
    }


def _read_llama(values: Mapping[str, Any], model_type: str) -> dict[str, Any]:
    theta, scaling = read_rope(values, default_theta=_THETA.get(model_type, 10000.0))
    window = _window(values, model_type)
    if window is not None and window >= values["max_position_embeddings"]:
        window = None  # it never hides anything
    return {
        "num_kv_heads": values["num_key_value_heads"],
        "head_dim": values.get("head_dim"),
        "norm_eps": values["rms_norm_eps"],
        "attention_bias": model_type in ("llama", "qwen3") and values.get("attention_bias", False),
        "qk_norm": model_type == "qwen3",
        "window_tokens": window,
        "rope_theta": theta,
        "rope_scaling": scaling,
        "rope_layout": "half",
    }


def _window(values: Mapping[str, Any], model_type: str) -> int | None:
    window, first, layers = values.get("sliding_window"), 0, values["num_hidden_layers"]
    if model_type == "llama" or model_type == "qwen3" and not values["use_sliding_window"]:
        window = None
    if model_type == "qwen3":
        first = values["max_window_layers"]
    kinds = values.get("layer_types")
    if kinds is None:
        has_window = [window is not None and i >= first for i in range(layers)]
    elif not isinstance(kinds, list):
        raise ValueError(f"layer_types must be a list or null, got {kinds!r}")
    elif other := [kind for kind in kinds if kind not in ("full_attention", "sliding_attention")]:
        raise ValueError(
            f"layer_types must be full_attention or sliding_attention, got {other[0]!r}"
        )
    else:
        has_window = [kind == "sliding_attention" for kind in kinds]
    if len(has_window) != layers or len(set(has_window)) > 1:
        raise ValueError(
            f"a window must be in all of the {layers} layers or in none, it is in "
            f"{sum(has_window)} of {len(has_window)}"
        )
    if any(has_window) and window is None:
        raise ValueError("layer_types has sliding_attention, but there is no sliding_window in use")
    if model_type == "mixtral" and window is not None and not any(has_window):
        raise ValueError(
            f"layer_types has full_attention, but a mixtral's sliding_window {window} is in every "
            "layer"
        )
    return window if any(has_window) else None


def write_config(config: ModelConfig) -> dict[str, Any]:
    """The content of a config.json for `config`, in the first architecture that computes the same.

    The book's own model, with normalised queries and keys, is a small Qwen3. RoPE's layout is not
    in a config.json: it is always "half", and the weights have to be in it. ValueError when no
    architecture has this combination of choices.

    >>> config = ModelConfig(10, 64, d_model=8, num_layers=1, num_heads=2, qk_norm=True)
    >>> write_config(config)["architectures"]
    ['Qwen3ForCausalLM']
    """
    model_type = _architecture(config)
    content = {"architectures": [ARCHITECTURES[model_type]], "model_type": model_type}
    sizes = {"gpt2": _GPT2_SIZES, "mixtral": _MIXTRAL_SIZES}.get(model_type, _SIZES)
    content |= {theirs: getattr(config, ours) for ours, theirs in sizes.items()}
    content["tie_word_embeddings"] = config.tie_embeddings
    if model_type == "gpt2":
        content |= {"n_inner": config.d_ff, "layer_norm_epsilon": config.norm_eps}
        return content | {"activation_function": "gelu_new"}
    content |= {"hidden_act": "silu", "rms_norm_eps": config.norm_eps}
    content |= {"num_key_value_heads": config.num_kv_heads, "head_dim": config.head_dim}
    if model_type in ("llama", "qwen3"):
        content["attention_bias"] = config.attention_bias
    if model_type != "llama":
        content["sliding_window"] = config.window_tokens
    if model_type == "qwen3":
        has_window = config.window_tokens is not None
        content |= {"use_sliding_window": has_window, "max_window_layers": 0}
        kind = "sliding_attention" if has_window else "full_attention"
        content["layer_types"] = [kind] * config.num_layers
    return content | write_rope(config)


def _architecture(config: ModelConfig) -> str:
    style = (config.norm, config.positions, config.ffn)
    gpt2_heads = config.num_heads * config.head_dim == config.d_model
    gpt2_heads &= config.num_kv_heads == config.num_heads
    plain = not config.qk_norm and config.window_tokens is None
    fits = {
        "gpt2": style == ("layernorm", "learned", "gelu")
        and (config.attention_bias and gpt2_heads and plain),
    }
    if style == ("rmsnorm", "rope", "swiglu"):
        experts, bias = config.num_experts is not None, config.attention_bias
        whole_heads = config.d_model % config.num_heads == 0  # transformers' Llama insists
        fits["llama"] = plain and whole_heads and not experts
        fits["mistral"] = not (config.qk_norm or experts or bias)
        fits["mixtral"] = experts and not (config.qk_norm or bias)
        fits["qwen3"] = config.qk_norm and not experts
    for model_type, does_fit in fits.items():
        if does_fit:
            return model_type
    raise ValueError(
        f"none of {', '.join(ARCHITECTURES)} combines norm {config.norm!r}, positions "
        f"{config.positions!r}, ffn {config.ffn!r}, attention_bias {config.attention_bias}, "
        f"qk_norm {config.qk_norm}, window_tokens {config.window_tokens}, num_experts "
        f"{config.num_experts}, {config.num_kv_heads} key-value heads for {config.num_heads} "
        f"heads of {config.head_dim} in d_model {config.d_model}"
    )
