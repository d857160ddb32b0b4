"""Softmax, log-softmax, log-sum-exp and cross-entropy that stay finite.

Written as in a textbook, softmax is exp(x) / sum(exp(x)), and exp(89) is already infinite in
float32. Every function here first subtracts the row's largest entry, which changes nothing in exact
arithmetic: exp(x - m) / sum(exp(x - m)) = exp(x) / sum(exp(x)). The largest exponent is then 0, so
nothing overflows, and the sum is at least 1, so nothing is divided by zero and no logarithm of zero
is taken (Blanchard, Higham and Higham 2021, "Accurately computing the log-sum-exp and softmax
functions", IMA Journal of Numerical Analysis 41).

Inputs of 16 bits are computed in float32 and returned in their own dtype. The result is finite
wherever float64, rounded to that dtype, is. A row that holds only -inf, a +inf or a NaN has no
softmax: the answer is NaN in that row and in no other, as in torch and in float64. An empty row has
an empty softmax and the log-sum-exp -inf.

Shapes: ... any leading dimensions, V the number of classes (the vocabulary).
Taught in ch03_attention/02_stable_softmax.ipynb.
Needs: nothing but torch.
"""

import math

import torch
from torch import Tensor


def logsumexp(x: Tensor, dim: int = -1) -> Tensor:
    """log(sum(exp(x))) along `dim`, which disappears: a smooth maximum.

    A row of -inf gives -inf. Two passes over x; one temporary of its size.

    >>> logsumexp(torch.tensor([1000.0, 1000.0]))  # 1000 + log 2; exp(1000) alone is infinite
    tensor(1000.6932)
    """
    wide = _at_least_float32(x)
    largest = _largest(wide, dim)
    largest = torch.where(largest.isinf(), 0.0, largest)  # inf - inf would be NaN
    total = (wide - largest).exp().sum(dim, keepdim=True)
    return (largest + total.log()).squeeze(dim).to(x.dtype)


def softmax(x: Tensor, dim: int = -1) -> Tensor:
    """Positive weights in the proportions exp(x), summing to 1 along `dim`; x's shape and dtype.

    >>> softmax(torch.tensor([1000.0, 1000.0, -1000.0]))
    tensor([0.5000, 0.5000, 0.0000])
    """
    wide = _at_least_float32(x)
    exponentials = (wide - _largest(wide, dim)).exp()
    return (exponentials / exponentials.sum(dim, keepdim=True)).to(x.dtype)


def log_softmax(x: Tensor, dim: int = -1) -> Tensor:
    """log(softmax(x)), never forming the softmax: its small entries round to 0, whose log is -inf.

    >>> log_softmax(torch.tensor([0.0, 200.0]))
    tensor([-200.,    0.])
    """
    wide = _at_least_float32(x)
    shifted = wide - _largest(wide, dim)
    return (shifted - shifted.exp().sum(dim, keepdim=True).log()).to(x.dtype)


def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = -100) -> Tensor:
    """Mean of -log softmax(logits)[target], in nats, over the targets that are not `ignore_index`.

    logits (..., V) floating, targets (...) int64 in 0..V-1 or `ignore_index`. Returns a scalar of
    the logits' dtype, computed in float32 or wider; NaN (0 / 0) when every target is ignored, as in
    torch. An ignored row takes no part, whatever it holds: its gradient is 0 even where its logits
    are NaN. Keeps one tensor of the logits' size for the backward pass.

    Raises ValueError when shapes or devices disagree, a dtype is wrong or a target out of range.

    >>> cross_entropy(torch.zeros(2, 1024), torch.tensor([5, 9]))  # knowing nothing costs log 1024
    tensor(6.9315)
    >>> cross_entropy(torch.zeros(2, 4), torch.tensor([5, -100]))
    Traceback (most recent call last):
    ValueError: targets must be in 0..3 (4 classes) or ignore_index -100, got 5
    """
    if logits.shape[:-1] != targets.shape:
        raise ValueError(
            f"targets need the shape of logits without the classes, {tuple(logits.shape[:-1])}, "
            f"got {tuple(targets.shape)}"
        )
    if targets.dtype != torch.int64:
        raise ValueError(f"targets must be int64, got {targets.dtype}")
    if logits.device != targets.device:
        raise ValueError(f"logits are on {logits.device} and targets on {targets.device}: move one")
    num_classes = logits.shape[-1]
    counted = targets != ignore_index
    bad = counted & ((targets < 0) | (targets >= num_classes))
    if bad.any():
        raise ValueError(
            f"targets must be in 0..{num_classes - 1} ({num_classes} classes) or ignore_index "
            f"{ignore_index}, got {targets[bad][0].item()}"
        )
    flat = logits.reshape(-1, num_classes)
    return _CrossEntropy.apply(flat, targets.reshape(-1), counted.reshape(-1)).to(logits.dtype)


class _CrossEntropy(torch.autograd.Function):
    """A row's loss is logsumexp(x) - x[target]; its derivative by x, softmax(x) - onehot(target).

    Autograd finds the same derivative, but stores more than this one tensor of the logits' size.
    """

    @staticmethod
    def forward(ctx, logits: Tensor, targets: Tensor, counted: Tensor) -> Tensor:
        wide = _at_least_float32(logits)
        rows = torch.where(counted, targets, 0).unsqueeze(-1)  # ignored rows need a legal index
        shifted = wide - _largest(wide, -1)
        chosen = shifted.gather(-1, rows)
        exponentials = shifted.exp_()
        total = exponentials.sum(-1, keepdim=True)
        losses = (total.log() - chosen).squeeze(-1)
        weight = counted.to(wide.dtype) / counted.sum()  # each row's share of the mean
        ignored = (~counted).nonzero().squeeze(-1)
        ctx.save_for_backward(exponentials, total, rows, weight, ignored)
        ctx.dtype = logits.dtype
        return torch.where(counted, losses, 0).sum() / counted.sum()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad_output: Tensor) -> tuple[Tensor, None, None]:
        exponentials, total, rows, weight, ignored = ctx.saved_tensors
        scale = (weight * grad_output).unsqueeze(-1)
        grad = exponentials * (scale / total)  # softmax, already scaled: one pass over (N, V)
        grad.scatter_add_(-1, rows, -scale)  # minus one at the target
        grad.index_fill_(0, ignored, 0.0)  # where the logits are NaN, 0 * NaN has made a NaN
        return grad.to(ctx.dtype), None, None


def _largest(x: Tensor, dim: int) -> Tensor:
    """The largest entry along `dim`, kept as size 1. A constant: its gradient would cancel."""
    if x.dim() and not x.shape[dim]:
        return x.new_full((), -math.inf)  # the largest of nothing
    return x.detach().amax(dim, keepdim=True)


def _at_least_float32(x: Tensor) -> Tensor:
    if not x.is_floating_point():
        raise ValueError(f"expected a floating-point tensor, got {x.dtype}")
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
