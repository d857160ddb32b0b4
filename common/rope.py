"""Rotary position embedding: positions enter attention as rotations of queries and keys.

The head_dim entries of a vector are taken as head_dim / 2 pairs. Pair i of the token at position p
is turned by the angle p * theta ** (-2i / head_dim). Turning q by angle a and k by angle b leaves a
dot product that depends on a - b only: attention sees how far apart two tokens are, not where they
stand (Su et al. 2021, "RoFormer", arXiv:2104.09864, equations 13 to 16).

Two conventions exist for which entries form a pair. "interleaved" takes (0, 1), (2, 3), ...: the
paper, Meta's Llama. "half" takes (0, d/2), (1, d/2 + 1), ...: GPT-NeoX, Hugging Face. They are one
method with the entries in another order, so weights trained with one give nonsense with the other.

Shapes: B batch, T tokens, D head_dim.
Taught in ch03_attention/04_positions.ipynb.
Needs: nothing but torch.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RotaryEmbedding(nn.Module):
    """Rotates x (..., T, D) by its positions. No parameters, nothing in the state dict.

    head_dim: D, even. max_seq_len: positions are 0..max_seq_len - 1. theta: the base; the slowest
    pair turns once every 2 pi theta ** (1 - 2 / D) tokens.

    The tables of cosines and sines (max_seq_len * D numbers) are computed in float64 at first use,
    one for each device and width, and are no buffers: `.to(torch.bfloat16)` cannot round them,
    which would blur late positions.

    >>> rope = RotaryEmbedding(2, max_seq_len=8)
    >>> rope(torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([0, 1]))  # one radian a token
    tensor([[1.0000, 0.0000],
            [0.5403, 0.8415]])
    """

    def __init__(
        self,
        head_dim: int,
        max_seq_len: int,
        theta: float = 10000.0,
        *,
        layout: Literal["interleaved", "half"] = "interleaved",
    ) -> None:
        super().__init__()
        if head_dim % 2 or head_dim <= 0:
            raise ValueError(f"head_dim must be even and positive to form pairs, got {head_dim}")
        if layout not in ("interleaved", "half"):
            raise ValueError(f'layout must be "interleaved" or "half", got {layout!r}')
        self.head_dim = head_dim
        self.max_seq_len = max_seq_len
        self.theta = theta
        self.layout = layout
        self._tables: dict[tuple[torch.device, torch.dtype], Tensor] = {}

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """x (..., T, D), positions (T,) or (B, T) integers -> rotated x: its shape, dtype, norms.

        With positions (B, T), B is the first dimension of x. 16-bit inputs are rotated in float32.
        Costs 3 D floating-point operations a vector and one pass over memory in the interleaved
        layout.

        Raises ValueError when D is not head_dim or a position is outside 0..max_seq_len - 1.
        """
        if x.shape[-1] != self.head_dim:
            raise ValueError(f"x must end in head_dim {self.head_dim}, got shape {tuple(x.shape)}")
        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        cos_sin = self._lookup(wide, positions)  # (T, D) or (B, 1.., T, D)
        if self.layout == "interleaved":
            # A pair (a, b) is the complex number a + bi, and a rotation is one multiplication.
            pairs = torch.view_as_complex(wide.unflatten(-1, (-1, 2)))  # (..., T, D/2)
            turns = torch.view_as_complex(cos_sin.unflatten(-1, (-1, 2)))
            return torch.view_as_real(pairs * turns).flatten(-2).to(x.dtype)
        cos, sin = cos_sin.chunk(2, dim=-1)
        a, b = wide.chunk(2, dim=-1)
        return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1).to(x.dtype)

    def _lookup(self, x: Tensor, positions: Tensor) -> Tensor:
        try:
            rows = F.embedding(positions, self._table(x.device, x.dtype))
        except IndexError:
            raise ValueError(
                f"positions must be in 0..{self.max_seq_len - 1} (max_seq_len {self.max_seq_len}), "
                f"got {positions.min().item()}..{positions.max().item()}"
            ) from None
        if (
            positions.dim() == 2
        ):  # one row of positions for each sequence, the same for all its heads
            rows = rows.view(rows.shape[0], *[1] * (x.dim() - 3), *rows.shape[1:])
        return rows

    def _table(self, device: torch.device, dtype: torch.dtype) -> Tensor:
        """(max_seq_len, D): cos and sin side by side for each pair, or all cos and then all sin."""
        if (device, dtype) not in self._tables:
            exponents = torch.arange(0, self.head_dim, 2).double() / self.head_dim
            frequencies = self.theta**-exponents  # radians a token
            angles = torch.outer(torch.arange(self.max_seq_len).double(), frequencies)
            axis = -1 if self.layout == "interleaved" else 1
            table = torch.stack([angles.cos(), angles.sin()], dim=axis).flatten(1)
            self._tables[device, dtype] = table.to(dtype).to(device)
        return self._tables[device, dtype]

    def extra_repr(self) -> str:
        return f"{self.head_dim}, {self.max_seq_len}, theta={self.theta}, layout={self.layout!r}"
