"""The key-value cache: what generation remembers, so that no key or value is computed twice.

Keys and values of past tokens never change in a causal model. With a cache, the next token costs
one query against S stored keys instead of a new pass over all S tokens (Pope et al. 2022,
"Efficiently Scaling Transformer Inference", arXiv:2211.05102). The memory is allocated once and
filled from the left: growing a tensor by concatenation would copy the whole past for every token.

Where attention looks at a sliding window only (Jiang et al. 2023, "Mistral 7B", arXiv:2310.06825),
older tokens are dropped: when the memory is full, the last window moves to the front and filling
goes on behind it. With memory for two windows that is one move of a window for each window of new
tokens, and keys and values stay in order and in one piece.

Shapes: B batch, H key-value heads, T new tokens, S stored tokens, C capacity, D head_dim.
Taught in ch03_attention/05_kv_cache.ipynb.
Needs: nothing but torch.
"""

import torch
from torch import Tensor


class LayerCache:
    """One layer's keys and values, (B, H, C, D) each, with the positions of their tokens.

    `length` counts the tokens received. window_tokens: only the last window_tokens - 1 are kept for
    the next chunk; None keeps all.

    >>> layer = KVCache(1, 1, 1, max_seq_len=4, head_dim=2, dtype=torch.float32).layer(0)
    >>> keys, values = layer.append(torch.ones(1, 1, 3, 2), torch.zeros(1, 1, 3, 2))
    >>> layer.length, tuple(keys.shape), layer.next_positions(2)
    (3, (1, 1, 3, 2), tensor([3, 4]))
    >>> keys, values = layer.append(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))
    Traceback (most recent call last):
    ValueError: the cache holds 4 tokens: 3 are stored and 2 more do not fit
    """

    def __init__(self, keys: Tensor, values: Tensor, *, window_tokens: int | None = None) -> None:
        self.keys = keys
        self.values = values
        self.window_tokens = window_tokens
        self._positions = torch.zeros(keys.shape[0], keys.shape[2], dtype=torch.int64).to(
            keys.device
        )
        self.reset()

    def reset(self) -> None:
        """Forget every token; the memory stays."""
        self.length = 0
        self._first = self._end = 0  # slots of what the last append returned
        self._is_padded = False

    @property
    def positions(self) -> Tensor | None:
        """(B, S) positions of what `append` returned last, negative where it is padding.

        None while all rows have stood at the same positions, (T,): then nothing is padding.
        """
        return self._positions[:, self._first : self._end] if self._is_padded else None

    def next_positions(self, num_tokens: int) -> Tensor:
        """Where the next tokens stand: (T,) from `length`, or (B, T) on from each row's last."""
        if self._is_padded and self._end:
            last = self._positions[:, : self._end].amax(dim=1, keepdim=True)
            return last + torch.arange(1, num_tokens + 1, device=self.keys.device)
        return torch.arange(self.length, self.length + num_tokens, device=self.keys.device)

    def append(
        self, keys: Tensor, values: Tensor, positions: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Store keys and values (B, H, T, D); return views (B, H, S, D) of all that T may look at.

        positions: (T,), or (B, T) for rows of their own, negative where a token is padding; None
        continues. Copies T tokens, and at most window_tokens - 1 others when a window's memory is
        full. The views share the cache's memory: they are good until the next append.

        Raises ValueError, and stores nothing, when T tokens do not fit, when shape, dtype or device
        differ from the cache's, or when the keys carry gradients.
        """
        num_new = keys.shape[-2]
        self._check(keys, values)
        if positions is None:
            positions = self.next_positions(num_new)
        elif positions.shape not in ((num_new,), (keys.shape[0], num_new)):
            raise ValueError(
                f"positions must have shape {(num_new,)} or {(keys.shape[0], num_new)}, "
                f"got {tuple(positions.shape)}"
            )
        start = self._room_for(num_new)
        self.keys.narrow(2, start, num_new).copy_(keys)
        self.values.narrow(2, start, num_new).copy_(values)
        self._positions.narrow(1, start, num_new).copy_(positions)
        self._is_padded |= positions.dim() == 2
        self.length += num_new
        kept = start if self.window_tokens is None else min(start, self.window_tokens - 1)
        self._first, self._end = start - kept, start + num_new
        span = (2, self._first, kept + num_new)
        return self.keys.narrow(*span), self.values.narrow(*span)

    def _room_for(self, num_new: int) -> int:
        """The slot for the next token, with num_new free ones; a window's last tokens may move."""
        capacity, start = self.keys.shape[2], self._end
        if start + num_new <= capacity:
            return start
        kept = start if self.window_tokens is None else min(start, self.window_tokens - 1)
        if kept + num_new > capacity:
            raise ValueError(
                f"the cache holds {capacity} tokens: {kept} are stored "
                f"and {num_new} more do not fit"
            )
        for tensor in (self.keys, self.values, self._positions[:, None, :, None]):
            tensor[:, :, :kept] = tensor[:, :, start - kept : start].clone()  # the two may overlap
        return kept

    def _check(self, keys: Tensor, values: Tensor) -> None:
        batch_size, num_kv_heads, _, head_dim = self.keys.shape
        expected = (batch_size, num_kv_heads, keys.shape[-2], head_dim)
        if keys.shape != expected or values.shape != expected:
            raise ValueError(
                f"keys and values must have shape {expected}, got {tuple(keys.shape)} "
                f"and {tuple(values.shape)}"
            )
        stored = (self.keys.dtype, self.keys.device)
        if (keys.dtype, keys.device) != stored or (values.dtype, values.device) != stored:
            raise ValueError(
                f"the cache stores {self.keys.dtype} on {self.keys.device}, got "
                f"{keys.dtype} on {keys.device} and {values.dtype} on {values.device}"
            )
        if keys.requires_grad or values.requires_grad:
            raise ValueError("a cache stores no gradients: wrap the generation in torch.no_grad()")


class KVCache:
    """The caches of all layers of a model, allocated once.

    Needs 2 * num_layers * B * H * max_seq_len * D * (bytes of dtype) bytes, see `num_bytes`, and 8
    more for each layer and slot, for positions. `length` is the number of tokens that every layer
    has received, padding included.

    window_tokens: for attention with that window. max_seq_len is then the memory, not the length of
    the text, and a chunk may bring max_seq_len - window_tokens + 1 tokens: `chunk_tokens`.

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
        window_tokens: int | None = None,
    ) -> None:
        shape = (2, num_layers, batch_size, num_kv_heads, max_seq_len, head_dim)
        if min(shape) < 1:
            raise ValueError(f"every size of a cache must be at least 1, got {shape[1:]}")
        if window_tokens is not None and not 1 <= window_tokens <= max_seq_len:
            raise ValueError(f"window_tokens must be in 1..{max_seq_len}, got {window_tokens}")
        self._storage = torch.zeros(shape, dtype=dtype, device=device)
        self._layers = [
            LayerCache(*self._storage[:, index], window_tokens=window_tokens)
            for index in range(num_layers)
        ]
        self.chunk_tokens = max_seq_len - (0 if window_tokens is None else window_tokens - 1)

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
            layer.reset()
