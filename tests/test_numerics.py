"""common/numerics.py: known values, parity with torch, stability at the edges, errors."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from common.numerics import cross_entropy, log_softmax, logsumexp, softmax
from tests.tolerances import TOLERANCE

DTYPES = list(TOLERANCE)
PAIRS = [(softmax, torch.softmax), (log_softmax, torch.log_softmax), (logsumexp, torch.logsumexp)]


def random_logits(
    *shape: int, dtype: torch.dtype = torch.float64, scale: float = 5.0
) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return (torch.randn(*shape, generator=generator, dtype=torch.float64) * scale).to(dtype)


def test_softmax_of_logarithms_is_their_proportions() -> None:
    x = torch.tensor([math.log(1), math.log(2), math.log(5)], dtype=torch.float64)
    expected = torch.tensor([1 / 8, 2 / 8, 5 / 8], dtype=torch.float64)
    torch.testing.assert_close(softmax(x), expected, **TOLERANCE[torch.float64])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("ours, torchs", PAIRS)
def test_values_equal_torch(ours, torchs, dim: int, dtype: torch.dtype) -> None:
    x = random_logits(3, 4, 5, dtype=dtype)
    actual = ours(x, dim)
    assert actual.dtype == dtype
    torch.testing.assert_close(actual, torchs(x, dim), **TOLERANCE[dtype])


@pytest.mark.parametrize("ours, torchs", PAIRS)
def test_gradients_equal_torch(ours, torchs) -> None:
    x = random_logits(4, 6).requires_grad_()
    weight = torch.sin(torch.arange(ours(x).numel(), dtype=x.dtype)).view_as(ours(x))
    (ours_grad,) = torch.autograd.grad((ours(x) * weight).sum(), x)
    (torch_grad,) = torch.autograd.grad((torchs(x, -1) * weight).sum(), x)
    torch.testing.assert_close(ours_grad, torch_grad, **TOLERANCE[torch.float64])


@settings(deadline=None, max_examples=60)
@given(
    row=st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=6),
    target=st.integers(0, 5),
)
def test_float32_is_finite_wherever_float64_is(row: list[float], target: int) -> None:
    x = torch.tensor([row], dtype=torch.float32).requires_grad_()
    targets = torch.tensor([target % len(row)])
    for ours, reference in [
        (softmax(x), torch.softmax(x.double(), -1)),
        (log_softmax(x), torch.log_softmax(x.double(), -1)),
        (logsumexp(x), torch.logsumexp(x.double(), -1)),
        (cross_entropy(x, targets), F.cross_entropy(x.double(), targets)),
    ]:
        assert ours.isfinite().all()
        torch.testing.assert_close(ours, reference.float(), **TOLERANCE[torch.float32])
        (grad,) = torch.autograd.grad(ours.sum(), x)
        assert grad.isfinite().all()


@given(shift=st.floats(-1e4, 1e4))
def test_softmax_ignores_a_constant_added_to_every_entry(shift: float) -> None:
    x = random_logits(5)
    torch.testing.assert_close(softmax(x + shift), softmax(x), rtol=1e-9, atol=1e-10)


def test_log_softmax_keeps_what_the_softmax_rounds_to_zero() -> None:
    x = torch.tensor([0.0, 200.0])
    assert softmax(x)[0] == 0
    assert log_softmax(x)[0] == -200


def test_infinite_entries_behave_as_in_torch() -> None:
    inf = math.inf
    x = torch.tensor([[0.0, -inf, 1.0], [-inf, -inf, -inf], [0.0, inf, 1.0]])
    for ours, torchs in PAIRS:
        torch.testing.assert_close(ours(x), torchs(x, -1), equal_nan=True)


def test_float16_sums_beyond_its_range_are_computed_in_float32() -> None:
    x = torch.zeros(
        100_000, dtype=torch.float16
    )  # the sum of exp is 100 000; float16 ends at 65 504
    torch.testing.assert_close(logsumexp(x), torch.tensor(math.log(1e5), dtype=torch.float16))


@pytest.mark.parametrize("function", [softmax, log_softmax, logsumexp])
def test_integer_input_is_an_error(function) -> None:
    with pytest.raises(ValueError, match="expected a floating-point tensor, got torch.int64"):
        function(torch.arange(3))


def test_cross_entropy_of_certainty_is_zero_and_of_ignorance_log_v() -> None:
    sure = torch.tensor([[0.0, 100.0, 0.0]], dtype=torch.float64)
    assert cross_entropy(sure, torch.tensor([1])).item() < 1e-40
    nothing_known = torch.zeros(7, 1000, dtype=torch.float64)
    loss = cross_entropy(nothing_known, torch.arange(7))
    assert loss.item() == pytest.approx(math.log(1000), rel=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_cross_entropy_equals_torch_with_ignored_targets(dtype: torch.dtype) -> None:
    x = random_logits(4, 6, 11, dtype=dtype)
    targets = torch.randint(0, 11, (4, 6), generator=torch.Generator().manual_seed(1))
    targets[0, :3] = -100
    ours_x, torch_x = x.clone().requires_grad_(), x.clone().requires_grad_()
    ours = cross_entropy(ours_x, targets)
    theirs = F.cross_entropy(torch_x.flatten(0, 1), targets.flatten())
    (3 * ours).backward()
    (3 * theirs).backward()
    assert ours.dtype == dtype
    torch.testing.assert_close(ours, theirs, **TOLERANCE[dtype])
    torch.testing.assert_close(ours_x.grad, torch_x.grad, **TOLERANCE[dtype])
    assert (ours_x.grad[0, :3] == 0).all()


def test_cross_entropy_gradient_passes_gradcheck() -> None:
    x = random_logits(3, 5, scale=2.0).requires_grad_()
    targets = torch.tensor([4, 9, 0])
    assert torch.autograd.gradcheck(lambda t: cross_entropy(t, targets, ignore_index=9), x)


def test_cross_entropy_ignore_index_changes_the_mean() -> None:
    x = random_logits(2, 3)
    targets = torch.tensor([0, 2])
    only_second = cross_entropy(x, targets, ignore_index=0)
    torch.testing.assert_close(only_second, cross_entropy(x[1:], targets[1:]))
    assert only_second != cross_entropy(x, targets)


def test_cross_entropy_of_nothing_is_nan_as_in_torch() -> None:
    assert cross_entropy(torch.zeros(2, 3), torch.tensor([-100, -100])).isnan()


@pytest.mark.parametrize("target", [-1, 4])
def test_cross_entropy_target_out_of_range_is_an_error(target: int) -> None:
    message = f"targets must be in 0..3 \\(4 classes\\) or ignore_index -100, got {target}"
    with pytest.raises(ValueError, match=message):
        cross_entropy(torch.zeros(2, 4), torch.tensor([0, target]))


def test_cross_entropy_shape_mismatch_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"the classes, \(2, 3\), got \(3, 2\)"):
        cross_entropy(torch.zeros(2, 3, 4), torch.zeros(3, 2, dtype=torch.int64))
