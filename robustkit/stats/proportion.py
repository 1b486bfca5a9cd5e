"""Proportions of cases, with the patient as the unit of error: Wilson with an effective size.

Source: Wilson 1927, JASA 22:209; estimands, section 4, for the effective size.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.proportion import proportion_confint

from robustkit.stats.codes import n_distinct
from robustkit.stats.estimate import NAN, Estimate

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

MIN_PATIENTS = 5
"""Patients under which a proportion is not estimable (estimands, section 4)."""

_ROUNDING = 1e-12
"""A variance smaller than this part of p (1 - p) is rounding: the patients do not differ."""


def wilson(p: float, n: float) -> tuple[float, float]:
    """Give the 95 % Wilson interval of a proportion ``p`` of ``n`` (which may be no whole number).

    Example:
        >>> [round(v, 6) for v in wilson(18 / 20, 20)]
        [0.698966, 0.972134]
    """
    low, high = proportion_confint(p * n, n, method="wilson")
    # in floating point the bounds of 0, of 1 and of what is next to them are off by 3e-17
    return min(float(low), p), max(float(high), p)


def clustered_variance(events: Floats, patients: Codes) -> float:
    """Give the variance of a mean over cases whose patients are independent (ratio estimator).

    Args:
        events: ``(n,)`` values, finite.
        patients: ``(n,)`` codes.

    Returns:
        m / (m - 1) x sum over m patients of (sum of event - mean)^2 / n^2; NaN with one patient.

    Source: Cochran 1977, Sampling Techniques, section 3.12 (proportions in clusters).
    """
    codes = np.unique(patients, return_inverse=True)[1]
    residual = np.bincount(codes, weights=events - events.mean())
    m = len(residual)
    return float(residual @ residual / len(events) ** 2 * m / (m - 1)) if m > 1 else NAN


def clustered_proportion(
    events: Floats | NDArray[np.bool_],
    patients: Codes,
    *,
    within: Floats | None = None,
    repeats: int = 1,
    cap_by_patients: float | None = None,
) -> Estimate:
    """Give a proportion with its Wilson interval at the effective size.

    Args:
        events: ``(n,)`` 0 or 1, or a share over repeats in [0, 1].
        patients: ``(n,)`` codes.
        within: ``(n,)`` variance over repeats (ddof 1) of each case's event, for ``mc_se``.
        repeats: How many repeats a share rests on.
        cap_by_patients: Largest effective size in patients (flip rates: 4); None: the number of cases.

    Returns:
        n_eff = p (1 - p) / v, v the variance by patient, kept between patients and the cap; = patients where
        v = 0, and then without ``se``. mc_se = sqrt(sum of within / repeats) / n.

    Example:
        >>> import numpy as np
        >>> found = clustered_proportion(np.arange(20) < 18, np.arange(20))
        >>> found.value, round(found.low, 2), round(found.high, 2)
        (0.9, 0.7, 0.97)
    """
    shares = np.asarray(events, dtype=np.float64)
    n, m = len(shares), n_distinct(patients)
    counted = Estimate(n_cases=n, n_patients=m)
    if m < MIN_PATIENTS:
        return replace(counted, reason=f"fewer than {MIN_PATIENTS} patients ({m})" if n else "no cases")
    if not np.isfinite(shares).all():
        return replace(counted, reason="an event is not defined (NaN)")
    p = float(np.clip(shares.mean(), 0.0, 1.0))
    v = clustered_variance(shares, patients)
    varies = v > _ROUNDING * p * (1.0 - p)
    cap = float(n) if cap_by_patients is None else cap_by_patients * m
    size = float(np.clip(p * (1.0 - p) / v, m, max(float(m), cap))) if varies else float(m)
    low, high = wilson(p, size)
    mc_se = NAN
    if within is not None and repeats > 1:
        mc_se = float(np.sqrt(within.sum() / repeats) / n)
    se = float(np.sqrt(v)) if varies else NAN
    method = f"Wilson, effective size {size:.1f}"
    return replace(counted, value=p, low=low, high=high, se=se, mc_se=mc_se, method=method)
