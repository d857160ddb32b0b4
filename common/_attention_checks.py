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
    shapes = f"got q {tuple(q.shape)}, k {tuple(k.shape)}, v {tuple(v.shape)}"
    if min(q.dim(), k.dim(), v.dim()) < 2:
        raise ValueError(f"q, k and v need at least two dimensions, {shapes}")
    if q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ValueError(
            f"q and k must agree in their last size, k and v in the one before, {shapes}"
        )
    if not (q.dtype == k.dtype == v.dtype and q.is_floating_point()):
        raise ValueError(
            f"q, k and v must have one floating dtype, got {q.dtype}, {k.dtype}, {v.dtype}"
        )
    if not q.device == k.device == v.device:
        raise ValueError(f"q, k and v must be on one device: {q.device}, {k.device}, {v.device}")
    if grouped:
        if not q.dim() == k.dim() == v.dim() == 4 or not q.shape[0] == k.shape[0] == v.shape[0]:
            raise ValueError(f"q must be (B, H, T, D), k and v (B, H_kv, S, D), {shapes}")
        if k.shape[1] != v.shape[1] or k.shape[1] == 0 or q.shape[1] % k.shape[1]:
            raise ValueError(f"k and v need equally many heads, a divisor of q's, {shapes}")
        leading = q.shape[:2]
    else:
        try:
            leading = torch.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
        except RuntimeError:
            raise ValueError(f"leading dimensions must broadcast, {shapes}") from None
    if mask is not None:
        check_mask(mask, (*leading, q.shape[-2], k.shape[-2]), q.device)


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
