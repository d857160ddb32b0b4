"""The sizes and choices that define a model, and those of six models that the field knows.

One frozen dataclass describes GPT-2, Llama, Mistral, Mixtral and Qwen3: they are one decoder with
other choices. A configuration that contradicts itself is refused here, before a weight is drawn.

Taught in ch04_model/04_model_size.ipynb.
Needs: rope_scaling.py.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from .rope_scaling import RopeScaling, rope_frequencies

_LEAST_EPS = 1e-20  # as of norms.py
_SCALINGS = {method.__name__: method for method in get_args(RopeScaling)}
# Annotation of a field: what a value may be, and how to say it. True is an int to Python, not here.
_KINDS = {
    int: (int, "a whole number"),
    int | None: (int | None, "a whole number or None"),
    float: (int | float, "a number"),
    bool: (bool, "True or False"),
    RopeScaling | None: (RopeScaling | None, f"one of {', '.join(_SCALINGS)}, or None"),
}


@dataclass(frozen=True)
class ModelConfig:
    """The sizes and choices that define a model. The defaults are Llama's choices.

    num_kv_heads defaults to num_heads (no sharing), head_dim to d_model / num_heads, d_ff to
    4 d_model for "gelu" and to 8/3 d_model, rounded up to a multiple of 32, for "swiglu", so that
    both have about as many parameters. What was left out is filled in: `dataclasses.replace` keeps
    it, unless told None again. rope_layout: Llama checkpoints on the Hugging Face hub are "half",
    Meta's own "interleaved".

    Raises ValueError for sizes and choices that contradict each other.

    >>> config = ModelConfig(1024, context_length=192, d_model=128, num_layers=4, num_heads=4)
    >>> config.head_dim, config.num_kv_heads, config.d_ff
    (32, 4, 352)
    >>> ModelConfig(1024, context_length=192, d_model=100, num_layers=4, num_heads=6)
    Traceback (most recent call last):
    ValueError: num_heads 6 must divide d_model 100, or head_dim be given
    """

    vocab_size: int
    context_length: int  # longest sequence in tokens
    d_model: int
    num_layers: int
    num_heads: int
    num_kv_heads: int | None = None
    head_dim: int | None = None
    d_ff: int | None = None  # with experts: of each one
    norm: Literal["rmsnorm", "layernorm"] = "rmsnorm"
    positions: Literal["rope", "learned"] = "rope"
    ffn: Literal["swiglu", "gelu"] = "swiglu"
    num_experts: int | None = None  # feed-forward layers to choose from; None: one, always used
    experts_per_token: int = 2
    attention_bias: bool = False
    qk_norm: bool = False  # RMSNorm on queries and keys: bounds the scores at high learning rates
    window_tokens: int | None = None  # each token sees itself and the window_tokens - 1 before it
    tie_embeddings: bool = False  # one matrix reads and writes tokens: pays off in small models
    rope_theta: float = 10000.0
    rope_layout: Literal["interleaved", "half"] = "interleaved"
    rope_scaling: RopeScaling | None = None  # context_length is then the extended one
    norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        self._check_choices()
        self._fill_in()
        self._check_sizes()
        self._check_combinations()

    def _check_choices(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type in _KINDS:
                kind, description = _KINDS[field.type]
                is_flag = isinstance(value, bool)
                if not isinstance(value, kind) or is_flag and kind is not bool:
                    raise ValueError(f"{field.name} must be {description}, got {value!r}")
            elif value not in (choices := get_args(field.type)):
                raise ValueError(f"{field.name} must be one of {choices}, got {value!r}")

    def _fill_in(self) -> None:
        """Give every size that was left out its usual value."""
        for name in ("d_model", "num_heads"):
            _check_size(name, getattr(self, name))
        if self.head_dim is None and self.d_model % self.num_heads:
            raise ValueError(
                f"num_heads {self.num_heads} must divide d_model {self.d_model}, or head_dim be "
                "given"
            )
        d_ff = 4 * self.d_model if self.ffn == "gelu" else -(-self.d_model * 8 // 96) * 32
        usual = {"num_kv_heads": self.num_heads, "d_ff": d_ff}
        usual["head_dim"] = self.d_model // self.num_heads
        for name, value in usual.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)

    def _check_sizes(self) -> None:
        for field in fields(self):
            if field.type in (int, int | None) and (value := getattr(self, field.name)) is not None:
                _check_size(field.name, value)
        if self.num_heads % self.num_kv_heads:
            raise ValueError(
                f"num_kv_heads {self.num_kv_heads} must divide num_heads {self.num_heads}"
            )
        if not _LEAST_EPS <= self.norm_eps < 1:
            raise ValueError(
                f"norm_eps must be at least {_LEAST_EPS} and below 1, got {self.norm_eps}"
            )

    def _check_combinations(self) -> None:
        window, experts = self.window_tokens, self.num_experts
        if window is not None and window > self.context_length:
            raise ValueError(
                f"window_tokens {window} must be at most context_length {self.context_length}; "
                "None sees everything"
            )
        if experts is not None and self.ffn != "swiglu":
            raise ValueError(f'num_experts {experts} needs ffn "swiglu", got {self.ffn!r}')
        if experts is not None and self.experts_per_token > experts:
            raise ValueError(
                f"experts_per_token {self.experts_per_token} must be at most num_experts {experts}"
            )
        if self.positions == "rope":
            if self.head_dim % 2:
                raise ValueError(f"RoPE turns pairs, so head_dim {self.head_dim} must be even")
            rope_frequencies(self.head_dim, self.rope_theta, self.rope_scaling)  # checks all three
        elif self.rope_scaling is not None:
            raise ValueError(f'rope_scaling needs positions "rope", got {self.positions!r}')

    def to_dict(self) -> dict[str, Any]:
        """The configuration as values that JSON knows; rope_scaling gives its class by name."""
        values = asdict(self)
        if self.rope_scaling is not None:
            values["rope_scaling"]["method"] = type(self.rope_scaling).__name__
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ModelConfig":
        """What `to_dict` gave; fields that are missing take their defaults.

        ValueError for a name that no field has, or a scaling that is not known.
        """
        if unknown := sorted(values.keys() - {field.name for field in fields(cls)}):
            raise ValueError(f"a ModelConfig has no field {', '.join(unknown)}")
        scaling = values.get("rope_scaling")
        if isinstance(scaling, dict):
            method = scaling.get("method")
            if method not in _SCALINGS:
                raise ValueError(
                    f"rope_scaling method must be one of {', '.join(_SCALINGS)}, got {method!r}"
                )
            settings = {name: value for name, value in scaling.items() if name != "method"}
            values = values | {"rope_scaling": _SCALINGS[method](**settings)}
        return cls(**values)

    @classmethod
    def gpt2_small(cls, **changes: Any) -> "ModelConfig":
        """GPT-2 with 124 million parameters; changes give another size in the same style."""
        sizes = {"vocab_size": 50257, "context_length": 1024, "d_model": 768}
        sizes |= {"num_layers": 12, "num_heads": 12, "attention_bias": True}
        style = {"norm": "layernorm", "positions": "learned", "ffn": "gelu", "tie_embeddings": True}
        return cls(**sizes | style | changes)

    @classmethod
    def llama2_7b(cls, **changes: Any) -> "ModelConfig":
        """Llama 2, 7 billion parameters (Touvron et al. 2023, arXiv 2307.09288)."""
        sizes = {"vocab_size": 32000, "context_length": 4096, "d_model": 4096, "num_layers": 32}
        return cls(**sizes | {"num_heads": 32, "d_ff": 11008} | changes)

    @classmethod
    def llama3_8b(cls, **changes: Any) -> "ModelConfig":
        """Llama 3, 8 billion parameters (Grattafiori et al. 2024, arXiv 2407.21783, table 3)."""
        sizes = {"vocab_size": 128256, "context_length": 8192, "d_model": 4096, "num_layers": 32}
        sizes |= {"num_heads": 32, "num_kv_heads": 8, "d_ff": 14336, "rope_theta": 500000.0}
        return cls(**sizes | changes)

    @classmethod
    def mistral_7b(cls, **changes: Any) -> "ModelConfig":
        """Mistral 7B: Llama with a sliding window (Jiang et al. 2023, arXiv 2310.06825)."""
        sizes = {"vocab_size": 32000, "context_length": 32768, "d_model": 4096, "num_layers": 32}
        sizes |= {"num_heads": 32, "num_kv_heads": 8, "d_ff": 14336, "window_tokens": 4096}
        return cls(**sizes | changes)

    @classmethod
    def mixtral_8x7b(cls, **changes: Any) -> "ModelConfig":
        """Mixtral: two of eight experts a token (Jiang et al. 2024, arXiv 2401.04088)."""
        sizes = {"vocab_size": 32000, "context_length": 32768, "d_model": 4096, "num_layers": 32}
        sizes |= {"num_heads": 32, "num_kv_heads": 8, "d_ff": 14336, "rope_theta": 1e6}
        return cls(**sizes | {"num_experts": 8, "experts_per_token": 2} | changes)

    @classmethod
    def qwen3_0_6b(cls, **changes: Any) -> "ModelConfig":
        """Qwen3, 0.6 billion: heads of their own width (Yang et al. 2025, arXiv 2505.09388)."""
        sizes = {"vocab_size": 151936, "context_length": 40960, "d_model": 1024, "num_layers": 28}
        sizes |= {"num_heads": 16, "num_kv_heads": 8, "head_dim": 128, "d_ff": 3072}
        style = {"rope_theta": 1e6, "rope_layout": "half", "norm_eps": 1e-6}
        return cls(**sizes | style | {"qk_norm": True, "tie_embeddings": True} | changes)


def _check_size(name: str, value: int) -> None:
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
