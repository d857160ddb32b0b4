"""Two derivatives written by hand, because autograd would store more than they need on a CPU.

Shapes: leading dimensions are free; the last one is D.
Needs: nothing but torch.
"""

import torch
from torch import Tensor


class RMSNormFunction(torch.autograd.Function):
    """y = x / r, out = y * weight with r = sqrt(mean(x^2) + eps): stores x and r, and y anew."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        inverse = x.pow(2).mean(dim=-1, keepdim=True).add_(eps).rsqrt_()  # 1 / r, (..., 1)
        ctx.save_for_backward(x, inverse, weight)
        return (x * inverse).mul_(weight)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        _refuse_gradients_of_gradients()
        x, inverse, weight = ctx.saved_tensors
        y = x * inverse
        products = grad * y
        with torch.autocast(grad.device.type, enabled=False):
            along = (products @ weight).div_(x.shape[-1])  # mean over D of y and its gradient
        grad_weight = products.reshape(-1, x.shape[-1]).sum(dim=0)
        grad_x = torch.mul(grad, weight, out=products).addcmul_(y, along[..., None], value=-1)
        return grad_x.mul_(inverse), grad_weight, None


class GatedSiLU(torch.autograd.Function):
    """silu(gate) * x: stores gate and x, and silu(gate) anew."""

    @staticmethod
    def forward(ctx, gate: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(gate, x)
        return torch.nn.functional.silu(gate).mul_(x)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor]:
        _refuse_gradients_of_gradients()
        gate, x = ctx.saved_tensors
        grad_gate = torch.ops.aten.silu_backward(grad * x, gate)
        return grad_gate, torch.nn.functional.silu(gate).mul_(grad)


def _refuse_gradients_of_gradients() -> None:
    """They are asked for by create_graph=True, and would lack a part without a word."""
    if torch.is_grad_enabled():
        raise NotImplementedError("a derivative written by hand has no derivative of its own")
