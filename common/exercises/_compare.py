"""Compare an answer with the right one, and recognise the wrong ones that people usually give.

This is scaffolding of the book, not a subject of it: the checks of the exercises stand on it.
Needs: nothing but torch.
"""

from collections.abc import Callable, Iterable
from inspect import isgenerator

import torch
from torch import Tensor

_SHOWN_ENTRIES = 12  # of a tensor; of a longer one the entry that is furthest off is named
_SHOWN_CHARS = 80  # of a list; of a longer one the first entry that differs is named
_CLOSE = {
    "rtol": 1e-5,
    "atol": 1e-6,
    "equal_nan": True,
}  # looser than float64 needs, tighter than any mistake here


def demand(held: bool, hint: str) -> None:
    """Raise AssertionError with the hint unless `held`. An assert statement can be switched off."""
    if not held:
        raise AssertionError(hint)


def refuse(call: str, run: Callable[[], object], hint: str) -> None:
    """Raise AssertionError with the hint unless `run` raises ValueError."""
    try:
        got = run()
    except ValueError:
        return
    raise AssertionError(f"{call} gives {_shown(got)}, not a ValueError. {hint}")


def compare(
    call: str, got: object, right: object, mistakes: Iterable[tuple[object, str]] = ()
) -> None:
    """Raise AssertionError unless `got` is `right`, with the hint of the mistake that it shows.

    Args:
        call: what was computed, as the reader would type it; begins the message.
        got: what the attempt returned.
        right: what it should have returned.
        mistakes: wrong results that typical mistakes give, each with its hint.
    """
    if same(got, right):
        return
    demand(got is not None, f"{call} returns None. Does your function end with return?")
    if isgenerator(got):
        raise AssertionError(f"{call} returns a generator. Collect it in a list before returning.")
    for wrong, hint in mistakes:
        demand(not same(got, wrong), f"{call} {_difference(got, right)}. {hint}")
    raise AssertionError(f"{call} {_difference(got, right)}.")


def same(got: object, right: object) -> bool:
    """Equal; for tensors equal in shape and dtype, and close."""
    if isinstance(right, Tensor):
        alike = isinstance(got, Tensor) and got.shape == right.shape and got.dtype == right.dtype
        return alike and torch.allclose(got, right, **_CLOSE)
    return type(got) is type(right) and got == right


def _difference(got: object, right: object) -> str:
    """How the two differ, in the terms that help most: type, shape, dtype, NaN, then entries."""
    if isinstance(got, list) and isinstance(right, list) and len(repr(right)) > _SHOWN_CHARS:
        if len(got) != len(right):
            return f"has {len(got)} entries, not {len(right)}"
        place = next(i for i, pair in enumerate(zip(got, right, strict=True)) if pair[0] != pair[1])
        return f"has {got[place]!r} at place {place}, not {right[place]!r}"
    if not isinstance(got, Tensor) or not isinstance(right, Tensor):
        return f"gives {_shown(got)}, not {_shown(right)}"
    if got.shape != right.shape:
        return f"has the shape {tuple(got.shape)}, not {tuple(right.shape)}"
    if got.dtype != right.dtype:
        return f"has the dtype {got.dtype}, not {right.dtype}"
    if got.isnan().any() and not right.isnan().any():
        return f"holds {int(got.isnan().sum())} NaN among {got.numel()} entries"
    if got.numel() <= _SHOWN_ENTRIES:
        return f"gives {_shown(got)}, not {_shown(right)}"
    off = (got.double() - right.double()).abs().nan_to_num(nan=torch.inf)
    off = off.masked_fill(got == right, 0).flatten()  # inf - inf is NaN, and no difference
    where = tuple(int(i) for i in torch.unravel_index(off.argmax(), right.shape))
    return f"has {_shown(got[where])} in entry {where}, not {_shown(right[where])}"


def _shown(value: object) -> str:
    """A value as the reader would write it, tensors rounded to four digits."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_shown, value))})"
    if not isinstance(value, Tensor):
        return repr(value)
    if value.numel() > _SHOWN_ENTRIES:
        return f"a tensor {tuple(value.shape)}"
    return repr(_rounded(value.tolist()))


def _rounded(value: object) -> object:
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value
