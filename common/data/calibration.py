"""Calibration: of the pages that a model calls "80 % spam", are 80 in 100 spam?

A classifier trained until it makes no mistake becomes too sure of itself. Dividing its scores by
one number, the temperature, chosen on pages it was not trained on, repairs much of that and changes
no decision: the most probable label stays the same.

Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599: temperature scaling,
and the expected calibration error of equation 3.

Shapes: N pages, C labels.
Taught in ch01_data/04_text_classifiers.ipynb.
Needs: nothing but numpy.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_GOLDEN = (math.sqrt(5) - 1) / 2
_SEARCHED = math.log(20)  # temperatures from 1/20 to 20


@dataclass(frozen=True)
class Bin:
    """Pages whose probability lies in [low, high): how many, what was said of them, what was true.

    mean_probability: what the model said on average. share: the part of which it was true. Both are
    NaN for an empty bin.

    >>> Bin(0.9, 1.0, count=20, mean_probability=0.97, share=0.75).gap
    0.22
    """

    low: float
    high: float
    count: int
    mean_probability: float
    share: float

    @property
    def gap(self) -> float:
        """How far the model is from the truth in this bin, rounded to six digits."""
        return round(abs(self.mean_probability - self.share), 6)


def fit_temperature(scores: np.ndarray, targets: Sequence[int] | np.ndarray) -> float:
    """The temperature T that makes softmax(scores / T) fit the targets best, from 1/20 to 20.

    scores: (N, C), in nats, of pages that the model was not trained on. targets: (N,) column of the
    true label. Minimises the mean negative log-likelihood, by golden-section search over log T.
    As if of two pages more one had been right: who saw no mistake in N pages may not claim to make
    none (the rule of succession; Platt 1999 does the same). Cost: 70 N C.

    >>> scores = np.array([[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    >>> fit_temperature(scores, [0, 0, 0, 0])  # right 3 + 1 times in 4 + 2, so 4 / T = log 2
    5.77078
    """
    scores, targets = np.asarray(scores, np.float64), np.asarray(targets)
    if scores.ndim != 2 or scores.shape[1] < 2 or not targets.shape == scores.shape[:1] > (0,):
        raise ValueError(f"{targets.shape} targets do not fit scores of shape {scores.shape}")
    if not np.issubdtype(targets.dtype, np.integer):
        raise ValueError(f"targets are the numbers of columns, not {targets.dtype}")
    first, last = targets.min(), targets.max()
    if first < 0 or last >= scores.shape[1]:
        raise ValueError(f"targets lie in 0..{scores.shape[1] - 1}, not in {first}..{last}")
    if num_odd := scores.size - np.count_nonzero(np.isfinite(scores)):
        raise ValueError(f"{num_odd} of {scores.size} scores are not finite")
    low, high = -_SEARCHED, _SEARCHED
    while high - low > 1e-7:
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if _loss(scores, targets, math.exp(left)) <= _loss(scores, targets, math.exp(right)):
            high = right
        else:
            low = left
    return round(math.exp((low + high) / 2), 5)


def reliability(
    probabilities: Sequence[float] | np.ndarray,
    hits: Sequence[bool] | np.ndarray,
    *,
    num_bins: int = 10,
) -> list[Bin]:
    """What a model said against what was true, in bins of equal width: a reliability diagram.

    probabilities: (N,) in [0, 1], said of N pages. hits: (N,), whether it was true. The last bin
    includes 1.

    >>> [(b.count, b.share) for b in reliability([0.1, 0.6, 0.9, 1.0], [0, 1, 0, 1], num_bins=2)]
    [(1, 0.0), (3, 0.6666666666666666)]
    """
    if num_bins < 1:
        raise ValueError(f"num_bins must be at least 1, not {num_bins}")
    said, true = np.asarray(probabilities, np.float64), np.asarray(hits, np.float64)
    if said.ndim != 1 or said.shape != true.shape:
        raise ValueError(f"{said.size} probabilities do not fit {true.size} hits")
    if not np.isin(true, (0, 1)).all():
        raise ValueError("hits must be true or false, 1 or 0")
    if len(said) and not (said.min() >= 0 and said.max() <= 1):
        raise ValueError(f"probabilities lie in [0, 1], not in [{said.min()}, {said.max()}]")
    place = np.minimum((said * num_bins).astype(np.int64), num_bins - 1)
    counts = np.bincount(place, minlength=num_bins)
    with np.errstate(invalid="ignore"):
        means = np.bincount(place, weights=said, minlength=num_bins) / counts
        shares = np.bincount(place, weights=true, minlength=num_bins) / counts
    return [
        Bin(i / num_bins, (i + 1) / num_bins, int(counts[i]), float(means[i]), float(shares[i]))
        for i in range(num_bins)
    ]


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """The gap between said and true, averaged over pages: 0 is perfect, 0.1 is off by ten points.

    >>> expected_calibration_error(reliability([0.9, 0.9, 0.9, 0.9], [1, 1, 0, 0]))
    0.4
    """
    filled = [one for one in bins if one.count]
    if not filled:
        raise ValueError(f"none of the {len(bins)} bins holds a page")
    return math.fsum(one.count * one.gap for one in filled) / sum(one.count for one in filled)


def _loss(scores: np.ndarray, targets: np.ndarray, temperature: float) -> float:
    """Mean negative log-likelihood in nats at this temperature."""
    count, num_labels = scores.shape
    scaled = scores / temperature
    scaled -= scaled.max(1, keepdims=True)
    right = scaled[np.arange(count), targets]
    others = (scaled.sum(1) - right) / (num_labels - 1)
    doubt = 1 / (count + 2)
    expected = (1 - doubt) * right + doubt * others
    return float((np.log(np.exp(scaled).sum(1)) - expected).mean())
