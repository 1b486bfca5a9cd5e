"""Proportions of cases, with the patient as the unit of error: Wilson with an effective size.

Source: Wilson 1927, JASA 22:209; estimands, section 4, for the effective size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.stats.estimate import NAN, Estimate, Estimates, no_estimates
from robustkit.stats.groups import Groups, one_group

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
    low, high = _wilson(np.array(p), np.array(n))
    return float(low), float(high)


def _wilson(p: Floats, n: Floats) -> tuple[Floats, Floats]:
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(p * n, n, method="wilson")
    # in floating point the bounds of 0, of 1 and of what is next to them are off by 3e-17
    return np.minimum(low, p), np.maximum(high, p)


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
    """Give a proportion with its Wilson interval at the effective size: see ``clustered_proportions``.

    Args:
        events: ``(n,)`` 0 or 1, or a share over repeats in [0, 1].
        patients: ``(n,)`` codes.
        within, repeats, cap_by_patients: See there.

    Example:
        >>> import numpy as np
        >>> found = clustered_proportion(np.arange(20) < 18, np.arange(20))
        >>> found.value, round(found.low, 2), round(found.high, 2)
        (0.9, 0.7, 0.97)
    """
    found = clustered_proportions(
        events, one_group(patients), within=within, repeats=repeats, cap_by_patients=cap_by_patients
    )
    return found.one(0)


def clustered_proportions(
    events: Floats | NDArray[np.bool_],
    groups: Groups,
    *,
    within: Floats | None = None,
    repeats: int = 1,
    cap_by_patients: float | None = None,
) -> Estimates:
    """Give the proportion of every group with its Wilson interval at the effective size.

    Args:
        events: ``(n,)`` 0 or 1, or a share over repeats in [0, 1].
        groups: Of the cases.
        within: ``(n,)`` variance over repeats (ddof 1) of each case's event, for ``mc_se``.
        repeats: How many repeats a share rests on.
        cap_by_patients: Largest effective size in patients (flip rates: 4); None: the number of cases.

    Returns:
        n_eff = p (1 - p) / v, v the variance by patient, kept between patients and the cap; = patients where
        v = 0, and then without ``se``. mc_se = sqrt(sum of within / repeats) / n.
    """
    shares = np.asarray(events, dtype=np.float64)[groups.case]
    n, m = groups.n_cases(), groups.n_patients()
    found = no_estimates(groups.k, n_cases=n, n_patients=m, reason=_too_few(n, m))
    unknown = groups.over_cases(~np.isfinite(shares)) > 0
    found.reason[unknown & (found.reason == "")] = "an event is not defined (NaN)"
    can = np.flatnonzero(found.reason == "")
    if not len(can):
        return found
    mean = groups.over_cases(shares) / np.maximum(n, 1)
    residual = groups.by_pair(shares - mean[groups.group])
    p, n, m = np.clip(mean[can], 0.0, 1.0), n[can], m[can]
    v = groups.over_pairs(residual**2)[can] / n**2 * m / (m - 1)
    varies = v > _ROUNDING * p * (1.0 - p)
    cap = n if cap_by_patients is None else cap_by_patients * m
    size = np.where(varies, np.clip(p * (1.0 - p) / np.where(varies, v, 1.0), m, np.maximum(m, cap)), m)
    found.value[can], found.se[can] = p, np.where(varies, np.sqrt(v), NAN)
    found.low[can], found.high[can] = _wilson(p, size)
    if within is not None and repeats > 1:
        found.mc_se[can] = np.sqrt(groups.sums(within)[can] / repeats) / n
    found.method[can] = [f"Wilson, effective size {s:.1f}" for s in size.tolist()]
    return found


def _too_few(n: Codes, m: Codes) -> NDArray[np.object_]:
    reasons = np.full(len(n), "", dtype=object)
    for i in np.flatnonzero(m < MIN_PATIENTS):
        reasons[i] = f"fewer than {MIN_PATIENTS} patients ({m[i]})" if n[i] else "no cases"
    return reasons
