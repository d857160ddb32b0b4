import math
import re
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data.calibration import Bin, expected_calibration_error, fit_temperature, reliability

RNG = np.random.default_rng(0)


def drawn(count: int, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and targets drawn from softmax(scores / temperature)."""
    scores = RNG.normal(0, 3, (count, 3))
    chances = np.exp(scores / temperature)
    chances /= chances.sum(1, keepdims=True)
    targets = (chances.cumsum(1) > RNG.random((count, 1))).argmax(1)
    return scores, targets


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_is_found_again(temperature):
    scores, targets = drawn(20_000, temperature)
    assert fit_temperature(scores, targets) == pytest.approx(temperature, rel=0.05)


def test_temperature_by_hand():
    # Right 9 times in 10 with scores (2, 0), and one page more of each: 2 / T = log(10 / 2).
    targets = [0] * 9 + [1]
    found = fit_temperature(np.array([[2.0, 0.0]] * 10), targets)
    assert found == pytest.approx(2 / math.log(5), abs=1e-4)


@given(st.floats(0.2, 5))
def test_temperature_scales_with_the_scores(factor):
    scores = np.array([[3.0, 0.0]] * 4 + [[1.0, 0.0]] * 4)
    targets = [0, 0, 0, 1, 0, 0, 1, 1]
    ours = fit_temperature(scores * factor, targets)
    assert ours == pytest.approx(factor * fit_temperature(scores, targets), rel=1e-3)


def test_temperature_does_not_change_with_the_level_of_the_scores():
    scores, targets = np.array([[3.0, 0.0]] * 4 + [[1.0, 0.0]] * 4), [0, 0, 0, 1, 0, 0, 1, 1]
    for level in (1e4, -1e4):
        assert fit_temperature(scores + level, targets) == fit_temperature(scores, targets)


@pytest.mark.parametrize("count", [1, 10, 1000])
def test_temperature_claims_no_more_than_was_seen(count):
    scores = np.array([[5.0, 0.0]] * count)
    temperature = fit_temperature(scores, [0] * count)
    assert 1 / (1 + math.exp(-5 / temperature)) == pytest.approx(
        (count + 1) / (count + 2), rel=1e-4
    )


def test_temperature_stays_in_its_range():
    assert fit_temperature(np.array([[5.0, 0.0]] * 3), [1, 1, 1]) == pytest.approx(20, rel=1e-3)
    assert fit_temperature(np.array([[0.01, 0.0]] * 9), [0] * 9) == pytest.approx(0.05, rel=1e-3)


@pytest.mark.parametrize("targets", [[0], [0, 1, 0]])
def test_temperature_refuses_counts_that_differ(targets):
    message = rf"\({len(targets)},\) targets do not fit scores of shape \(2, 2\)"
    with pytest.raises(ValueError, match=message):
        fit_temperature(np.zeros((2, 2)), targets)


@pytest.mark.parametrize("shape", [(2,), (2, 2, 2), (2, 1)])
def test_temperature_refuses_scores_that_are_no_table_of_labels(shape):
    message = rf"\(2,\) targets do not fit scores of shape {re.escape(str(shape))}"
    with pytest.raises(ValueError, match=message):
        fit_temperature(np.zeros(shape), [0, 0])


def test_temperature_refuses_no_pages():
    with pytest.raises(ValueError, match="do not fit scores"):
        fit_temperature(np.zeros((0, 2)), [])


def test_reliability_by_hand():
    first, second = reliability([0.0, 0.2, 0.5, 0.8, 1.0], [0, 1, 1, 1, 0], num_bins=2)
    assert (first.count, first.mean_probability, first.share) == (2, 0.1, 0.5)
    assert (second.low, second.high, second.count) == (0.5, 1.0, 3)
    assert second.mean_probability == pytest.approx(2.3 / 3)
    assert second.gap == pytest.approx(0.1)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=50), st.integers(1, 20))
def test_reliability_counts_every_page_once(pages, num_bins):
    said, true = [p for p, _ in pages], [hit for _, hit in pages]
    bins = reliability(said, true, num_bins=num_bins)
    assert sum(one.count for one in bins) == len(pages)
    for one in bins:
        if one.count:
            assert one.low - 1e-9 <= one.mean_probability <= one.high + 1e-9
        else:
            assert math.isnan(one.share)


def test_reliability_of_empty_bins_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [one.count for one in reliability([0.1], [1], num_bins=3)] == [1, 0, 0]


def test_reliability_refuses_what_is_no_probability():
    with pytest.raises(ValueError, match=r"probabilities lie in \[0, 1\], not in \[0.2, 1.5\]"):
        reliability([0.2, 1.5], [0, 1])
    with pytest.raises(ValueError, match=r"probabilities lie in \[0, 1\], not in \[-0.1, 0.5\]"):
        reliability([0.5, -0.1], [0, 1])
    with pytest.raises(ValueError, match="2 probabilities do not fit 1 hits"):
        reliability([0.2, 0.5], [0])


def test_gap_is_a_distance_in_six_digits():
    assert Bin(0.0, 0.5, 4, mean_probability=0.1, share=0.4).gap == 0.3
    assert Bin(0.0, 0.5, 4, mean_probability=0.4, share=0.1).gap == 0.3


def test_error_weighs_bins_by_their_pages():
    bins = [Bin(0, 0.5, 3, 0.1, 0.1), Bin(0.5, 1, 1, 0.9, 0.5), Bin(0, 0, 0, math.nan, math.nan)]
    assert expected_calibration_error(bins) == pytest.approx(0.1)


def test_error_refuses_empty_bins():
    with pytest.raises(ValueError, match="none of the 10 bins holds a page"):
        expected_calibration_error(reliability([], []))


def test_fitted_temperature_lowers_the_error():
    scores, targets = drawn(5_000, 4.0)

    def error(temperature: float) -> float:
        chances = np.exp(scores / temperature)
        chances /= chances.sum(1, keepdims=True)
        hits = chances.argmax(1) == targets
        return expected_calibration_error(reliability(chances.max(1), hits))

    assert error(fit_temperature(scores, targets)) < 0.02 < 0.2 < error(1.0)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([[0], [1]], r"\(2, 1\) targets do not fit scores of shape \(2, 2\)"),
        ([-1, 0], r"targets lie in 0..1, not in -1..0"),
        ([0, 2], r"targets lie in 0..1, not in 0..2"),
    ],
)
def test_temperature_refuses_targets_that_are_no_columns(targets, message):
    with pytest.raises(ValueError, match=message):
        fit_temperature(np.zeros((2, 2)), targets)


def test_temperature_refuses_scores_that_are_no_numbers():
    with pytest.raises(ValueError, match="3 of 4 scores are not finite"):
        fit_temperature(np.array([[np.nan, 0.0], [np.inf, -np.inf]]), [0, 1])


def test_reliability_refuses_no_bins():
    with pytest.raises(ValueError, match="num_bins must be at least 1, not 0"):
        reliability([0.5], [1], num_bins=0)


def test_bad_targets_and_hits_are_refused():
    scores = np.eye(2)
    with pytest.raises(ValueError, match="targets are the numbers of columns, not float64"):
        fit_temperature(scores, [0.0, 1.0])
    with pytest.raises(ValueError, match="hits must be true or false, 1 or 0"):
        reliability([0.5], [7])
    with pytest.raises(ValueError, match="1 probabilities do not fit 1 hits"):
        reliability(0.5, [1])
