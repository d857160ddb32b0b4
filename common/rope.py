"""Rotary position embedding: positions enter attention as rotations of queries and keys.

The head_dim entries of a vector are taken as head_dim / 2 pairs. Pair i of the token at position p
is turned by the angle p * theta ** (-2i / head_dim). Turning q by angle a and k by angle b leaves a
dot product that depends on a - b only: attention sees how far apart two tokens are, not where they
stand (Su et al. 2021, "RoFormer", arXiv:2104.09864, equations 13 to 16).

Two conventions exist for which entries form a pair. "interleaved" takes (0, 1), (2, 3), ...: the
paper, Meta's Llama. "half" takes (0, d/2), (1, d/2 + 1), ...: GPT-NeoX, Hugging Face. They are one
method with the entries in another order, so weights trained with one give nonsense with the other.
`convert_rope_layout` reorders them.

Shapes: B batch, T tokens, H heads, D head_dim.
Taught in ch03_attention/04_positions.ipynb.
Needs: rope_scaling.py.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .rope_scaling import RopeScaling, rope_frequencies

Layout = Literal["interleaved", "half"]


class RotaryEmbedding(nn.Module):
    """Rotates x (..., T, D) by its positions. No parameters, nothing in the state dict.

    head_dim: D, even. max_seq_len: positions are 0..max_seq_len - 1. theta: the base; the slowest
    pair turns once every 2 pi theta ** (1 - 2 / D) tokens. scaling: how a longer context is
    reached, see rope_scaling.py; max_seq_len is then the new length.

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
        layout: Layout = "interleaved",
        scaling: RopeScaling | None = None,
    ) -> None:
        super().__init__()
        _check_layout("layout", layout)
        if max_seq_len < 1:
            raise ValueError(f"max_seq_len must be at least 1, got {max_seq_len}")
        self.head_dim = head_dim
        self.max_seq_len = max_seq_len
        self.theta = theta
        self.layout = layout
        self.scaling = scaling
        self._frequencies, self._scale = rope_frequencies(head_dim, theta, scaling)
        self._tables: dict[tuple[torch.device, torch.dtype], Tensor] = {}

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """x (..., T, D), positions (T,) or (B, T) integers -> rotated x, in its shape and dtype.

        With positions (B, T), B is the first dimension of x, or 1. Norms stay, unless YaRN scaling
        multiplies them. 16-bit inputs are rotated in float32. Costs 3 D floating-point operations a
        vector and one pass over memory in the interleaved layout.

        Raises ValueError when D is not head_dim, when x is not floating-point, when there is not
        one position for each token, or when a position is outside 0..max_seq_len - 1. (On a GPU
        the last is the device's own index assertion: looking would wait for the device.)
        """
        self._check(x, positions)
        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        cos_sin = self._lookup(wide, positions)  # (T, D) or (B, 1.., T, D)
        if self.layout == "interleaved":
            # A pair (a, b) is the complex number a + bi, and a rotation is one multiplication.
            turned = _as_complex(wide) * _as_complex(cos_sin)  # (..., T, D/2)
            return torch.view_as_real(turned).flatten(-2).to(x.dtype)
        cos, sin = cos_sin.chunk(2, dim=-1)
        a, b = wide.chunk(2, dim=-1)
        return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1).to(x.dtype)

    def _check(self, x: Tensor, positions: Tensor) -> None:
        if x.dim() < 2 or x.shape[-1] != self.head_dim:
            raise ValueError(
                f"x must be (..., T, D) with head_dim D = {self.head_dim}, got {tuple(x.shape)}"
            )
        if not x.is_floating_point():
            raise ValueError(f"x must be floating-point, got {x.dtype}")
        if positions.dtype not in (torch.int64, torch.int32) or positions.device != x.device:
            raise ValueError(
                f"positions must be int64 or int32 on the device of x, {x.device}, "
                f"got {positions.dtype} on {positions.device}"
            )
        num_tokens, shape = x.shape[-2], tuple(positions.shape)
        rows = x.dim() > 2 and shape in ((x.shape[0], num_tokens), (1, num_tokens))
        if shape != (num_tokens,) and not rows:
            raise ValueError(
                f"positions must be (T,) or (B, T) for x {tuple(x.shape)}, got {shape}"
            )

    def _lookup(self, x: Tensor, positions: Tensor) -> Tensor:
        try:
            rows = F.embedding(positions, self._table(x.device, x.dtype))
        except IndexError:
            raise ValueError(
                f"positions must be in 0..{self.max_seq_len - 1} (max_seq_len {self.max_seq_len}), "
                f"got {positions.min().item()}..{positions.max().item()}"
            ) from None
        if positions.dim() == 2:  # a row of positions for each sequence, shared by all its heads
            rows = rows.view(rows.shape[0], *[1] * (x.dim() - 3), *rows.shape[1:])
        return rows

    def _table(self, device: torch.device, dtype: torch.dtype) -> Tensor:
        """(max_seq_len, D): cos and sin side by side for each pair, or all cos and then all sin."""
        if (device, dtype) not in self._tables:
            positions = torch.arange(self.max_seq_len, device="cpu").double()
            angles = torch.outer(positions, self._frequencies)
            axis = -1 if self.layout == "interleaved" else 1
            table = self._scale * torch.stack([angles.cos(), angles.sin()], dim=axis).flatten(1)
            self._tables[device, dtype] = table.to(dtype).to(device)
        return self._tables[device, dtype]

    def extra_repr(self) -> str:
        settings = (
            f"{self.head_dim}, {self.max_seq_len}, theta={self.theta}, layout={self.layout!r}"
        )
        return settings if self.scaling is None else f"{settings}, scaling={self.scaling}"


def convert_rope_layout(
    weight: Tensor, num_heads: int, *, source: Layout, target: Layout
) -> Tensor:
    """The rows of a query or key projection, reordered for the other layout: a new tensor.

    weight: (H * D, d_model), or a bias (H * D,); num_heads: H, which for keys is the number of
    key-value heads. Convert queries and keys, and never values, which are not rotated. Where heads
    are normalised after the projection, convert the gains (D,) too, with num_heads 1. Then a model
    with the target layout computes what the one with the source layout did.

    Raises ValueError when num_heads does not divide the rows or D is odd.

    >>> rows = torch.arange(8.0)                     # two heads of four entries
    >>> convert_rope_layout(rows, 2, source="interleaved", target="half")
    tensor([0., 2., 1., 3., 4., 6., 5., 7.])
    """
    _check_layout("source", source)
    _check_layout("target", target)
    num_rows = weight.shape[0] if weight.dim() else 0
    if num_heads < 1 or num_rows == 0 or num_rows % num_heads:
        raise ValueError(f"num_heads {num_heads} must divide the {num_rows} rows of the weight")
    if num_rows // num_heads % 2:
        raise ValueError(f"head_dim {num_rows // num_heads} must be even to form pairs")
    heads = weight.unflatten(0, (num_heads, -1))  # (H, D, ...)
    if source == target:
        return weight.clone()
    pairs = (2, -1) if source == "half" else (-1, 2)  # entry (half, pair) or (pair, half)
    return heads.unflatten(1, pairs).transpose(1, 2).flatten(0, 2)


def _as_complex(x: Tensor) -> Tensor:
    """(..., D) -> (..., D/2) complex: a view, or a copy where pairs lie on odd addresses."""
    try:
        return torch.view_as_complex(x.unflatten(-1, (-1, 2)))
    except RuntimeError:
        copy = x.clone(memory_format=torch.contiguous_format)
        return torch.view_as_complex(copy.unflatten(-1, (-1, 2)))


def _check_layout(name: str, layout: str) -> None:
    if layout not in ("interleaved", "half"):
        raise ValueError(f'{name} must be "interleaved" or "half", got {layout!r}')
