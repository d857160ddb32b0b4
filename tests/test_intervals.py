"""Wilson's interval of common/intervals.py."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.intervals import wilson_interval


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_known_answer(successes, n, low, high) -> None:
    """Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method
    3."""
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_bounds_solve_wilsons_equation(pair) -> None:
    """The bounds are the shares p with |k/n - p| = z sqrt(p (1 - p) / n)."""
    successes, n = pair
    for bound in wilson_interval(successes, n):
        distance = abs(successes / n - bound)
        assert distance == pytest.approx(1.959964 * math.sqrt(bound * (1 - bound) / n), abs=1e-6)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_is_symmetric_and_contains_the_share(pair) -> None:
    successes, n = pair
    low, high = wilson_interval(successes, n)
    mirrored_low, mirrored_high = wilson_interval(n - successes, n)
    assert 0 <= low <= successes / n <= high <= 1
    assert (mirrored_low, mirrored_high) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_wilson_interval_of_none_and_of_all_ends_exactly_there() -> None:
    """Rounding must not put the bound beside the share itself."""
    for n in range(1, 300):
        assert wilson_interval(0, n)[0] == 0
        assert wilson_interval(n, n)[1] == 1


def test_wilson_interval_confidence_widens() -> None:
    low, high = wilson_interval(50, 100, 0.99)
    assert low < wilson_interval(50, 100)[0] and high > wilson_interval(50, 100)[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0), "n must be at least 1, got 0"),
        ((5, 4), "successes must lie in 0 .. n, got 5 of 4"),
        ((-1, 4), "successes must lie in 0 .. n, got -1 of 4"),
        ((1, 4, 1.0), "confidence must lie between 0 and 1, got 1.0"),
        ((1, 4, 0.0), "confidence must lie between 0 and 1, got 0.0"),
    ],
)
def test_wilson_interval_refuses_impossible_counts(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        wilson_interval(*arguments)
