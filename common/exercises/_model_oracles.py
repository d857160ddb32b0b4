"""Right answers to the exercises of chapter 4, and what each typical mistake gives instead.

This is scaffolding of the book, not a subject of it: the checks of the exercises stand on it.
Needs: nothing but torch.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

Expert = Callable[[Tensor], Tensor]


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Random numbers in float64: what differs from the right answer differs by a mistake."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def experts_of(d_model: int, num_experts: int) -> tuple[list[Expert], list[int]]:
    """Experts, no two alike and none linear, and a list that notes the rows of each call."""
    rows: list[int] = []

    def expert(number: int) -> Expert:
        def compute(x: Tensor) -> Tensor:
            if len(x := torch.atleast_2d(x)):
                rows.append(len(x))
            return _expert(number, x)

        return lambda x: compute(x).view(x.shape)

    return [expert(number) for number in range(num_experts)], rows


def _expert(number: int, x: Tensor) -> Tensor:
    return (x @ normal(x.shape[-1], x.shape[-1], seed=50 + number)).tanh() + 1


def mixture(
    x: Tensor,
    chosen: Tensor,
    gates: Tensor,
    *,
    first: bool = False,
    overwrite: bool = False,
    capacity: int | None = None,
) -> Tensor:
    """The sum of gate times expert, token by token; each option is a mistake.

    first: the gate multiplies what the expert reads. overwrite: an expert writes over what those of
    lower numbers gave. capacity: an expert computes so many tokens and drops those that come later.
    """
    out, room = torch.zeros_like(x), {}
    for row in range(len(x)):
        for expert, gate in sorted(zip(chosen[row].tolist(), gates[row], strict=True)):
            room[expert] = room.get(expert, 0) + 1
            if capacity is not None and room[expert] > capacity:
                continue
            reads = gate * x[row] if first else x[row]
            gives = _expert(expert, reads) * (1 if first else gate)
            out[row] = gives if overwrite else out[row] + gives
    return out


def drafts() -> Iterator[tuple[list[int], Tensor, Tensor, Tensor]]:
    """Drafts with their probabilities under both models, and the numbers that decide."""
    small, large = torch.tensor([[0.6, 0.4]]).double(), torch.tensor([[0.3, 0.7], [0.5, 0.5]])
    for number in (0.4, 0.6):
        yield [0], small, large.double(), torch.tensor([number, 0.9]).double()
    for seed in range(60):
        size = 1 + seed % 4
        small = normal(size, 5, seed=seed).softmax(-1)
        large = normal(size + 1, 5, seed=100 + seed).softmax(-1)
        generator = torch.Generator().manual_seed(seed)
        ids = torch.multinomial(small, 1, generator=generator).flatten().tolist()
        yield ids, small, large, torch.rand(size + 1, generator=generator, dtype=torch.float64)


def accepted(
    ids: list[int], small: Tensor, large: Tensor, uniforms: Tensor, mistake: str = ""
) -> list[int]:
    """What a large model makes of the draft of a small one (speculative sampling)."""
    kept = []
    for place, token in enumerate(ids):
        p, q = small[place], large[place]
        limit = {"inverted": p[token] / q[token], "alone": q[token]}.get(
            mistake, q[token] / p[token]
        )
        if uniforms[place] < limit:
            kept.append(token)
            continue
        left = {"all": q, "difference": (q - p).abs(), "other way": (p - q).clamp(min=0)}
        rest = left.get(mistake, (q - p).clamp(min=0))
        rest = rest if mistake == "not normalised" else rest / rest.sum()
        token = int(rest.argmax()) if mistake == "likeliest" else _drawn(rest, uniforms[-1])
        if mistake in ("goes on", "leaves out"):
            kept += [token] if mistake == "goes on" else []
            continue
        return kept if mistake == "no replacement" else [*kept, token]
    if mistake == "no extra":
        return kept
    return [*kept, _drawn(large[-2 if mistake == "row before" else -1], uniforms[-1])]


def _drawn(probabilities: Tensor, uniform: Tensor) -> int:
    """The first id at which the running sum passes the number; the last one if none does."""
    return min(int((probabilities.cumsum(0) <= uniform).sum()), len(probabilities) - 1)


def nibbles(
    weight: Tensor,
    group_size: int,
    *,
    largest: int = 7,
    rounding: Callable[[Tensor], Tensor] = torch.round,
    offset: int = 8,
    by_row: bool = False,
) -> tuple[Tensor, Tensor]:
    """Numbers 0 to 15, not packed yet, and scales; whatever is not the default is a mistake."""
    groups = weight.unflatten(-1, (-1, group_size))
    scales = groups.abs().amax(-1) / largest
    if by_row:
        scales = scales.amax(-1, keepdim=True).expand_as(scales)
    steps = groups / torch.where(scales == 0, 1.0, scales)[..., None]
    whole = rounding(steps).clamp(-8, 7).to(torch.int64) + offset
    return (whole & 15).flatten(-2).to(torch.uint8), scales


def packed(numbers: Tensor, *, high_first: bool = False, halves: bool = False) -> Tensor:
    """Two numbers a byte: of neighbours, the first in the low four bits."""
    low, high = numbers.chunk(2, -1) if halves else (numbers[..., 0::2], numbers[..., 1::2])
    return high + 16 * low if high_first else low + 16 * high
