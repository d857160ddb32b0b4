"""A decoder-only language model; the configuration decides whether it is GPT-2's or Llama's.

GPT-2: Radford et al. 2019, with learned positions, LayerNorm and a GELU feed-forward layer.
Llama: Touvron et al. 2023, arXiv 2302.13971, with RoPE, RMSNorm, SwiGLU and no biases.
Shapes: B batch, T tokens, S tokens so far (cache included), D d_model, V vocab_size.
Taught in ch04_model/04_model_size.ipynb.
Needs: attention.py, kv_cache.py, layers.py, rope.py.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from .attention import MultiHeadAttention
from .kv_cache import KVCache, LayerCache
from .layers import MLP, Embedding, LayerNorm, Linear, RMSNorm, SwiGLU
from .rope import RotaryEmbedding


@dataclass(frozen=True)
class ModelConfig:
    """The sizes and choices that define a model. The defaults are Llama's choices.

    num_kv_heads defaults to num_heads (no sharing). d_ff defaults to 4 d_model for "gelu" and to
    8/3 d_model, rounded up to a multiple of 32, for "swiglu", so that both have about as many
    parameters. rope_layout: Llama checkpoints on the Hugging Face hub are "half", Meta's own
    "interleaved". Sizes that do not fit together raise ValueError.

    >>> config = ModelConfig(1024, context_length=192, d_model=128, num_layers=4, num_heads=4)
    >>> config.head_dim, config.num_kv_heads, config.d_ff
    (32, 4, 352)
    """

    vocab_size: int
    context_length: int  # longest sequence in tokens
    d_model: int
    num_layers: int
    num_heads: int
    num_kv_heads: int | None = None
    d_ff: int | None = None
    norm: Literal["rmsnorm", "layernorm"] = "rmsnorm"
    positions: Literal["rope", "learned"] = "rope"
    ffn: Literal["swiglu", "gelu"] = "swiglu"
    attention_bias: bool = False
    qk_norm: bool = False  # RMSNorm on queries and keys: bounds the scores at high learning rates
    window_tokens: int | None = None  # each token sees itself and the window_tokens - 1 before it
    tie_embeddings: bool = False  # one matrix reads and writes tokens: pays off in small models
    rope_theta: float = 10000.0
    rope_layout: Literal["interleaved", "half"] = "interleaved"
    norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        if self.num_kv_heads is None:
            object.__setattr__(self, "num_kv_heads", self.num_heads)
        if self.d_ff is None:
            d_ff = 4 * self.d_model if self.ffn == "gelu" else -(-self.d_model * 8 // 96) * 32
            object.__setattr__(self, "d_ff", d_ff)
        for name in ("vocab_size", "context_length", "d_model", "num_layers", "num_heads",
                     "num_kv_heads", "d_ff"):  # fmt: skip
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {choices}, got {getattr(self, name)!r}")
        if self.window_tokens is not None and self.window_tokens < 1:
            raise ValueError(f"window_tokens must be at least 1, got {self.window_tokens}")
        if self.d_model % self.num_heads:
            raise ValueError(f"num_heads {self.num_heads} must divide d_model {self.d_model}")
        if self.num_heads % self.num_kv_heads:
            raise ValueError(
                f"num_kv_heads {self.num_kv_heads} must divide num_heads {self.num_heads}"
            )
        if self.positions == "rope" and self.head_dim % 2:
            raise ValueError(f"RoPE turns pairs, so head_dim {self.head_dim} must be even")

    @property
    def head_dim(self) -> int:
        return self.d_model // self.num_heads

    @classmethod
    def gpt2_small(cls, **changes: Any) -> "ModelConfig":
        """GPT-2 with 124 million parameters; changes give another size in the same style."""
        sizes = {"vocab_size": 50257, "context_length": 1024, "d_model": 768}
        sizes |= {"num_layers": 12, "num_heads": 12, "attention_bias": True}
        style = {"norm": "layernorm", "positions": "learned", "ffn": "gelu", "tie_embeddings": True}
        return cls(**sizes | style | changes)

    @classmethod
    def llama3_8b(cls, **changes: Any) -> "ModelConfig":
        """Llama 3, 8 billion parameters (Grattafiori et al. 2024, arXiv 2407.21783, table 3)."""
        sizes = {"vocab_size": 128256, "context_length": 8192, "d_model": 4096, "num_layers": 32}
        sizes |= {"num_heads": 32, "num_kv_heads": 8, "d_ff": 14336, "rope_theta": 500000.0}
        return cls(**sizes | changes)


_CHOICES = {
    "norm": ("rmsnorm", "layernorm"),
    "positions": ("rope", "learned"),
    "ffn": ("swiglu", "gelu"),
    "rope_layout": ("interleaved", "half"),
}


class TransformerBlock(nn.Module):
    """x + attn(ln1(x)), then x + ffn(ln2(x)): two readings of the residual stream, two additions.

    The norms sit inside the branches (pre-norm), so the stream itself runs untouched from the
    embeddings to the last norm: Xiong et al. 2020, arXiv 2002.04745. x (B, T, D) -> (B, T, D).

    >>> config = ModelConfig(vocab_size=10, context_length=8, d_model=4, num_layers=1, num_heads=2)
    >>> TransformerBlock(config)(torch.zeros(1, 3, 4)).shape
    torch.Size([1, 3, 4])
    """

    def __init__(self, config: ModelConfig, rope: RotaryEmbedding | None = None) -> None:
        super().__init__()
        self.ln1 = _norm(config)
        self.attn = MultiHeadAttention(
            config.d_model,
            config.num_heads,
            config.num_kv_heads,
            rope=rope,
            qk_norm=config.qk_norm,
            window_tokens=config.window_tokens,
            bias=config.attention_bias,
        )
        self.ln2 = _norm(config)
        feed_forward = SwiGLU if config.ffn == "swiglu" else MLP
        self.ffn = feed_forward(config.d_model, config.d_ff)

    def forward(
        self,
        x: Tensor,
        positions: Tensor | None = None,
        cache: LayerCache | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        x = x + self.attn(self.ln1(x), positions, cache, mask=mask)
        return x + self.ffn(self.ln2(x))


class TransformerLM(nn.Module):
    """Token ids (B, T) to logits (B, T, V): position t holds the scores of token t + 1.

    Initial weights are normal, drawn from `generator` (torch's default one if None). A linear map
    takes the standard deviation 1 / sqrt(d_in), which keeps a variance of 1. The 2 num_layers maps
    that add to the residual stream are scaled by 1 / sqrt(2 num_layers), so that their sum keeps a
    variance of 1 at any depth (GPT-2). Embeddings and lm_head take 0.02, so that the first logits
    are nearly equal and the first loss is close to ln V.

    >>> config = ModelConfig(vocab_size=10, context_length=8, d_model=4, num_layers=1, num_heads=2)
    >>> TransformerLM(config)(torch.tensor([[1, 2, 3]])).shape
    torch.Size([1, 3, 10])
    """

    def __init__(self, config: ModelConfig, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.token_embeddings = Embedding(config.vocab_size, config.d_model)
        rope = None
        if config.positions == "learned":
            self.position_embeddings = Embedding(config.context_length, config.d_model)
        else:
            rope = RotaryEmbedding(
                config.head_dim, config.context_length, config.rope_theta, layout=config.rope_layout
            )
        self.layers = nn.ModuleList(
            TransformerBlock(config, rope) for _ in range(config.num_layers)
        )
        self.ln_final = _norm(config)
        self.lm_head = Linear(config.d_model, config.vocab_size)
        if config.tie_embeddings:
            self.lm_head.weight = self.token_embeddings.weight
        self._initialise(generator)

    @torch.no_grad()
    def _initialise(self, generator: torch.Generator | None) -> None:
        for name, module in self.named_modules():
            if isinstance(module, Embedding) or name == "lm_head":
                module.weight.normal_(std=0.02, generator=generator)
            elif isinstance(module, Linear):
                std = module.d_in**-0.5
                if name.endswith(("output_proj", "w2")):  # these two write to the residual stream
                    std /= (2 * self.config.num_layers) ** 0.5
                module.weight.normal_(std=std, generator=generator)

    def forward(
        self,
        ids: Tensor,
        cache: KVCache | None = None,
        *,
        positions: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Logits (B, T, V) for ids (B, T) int64; with a cache, ids follow what it already holds.

        positions (T,) or (B, T), negative where a token is padding; left out, they count on from
        the cache. mask, broadcastable to (B, num_heads, T, S) and True where a query may attend,
        hides more than causality, window and padding do.
        ValueError when a position would pass context_length.
        """
        return self.lm_head(self.hidden(ids, cache, positions=positions, mask=mask))

    def hidden(
        self,
        ids: Tensor,
        cache: KVCache | None = None,
        *,
        positions: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """The states (B, T, D) that lm_head reads; generation needs the logits of the last only."""
        if positions is None:
            start = 0 if cache is None else cache.length
            end, longest = start + ids.shape[1], self.config.context_length
            positions = torch.arange(start, end, device=ids.device)
            if cache is not None:
                positions = cache.layer(0).next_positions(ids.shape[1])
            if end > longest and positions.dim() == 1:
                raise ValueError(f"{end} tokens are more than context_length {longest}")
        x = self.token_embeddings(ids)  # (B, T, D)
        if self.config.positions == "learned":
            x = x + self._learned(positions)
        for i, layer in enumerate(self.layers):
            x = layer(x, positions, None if cache is None else cache.layer(i), mask)
        return self.ln_final(x)

    def _learned(self, positions: Tensor) -> Tensor:
        """The rows of the table; padding, which nobody sees, takes the first."""
        places = positions.clamp(min=0) if positions.dim() == 2 else positions
        try:
            return self.position_embeddings(places)
        except IndexError:
            longest, (first, last) = self.config.context_length, positions.aminmax()
            raise ValueError(
                f"positions must be in 0..{longest - 1} (context_length {longest}), "
                f"got {first}..{last}"
            ) from None

    def new_cache(self, batch_size: int, max_seq_len: int | None = None) -> KVCache:
        """An empty cache for `batch_size` sequences of context_length (or max_seq_len) tokens.

        A window needs memory for two at most: feed such a cache `chunk_tokens` at a time.
        """
        weight, window = self.token_embeddings.weight, self.config.window_tokens
        slots = self.config.context_length if max_seq_len is None else max_seq_len
        if window is not None:
            slots, window = (slots, None) if slots <= 2 * window else (2 * window, window)
        return KVCache(
            self.config.num_layers,
            batch_size,
            self.config.num_kv_heads,
            slots,
            self.config.head_dim,
            dtype=weight.dtype,
            device=weight.device,
            window_tokens=window,
        )


def _norm(config: ModelConfig) -> RMSNorm | LayerNorm:
    norm = RMSNorm if config.norm == "rmsnorm" else LayerNorm
    return norm(config.d_model, config.norm_eps)


def parameter_table(config: ModelConfig) -> dict[str, int]:
    """Parameters by role, from the configuration alone; a tied lm_head counts 0.

    >>> parameter_table(ModelConfig.gpt2_small())["ffn"]  # two thirds of each layer
    56669184
    """
    c, d = config, config.d_model
    kv_dim = c.num_kv_heads * c.head_dim
    norm = d if c.norm == "rmsnorm" else 2 * d
    attention = 2 * d * d + 2 * d * kv_dim  # q and output; k and v
    if c.attention_bias:
        attention += 2 * d + 2 * kv_dim
    ffn = 3 * d * c.d_ff if c.ffn == "swiglu" else 2 * d * c.d_ff + c.d_ff + d
    qk_norm = 2 * c.head_dim if c.qk_norm else 0
    return {
        "token_embeddings": c.vocab_size * d,
        "position_embeddings": c.context_length * d if c.positions == "learned" else 0,
        "attention": c.num_layers * attention,
        "ffn": c.num_layers * ffn,
        "norms": c.num_layers * (2 * norm + qk_norm) + norm,
        "lm_head": 0 if c.tie_embeddings else c.vocab_size * d,
    }


def count_parameters(config: ModelConfig) -> int:
    """The number of parameters a model of this configuration has, without building it.

    >>> count_parameters(ModelConfig.gpt2_small())
    124439808
    """
    return sum(parameter_table(config).values())


def flops_per_token(config: ModelConfig, context_length: int | None = None) -> int:
    """Floating-point operations to train on one token: 6 N + 12 L H Q T.

    N counts the weights that multiply (looking up an embedding costs nothing; lm_head multiplies,
    tied or not), L num_layers, H num_heads, Q head_dim, T context_length. A multiply and an add
    are 2 operations, and the backward pass costs twice the forward pass: 2 N of the 6 N are the
    forward's. Attention is counted over all T positions although half of them are masked, as in
    Chowdhery et al. 2022 (PaLM), arXiv 2204.02311, appendix B; see also Kaplan et al. 2020,
    arXiv 2001.08361, table 1.

    >>> f"{flops_per_token(ModelConfig.gpt2_small()):.3g}"
    '8.54e+08'
    """
    c, d = config, config.d_model
    attention = 2 * d * d + 2 * d * c.num_kv_heads * c.head_dim
    ffn = (3 if c.ffn == "swiglu" else 2) * d * c.d_ff
    weights = c.num_layers * (attention + ffn) + c.vocab_size * d
    tokens = c.context_length if context_length is None else context_length
    return 6 * weights + 12 * c.num_layers * d * tokens
