"""Normalisation and its gradients as they should be, and what each typical mistake gives instead.

This is scaffolding of the book, not a subject of it: the checks of chapter 4 stand on it.
Needs: nothing but torch.
"""

import torch
from torch import Tensor

Mistakes = list[tuple[object, str]]


def nearest(got: object, candidates: list[Tensor]) -> object:
    """The first candidate that differs from `got` by float16's rounding alone, or `got`."""
    for candidate in candidates:
        if isinstance(got, Tensor) and got.shape == candidate.shape:
            if torch.allclose(
                got.double(), candidate.double(), rtol=3e-3, atol=3e-3, equal_nan=True
            ):
                return candidate
    return got


def half_norms(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Mistakes]:
    """LayerNorm of float16 vectors, computed in float64, and its typical mistakes."""
    wide, size = x.double(), x.shape[-1]
    apart = wide - wide.mean(-1, keepdim=True)
    var = apart.square().mean(-1, keepdim=True)
    root = (var + eps).sqrt()
    across = wide - wide.mean(0)
    columns = across / (across.square().mean(0) + eps).sqrt()
    wrong = [
        (apart / (var.sqrt() + eps) * weight + bias, "Is your epsilon inside the square root? It "
         "is added to the variance, before the root."),
        (apart / (var + eps * eps).sqrt() * weight + bias, "eps is added as it is, not squared."),
        (apart / var.sqrt() * weight + bias, "eps is missing: it is added to the variance, inside "
         "the root. Without it equal numbers give 0 / 0."),
        (apart / (var * size / (size - 1) + eps).sqrt() * weight + bias, "The variance is the mean "
         "of the squares: divide by D, not by D - 1. torch.var needs correction=0."),
        (apart / (var + eps) * weight + bias, "Divide by the root of the variance."),
        (apart / root * weight, "The bias is lost."),
        (apart / root, "weight and bias are lost."),
        ((apart / root + bias) * weight, "The bias is added last: after the weight."),
        (wide / root * weight + bias, "The mean is subtracted from x as well."),
        (wide / (wide.square().mean(-1, keepdim=True) + eps).sqrt() * weight + bias, "That is "
         "RMSNorm: the mean is not subtracted."),
        (columns * weight + bias, "Each vector has a mean of its own: over the last size, with "
         "keepdim=True."),
    ]  # fmt: skip
    right = (apart / root * weight + bias).half()
    return right, [(y.half(), hint) for y, hint in wrong]


def gradients_by_x(
    x: Tensor, scale: Tensor, weight: Tensor, grad: Tensor
) -> tuple[Tensor, Mistakes]:
    """RMSNorm's gradient by its input, and its typical mistakes."""
    unit, g = x * scale, grad * weight
    mean = (g * unit).mean(-1, keepdim=True)
    right = scale * (g - unit * mean)
    rows = "Every row has a scale of its own: mean over the last size, with keepdim=True."
    return right, [
        (scale * g, "The scale was treated as a constant. It depends on every entry of x: take "
         "unit * mean(g * unit) away."),
        (scale * (g - unit * (grad * unit).mean(-1, keepdim=True)), "The mean is over the gradient "
         "that reaches unit: grad * weight, not grad."),
        (scale * (grad - unit * (grad * unit).mean(-1, keepdim=True)), "The gradient that reaches "
         "unit is grad * weight, not grad."),
        (scale * (g - unit * mean * x.shape[-1]), "The sum is divided by D: the scale holds a "
         "mean."),
        (scale * (g - unit * weight * (g * unit * weight).mean(-1, keepdim=True)), "y is unit * "
         "weight: divide by weight first."),
        (scale * (g - unit * scale * (g * unit * scale).mean(-1, keepdim=True)), "unit is y / "
         "weight: it has been scaled already."),
        (g - unit * mean, "The factor scale is missing: of an x twice as large, y feels half as "
         "much."),
        ((g - unit * mean) / scale, "scale is 1 / rms: multiply by it, do not divide."),
        (scale * (g - g.mean(-1, keepdim=True) - unit * mean), "That is LayerNorm's: no mean was "
         "subtracted here on the way."),
        (scale * (g + unit * mean), "The sign: a larger entry of x makes the scale smaller."),
        (scale * (g - unit * (g * unit).mean()), rows),
        (scale * (g - unit * (g * unit).mean(0)), rows),
        *([(scale * (g - unit * mean.squeeze(-1)), rows)] if x.shape[0] == x.shape[-1] else []),
        (scale * (g - unit * mean / unit.square().mean(-1, keepdim=True)), "Why is y normalised "
         "again? With an eps, mean(unit ** 2) is below 1, and that is as it should be."),
    ]  # fmt: skip


def gradients_by_weight(unit: Tensor, weight: Tensor, grad: Tensor) -> tuple[Tensor, Mistakes]:
    """RMSNorm's gradient by its weight, and its typical mistakes."""
    every = (grad * unit).flatten(0, -2)
    return every.sum(0), [
        (grad * unit, "One weight serves all rows: add its gradients up."),
        (every.mean(0), "One weight serves all rows: their gradients add up, without a mean."),
        ((grad * unit).sum(0), "All sizes but the last are summed over, however many there are."),
        (grad.flatten(0, -2).sum(0), "That is the gradient of a bias. A weight multiplies unit."),
        ((every * weight).sum(0), "y is unit * weight: the gradient by weight is grad * unit."),
    ]  # fmt: skip
