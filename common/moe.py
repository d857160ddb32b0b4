"""A mixture of experts: many feed-forward layers, of which each token uses a few.

A router, one linear map, scores the experts for every token. The best experts_per_token of them
compute, and the softmax of their scores weighs what they return. Parameters grow with the number of
experts, operations only with the number that a token uses.

Nothing keeps a router from sending every token to the same few experts, which then are the only
ones that learn. `load_balancing_loss` makes that expensive, and `with_load_balancing` adds it to
any loss that `train` takes.

Mixtral: Jiang et al. 2024, arXiv 2401.04088, section 2.1. Switch Transformer: Fedus et al. 2021,
arXiv 2101.03961, equations 4 to 6.
Shapes: N tokens, D d_model, F d_ff, E num_experts, K experts_per_token; leading dimensions are
free.
Taught in ch04_model/02_feed_forward.ipynb.
Needs: feed_forward.py, layers.py.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from .feed_forward import SwiGLU
from .layers import Linear


class MoE(nn.Module):
    """The weighted sum of the experts_per_token SwiGLU experts that the router likes best.

    x (..., D) -> (..., D), in x's dtype; routing weights and the sum are float32 or wider. Every
    token reaches all its experts, however many others chose the same ones, and no expert computes
    a token that did not choose it. An expert that nobody chose gets a gradient of zeros, so all
    processes of a parallel run have the same gradients to exchange. With experts_per_token = 1 the
    one weight is always 1: the router then learns from the load-balancing loss alone.

    Cost: 2 D E + 6 D F K FLOPs a token. ValueError when the sizes do not fit together.

    >>> moe = MoE(d_model=6, d_ff=16, num_experts=8, experts_per_token=2)
    >>> moe(torch.zeros(4, 5, 6)).shape
    torch.Size([4, 5, 6])
    >>> sum(p.numel() for p in moe.parameters())  # 8 SwiGLUs of 288, and a router of 6 * 8
    2352
    """

    def __init__(
        self, d_model: int, d_ff: int, num_experts: int, experts_per_token: int = 2
    ) -> None:
        super().__init__()
        for name, size in (("d_model", d_model), ("d_ff", d_ff), ("num_experts", num_experts)):
            if size < 1:
                raise ValueError(f"{name} must be at least 1, got {size}")
        _check_choice(experts_per_token, num_experts)
        self.d_model, self.experts_per_token = d_model, experts_per_token
        self.router = Linear(d_model, num_experts)
        self.experts = nn.ModuleList(SwiGLU(d_model, d_ff) for _ in range(num_experts))

    def route(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Who computes what: weights (..., K), which sum to 1, and expert ids (..., K) int64.

        The best expert comes first. The weights are the softmax of the chosen scores alone, which
        equals Mixtral's: softmax over all, then divided by the sum of the chosen.
        """
        best = self.router(x).topk(self.experts_per_token, dim=-1)
        return best.values.to(_at_least_float32(x.dtype)).softmax(dim=-1), best.indices

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1:] != (self.d_model,):
            raise ValueError(f"x must end in d_model {self.d_model}, got shape {tuple(x.shape)}")
        tokens = x.reshape(-1, self.d_model)  # (N, D)
        weights, chosen = self.route(tokens)  # (N, K)
        # One row for each choice, ordered by expert, so that each expert reads one slice.
        order = chosen.flatten().argsort(stable=True)  # (N K,)
        rows = tokens.index_select(0, order // self.experts_per_token)
        counts = torch.bincount(chosen.flatten(), minlength=len(self.experts)).tolist()
        computed = [
            expert(piece)
            for expert, piece in zip(self.experts, rows.split(counts), strict=True)
            if len(piece) or torch.is_grad_enabled()  # no rows: no operations, zero gradients
        ]
        outputs = torch.cat(computed) if computed else rows
        back = torch.empty_like(outputs).index_copy(0, order, outputs)  # each row to its token
        back = back.view(*chosen.shape, self.d_model)  # (N, K, D)
        return (weights[..., None] * back).sum(dim=-2).to(x.dtype).view(x.shape)

    def extra_repr(self) -> str:
        return f"{self.d_model}, experts_per_token={self.experts_per_token}"


def load_balancing_loss(
    router_logits: Tensor, experts_per_token: int, mask: Tensor | None = None
) -> Tensor:
    """E sum_i f_i P_i: about K when all experts get equally much, E when K of them get everything.

    f_i is the share of tokens that choose expert i (the shares sum to K), P_i the mean over tokens
    of its softmax probability. Only P has a gradient: it lowers the scores of the experts that are
    chosen too often.

    Args:
        router_logits: (..., E), the scores of one layer. Scores of several layers stacked into one
            tensor are averaged before they are multiplied, as transformers does: then experts of
            the same number in different layers balance each other. See `with_load_balancing`.
        experts_per_token: K.
        mask: (...) bool, True where a token counts; padding does not.

    Returns:
        A float32 scalar (float64 for float64).

    Raises:
        ValueError: K is not in 1..E, the mask has another shape, or no token counts.

    >>> load_balancing_loss(torch.tensor([[9.0, 0.0], [0.0, 9.0]]), 1)  # one token each
    tensor(1.)
    >>> load_balancing_loss(torch.tensor([[9.0, 0.0], [9.0, 0.0]]), 1)  # both to the first
    tensor(1.9998)
    """
    num_experts = router_logits.shape[-1]
    _check_choice(experts_per_token, num_experts)
    if mask is not None and mask.shape != router_logits.shape[:-1]:
        raise ValueError(
            f"mask must have shape {tuple(router_logits.shape[:-1])}, got {tuple(mask.shape)}"
        )
    rows = router_logits.reshape(-1, num_experts) if mask is None else router_logits[mask.bool()]
    if not len(rows):
        raise ValueError("load balancing is a mean over tokens, and none is there to count")
    rows = rows.to(_at_least_float32(rows.dtype))
    chosen = rows.detach().topk(experts_per_token, dim=-1).indices
    share = torch.bincount(chosen.flatten(), minlength=num_experts).to(rows) / len(rows)  # f
    return num_experts * (share * rows.softmax(dim=-1).mean(dim=0)).sum()


def with_load_balancing(
    loss_fn: Callable[[nn.Module, Any], Tensor], *, coefficient: float = 0.01
) -> Callable[[nn.Module, Any], Tensor]:
    """`loss_fn(model, batch)` plus coefficient times the mean load-balancing loss of its layers.

    For `train(..., loss_fn=with_load_balancing(next_token_loss))`. Each MoE layer is balanced by
    itself, over all tokens that pass it (Switch Transformer; its coefficient is the default).
    Evaluate with `loss_fn` alone: the addition is no part of how well a model predicts.

    Raises:
        ValueError: the coefficient is negative; at the first call, the model has no MoE layer.

    >>> square = lambda model, batch: model(batch).square().mean()
    >>> model, batch = MoE(4, 8, num_experts=1, experts_per_token=1), torch.ones(3, 4)
    >>> balanced = with_load_balancing(square, coefficient=0.5)
    >>> addition = balanced(model, batch) - square(model, batch)
    >>> round(addition.item(), 3)  # one expert is always in balance
    0.5
    """
    if not coefficient >= 0:
        raise ValueError(f"coefficient must be at least 0, got {coefficient}")

    def balanced(model: nn.Module, batch: Any) -> Tensor:
        layers = [module for module in model.modules() if isinstance(module, MoE)]
        if not layers:
            raise ValueError(f"{type(model).__name__} has no MoE layer whose load to balance")
        penalties: list[Tensor] = []

        def watch(layer: MoE) -> Callable[..., None]:
            k = layer.experts_per_token
            return lambda _router, _x, logits: penalties.append(load_balancing_loss(logits, k))

        hooks = [layer.router.register_forward_hook(watch(layer)) for layer in layers]
        try:
            loss = loss_fn(model, batch)
        finally:
            for hook in hooks:
                hook.remove()
        return loss + coefficient * torch.stack(penalties).mean()

    return balanced


def _check_choice(experts_per_token: int, num_experts: int) -> None:
    if not 1 <= experts_per_token <= num_experts:
        raise ValueError(
            f"experts_per_token {experts_per_token} must lie in 1..num_experts {num_experts}"
        )


def _at_least_float32(dtype: torch.dtype) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32)
