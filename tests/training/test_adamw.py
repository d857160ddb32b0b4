"""AdamW equals the paper's algorithm, torch's optimizer, and itself after a save."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from common.training.adamw import AdamW
from tests.tolerances import TOLERANCE

FLOAT64 = TOLERANCE[torch.float64]


def parameters(seed: int = 0, dtype: torch.dtype = torch.float64) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    shapes = [(4, 3), (5,), (), (2, 2, 2)]
    return [nn.Parameter(torch.randn(s, generator=generator, dtype=dtype)) for s in shapes]


def give_gradients(params: list[nn.Parameter], step: int) -> None:
    generator = torch.Generator().manual_seed(1000 + step)
    for p in params:
        p.grad = torch.randn(p.shape, generator=generator, dtype=torch.float64).to(p.dtype)


def test_adamw_two_steps_by_hand():
    w = nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    optimizer = AdamW([w], lr=0.1, betas=(0.9, 0.99), eps=0.0, weight_decay=0.5)
    w.grad = torch.tensor([2.0], dtype=torch.float64)
    optimizer.step()
    assert w.item() == pytest.approx(1.0 * 0.95 - 0.1, abs=1e-12)  # decay 0.05, then lr * sign(g)
    w.grad = torch.tensor([-1.0], dtype=torch.float64)
    optimizer.step()
    m_hat = (0.9 * 0.2 - 0.1) / (1 - 0.81)
    v_hat = (0.99 * 0.04 + 0.01) / (1 - 0.9801)
    assert w.item() == pytest.approx(0.85 * 0.95 - 0.1 * m_hat / math.sqrt(v_hat), abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_adamw_equals_torch(dtype, weight_decay):
    ours, theirs = parameters(dtype=dtype), parameters(dtype=dtype)
    settings = dict(lr=0.01, betas=(0.9, 0.95), eps=1e-8, weight_decay=weight_decay)
    optimizer, reference = AdamW(ours, **settings), torch.optim.AdamW(theirs, **settings)
    for step in range(30):
        give_gradients(ours, step)
        give_gradients(theirs, step)
        optimizer.step()
        reference.step()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, **TOLERANCE[dtype])


def test_adamw_groups_keep_their_own_settings():
    a, b = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = AdamW([{"params": [a], "lr": 0.1}, {"params": [b], "weight_decay": 1.0}], lr=0.01)
    for p in (a, b):
        p.grad = torch.zeros(2)
    optimizer.step()
    assert a.tolist() == pytest.approx([1 - 0.1 * 0.1] * 2)
    assert b.tolist() == pytest.approx([1 - 0.01 * 1.0] * 2)


def test_adamw_leaves_a_parameter_without_gradient_alone():
    params, reference = parameters(), parameters()
    optimizer, theirs = (
        AdamW(params, lr=0.1),
        torch.optim.AdamW(reference, lr=0.1, betas=(0.9, 0.95), weight_decay=0.1),
    )
    for step in range(4):
        for group in (params, reference):
            give_gradients(group, step)
            if step < 2:
                group[1].grad = None  # this one joins late: its own count of steps starts then
        optimizer.step()
        theirs.step()
        assert step >= 2 or torch.equal(params[1], parameters()[1])
    for a, b in zip(params, reference, strict=True):
        torch.testing.assert_close(a, b, **FLOAT64)


@settings(max_examples=25, deadline=None)
@given(st.floats(1e-3, 1e3), st.integers(0, 1000))
def test_adamw_step_does_not_depend_on_the_gradients_scale(scale, seed):
    ours, scaled = parameters(), parameters()
    for params, factor in ((ours, 1.0), (scaled, scale)):
        optimizer = AdamW(params, lr=0.1, eps=0.0)
        for step in range(3):
            give_gradients(params, seed + step)
            for p in params:
                p.grad.mul_(factor)
            optimizer.step()
    for a, b in zip(ours, scaled, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def test_adamw_decay_does_not_pass_through_the_adaptive_step():
    moved = []
    for gradient in (0.001, 1000.0):
        w = nn.Parameter(torch.tensor([5.0], dtype=torch.float64))
        w.grad = torch.tensor([gradient], dtype=torch.float64)
        AdamW([w], lr=0.1, eps=0.0, weight_decay=0.2).step()
        moved.append(w.item())
    assert moved == pytest.approx([5.0 * 0.98 - 0.1] * 2)  # coupled decay would tell them apart


def test_adamw_continues_from_its_state_dict():
    straight, resumed = parameters(), parameters()
    first, before = AdamW(straight, lr=0.1), AdamW(resumed, lr=0.1)
    for step in range(6):
        if step == 3:
            after = AdamW(resumed, lr=0.7)
            after.load_state_dict(before.state_dict())
            before = after
        give_gradients(straight, step)
        give_gradients(resumed, step)
        first.step()
        before.step()
    assert all(torch.equal(a, b) for a, b in zip(straight, resumed, strict=True))


def test_adamw_closure_gives_the_loss():
    w = nn.Parameter(torch.tensor(3.0))
    optimizer = AdamW([w], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = w**2
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 9.0
    assert w.item() < 3.0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"lr": -1.0}, "lr -1.0, eps 1e-08 and weight_decay 0.1 must not be negative"),
        ({"weight_decay": -0.1}, "weight_decay -0.1 must not be negative"),
        ({"betas": (0.9, 1.0)}, r"betas \(0.9, 1.0\) must lie in \[0, 1\)"),
    ],
)
def test_adamw_refuses_settings_out_of_range(setting, message):
    with pytest.raises(ValueError, match=message):
        AdamW(parameters(), **setting)
