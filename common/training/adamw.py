"""AdamW: Adam whose weight decay acts on the weights and never passes through the gradient.

For every number w of a parameter, with gradient g, at update t = 1, 2, ...

    w <- w - lr * weight_decay * w                  the decoupled decay
    m <- beta1 * m + (1 - beta1) * g                running mean of the gradient
    v <- beta2 * v + (1 - beta2) * g^2              running mean of its square
    w <- w - lr * m_hat / (sqrt(v_hat) + eps)       the step

where m_hat = m / (1 - beta1^t) and v_hat = v / (1 - beta2^t) undo the start from zero.
Adam: Kingma and Ba 2014, arXiv 1412.6980, algorithm 1. Decoupled decay: Loshchilov and Hutter
2017, arXiv 1711.05101, algorithm 2. The `torch._foreach_*` operations run one line of that
algorithm over all parameters in one call, which is what keeps a step on a small model cheap.
Taught in ch05_pretraining/01_training_step.ipynb.
Needs: nothing but torch.
"""

from collections.abc import Callable, Iterable
from math import sqrt

import torch
from torch import Tensor

_SETTINGS = ("lr", "betas", "eps", "weight_decay")


class AdamW(torch.optim.Optimizer):
    """Adam with decoupled weight decay, for parameters of any shape.

    `params` is an iterable of parameters, or of dicts with a key "params" and their own lr, betas,
    eps or weight_decay. Parameters without a gradient keep their value and their state. State: two
    tensors of the parameter's shape and dtype each. ValueError for a setting outside its range.

    >>> w = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    >>> optimizer = AdamW([w], lr=0.1, weight_decay=0.0)
    >>> w.grad = torch.tensor([0.5, 300.0])
    >>> optimizer.step()
    >>> w.data  # the first step is lr * sign(g), whatever the size of g
    tensor([ 0.9000, -2.1000])
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict],
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
        weight_decay: float = 0.1,
    ) -> None:
        if lr < 0 or eps < 0 or weight_decay < 0:
            raise ValueError(
                f"lr {lr}, eps {eps} and weight_decay {weight_decay} must not be negative"
            )
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas {betas} must lie in [0, 1)")
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Update every parameter that has a gradient. Cost: about 10 passes over the parameters."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            by_age: dict[int, list[Tensor]] = {}
            for p in group["params"]:
                if p.grad is not None:
                    by_age.setdefault(self._advance(p), []).append(p)
            for t, params in by_age.items():  # one entry, unless some gradients were missing before
                self._update(params, t, **{name: group[name] for name in _SETTINGS})
        return loss

    def _advance(self, p: Tensor) -> int:
        state = self.state[p]
        if not state:
            state.update(step=0, exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
        state["step"] += 1
        return state["step"]

    def _update(
        self,
        params: list[Tensor],
        t: int,
        *,
        lr: float,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
    ) -> None:
        grads = [p.grad for p in params]
        m = [self.state[p]["exp_avg"] for p in params]
        v = [self.state[p]["exp_avg_sq"] for p in params]
        beta1, beta2 = betas
        if weight_decay:
            torch._foreach_mul_(params, 1 - lr * weight_decay)
        torch._foreach_lerp_(m, grads, 1 - beta1)
        torch._foreach_mul_(v, beta2)
        torch._foreach_addcmul_(v, grads, grads, 1 - beta2)
        denominator = torch._foreach_sqrt(v)
        torch._foreach_div_(denominator, sqrt(1 - beta2**t))
        torch._foreach_add_(denominator, eps)
        torch._foreach_addcdiv_(params, m, denominator, -lr / (1 - beta1**t))
