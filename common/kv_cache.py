"""The key-value cache: what generation remembers, so that no key or value is computed twice.

Keys and values of past tokens never change in a causal model. With a cache, the next token costs
one query against S stored keys instead of a new pass over all S tokens (Pope et al. 2022,
"Efficiently Scaling Transformer Inference", arXiv:2211.05102). The memory is allocated once at full
length and filled from the left: growing a tensor by concatenation would copy the whole past for
every token.

Shapes: B batch, H key-value heads, T new tokens, S stored tokens, D head_dim.
Taught in ch03_attention/04_positions.ipynb.
Needs: nothing but torch.
"""

import torch
from torch import Tensor


class LayerCache:
    """One layer's keys and values, (B, H, max_seq_len, D) each; the first `length` are filled.

    >>> layer = KVCache(1, 1, 1, max_seq_len=4, head_dim=2, dtype=torch.float32).layer(0)
    >>> keys, values = layer.append(torch.ones(1, 1, 3, 2), torch.zeros(1, 1, 3, 2))
    >>> layer.length, tuple(keys.shape)
    (3, (1, 1, 3, 2))
    >>> keys, values = layer.append(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))
    Traceback (most recent call last):
    ValueError: the cache holds 4 tokens: 3 are stored and 2 more do not fit
    """

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self.keys = keys
        self.values = values
        self.length = 0

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store keys and values (B, H, T, D) after the others; return views (B, H, S, D) of all.

        Copies T tokens and nothing else: the views share the cache's memory. Raises ValueError, and
        stores nothing, when T tokens do not fit, when shape or dtype differ from the cache's, or
        when the keys carry gradients.
        """
        batch_size, num_kv_heads, capacity, head_dim = self.keys.shape
        num_new = keys.shape[-2]
        expected = (batch_size, num_kv_heads, num_new, head_dim)
        if keys.shape != expected or values.shape != expected:
            raise ValueError(
                f"keys and values must have shape {expected}, got {tuple(keys.shape)} "
                f"and {tuple(values.shape)}"
            )
        if keys.dtype != self.keys.dtype or values.dtype != self.keys.dtype:
            raise ValueError(
                f"the cache stores {self.keys.dtype}, got {keys.dtype} and {values.dtype}"
            )
        if keys.requires_grad or values.requires_grad:
            raise ValueError("a cache stores no gradients: wrap the generation in torch.no_grad()")
        end = self.length + num_new
        if end > capacity:
            raise ValueError(
                f"the cache holds {capacity} tokens: {self.length} are stored "
                f"and {num_new} more do not fit"
            )
        self.keys[:, :, self.length : end] = keys
        self.values[:, :, self.length : end] = values
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]


class KVCache:
    """The caches of all layers of a model, allocated once.

    Needs 2 * num_layers * B * H * max_seq_len * D * (bytes of dtype) bytes, see `num_bytes`.
    `length` is the number of tokens that every layer has stored, which is also the position of the
    next token.

    >>> cache = KVCache(2, 1, 4, max_seq_len=256, head_dim=32, dtype=torch.float32)
    >>> cache.length, cache.num_bytes
    (0, 524288)
    """

    def __init__(
        self,
        num_layers: int,
        batch_size: int,
        num_kv_heads: int,
        max_seq_len: int,
        head_dim: int,
        *,
        dtype: torch.dtype,
        device: torch.device | str | None = None,
    ) -> None:
        shape = (2, num_layers, batch_size, num_kv_heads, max_seq_len, head_dim)
        if min(shape) < 1:
            raise ValueError(f"every size of a cache must be at least 1, got {shape[1:]}")
        self._storage = torch.zeros(shape, dtype=dtype, device=device)
        self._layers = [LayerCache(*self._storage[:, index]) for index in range(num_layers)]

    @property
    def length(self) -> int:
        return min(layer.length for layer in self._layers)

    @property
    def num_bytes(self) -> int:
        return self._storage.nbytes

    def layer(self, index: int) -> LayerCache:
        return self._layers[index]

    def reset(self) -> None:
        """Forget every token; the memory stays."""
        for layer in self._layers:
            layer.length = 0
