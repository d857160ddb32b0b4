"""Weight-only int8: a quarter of the bytes to read for every token, and nearly the same model.

Writing a token reads every weight once, so fewer bytes are a faster token. Each row of a weight
matrix keeps one scale, its largest magnitude divided by 127, and whole numbers from -127 to 127:
symmetric "absmax" quantisation (Dettmers et al. 2022, "LLM.int8()", arXiv:2208.07339, section 2.1).
An entry is off by half a scale at most. Activations, norms and embeddings stay as they are.

Shapes: leading dimensions are free; d_in and d_out as in Linear.
Taught in ch04_model/05_generation.ipynb.
Needs: layers.py.
"""

import copy
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import Linear

_FEW_VECTORS = 32  # for more of them, turning the weights into floats once costs less
_Model = TypeVar("_Model", bound=nn.Module)


def quantize_rows(weight: Tensor) -> tuple[Tensor, Tensor]:
    """weight (d_out, d_in) floating -> int8 (d_out, d_in) and one float32 scale a row, (d_out,).

    Scales are rounded to bfloat16 first, since torch's kernel takes no others; that costs nothing,
    as the whole numbers are computed with the scale that will be used. ValueError when an entry is
    not finite.

    >>> numbers, scales = quantize_rows(torch.tensor([[0.4, -1.0, 0.01]]))
    >>> numbers
    tensor([[  51, -127,    1]], dtype=torch.int8)
    >>> numbers * scales[:, None]
    tensor([[ 0.4016, -0.9999,  0.0079]])
    """
    if not weight.isfinite().all():
        raise ValueError("weights must be finite to be quantised: found NaN or infinity")
    largest = weight.detach().abs().amax(dim=1)
    scales = torch.where(largest > 0, largest / 127, 1.0).bfloat16().float()  # a row of zeros: 1
    numbers = (weight.detach() / scales[:, None]).round().clamp(-127, 127)
    return numbers.to(torch.int8), scales


class Int8Linear(nn.Module):
    """y = x (scales * weight)^T + bias with weight (d_out, d_in) int8: a Linear for inference.

    x (..., d_in) floating -> (..., d_out) in x's dtype. Two ways compute the product:

    - On a CPU, for up to 32 vectors and d_in a multiple of 32: torch's int8 kernel, which reads
      bytes and sums in float32. It is fast for bfloat16 activations only (20 times faster than for
      float32 in torch 2.13), so x and y are rounded to bfloat16, each by up to 0.4 % of an entry.
    - Everywhere else: the weights as numbers of x's dtype, made for this call, and `F.linear`.

    >>> exact = Linear(64, 8)
    >>> x = torch.randn(100, 64)
    >>> bool((Int8Linear([exact])(x) - exact(x)).norm() < 0.02 * exact(x).norm())
    True
    """

    def __init__(self, linears: Sequence["Linear | Int8Linear"]) -> None:
        """Several layers are put under each other: one product gives all their outputs."""
        super().__init__()
        parts = [
            (layer.weight, layer.scales) if isinstance(layer, Int8Linear)
            else quantize_rows(layer.weight)
            for layer in linears
        ]  # fmt: skip
        biases = [layer.bias for layer in linears if layer.bias is not None]
        self.register_buffer("weight", torch.cat([weight for weight, _ in parts]))
        self.register_buffer("scales", torch.cat([scales for _, scales in parts]))
        self.register_buffer("bias", torch.cat(biases).detach() if biases else None)
        self.d_out, self.d_in = self.weight.shape

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu" or x.numel() > _FEW_VECTORS * self.d_in or self.d_in % 32:
            weight = (self.weight * self.scales[:, None]).to(x.dtype)
            return F.linear(x, weight, self.bias)
        rows = x.reshape(-1, self.d_in).bfloat16()
        y = torch._weight_int8pack_mm(rows, self.weight, self.scales.bfloat16()).to(x.dtype)
        y = y.view(*x.shape[:-1], self.d_out)
        return y if self.bias is None else y + self.bias

    def for_few_vectors(self) -> Callable[[Tensor], Tensor]:
        """The layer as a function of x (B, d_in) that decides only once what it can decide."""
        if self.weight.device.type != "cpu" or self.d_in % 32 or self.bias is not None:
            return self
        weight, scales = self.weight, self.scales.bfloat16()

        def product(x: Tensor) -> Tensor:
            if len(x) > _FEW_VECTORS:
                return self(x)
            return torch._weight_int8pack_mm(x.to(torch.bfloat16), weight, scales).to(x.dtype)

        return product

    def extra_repr(self) -> str:
        return f"{self.d_in}, {self.d_out}, bias={self.bias is not None}"


def quantize_int8(model: _Model) -> _Model:
    """A copy of the model whose Linear layers are Int8Linear; the model itself stays as it is.

    Embeddings and norms keep their numbers, and so do routers of experts, which are tiny and decide
    who computes at all. A tied lm_head gets int8 weights of its own beside the embeddings. For
    inference only. ValueError when the model has no Linear layer, or one holds NaN or infinity.

    >>> layer = nn.Sequential(Linear(64, 64))
    >>> quantize_int8(layer)
    Sequential(
      (0): Int8Linear(64, 64, bias=False)
    )
    """
    small = {
        id(module): Int8Linear([module])
        for name, module in model.named_modules()
        if isinstance(module, Linear) and not name.endswith("router")
    }
    if not small:
        raise ValueError("a model needs Linear layers to be quantised, found none")
    return copy.deepcopy(model, memo=small)  # where a Linear stood, the copy takes its Int8Linear
