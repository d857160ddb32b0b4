"""One token, quickly: a model's weights laid out for reading, and a step without detours.

To write one token a model multiplies one vector by every weight matrix: each weight is fetched from
memory for two operations. The time is that of fetching, plus a microsecond or two for every call
that torch has to dispatch. `Decoder` saves on both:

- Layout. Checkpoints store a matrix (d_out, d_in) row by row. A product with a single vector then
  sums along each row, and each addition waits for the one before. Cut into tiles whose numbers lie
  in the order in which the processor's adders take them, the same product runs at nearly the speed
  of memory; and for 16 vectors at once it needs half the time.
- Fewer calls. Queries, keys and values read the same vector, so their matrices stand under each
  other in one product; so do W1 and W3 of SwiGLU. Cosines and sines are looked up once for all
  layers, and checks that hold for every step are left to the pass over the prompt.

The price is a second copy of the matrices, made in the time of a few tokens. It is a snapshot: when
the model learns on, make a new one.

Shapes: B rows (texts), D d_model, H heads, H_kv key-value heads, E head_dim, S tokens so far,
V vocab_size.
Taught in ch04_model/05_generation.ipynb.
Needs: feed_forward.py, int8.py, kv_cache.py, layers.py, model.py, norms.py,
rope.py.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .feed_forward import MLP, SwiGLU, gelu, silu
from .int8 import Int8Linear
from .kv_cache import KVCache, LayerCache
from .layers import Linear
from .model import TransformerBlock, TransformerLM
from .norms import LayerNorm, RMSNorm
from .rope import RotaryEmbedding

_TILES_FOR_ROWS = 16  # a hint to the packing: best for 1 row and for 64 as well (measured)


class Decoder:
    """A TransformerLM, float or int8, for writing one token a row at a time.

    Every architecture of ModelConfig works: what is not laid out here (norms, experts) is the
    model's own module. Costs as much memory again as the model's Linear layers.

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
            self._norm, self._head = _norm(model.ln_final), _stack(model.lm_head)

    @torch.no_grad()
    def step(self, ids: Tensor, cache: KVCache, positions: Tensor | None = None) -> Tensor:
        """Logits (B, V) after one more token in every row; the cache receives it.

        ids (B,) int64 follow what the cache holds. positions (1,) or (B, 1); None counts on. The
        same as model(ids[:, None], cache)[:, -1], to rounding. ValueError when the cache or the
        context is full.
        """
        if positions is None:
            positions = cache.layer(0).next_positions(1)  # (1,), or (B, 1) after padding
            longest = self.config.context_length
            if positions.dim() == 1 and cache.length >= longest:
                raise ValueError(
                    f"{cache.length + 1} tokens are more than context_length {longest}"
                )
        x = self.token_embeddings(ids)  # (B, D)
        rope, turns = self.model.layers[0].attn.rope, None
        if rope is None:
            x = x + self.model.position_embeddings(positions).view(-1, x.shape[-1])
        else:
            turns = _turns(rope, positions, x)
        for index, layer in enumerate(self._layers):
            x = layer.step(x, positions, turns, cache.layer(index))
        return self._head(self._norm(x))


class _Layer:
    """TransformerBlock.forward for one token a row: x (B, D) -> (B, D)."""

    def __init__(self, block: TransformerBlock) -> None:
        attn, ffn = block.attn, block.ffn
        self.ln1, self.ln2, self.attn, self.ffn = _norm(block.ln1), _norm(block.ln2), attn, ffn
        self.qkv = _stack(attn.q_proj, attn.k_proj, attn.v_proj)
        self.output = _stack(attn.output_proj)
        if type(ffn) is SwiGLU:
            gate_up, down = _stack(ffn.w1, ffn.w3), _stack(ffn.w2)
            self.ffn = lambda x: down(_gated(gate_up(x)))
        elif type(ffn) is MLP:
            wide, narrow = _stack(ffn.w1), _stack(ffn.w2)
            self.ffn = lambda x: narrow(gelu(wide(x)))

    def step(self, x: Tensor, positions: Tensor, turns: Tensor | None, cache: LayerCache) -> Tensor:
        x = x + self.output(self._attend(self.qkv(self.ln1(x)), positions, turns, cache))
        return x + self.ffn(self.ln2(x))

    def _attend(
        self, qkv: Tensor, positions: Tensor, turns: Tensor | None, cache: LayerCache
    ) -> Tensor:
        attn = self.attn
        heads = qkv.view(len(qkv), -1, 1, attn.head_dim)  # (B, H + 2 H_kv, 1, E)
        qk, v = heads.tensor_split((-attn.num_kv_heads,), dim=1)
        if attn.q_norm is not None:
            q, k = qk.tensor_split((attn.num_heads,), dim=1)
            qk = torch.cat([attn.q_norm(q), attn.k_norm(k)], dim=1)
        if turns is not None:
            qk = _turned(qk, turns)
        q, k = qk.tensor_split((attn.num_heads,), dim=1)
        keys, values = cache.append(k, v, positions)  # (B, H_kv, S, E)
        places, window = cache.positions, attn.window_tokens
        if window is not None and window < keys.shape[2]:
            keys, values = keys[:, :, -window:], values[:, :, -window:]
            places = places if places is None else places[:, -window:]
        mask = None if places is None else (places >= 0)[:, None, None]  # padding is hidden
        is_grouped = attn.num_heads != attn.num_kv_heads
        out = F.scaled_dot_product_attention(q, keys, values, mask, enable_gqa=is_grouped)
        return out.view(len(qkv), -1)  # (B, H * E)


def _turns(rope: RotaryEmbedding, positions: Tensor, x: Tensor) -> Tensor:
    """Where RoPE turns the pair (1, 0): its cosine and sine, for all layers; float32 or wider.

    Complex (1 or B, 1, 1, E / 2) for neighbouring pairs, else (1 or B, 1, 1, E), cosines first.
    """
    is_pair = rope.layout == "interleaved"
    wide = torch.float32 if x.dtype in (torch.float16, torch.bfloat16) else x.dtype
    ones = torch.zeros(rope.head_dim // 2, 2, dtype=wide, device=x.device)
    ones[:, 0] = 1
    ones = (ones if is_pair else ones.T).reshape(1, 1, 1, -1)
    turns = rope(ones.expand(positions.shape[0], -1, -1, -1), positions)
    return torch.view_as_complex(turns.unflatten(-1, (-1, 2))) if is_pair else turns


def _turned(x: Tensor, turns: Tensor) -> Tensor:
    """RotaryEmbedding.forward for x (B, H, 1, E), by turns that are known."""
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    if turns.is_complex():
        pairs = torch.view_as_complex(wide.view(*x.shape[:2], 1, -1, 2))
        turned = torch.view_as_real(pairs * turns).view(x.shape)
    else:
        (cos, sin), (a, b) = turns.chunk(2, dim=-1), wide.chunk(2, dim=-1)
        turned = torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)
    return turned.to(x.dtype)


def _norm(norm: RMSNorm | LayerNorm) -> Callable[[Tensor], Tensor]:
    """The norm in the fewest calls, which at this size are all that it costs."""
    if norm.weight.dtype in (torch.float16, torch.bfloat16):
        return norm  # which computes in float32
    if isinstance(norm, LayerNorm):
        return lambda x: F.layer_norm(x, norm.weight.shape, norm.weight, norm.bias, norm.eps)
    weight, eps = norm.weight.detach().clone(), norm.weight.new_tensor(norm.eps)

    def normalise(x: Tensor) -> Tensor:  # x / sqrt(mean(x^2) + eps) * weight
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        scale = torch.addcmul(eps, length, length, value=1 / x.shape[-1]).rsqrt()
        return x * scale * weight

    return normalise


def _gated(gate_up: Tensor) -> Tensor:
    gate, up = gate_up.chunk(2, dim=-1)
    return silu(gate) * up


def _stack(*linears: Linear | Int8Linear) -> Callable[[Tensor], Tensor]:
    """One product that gives the outputs of several layers side by side: (B, d_in) -> (B, d_out).

    float32 and bfloat16 on a CPU take oneDNN's tiles, which torch's compiler uses too; where torch
    was built without them, columns instead of rows are the second best. A GPU takes rows.
    """
    if isinstance(linears[0], Int8Linear):
        return Int8Linear(linears).for_few_vectors()
    weight, bias = linears[0].weight.detach(), linears[0].bias  # (d_out, d_in)
    if len(linears) > 1:
        weight = torch.cat([linear.weight for linear in linears])
        bias = None if bias is None else torch.cat([linear.bias for linear in linears])
    if _has_tiles(weight):
        tiles = torch.ops.mkldnn._reorder_linear_weight(weight, _TILES_FOR_ROWS)
        product = torch.ops.mkldnn._linear_pointwise.default
        return lambda x: product(x, tiles, bias, "none", [], "")
    if weight.device.type == "cpu":
        weight = weight.T.contiguous().T  # the same matrix, column by column in memory
    return lambda x: F.linear(x, weight, bias)


def _has_tiles(weight: Tensor) -> bool:
    if weight.device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    if weight.dtype == torch.bfloat16:
        return torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return weight.dtype == torch.float32
