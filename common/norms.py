"""Normalisation: bring every vector to one scale before a layer reads it.

RMSNorm: Zhang and Sennrich 2019, arXiv 1910.07467, eq. 4. LayerNorm: Ba et al. 2016,
arXiv 1607.06450. Where torch has a fused kernel for the formula, the forward pass calls it, and a
test compares it with the formula written out.

Shapes: leading dimensions are free; the last one is d_model.
Taught in ch04_model/01_normalisation.ipynb.
Needs: nothing but torch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * weight over the last dimension.

    Computed in float32 whatever the input's dtype (float64 stays), returned in the input's dtype.
    eps is inside the root, so a vector of zeros gives zeros and its gradient is finite.

    >>> RMSNorm(2)(torch.tensor([3.0, 4.0]))  # mean square 12.5, root 3.536
    tensor([0.8485, 1.1314], grad_fn=<MulBackward0>)
    """

    def __init__(self, d_model: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype in (torch.float16, torch.bfloat16):
            weight = self.weight.float()
            return F.rms_norm(x.float(), weight.shape, weight, self.eps).to(x.dtype)
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.weight.numel()}, eps={self.eps}"


class LayerNorm(nn.Module):
    """(x - mean(x)) / sqrt(var(x) + eps) * weight + bias over the last dimension.

    The variance divides by d_model, not d_model - 1. Computed in float32 whatever the input's dtype
    (float64 stays), returned in the input's dtype.

    >>> LayerNorm(2)(torch.tensor([3.0, 4.0])).tolist()  # mean 3.5, standard deviation 0.5
    [-0.9999799728393555, 0.9999799728393555]
    """

    def __init__(self, d_model: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype in (torch.float16, torch.bfloat16):
            weight, bias = self.weight.float(), self.bias.float()
            return F.layer_norm(x.float(), weight.shape, weight, bias, self.eps).to(x.dtype)
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.weight.numel()}, eps={self.eps}"
