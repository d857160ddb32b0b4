"""One token, quickly: a model's weights laid out for reading, and a step without detours.

To write one token a model multiplies one vector by every weight matrix: each weight is fetched from
memory for two operations. The time is that of fetching, plus a microsecond or so for every call
that torch has to dispatch. `Decoder` saves on both:

- Layout. Checkpoints store a matrix (d_out, d_in) row by row. A product with a single vector then
  sums along each row, and each addition waits for the one before. Stored column by column, the same
  product adds columns into d_out independent sums, and runs nearly at the speed of memory.
- Fewer calls. Queries, keys and values read the same vector, so their matrices stand side by side
  in one product; so do W1 and W3 of SwiGLU. Checks that hold for every step are
  left to the pass over the prompt.

The price is a second copy of the matrices, made in the time of a few tokens. It is a snapshot: when
the model learns on, make a new one.

Shapes: B rows (texts), D d_model, H heads, H_kv key-value heads, S tokens so far, E head_dim,
V vocab_size.
Taught in ch04_model/05_generation.ipynb.
Needs: attention.py, feed_forward.py, int8.py, kv_cache.py, layers.py, model.py.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .feed_forward import SwiGLU, silu
from .int8 import Int8Linear
from .kv_cache import KVCache, LayerCache
from .layers import Linear
from .model import TransformerBlock, TransformerLM


class Decoder:
    """A TransformerLM, float or int8, for writing one token a row at a time.

    Every architecture of ModelConfig works: what is not laid out here (norms, experts) is the
    model's own module. Costs as much memory again as the model's Linear layers, unless int8.

    >>> from .model_config import ModelConfig
    >>> config = ModelConfig(vocab_size=10, context_length=8, d_model=4, num_layers=1, num_heads=2)
    >>> model, ids = TransformerLM(config), torch.tensor([[1, 2, 3]])
    >>> cache = model.new_cache(1)
    >>> with torch.no_grad():
    ...     before = model(ids[:, :2], cache)
    >>> torch.allclose(Decoder(model).step(ids[:, 2], cache), model(ids)[:, 2], atol=1e-5)
    True
    """

    def __init__(self, model: TransformerLM) -> None:
        self.model = model
        self.config, self.token_embeddings = model.config, model.token_embeddings
        with torch.no_grad():
            self._layers = [_Layer(block) for block in model.layers]
            self._head = _side_by_side(model.lm_head)

    @torch.no_grad()
    def step(self, ids: Tensor, cache: KVCache, positions: Tensor | None = None) -> Tensor:
        """Logits (B, V) after one more token in every row; the cache receives it.

        ids (B,) int64 follow what the cache holds. positions (1,) or (B, 1); None counts on. The
        same as model(ids[:, None], cache)[:, -1], to rounding. ValueError when the cache or the
        context is full.
        """
        model = self.model
        if positions is None:
            positions = cache.layer(0).next_positions(1)  # (1,), or (B, 1) after padding
            longest = self.config.context_length
            if positions.dim() == 1 and cache.length >= longest:
                raise ValueError(
                    f"{cache.length + 1} tokens are more than context_length {longest}"
                )
        x = self.token_embeddings(ids)  # (B, D)
        if self.config.positions == "learned":
            x = x + model.position_embeddings(positions).view(-1, x.shape[-1])
        for index, layer in enumerate(self._layers):
            x = layer.step(x, positions, cache.layer(index))
        return self._head(model.ln_final(x))


class _Layer:
    """TransformerBlock.forward for one token a row: x (B, D) -> (B, D)."""

    def __init__(self, block: TransformerBlock) -> None:
        attn, ffn = block.attn, block.ffn
        self.ln1, self.attn, self.ln2, self.ffn = block.ln1, attn, block.ln2, ffn
        self.qkv = _side_by_side(attn.q_proj, attn.k_proj, attn.v_proj)
        self.output = _side_by_side(attn.output_proj)
        if type(ffn) is SwiGLU:
            gate_up, down = _side_by_side(ffn.w1, ffn.w3), _side_by_side(ffn.w2)
            self.ffn = lambda x: down(_gated(gate_up(x)))

    def step(self, x: Tensor, positions: Tensor, cache: LayerCache) -> Tensor:
        x = x + self.output(self._attend(self.qkv(self.ln1(x)), positions, cache))
        return x + self.ffn(self.ln2(x))

    def _attend(self, qkv: Tensor, positions: Tensor, cache: LayerCache) -> Tensor:
        attn = self.attn
        heads = qkv.view(len(qkv), -1, 1, attn.head_dim)  # (B, H + 2 H_kv, 1, E)
        q, k, v = heads.split((attn.num_heads, attn.num_kv_heads, attn.num_kv_heads), dim=1)
        if attn.q_norm is not None:
            q, k = attn.q_norm(q), attn.k_norm(k)
        if attn.rope is not None:
            q, k = attn.rope(q, positions), attn.rope(k, positions)
        keys, values = cache.append(k, v, positions)  # (B, H_kv, S, E)
        places, window = cache.positions, attn.window_tokens
        if window is not None and window < keys.shape[2]:
            keys, values = keys[:, :, -window:], values[:, :, -window:]
            places = places if places is None else places[:, -window:]
        mask = None if places is None else (places >= 0)[:, None, None]  # padding is hidden
        grouped = attn.num_heads != attn.num_kv_heads
        out = F.scaled_dot_product_attention(q, keys, values, mask, enable_gqa=grouped)
        return out.view(len(qkv), -1)  # (B, H * E)


def _gated(gate_up: Tensor) -> Tensor:
    gate, up = gate_up.chunk(2, dim=-1)
    return silu(gate) * up


def _side_by_side(*linears: Linear | Int8Linear) -> Callable[[Tensor], Tensor]:
    """One product that gives the outputs of several layers: (B, d_in) -> (B, sum of d_out)."""
    if isinstance(linears[0], Int8Linear):
        return Int8Linear(linears)
    weight = torch.cat([linear.weight for linear in linears])  # (d_out, d_in)
    weight = weight.T.contiguous().T  # the same matrix, column by column in memory
    bias = None
    if linears[0].bias is not None:
        bias = torch.cat([linear.bias for linear in linears])
    return lambda x: F.linear(x, weight, bias)
