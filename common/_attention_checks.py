"""What attention refuses: each function raises ValueError with the rule and what it got.

Shapes: B batch, H heads, H_kv key-value heads, T queries, S keys, D head_dim.
Needs: nothing but torch.
"""

import torch
from torch import Tensor


def check_inputs(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, *, grouped: bool = False
) -> None:
    """ValueError unless q, k, v and the mask fit; grouped: (B, H, T, D) and (B, H_kv, S, D)."""
    q_size, k_size, v_size = q.shape, k.shape, v.shape
    rule = None
    if min(len(q_size), len(k_size), len(v_size)) < 2:
        rule = "q, k and v need at least two dimensions"
    elif q_size[-1] != k_size[-1] or k_size[-2] != v_size[-2]:
        rule = "q and k must agree in their last size, k and v in the one before"
    elif not grouped:
        try:
            leading = torch.broadcast_shapes(q_size[:-2], k_size[:-2], v_size[:-2])
        except RuntimeError:
            rule = "leading dimensions must broadcast"
    elif not len(q_size) == len(k_size) == len(v_size) == 4 or q_size[0] != k_size[0]:
        rule = "q must be (B, H, T, D), k and v (B, H_kv, S, D)"
    elif k_size[:2] != v_size[:2] or k_size[1] == 0 or q_size[1] % k_size[1]:
        rule = "k and v need equally many heads, a divisor of q's"
    else:
        leading = q_size[:2]
    if rule is not None:
        raise ValueError(f"{rule}, got q {tuple(q_size)}, k {tuple(k_size)}, v {tuple(v_size)}")
    if not (q.dtype == k.dtype == v.dtype and q.is_floating_point()):
        raise ValueError(
            f"q, k and v must have one floating dtype, got {q.dtype}, {k.dtype}, {v.dtype}"
        )
    if not q.device == k.device == v.device:
        raise ValueError(f"q, k and v must be on one device: {q.device}, {k.device}, {v.device}")
    if mask is not None:
        check_mask(mask, (*leading, q_size[-2], k_size[-2]), q.device)


def check_mask(mask: Tensor, scores: tuple[int, ...], device: torch.device) -> None:
    if mask.dtype != torch.bool:
        raise ValueError(f"mask must be bool, True where a query may attend, got {mask.dtype}")
    if mask.device != device:
        raise ValueError(f"mask is on {mask.device}, q, k and v are on {device}")
    sizes = zip(reversed(mask.shape), reversed(scores), strict=False)
    if mask.dim() > len(scores) or any(size not in (1, wanted) for size, wanted in sizes):
        raise ValueError(f"mask must broadcast to {scores}, got {tuple(mask.shape)}")


def check_window(window_tokens: int | None) -> None:
    if window_tokens is not None and window_tokens < 1:
        raise ValueError(f"window_tokens must be at least 1, the token itself, got {window_tokens}")


def check_finite(**tensors: Tensor) -> None:
    for name, tensor in tensors.items():
        if not (finite := tensor.isfinite()).all():
            first = (~finite).nonzero()[0].tolist()
            raise ValueError(f"{name} must be finite, but {name}{first} is {tensor[tuple(first)]}")
