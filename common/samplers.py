"""From logits to the next token: greedy choice, sampling, and the filters that cut the tail.

Pure functions on logits (..., V). A filter returns new logits with -inf where a token is dropped,
so filters combine; `sample` applies them in the field's order: temperature, top-k, top-p, min-p.

Top-k: Fan et al. 2018, arXiv 1805.04833. Top-p: Holtzman et al. 2019, arXiv 1904.09751.
Min-p: Nguyen et al. 2024, arXiv 2407.01082.
Repetition penalty: Keskar et al. 2019, arXiv 1909.05858, section 4.1.
Taught in ch04_model/05_generation.ipynb.
Needs: nothing but torch.
"""

import torch
from torch import Tensor


def greedy(logits: Tensor) -> Tensor:
    """The most likely token: logits (..., V) -> ids (...). The first of equals wins.

    ValueError when a row holds NaN or +inf, or nothing but -inf.

    >>> greedy(torch.tensor([[0.1, 2.0, -1.0]]))
    tensor([1])
    """
    best, ids = logits.max(dim=-1)
    _check(best)
    return ids


def sample(
    logits: Tensor,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw a token from softmax(logits / temperature) after the filters: (..., V) -> ids (...).

    temperature 0 is greedy; below 1 favours likely tokens, above 1 flattens. A filter left at None
    does nothing. ValueError when a row holds NaN or +inf, or nothing but -inf, and for a
    temperature that is negative or not finite in float32.

    >>> sample(torch.tensor([0.0, 5.0, 5.1]), top_k=1)
    tensor(2)
    """
    if not 0 <= temperature <= torch.finfo(torch.float32).max:
        raise ValueError(f"temperature must be at least 0 and finite in float32, got {temperature}")
    if temperature < torch.finfo(torch.float32).tiny:  # 0, and what would be 0 in float32
        return greedy(logits)
    best = logits.max(dim=-1, keepdim=True).values
    _check(best)
    logits = (logits.float() - best.float()) / temperature  # highest is 0: no overflow near 0
    if top_k is not None:
        logits = keep_top_k(logits, top_k)
    if top_p is not None:
        logits = keep_top_p(logits, top_p)
    if min_p is not None:
        logits = keep_min_p(logits, min_p)
    probabilities = logits.softmax(dim=-1)
    rows = probabilities.view(-1, logits.shape[-1])
    return torch.multinomial(rows, 1, generator=generator).view(logits.shape[:-1])


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Keep the k highest logits of each row, the first of equals (all when k >= V).

    >>> keep_top_k(torch.tensor([1.0, 3.0, 2.0]), 2)
    tensor([-inf, 3., 2.])
    """
    if k < 1:
        raise ValueError(f"top_k must be at least 1, got {k}")
    least = logits.topk(min(k, logits.shape[-1]), dim=-1).values[..., -1:]
    kept = logits >= least
    if (kept.sum(dim=-1) > k).any():  # more are equal to the least than there are places for
        above = logits > least
        rank = (kept & ~above).cumsum(dim=-1)  # 1 for the first of equals
        kept = above | (kept & (rank <= k - above.sum(dim=-1, keepdim=True)))
    return logits.masked_fill(~kept, -torch.inf)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Keep the smallest set of most likely tokens whose probabilities add up to at least p.

    Among equals the first are kept.

    >>> keep_top_p(torch.tensor([0.5, 0.3, 0.15, 0.05]).log(), 0.7).exp()
    tensor([0.5000, 0.3000, 0.0000, 0.0000])
    """
    if not 0 < p <= 1:
        raise ValueError(f"top_p must be above 0 and at most 1, got {p}")
    ordered, order = logits.sort(dim=-1, descending=True, stable=True)
    probabilities = ordered.softmax(dim=-1)
    before = probabilities.cumsum(dim=-1) - probabilities  # what the more likely tokens add up to
    if p < 1:  # at 1 rounding in the sum could drop the last tokens
        is_surplus = (before >= p) & (before > 0)  # the first stays, also if p is 0 in float32
        ordered = ordered.masked_fill(is_surplus, -torch.inf)
    return torch.empty_like(logits).scatter(-1, order, ordered)


def keep_min_p(logits: Tensor, p: float) -> Tensor:
    """Keep the tokens that are at least p times as likely as the most likely one.

    >>> keep_min_p(torch.tensor([0.5, 0.3, 0.15, 0.05]).log(), 0.2).exp()
    tensor([0.5000, 0.3000, 0.1500, 0.0000])
    """
    if not 0 <= p <= 1:
        raise ValueError(f"min_p must be between 0 and 1, got {p}")
    probabilities = logits.softmax(dim=-1)
    best = probabilities.max(dim=-1, keepdim=True).values
    return logits.masked_fill(probabilities < p * best, -torch.inf)


def penalise_repetition(logits: Tensor, ids: Tensor, penalty: float) -> Tensor:
    """Make the tokens in ids (..., T) less likely: positive logits are divided, others multiplied.

    logits (..., V), ids (..., T) -> (..., V). penalty 1 changes nothing; the paper takes 1.2. Names
    and full stops are punished as well.

    >>> penalise_repetition(torch.tensor([2.0, -1.0, 3.0]), torch.tensor([0, 1, 1]), 2.0)
    tensor([ 1., -2.,  3.])
    """
    if not penalty >= 1:
        raise ValueError(f"repetition_penalty must be at least 1, got {penalty}")
    seen = logits.gather(-1, ids)
    return logits.scatter(-1, ids, torch.where(seen > 0, seen / penalty, seen * penalty))


def _check(best: Tensor) -> None:
    """The maximum of a row is finite exactly when the row is fit to choose from."""
    if not best.isfinite().all():
        bad = best[~best.isfinite()][0].item()
        kind = {torch.inf: "+inf", -torch.inf: "nothing but -inf"}.get(bad, "NaN")
        raise ValueError(f"cannot choose a token: a row of logits holds {kind}")
