"""Muon orthogonalises updates; it equals torch.optim.Muon; batched equals one by one."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from common.model import ModelConfig, TransformerLM
from common.training.muon import Muon, orthogonalize, split_parameters
from tests.tolerances import TOLERANCE

FLOAT32, FLOAT64 = TOLERANCE[torch.float32], TOLERANCE[torch.float64]


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def quintic(s: torch.Tensor, steps: int) -> torch.Tensor:
    for _ in range(steps):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return s


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4)])
def test_orthogonalize_maps_singular_values_through_the_polynomial(shape):
    matrix = normal(*shape)
    u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
    expected = u @ torch.diag(quintic(s / s.norm(), steps=5)) @ vh
    torch.testing.assert_close(orthogonalize(matrix), expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 1000), st.floats(1e-4, 1e4))
def test_orthogonalize_gives_singular_values_near_one(m, n, seed, scale):
    u, s, vh = torch.linalg.svd(normal(m, n, seed=seed), full_matrices=False)
    conditioned = u @ torch.diag(s.clamp(min=0.1 * s[0])) @ vh  # no value too small for five steps
    values = torch.linalg.svdvals(orthogonalize(scale * conditioned))
    assert 0.68 < values.min() and values.max() < 1.21


def test_orthogonalize_batch_equals_one_by_one():
    matrices = normal(2, 3, 5, 8)
    batch = orthogonalize(matrices)
    for i in range(2):
        for j in range(3):
            torch.testing.assert_close(batch[i, j], orthogonalize(matrices[i, j]), **FLOAT64)


def test_orthogonalize_of_zeros_is_zeros():
    assert torch.equal(orthogonalize(torch.zeros(3, 4)), torch.zeros(3, 4))


def test_orthogonalize_in_bfloat16_is_close_and_keeps_the_dtype():
    matrix = normal(16, 32, dtype=torch.float32)
    rounded = orthogonalize(matrix, dtype=torch.bfloat16)
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, orthogonalize(matrix))
    assert (rounded - orthogonalize(matrix)).norm() < 0.05 * matrix.shape[0] ** 0.5


def test_orthogonalize_refuses_a_vector():
    with pytest.raises(ValueError, match=r"needs matrices \(..., m, n\), got \(3,\)"):
        orthogonalize(torch.ones(3))


SHAPES = [(8, 8), (4, 12), (12, 4), (8, 8)]


@pytest.mark.parametrize("weight_decay", [0.0, 0.5])
def test_muon_equals_torch(weight_decay):
    """torch's Muon rounds to bfloat16; so does ours with that dtype, in batched products."""
    ours = [nn.Parameter(normal(*s, seed=i, dtype=torch.float32)) for i, s in enumerate(SHAPES)]
    theirs = [nn.Parameter(p.detach().clone()) for p in ours]
    options = dict(lr=0.02, momentum=0.95, weight_decay=weight_decay)
    optimizer = Muon(ours, dtype=torch.bfloat16, **options)
    reference = torch.optim.Muon(theirs, nesterov=True, adjust_lr_fn="original", **options)
    start = [p.detach().clone() for p in ours]
    for step in range(5):
        for i, (p, q) in enumerate(zip(ours, theirs, strict=True)):
            p.grad = normal(*p.shape, seed=100 * step + i, dtype=torch.float32)
            q.grad = p.grad.clone()
        optimizer.step()
        reference.step()
    for p, q, s in zip(ours, theirs, start, strict=True):
        torch.testing.assert_close(p - s, q - s, **TOLERANCE[torch.bfloat16])
        assert (p - s).norm() > 0.1


def test_muon_update_by_hand():
    w = nn.Parameter(normal(6, 3))
    before, grad = w.detach().clone(), normal(6, 3, seed=1)
    w.grad = grad.clone()
    Muon([w], lr=0.5, momentum=0.9, weight_decay=0.1).step()
    lookahead = 0.1 * grad + 0.9 * (0.1 * grad)
    expected = before * (1 - 0.05) - 0.5 * 2**0.5 * orthogonalize(lookahead)
    torch.testing.assert_close(w.data, expected, **FLOAT64)


def test_muon_batched_equals_one_parameter_at_a_time():
    together = [nn.Parameter(normal(4, 6, seed=i)) for i in range(3)]
    alone = [nn.Parameter(p.detach().clone()) for p in together]
    optimizers = [Muon(together, lr=0.1)], [Muon([p], lr=0.1) for p in alone]
    for step in range(3):
        for params, group in zip((together, alone), optimizers, strict=True):
            for i, p in enumerate(params):
                p.grad = normal(4, 6, seed=10 * step + i)
            for optimizer in group:
                optimizer.step()
    for a, b in zip(together, alone, strict=True):
        torch.testing.assert_close(a, b, **FLOAT64)


def test_muon_leaves_a_parameter_without_gradient_alone():
    still, moving = nn.Parameter(normal(3, 3)), nn.Parameter(normal(3, 3))
    moving.grad = normal(3, 3, seed=1)
    Muon([still, moving], lr=0.1, weight_decay=0.5).step()
    assert torch.equal(still, normal(3, 3))
    assert not torch.equal(moving, normal(3, 3))


@pytest.mark.parametrize(
    ("shape", "setting", "message"),
    [
        ((3,), {}, r"Muon trains 2-D parameters, got shape \(3,\)"),
        ((3, 3), {"lr": -1.0}, "lr -1.0 and weight_decay 0.0 must not be negative"),
        ((3, 3), {"momentum": 1.0}, r"momentum 1.0 must lie in \[0, 1\)"),
    ],
)
def test_muon_refuses_what_it_cannot_train(shape, setting, message):
    with pytest.raises(ValueError, match=message):
        Muon([nn.Parameter(torch.ones(shape))], **setting)


def test_split_parameters_divides_a_transformer_completely():
    config = ModelConfig(20, 8, d_model=8, num_layers=2, num_heads=2, tie_embeddings=True)
    model = TransformerLM(config)
    matrices, rest = split_parameters(model)
    assert len(matrices) == 2 * 7  # four projections and three feed-forward matrices a layer
    assert all(p.ndim == 2 for p in matrices)
    assert any(p is model.token_embeddings.weight for p in rest)
    assert {id(p) for p in matrices + rest} == {id(p) for p in model.parameters()}
    assert len(matrices + rest) == len(list(model.parameters()))


def test_split_parameters_leaves_out_the_frozen():
    model = TransformerLM(ModelConfig(20, 8, d_model=8, num_layers=1, num_heads=2))
    model.layers[0].ffn.requires_grad_(False)
    matrices, rest = split_parameters(model)
    assert len(matrices) == 4
    assert all(p.requires_grad for p in matrices + rest)
