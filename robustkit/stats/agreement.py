"""How far apart answers to redrawn boxes of one case lie, beside how far apart cases lie: from sums by patient alone.

Sources: Shrout and Fleiss 1979, Psychological Bulletin 86:420 (ICC(1,1)); Bland and Altman 2007, J Biopharm Stat 17:571
(limits of agreement with several observations per case, repeatability).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from robustkit.stats.groups import Floats
from robustkit.stats.of_sums import COUNT, Sums

COLUMNS = ("mean", "mean squared", "within", "away", "away squared")
"""Per case: mean over repeats and its square, variance over repeats (ddof 1), mean minus nominal and its square."""

MIN_CASES = 100
"""Cases under which an ICC is not given (estimands, section 3)."""

MIN_PATIENTS = 10
_Z = 1.959963984540054


def case_columns(redrawn: Floats, nominal: Floats) -> dict[str, Floats]:
    """Give the per-case columns whose sums the measures need.

    Args:
        redrawn: ``(n, R)`` values on one scale, e.g. logits; R at least 2.
        nominal: ``(n,)``.
    """
    mean = redrawn.mean(axis=1)
    away = mean - nominal
    return dict(zip(COLUMNS, (mean, mean**2, redrawn.var(axis=1, ddof=1), away, away**2), strict=True))


def icc(sums: Sums, repeats: int) -> Floats:
    """Give ICC(1,1): the share of the variance of a single answer that is between cases.

    Args:
        sums: Of ``n`` and of the case columns, any shape.
        repeats: R.
    """
    n = sums[COUNT]
    between = repeats * (sums["mean squared"] - sums["mean"] ** 2 / n) / (n - 1)
    within = sums["within"] / n
    return np.asarray((between - within) / (between + (repeats - 1) * within))


def repeatability(sums: Sums, repeats: int) -> Floats:
    """Give what two answers to redrawn boxes of one case differ by at most in 95 %: 1.96 sqrt(2) s_w."""
    return np.asarray(_Z * np.sqrt(2 * sums["within"] / sums[COUNT]))


def bias(sums: Sums, repeats: int) -> Floats:
    """Give the mean of redrawn minus nominal."""
    return np.asarray(sums["away"] / sums[COUNT])


def _limit(sums: Sums, repeats: int, side: float) -> Floats:
    n = sums[COUNT]
    between = (sums["away squared"] - sums["away"] ** 2 / n) / (n - 1)
    total = between + (1 - 1 / repeats) * sums["within"] / n
    return np.asarray(sums["away"] / n + side * _Z * np.sqrt(total))


def low_limit(sums: Sums, repeats: int) -> Floats:
    """Give the lower 95 % limit of agreement, nominal to redrawn."""
    return _limit(sums, repeats, -1.0)


def high_limit(sums: Sums, repeats: int) -> Floats:
    """Give the upper 95 % limit of agreement, nominal to redrawn."""
    return _limit(sums, repeats, 1.0)


MEASURES: dict[str, Callable[[Sums, int], Floats]] = {
    "icc": icc,
    "repeatability": repeatability,
    "bias": bias,
    "limit_low": low_limit,
    "limit_high": high_limit,
}


def measure(name: str, repeats: int) -> Callable[[Sums], Floats]:
    """Give one of MEASURES as a function of the sums of ``n`` and of the case columns.

    Args:
        name: Of MEASURES.
        repeats: R.
    """
    return lambda sums: MEASURES[name](sums, repeats)


def not_estimable(name: str, n: int, m: int) -> str:
    """Say why a measure of n cases of m patients is not given; "" where it is."""
    if m < MIN_PATIENTS:
        return f"fewer than {MIN_PATIENTS} patients ({m})" if n else "no cases"
    return f"fewer than {MIN_CASES} cases ({n})" if name == "icc" and n < MIN_CASES else ""
