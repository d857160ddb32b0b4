"""A decoder-only language model; the configuration decides whose: GPT-2's, Llama's, Mixtral's.

GPT-2: Radford et al. 2019, with learned positions, LayerNorm and a GELU feed-forward layer.
Llama: Touvron et al. 2023, arXiv 2302.13971, with RoPE, RMSNorm, SwiGLU and no biases. Mistral adds
a sliding window, Mixtral experts, Qwen3 normalised queries and keys: see model_config.py.

Shapes: B batch, T tokens, S tokens so far (cache included), D d_model, V vocab_size.
Taught in ch04_model/03_initialisation.ipynb.
Needs: attention.py, feed_forward.py, kv_cache.py, layers.py, model_config.py, moe.py, norms.py,
rope.py.
"""

import torch
from torch import Tensor, nn

from .attention import MultiHeadAttention
from .feed_forward import MLP, SwiGLU
from .kv_cache import KVCache, LayerCache
from .layers import Embedding, Linear
from .model_config import ModelConfig
from .moe import MoE
from .norms import LayerNorm, RMSNorm
from .rope import RotaryEmbedding


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
            head_dim=config.head_dim,
            rope=rope,
            qk_norm=config.qk_norm,
            norm_eps=config.norm_eps,
            window_tokens=config.window_tokens,
            bias=config.attention_bias,
        )
        self.ln2 = _norm(config)
        self.ffn = _feed_forward(config)

    def forward(
        self,
        x: Tensor,
        positions: Tensor | None = None,
        cache: LayerCache | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        x = x + self.attn(_as_computed(self.ln1(x)), positions, cache, mask=mask)
        return x + self.ffn(_as_computed(self.ln2(x)))


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
                config.head_dim,
                config.context_length,
                config.rope_theta,
                layout=config.rope_layout,
                scaling=config.rope_scaling,
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
        ValueError when there is no token, when ids are neither int64 nor int32, when an id is
        outside 0..vocab_size - 1 (on a GPU the device's own assertion: looking would wait for it),
        and when a position would pass context_length.
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
        if ids.dim() != 2 or ids.shape[1] < 1 or ids.dtype not in (torch.int64, torch.int32):
            raise ValueError(
                "ids must be (B, T) int64 or int32 with at least 1 token, "
                f"got {tuple(ids.shape)} {ids.dtype}"
            )
        if positions is None:
            start = 0 if cache is None else cache.length
            end, longest = start + ids.shape[1], self.config.context_length
            positions = torch.arange(start, end, device=ids.device)
            if cache is not None:
                positions = cache.layer(0).next_positions(ids.shape[1])
            if end > longest and positions.dim() == 1:
                raise ValueError(f"{end} tokens are more than context_length {longest}")
        x = _rows(self.token_embeddings, ids, "token ids", "vocab_size")  # (B, T, D)
        if self.config.positions == "learned":
            # Padding, which nobody sees, takes the first place.
            places = positions.clamp(min=0) if positions.dim() == 2 else positions
            x = x + _rows(self.position_embeddings, places, "positions", "context_length")
        for i, layer in enumerate(self.layers):
            x = layer(x, positions, None if cache is None else cache.layer(i), mask)
        return self.ln_final(x)

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


def _rows(table: Embedding, ids: Tensor, what: str, size: str) -> Tensor:
    """The rows of the table, or an error that says which numbers it has."""
    try:
        return table(ids)
    except IndexError:
        rows, (first, last) = table.weight.shape[0], ids.aminmax()
        raise ValueError(
            f"{what} must be in 0..{rows - 1} ({size} {rows}), got {first}..{last}"
        ) from None


def _as_computed(x: Tensor) -> Tensor:
    """Under autocast x in its dtype, cast once for all the maps that read it."""
    device = x.device.type
    return x.to(torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else x


def _norm(config: ModelConfig) -> RMSNorm | LayerNorm:
    norm = RMSNorm if config.norm == "rmsnorm" else LayerNorm
    return norm(config.d_model, config.norm_eps)


def _feed_forward(config: ModelConfig) -> SwiGLU | MLP | MoE:
    if config.num_experts is not None:
        return MoE(config.d_model, config.d_ff, config.num_experts, config.experts_per_token)
    feed_forward = SwiGLU if config.ffn == "swiglu" else MLP
    return feed_forward(config.d_model, config.d_ff)
