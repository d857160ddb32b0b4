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


WIDTH = {torch.float32: 32, torch.float16: 16, torch.bfloat16: 32}
ROUNDING = TOLERANCE | {torch.float16: {"rtol": 2**-10, "atol": 2**-24}}  # one unit, one subnormal


@pytest.mark.parametrize("dtype", list(WIDTH))
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_result_is_what_float64_gives_rounded_to_the_dtype(dtype: torch.dtype, data) -> None:
    """Any finite entries, up to the largest of the format, and its -inf."""
    entry = st.floats(width=WIDTH[dtype], allow_nan=False).filter(lambda x: x != math.inf)
    row = data.draw(st.lists(entry, min_size=1, max_size=6))
    x = torch.tensor([row]).to(dtype).clamp(-math.inf, torch.finfo(dtype).max)
    for ours, torchs in PAIRS:
        expected = torchs(x.double(), -1).to(dtype)
        torch.testing.assert_close(ours(x), expected, equal_nan=True, **ROUNDING[dtype])
    target = torch.tensor([data.draw(st.integers(0, len(row) - 1))])
    expected = F.cross_entropy(x.double(), target).to(dtype)
    actual = cross_entropy(x, target)
    torch.testing.assert_close(actual, expected, equal_nan=True, **ROUNDING[dtype])


@pytest.mark.parametrize("dtype", list(WIDTH))
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_gradient_is_finite_wherever_float64s_is(dtype: torch.dtype, data) -> None:
    row = data.draw(st.lists(st.floats(-60000, 60000, width=16), min_size=1, max_size=6))
    target = torch.tensor([data.draw(st.integers(0, len(row) - 1))])
    x = torch.tensor([row], dtype=dtype).requires_grad_()
    wide = x.detach().double().requires_grad_()
    functions = [
        *PAIRS,
        (lambda t: cross_entropy(t, target), lambda t, _: F.cross_entropy(t, target)),
    ]
    for ours, torchs in functions:
        (actual,) = torch.autograd.grad(ours(x).sum(), x)
        (expected,) = torch.autograd.grad(torchs(wide, -1).sum(), wide)
        torch.testing.assert_close(
            actual.double(), expected, rtol=ROUNDING[dtype]["rtol"], atol=1e-6
        )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1.0, 30.0, 1e3, 1e4])
@pytest.mark.parametrize("ours, torchs", PAIRS)
def test_error_stays_below_the_table_for_large_logits(ours, torchs, scale, dtype) -> None:
    x = random_logits(500, 64, dtype=dtype, scale=scale)
    expected = torchs(x.double(), -1)
    torch.testing.assert_close(ours(x).double(), expected, **TOLERANCE[dtype])


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


@pytest.mark.parametrize("ours, torchs", PAIRS)
def test_nan_stays_in_its_row(ours, torchs) -> None:
    x = random_logits(3, 4)
    x[1, 2] = math.nan
    assert ours(x)[1].isnan().all()
    torch.testing.assert_close(ours(x)[[0, 2]], torchs(x[[0, 2]], -1), **TOLERANCE[torch.float64])


@pytest.mark.parametrize("ours, torchs", PAIRS)
@pytest.mark.parametrize("shape, dim", [((3, 0), -1), ((0, 3), -1), ((), -1)])
def test_empty_and_scalar_tensors_behave_as_in_torch(ours, torchs, shape, dim: int) -> None:
    torch.testing.assert_close(ours(torch.zeros(shape), dim), torchs(torch.zeros(shape), dim))


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
    assert cross_entropy(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)).isnan()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_cross_entropy_of_an_ignored_row_has_no_gradient_whatever_it_holds(bad: float) -> None:
    x = random_logits(3, 4)
    x[1] = bad
    x.requires_grad_()
    loss = cross_entropy(x, torch.tensor([0, -100, 2]))
    (grad,) = torch.autograd.grad(loss, x)
    torch.testing.assert_close(loss, F.cross_entropy(x[[0, 2]], torch.tensor([0, 2])))
    assert (grad[1] == 0).all()
    assert grad.isfinite().all()


def test_cross_entropy_ignores_classes_at_minus_infinity() -> None:
    x = torch.tensor([[0.0, -math.inf, math.log(3.0)]], requires_grad=True)
    loss = cross_entropy(x, torch.tensor([2]))
    (grad,) = torch.autograd.grad(loss, x)
    torch.testing.assert_close(loss, torch.tensor(math.log(4 / 3)))
    torch.testing.assert_close(grad, torch.tensor([[0.25, 0.0, -0.25]]))


@pytest.mark.parametrize("target", [-1, 4])
def test_cross_entropy_target_out_of_range_is_an_error(target: int) -> None:
    message = f"targets must be in 0..3 \\(4 classes\\) or ignore_index -100, got {target}"
    with pytest.raises(ValueError, match=message):
        cross_entropy(torch.zeros(2, 4), torch.tensor([0, target]))


def test_cross_entropy_shape_mismatch_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"the classes, \(2, 3\), got \(3, 2\)"):
        cross_entropy(torch.zeros(2, 3, 4), torch.zeros(3, 2, dtype=torch.int64))


def test_cross_entropy_targets_of_another_dtype_are_an_error() -> None:
    with pytest.raises(ValueError, match="targets must be int64, got torch.float32"):
        cross_entropy(torch.zeros(2, 4), torch.zeros(2))


def test_cross_entropy_targets_on_another_device_are_an_error() -> None:
    targets = torch.zeros(2, dtype=torch.int64, device="meta")
    with pytest.raises(ValueError, match="logits are on cpu and targets on meta: move one"):
        cross_entropy(torch.zeros(2, 4), targets)


def test_cross_entropy_integer_logits_are_an_error() -> None:
    with pytest.raises(ValueError, match="expected a floating-point tensor, got torch.int64"):
        cross_entropy(torch.zeros(2, 4, dtype=torch.int64), torch.tensor([0, 1]))
