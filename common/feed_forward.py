"""The feed-forward layer: each position alone is widened, bent and narrowed again.

GELU: Hendrycks and Gimpel 2016, arXiv 1606.08415. SwiGLU: Shazeer 2020, arXiv 2002.05202, eq. 6.

Shapes: leading dimensions are free; the last one is d_model (D), or d_ff (F) inside.
Taught in ch04_model/02_feed_forward.ipynb.
Needs: layers.py, _lean_gradients.py.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._lean_gradients import GatedSiLU
from .layers import Linear


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
        gate, x = self.w1(x), self.w3(x)  # (..., F)
        if x.device.type == "cpu" and torch.is_grad_enabled():  # torch would store silu(gate) too
            return self.w2(GatedSiLU.apply(gate, x))
        return self.w2(silu(gate) * x)


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
