"""How far the truth may lie from a share that was counted: Wilson's interval.

A share of k hits in n tries is an estimate. Wilson's interval says how far the truth may lie from
it and, unlike the textbook's p +- 1.96 sqrt(p (1 - p) / n), it stays inside [0, 1] and keeps its
promise at 0 and n hits out of n. E. B. Wilson 1927, "Probable inference, the law of succession, and
statistical inference", JASA 22, equation 4 onwards.

Taught in ch07_alignment/03_evaluate.ipynb.
Needs: nothing but the standard library.
"""

import math
from statistics import NormalDist


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Lower and upper bound for the true share behind `successes` out of `n`.

    Raises ValueError unless 0 <= successes <= n, n >= 1 and 0 < confidence < 1. Constant cost.

    >>> low, high = wilson_interval(9, 10)
    >>> round(low, 3), round(high, 3)
    (0.596, 0.982)
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    if not 0 <= successes <= n:
        raise ValueError(f"successes must lie in 0 .. n, got {successes} of {n}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))
