"""Muon: momentum whose update for a weight matrix is replaced by the nearest orthogonal matrix.

    B <- momentum * B + (1 - momentum) * G          running mean of the gradient G (m, n)
    U <- (1 - momentum) * G + momentum * B          Nesterov: look one step ahead
    W <- W - lr * weight_decay * W - lr * sqrt(max(1, m / n)) * orthogonalize(U)

`orthogonalize` keeps the singular vectors of U = P S Q^T and moves every singular value in S
towards 1, so rare directions learn as fast as frequent ones. Jordan et al. 2024, "Muon: an
optimizer for hidden layers in neural networks" (kellerjordan.github.io/posts/muon); Bernstein and
Newhouse 2024, arXiv 2409.20325; at scale: Liu et al. 2025, arXiv 2502.16982. Only matrices that
multiply activations qualify; embeddings and norms go to AdamW: `split_parameters` separates them.
Shapes: N matrices of one shape, m rows, n columns.
Taught in ch05_pretraining/01_training_step.ipynb.
Needs: nothing but torch.
"""

from collections.abc import Callable, Iterable
from math import sqrt

import torch
from torch import Tensor, nn

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalize(matrices: Tensor, *, steps: int = 5, dtype: torch.dtype | None = None) -> Tensor:
    """Move the singular values of each matrix (..., m, n) to about 1; return them, same shape.

    Five Newton-Schulz steps X <- a X + b (X X^T) X + c (X X^T)^2 X apply the polynomial
    a s + b s^3 + c s^5 to every singular value s. The coefficients rise as steeply as they can at
    0 and leave values above 0.003 between 0.68 and 1.21, not at 1 exactly. `dtype` is the precision
    of the products (default: the input's); bfloat16 is enough. Cost: 2 * steps * r^2 * (2 R + r)
    FLOPs a matrix, with r = min(m, n) and R = max(m, n). A zero matrix gives zeros. ValueError
    below 2-D.

    >>> orthogonalize(torch.diag(torch.tensor([4.0, 2.0, 1.0]))).diagonal()
    tensor([0.8210, 1.1325, 0.6994])
    """
    if matrices.ndim < 2:
        raise ValueError(f"orthogonalize needs matrices (..., m, n), got {tuple(matrices.shape)}")
    a, b, c = _COEFFICIENTS
    m, n = matrices.shape[-2:]
    x = matrices.reshape(-1, m, n).to(dtype or matrices.dtype)
    x = x.mT if m > n else x  # the Gram matrix X X^T is smallest when the rows are the short side
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)  # every singular value <= 1
    for _ in range(steps):
        gram = torch.bmm(x, x.mT)  # (N, r, r)
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)  # b G + c G^2
        x = torch.baddbmm(x, polynomial, x, beta=a)  # (N, r, R)
    x = x.mT if m > n else x
    return x.reshape(matrices.shape).to(matrices.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum with orthogonalised updates, for 2-D parameters.

    All matrices of one shape are stacked and orthogonalised together with batched products. `dtype`
    is passed to `orthogonalize`. State: one tensor of the parameter's shape. ValueError for a
    parameter that is not 2-D or a setting outside its range.

    >>> w = nn.Parameter(torch.zeros(2, 2))
    >>> optimizer = Muon([w], lr=1.0, weight_decay=0.0)
    >>> w.grad = torch.tensor([[300.0, 0.0], [0.0, 300.0]])
    >>> optimizer.step()
    >>> w.data.diagonal()  # close to minus the identity: the size of the gradient is gone
    tensor([-1.1081, -1.1081])
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict],
        lr: float = 0.02,
        *,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        dtype: torch.dtype | None = None,
    ) -> None:
        if lr < 0 or weight_decay < 0:
            raise ValueError(f"lr {lr} and weight_decay {weight_decay} must not be negative")
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum {momentum} must lie in [0, 1)")
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))
        self.dtype = dtype
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim != 2:
                    raise ValueError(f"Muon trains 2-D parameters, got shape {tuple(p.shape)}")

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Update every matrix that has a gradient. Cost: that of `orthogonalize`."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = {}
            for p in group["params"]:
                if p.grad is not None:
                    by_shape.setdefault(p.shape, []).append(p)
            for params in by_shape.values():
                self._update(params, group["lr"], group["momentum"], group["weight_decay"])
        return loss

    def _update(
        self, params: list[Tensor], lr: float, momentum: float, weight_decay: float
    ) -> None:
        for p in params:
            if not self.state[p]:
                self.state[p]["momentum_buffer"] = torch.zeros_like(p)
        grads = [p.grad for p in params]
        buffers = [self.state[p]["momentum_buffer"] for p in params]
        torch._foreach_lerp_(buffers, grads, 1 - momentum)
        lookahead = torch._foreach_lerp(grads, buffers, momentum)
        updates = orthogonalize(torch.stack(lookahead), dtype=self.dtype)  # (N, m, n)
        m, n = params[0].shape
        if weight_decay:
            torch._foreach_mul_(params, 1 - lr * weight_decay)
        torch._foreach_add_(params, updates.unbind(), alpha=-lr * sqrt(max(1, m / n)))


def split_parameters(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Separate what Muon trains from what AdamW trains: (matrices of the layers, all the rest).

    A matrix is a trainable 2-D parameter under `layers.`; the rest is embeddings, output layer,
    norms and biases. Both lists keep the model's order; frozen parameters are in neither.

    >>> model = nn.ModuleDict({"emb": nn.Embedding(9, 4), "layers": nn.Sequential(nn.Linear(4, 3))})
    >>> [[tuple(p.shape) for p in part] for part in split_parameters(model)]
    [[(3, 4)], [(9, 4), (3,)]]
    """
    trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
    matrices = [p for name, p in trainable.items() if p.ndim == 2 and name.startswith("layers.")]
    rest = [p for name, p in trainable.items() if p.ndim != 2 or not name.startswith("layers.")]
    return matrices, rest
