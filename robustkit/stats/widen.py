"""95 % intervals of a table, widened for the number of statements that are made together (Bonferroni).

A table holds the interval and not what it was made of. Where the method's name tells the scale, the wider interval is
the one that the method would have given; elsewhere it is stretched, and said to be approximate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

LEVEL = 0.05
"""One minus the level of the tables' intervals."""

_SAME = 1e-6
"""How well a recomputed 95 % interval must meet the table's, to be taken for the method's own."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its bounds.

    Attributes:
        value, low, high: NaN where not there.
        se: Standard error; NaN where the table has none.
        method: As in the tables.
        is_approximate: True where the bounds were stretched and not recomputed.
    """

    value: float
    low: float
    high: float
    se: float
    method: str
    is_approximate: bool = False


def widened(found: Interval, k: int) -> Interval:
    """Give the interval at 1 - .05 / k, so that k of them hold together in 95 % (Bonferroni).

    One bound of it is off with a chance of at most .025 / k. How, by method:

    - Wilson: the effective size is solved from the two bounds, and the interval made anew with the larger z: exact.
    - AUC on the logit scale: both distances on that scale times z' / z: exact.
    - Perfect separation: the bound b solves b^pairs = .025, so b^(log(.025 / k) / log(.025)): exact.
    - Clustered paired DeLong: difference -+ z' x se: exact.
    - BCa and everything else: quantiles further out cannot be had from a table. Each bound moves out by (z' / z - 1)
      times its distance from the value or 1.96 se, whichever is larger: approximate. A skew that grows in the tails
      is not in it.

    Args:
        found: 95 % interval.
        k: Statements, at least 1; 1 gives the interval as it is.

    Example:
        >>> found = widened(Interval(0.0, 0.0, 0.2775402, float("nan"), "Wilson, effective size 10.0"), 2)
        >>> round(found.high, 4)
        0.3344
    """
    if k <= 1 or not np.isfinite(found.low + found.high):
        return found
    z, wide = (float(norm.isf(LEVEL / 2 / n)) for n in (1, k))
    bounds = None
    if found.method.startswith("Wilson"):
        bounds = _wilson(found, z, wide)
    elif found.method.startswith("perfect separation"):
        bounds = _perfect(found, k)
    elif "logit scale" in found.method:
        bounds = _logit(found, wide / z)
    elif found.method.startswith("clustered paired DeLong") and np.isfinite(found.se):
        bounds = max(-1.0, found.value - wide * found.se), min(1.0, found.value + wide * found.se)
    if bounds is not None:
        return replace(found, low=bounds[0], high=bounds[1])
    more = wide / z - 1
    least = z * found.se if np.isfinite(found.se) else 0.0
    low = found.low - more * max(found.value - found.low, least)
    high = found.high + more * max(found.high - found.value, least)
    return replace(found, low=low, high=high, is_approximate=True)


def _wilson(found: Interval, z: float, wide: float) -> tuple[float, float] | None:
    """Solve half (1 + a) = sqrt(a p q + a^2 / 4), half the width, for a = z^2 / n: it has one positive root."""
    p, half = found.value, (found.high - found.low) / 2
    square = half**2
    if not 0 < square < 0.25:
        return None
    first, second = 0.25 - square, p * (1 - p) - 2 * square
    a = (-second + np.sqrt(second**2 + 4 * first * square)) / (2 * first)
    if np.abs(np.subtract(_score_bounds(p, a), (found.low, found.high))).max() > _SAME:
        return None
    return _score_bounds(p, a * (wide / z) ** 2)


def _score_bounds(p: float, a: float) -> tuple[float, float]:
    """Wilson's interval by a = z^2 / n (Wilson 1927, JASA 22:209)."""
    half = np.sqrt(a * p * (1 - p) + a**2 / 4)
    return max(0.0, float((p + a / 2 - half) / (1 + a))), min(1.0, float((p + a / 2 + half) / (1 + a)))


def _perfect(found: Interval, k: int) -> tuple[float, float]:
    power = np.log(LEVEL / 2 / k) / np.log(LEVEL / 2)
    return (float(found.low**power), 1.0) if found.value == 1.0 else (0.0, float(1 - (1 - found.high) ** power))


def _logit(found: Interval, ratio: float) -> tuple[float, float] | None:
    if not 0 < found.low <= found.value <= found.high < 1:
        return None
    middle = logit(found.value)
    low, high = (float(expit(middle + ratio * (logit(b) - middle))) for b in (found.low, found.high))
    return low, high
