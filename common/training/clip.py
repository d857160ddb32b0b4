"""Gradient clipping by global norm: one bad batch moves the weights no further than a good one.

    norm = sqrt(sum of g^2 over every gradient);  g <- g * min(1, max_norm / (norm + 1e-6))

Pascanu, Mikolov and Bengio 2012, arXiv 1211.5063, algorithm 1.
Taught in ch05_pretraining/01_training_step.ipynb.
Needs: nothing but torch.
"""

from collections.abc import Iterable

import torch
from torch import Tensor


@torch.no_grad()
def clip_grad_norm_(params: Iterable[Tensor], max_norm: float) -> Tensor:
    """Scale all gradients in place so that their joint norm is at most `max_norm`.

    Returns the norm before clipping, a 0-D tensor. The direction of the whole gradient is kept.
    Parameters without a gradient are skipped; with none left the norm is 0. A norm that is NaN or
    infinite makes the gradients so too: check the returned value. ValueError if max_norm <= 0.
    Cost: two passes over the gradients.

    >>> w = torch.nn.Parameter(torch.zeros(2))
    >>> w.grad = torch.tensor([3.0, 4.0])
    >>> clip_grad_norm_([w], max_norm=1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm {max_norm} must be positive")
    params = [params] if isinstance(params, Tensor) else params
    grads = [p.grad for p in params if p.grad is not None]
    if not grads:
        return torch.tensor(0.0)
    norm = torch.stack(torch._foreach_norm(grads)).norm()
    torch._foreach_mul_(grads, (max_norm / (norm + 1e-6)).clamp(max=1.0))
    return norm
