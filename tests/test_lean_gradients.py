"""Derivatives by hand equal those that autograd finds for the same formula."""

import math

import pytest
import torch
import torch.nn.functional as F

from common._attention_products import causal_by_products
from common._lean_gradients import GatedSiLU, RMSNormFunction
from tests.tolerances import TOLERANCE

FLOAT64 = TOLERANCE[torch.float64]


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=draw, dtype=torch.float64).requires_grad_()


def test_rmsnorm_gradients_equal_finite_differences():
    x, weight = normal(2, 3, 5), normal(5, seed=1)
    assert torch.autograd.gradcheck(lambda *args: RMSNormFunction.apply(*args, 0.1), (x, weight))


def test_gated_silu_gradients_equal_finite_differences():
    assert torch.autograd.gradcheck(GatedSiLU.apply, (normal(2, 3, 5), normal(2, 3, 5, seed=1)))


def test_rmsnorm_gives_torchs_bits():
    x, weight = normal(7, 384).float(), normal(384, seed=1).float()
    ours = RMSNormFunction.apply(x, weight, 1e-5)
    assert torch.equal(ours, F.rms_norm(x, (384,), weight, 1e-5))


@pytest.mark.parametrize("num_kv_heads", [1, 4])
@pytest.mark.parametrize("num_tokens", [2, 7, 64])
def test_products_gradients_are_as_near_to_float64_as_the_fused_kernels(num_tokens, num_kv_heads):
    shapes = [(2, heads, num_tokens, 16) for heads in (4, num_kv_heads, num_kv_heads)]
    q, k, v = (normal(*s, seed=i).detach().bfloat16() for i, s in enumerate(shapes))
    upstream = normal(2, 4, num_tokens, 16, seed=9).detach().bfloat16()

    def fused(*args):
        return F.scaled_dot_product_attention(*args, is_causal=True, enable_gqa=True)

    def gradients(attention, dtype):
        inputs = [t.to(dtype).requires_grad_() for t in (q, k, v)]
        return torch.autograd.grad(attention(*inputs), inputs, upstream.to(dtype))

    exact = gradients(fused, torch.float64)
    ours, theirs = (gradients(f, torch.bfloat16) for f in (causal_by_products, fused))
    for true, mine, other in zip(exact, ours, theirs, strict=True):
        worst = (other - true).norm() + 0.004 * true.norm() * math.sqrt(2)
        assert (mine - true).norm() < 1.5 * worst
