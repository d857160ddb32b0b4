"""How many digits attention keeps, against float64, for scores of every size up to 10 000."""

import math

import pytest
import torch
from torch import Tensor

from common.attention import causal_mask, fused_attention, scaled_dot_product_attention
from tests.attention_oracle import attention_oracle
from tests.tolerances import TOLERANCE

LOGITS = [1.0, 10.0, 100.0, 1e3, 1e4]  # the largest score, in absolute value
DTYPES = [torch.float32, torch.bfloat16]
TOKENS, HEAD_DIM = 48, 16


def random_problem(largest: float, dtype: torch.dtype) -> list[Tensor]:
    """q, k, v (1, 2, T, D), normal, scaled so that the largest score is `largest`, then rounded."""
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 1, 2, TOKENS, HEAD_DIM, generator=generator, dtype=torch.float64)
    scale = math.sqrt(largest * math.sqrt(HEAD_DIM) / (q @ k.mT).abs().max().item())
    return [t.to(dtype) for t in (q * scale, k * scale, v)]


def exact_problem(largest: float, dtype: torch.dtype) -> list[Tensor]:
    """The same with small whole numbers times a power of two: no score is rounded in float32."""
    generator = torch.Generator().manual_seed(0)
    q, k = torch.randint(-9, 10, (2, 1, 2, TOKENS, HEAD_DIM), generator=generator).double()
    power = math.floor(math.log2(largest * math.sqrt(HEAD_DIM) / (q @ k.mT).abs().max().item()))
    v = torch.randn(1, 2, TOKENS, HEAD_DIM, generator=generator, dtype=torch.float64)
    return [t.to(dtype) for t in (q * 2.0**power, k, v)]


def readable(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return scaled_dot_product_attention(q, k, v, causal_mask(TOKENS, TOKENS))


def fused(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return fused_attention(q, k, v, is_causal=True)


def fused_with_mask(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return fused_attention(q, k, v, causal_mask(TOKENS, TOKENS))


FORMS = [readable, fused, fused_with_mask]


def exact(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attention_oracle(q, k, v, causal_mask(TOKENS, TOKENS))


def largest_score(q: Tensor, k: Tensor) -> float:
    return (q.double() @ k.double().mT).abs().max().item() / math.sqrt(HEAD_DIM)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("largest", LOGITS)
def test_readable_attention_keeps_the_tables_digits_for_scores_of_any_size(
    largest: float, dtype: torch.dtype
) -> None:
    q, k, v = random_problem(largest, dtype)
    assert 0.9 < largest_score(q, k) / largest < 1.1
    torch.testing.assert_close(readable(q, k, v).double(), exact(q, k, v), **TOLERANCE[dtype])


@pytest.mark.parametrize("form", [fused, fused_with_mask])
@pytest.mark.parametrize("largest", LOGITS)
def test_fused_attention_keeps_the_tables_digits_in_bfloat16(largest: float, form) -> None:
    q, k, v = random_problem(largest, torch.bfloat16)
    torch.testing.assert_close(form(q, k, v).double(), exact(q, k, v), **TOLERANCE[torch.bfloat16])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("largest", LOGITS)
def test_where_scores_are_exact_every_form_keeps_the_tables_digits(
    largest: float, form, dtype: torch.dtype
) -> None:
    q, k, v = exact_problem(largest, dtype)
    assert 0.5 < largest_score(q, k) / largest <= 1.0
    torch.testing.assert_close(form(q, k, v).double(), exact(q, k, v), **TOLERANCE[dtype])


@pytest.mark.parametrize("form", [fused, fused_with_mask])
@pytest.mark.parametrize("largest", LOGITS)
def test_fused_attention_loses_no_more_than_rounding_the_scores_explains(
    largest: float, form
) -> None:
    """A score that is off by d moves every weight by a factor of e^d at most, up or down.

    A sum of D products of float32 is off by at most D roundings of its largest partial sum.
    """
    q, k, v = random_problem(largest, torch.float32)
    off = HEAD_DIM * torch.finfo(torch.float32).eps * (q.abs() @ k.abs().mT).max().item() / 4
    allowed = {"rtol": 1e-5, "atol": 1e-6 + 2 * math.expm1(off) * v.abs().max().item()}
    torch.testing.assert_close(form(q, k, v).double(), exact(q, k, v), **allowed)
