"""What first order statistics and intensity histogram have in common: sixteen numbers of values with counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.features._region import Counted

MOMENTS = (
    "mean", "var", "skew", "kurt", "median", "min", "p10", "p90", "max", "iqr", "range", "mad", "rmad", "medad", "cov",
    "qcod",
)  # fmt: skip
"""IBSI's short names, without prefix."""

UNDEFINED = {
    "skew": "all values are equal: their variance is 0",
    "kurt": "all values are equal: their variance is 0",
    "rmad": "no value lies between the 10th and 90th percentile",
    "cov": "the mean is 0",
    "qcod": "the quartiles add up to 0",
}
"""Where a number is not defined, and why."""


def moments(counted: Counted) -> NDArray[np.float64]:
    """Give ``(16,)``: the numbers of MOMENTS.

    Percentiles are linear between order statistics (Hyndman and Fan 1996, type 7). Kurtosis is excess (3 less than
    PyRadiomics'). The variance divides by the number of values.

    Source: IBSI reference manual, sections 3.3 and 3.4.
    """
    values, counts = counted
    n = int(counts.sum())
    mean = float(counts @ values) / n
    off = values - mean
    second, third, fourth = (float(counts @ off**k) / n for k in (2, 3, 4))
    p10, q1, median, q3, p90 = _percentiles(counted, np.array([0.1, 0.25, 0.5, 0.75, 0.9]))
    present = values[counts > 0]
    low, high = float(present[0]), float(present[-1])
    flat = low == high
    largest = max(-low, high)
    robust = (values >= p10) & (values <= p90)
    return np.array([
        mean, second, np.nan if flat else third / second**1.5, np.nan if flat else fourth / second**2 - 3,
        median, low, p10, p90, high, q3 - q1, high - low,
        float(counts @ np.abs(off)) / n, _mean_deviation(values[robust], counts[robust]),
        float(counts @ np.abs(values - median)) / n,
        _over(np.sqrt(second), mean, largest), _over(q3 - q1, q3 + q1, largest),
    ])  # fmt: skip


def _percentiles(counted: Counted, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    values, counts = counted
    upto = np.cumsum(counts)
    places = shares * (upto[-1] - 1)
    below = np.floor(places)
    lower, upper = (values[np.searchsorted(upto, p, side="right")] for p in (below, np.ceil(places)))
    return np.asarray(lower + (places - below) * (upper - lower))


def _mean_deviation(values: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    n = int(counts.sum())
    if n == 0:
        return float("nan")
    mean = counts @ values / n
    return float(counts @ np.abs(values - mean) / n)


def _over(part: float, whole: float, largest: float) -> float:
    # a mean of z-scores is 0 but for rounding
    return part / whole if abs(whole) > _ROUNDING * largest else float("nan")


_ROUNDING = 1e-12
