"""The parts of a transformer block that are not attention: linear maps, norms, feed-forward layers.

Each class is its formula and its parameters. Where torch has a fused kernel that computes the same
formula, the forward pass calls it, and a test compares it with the formula written out.

RMSNorm: Zhang and Sennrich 2019, arXiv 1910.07467, eq. 4. LayerNorm: Ba et al. 2016,
arXiv 1607.06450. GELU: Hendrycks and Gimpel 2016, arXiv 1606.08415. SwiGLU: Shazeer 2020,
arXiv 2002.05202, eq. 6.
Shapes: leading dimensions are free; the last one is d_model (D), d_in, d_out or d_ff (F).
Taught in ch04_model/04_model_size.ipynb.
Needs: nothing but torch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Linear(nn.Module):
    """y = x W^T + b with W of shape (d_out, d_in), the layout that every checkpoint uses.

    The weight starts normal with standard deviation 1 / sqrt(d_in), so inputs of variance 1 give
    outputs of variance 1 at any width; the bias starts at 0. Cost: 2 * d_in * d_out FLOPs a vector.

    >>> layer = Linear(3, 2)
    >>> layer.weight.shape, layer.bias
    (torch.Size([2, 3]), None)
    >>> layer(torch.zeros(5, 3)).shape
    torch.Size([5, 2])
    """

    def __init__(self, d_in: int, d_out: int, bias: bool = False) -> None:
        super().__init__()
        self.d_in, self.d_out = d_in, d_out
        self.weight = nn.Parameter(torch.empty(d_out, d_in).normal_(std=d_in**-0.5))
        self.bias = nn.Parameter(torch.zeros(d_out)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)  # (..., d_in) -> (..., d_out)

    def extra_repr(self) -> str:
        return f"{self.d_in}, {self.d_out}, bias={self.bias is not None}"


class Embedding(nn.Module):
    """A table with one row of d_model numbers for each id: ids (...) int64 -> (..., d_model).

    Rows start normal with standard deviation 0.02 (GPT-2), small because a tied output layer takes
    its dot products with these same rows. An id outside the table raises IndexError. Cost: a copy.

    >>> Embedding(10, 4)(torch.tensor([[1, 2, 3]])).shape
    torch.Size([1, 3, 4])
    """

    def __init__(self, num_embeddings: int, d_model: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_embeddings, d_model).normal_(std=0.02))

    def forward(self, ids: Tensor) -> Tensor:
        return F.embedding(ids, self.weight)

    def extra_repr(self) -> str:
        return "{}, {}".format(*self.weight.shape)


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


def silu(x: Tensor) -> Tensor:
    """x * sigmoid(x), elementwise: 0 far below zero, x far above, smooth between.

    >>> silu(torch.tensor([-10.0, 0.0, 10.0]))
    tensor([-4.5398e-04,  0.0000e+00,  9.9995e+00])
    """
    return F.silu(x)


def gelu(x: Tensor) -> Tensor:
    """0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), elementwise: the form that GPT-2 uses.

    It approximates x times the probability that a standard normal number is below x.

    >>> gelu(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.1588,  0.0000,  0.8412])
    """
    return F.gelu(x, approximate="tanh")


class SwiGLU(nn.Module):
    """W2(silu(W1 x) * W3 x): W1 opens or closes what W3 lets through. (..., D) -> (..., D).

    Three matrices of d_model * d_ff instead of GPT-2's two, so d_ff is usually about 8/3 d_model
    where GPT-2 takes 4. Cost: 6 * d_model * d_ff FLOPs a vector.

    >>> sum(p.numel() for p in SwiGLU(d_model=6, d_ff=16).parameters())
    288
    """

    def __init__(self, d_model: int, d_ff: int) -> None:
        super().__init__()
        self.w1 = Linear(d_model, d_ff)
        self.w2 = Linear(d_ff, d_model)
        self.w3 = Linear(d_model, d_ff)

    def forward(self, x: Tensor) -> Tensor:
        return self.w2(silu(self.w1(x)) * self.w3(x))  # (..., F) inside


class MLP(nn.Module):
    """W2 gelu(W1 x + b1) + b2: GPT-2's feed-forward layer. (..., D) -> (..., D).

    Cost: 4 * d_model * d_ff FLOPs a vector.

    >>> sum(p.numel() for p in MLP(d_model=6, d_ff=24).parameters())
    318
    """

    def __init__(self, d_model: int, d_ff: int) -> None:
        super().__init__()
        self.w1 = Linear(d_model, d_ff, bias=True)
        self.w2 = Linear(d_ff, d_model, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.w2(gelu(self.w1(x)))  # (..., F) inside
