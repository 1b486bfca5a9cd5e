"""How far apart answers to redrawn boxes of one case lie, beside how far apart cases lie: from sums by patient alone.

Sources: Shrout and Fleiss 1979, Psychological Bulletin 86:420 (ICC(1,1)); Bland and Altman 2007, J Biopharm Stat 17:571
(limits of agreement with several observations per case, repeatability).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from robustkit.stats.bootstrap import bca
from robustkit.stats.estimate import Estimate

Floats = NDArray[np.float64]
Sums = Mapping[str, Floats]

COUNT = "n"
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


def measure(name: str, sums: Sums, drawn: Sums, *, repeats: int) -> Estimate:
    """Give one measure with a patient bootstrap interval (BCa).

    Args:
        name: Of MEASURES.
        sums: ``(m,)`` by patient: ``n``, and the case columns.
        drawn: ``(B,)`` the same in every draw of patients.
        repeats: R.

    Returns:
        Not estimable with fewer than 10 patients, an ICC with fewer than 100 cases.
    """
    members = sums[COUNT] > 0
    n, m = int(sums[COUNT].sum()), int(members.sum())
    counted = Estimate(n_cases=n, n_patients=m)
    if m < MIN_PATIENTS:
        return replace(counted, reason=f"fewer than {MIN_PATIENTS} patients ({m})" if n else "no cases")
    if name == "icc" and n < MIN_CASES:
        return replace(counted, reason=f"fewer than {MIN_CASES} cases ({n})")
    function = MEASURES[name]
    total = {k: np.asarray(v.sum()) for k, v in sums.items()}
    with np.errstate(invalid="ignore", divide="ignore"):
        value = float(function(total, repeats))
        if not np.isfinite(value):
            return replace(counted, reason="nothing varies, between cases or within")
        found = function(drawn, repeats)
        left_out = function({k: total[k] - v[members] for k, v in sums.items()}, repeats)
    low, high, se, reason = bca(found, value, left_out)
    return replace(counted, value=value, low=low, high=high, se=se, method="patient bootstrap, BCa", reason=reason)
