"""Normalisation: bring every vector to one scale before a layer reads it.

RMSNorm: Zhang and Sennrich 2019, arXiv 1910.07467, eq. 4. LayerNorm: Ba et al. 2016,
arXiv 1607.06450. The forward pass calls torch's kernel for the formula, in float32 or wider: the
square of 256 is too large for float16, and 16 bits would round at every step. eps stands inside the
root, so a vector of zeros gives zeros and its gradient is finite.

Shapes: leading dimensions are free; the last one is d_model.
Taught in ch04_model/01_normalisation.ipynb.
Needs: _lean_gradients.py.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._lean_gradients import RMSNormFunction


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * weight over the last dimension.

    Computed in float32 whatever the input's dtype (float64 stays), returned in the input's dtype.
    Its gradient is (g - y mean(g y)) / r with r the root, y = x / r and g the gradient of y.
    ValueError for d_model below 1 or eps below 1e-20. Cost: 4 d_model FLOPs a vector.

    >>> RMSNorm(2)(torch.tensor([3.0, 4.0])).detach()  # mean square 12.5, root 3.536
    tensor([0.8485, 1.1314])
    """

    def __init__(self, d_model: int, eps: float = 1e-5) -> None:
        super().__init__()
        _check(d_model, eps)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = torch.promote_types(x.dtype, torch.float32)
        weight, wide_x = self.weight.to(wide), x.to(wide)
        if x.device.type == "cpu" and torch.is_grad_enabled():  # torch would store y as well
            return RMSNormFunction.apply(wide_x, weight, self.eps).to(x.dtype)
        return F.rms_norm(wide_x, weight.shape, weight, self.eps).to(x.dtype)

    def extra_repr(self) -> str:
        return f"{self.weight.numel()}, eps={self.eps}"


class LayerNorm(nn.Module):
    """(x - mean(x)) / sqrt(var(x) + eps) * weight + bias over the last dimension.

    The variance divides by d_model, not d_model - 1. Computed in float32 whatever the input's dtype
    (float64 stays), returned in the input's dtype. Its gradient is that of RMSNorm at x - mean(x),
    minus its own mean. ValueError as for RMSNorm. Cost: 7 d_model FLOPs a vector.

    >>> LayerNorm(2)(torch.tensor([3.0, 4.0])).tolist()  # mean 3.5, standard deviation 0.5
    [-0.9999799728393555, 0.9999799728393555]
    """

    def __init__(self, d_model: int, eps: float = 1e-5) -> None:
        super().__init__()
        _check(d_model, eps)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = torch.promote_types(x.dtype, torch.float32)
        weight, bias = self.weight.to(wide), self.bias.to(wide)
        return F.layer_norm(x.to(wide), weight.shape, weight, bias, self.eps).to(x.dtype)

    def extra_repr(self) -> str:
        return f"{self.weight.numel()}, eps={self.eps}"


def _check(d_model: int, eps: float) -> None:
    if d_model < 1:
        raise ValueError(f"d_model must be at least 1, got {d_model}")
    if not eps >= 1e-20:  # kernels cube 1 / sqrt(eps), and float32 ends at 3e38
        raise ValueError(
            f"eps must be at least 1e-20, or a vector of zeros gets a NaN gradient; got {eps}"
        )
