"""Proportions of cases, with the patient as the unit of error: Wilson with an effective size.

Source: Wilson 1927, JASA 22:209; estimands, section 4, for the effective size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from robustkit.stats.estimate import NAN, Estimate

MIN_PATIENTS = 5
_Z = float(norm.ppf(0.975))


def wilson(p: float, n: float) -> tuple[float, float]:
    """Give the 95 % Wilson interval of a proportion ``p`` of ``n`` (which may be no whole number).

    Example:
        >>> [round(v, 6) for v in wilson(18 / 20, 20)]
        [0.698966, 0.972134]
    """
    z2 = _Z**2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * np.sqrt(p * (1 - p) / n + z2 / (4 * n**2)) / (1 + z2 / n)
    low = 0.0 if p == 0.0 else float(max(0.0, centre - half))
    high = 1.0 if p == 1.0 else float(min(1.0, centre + half))
    return low, high


def clustered_variance(events: NDArray[np.float64], patients: NDArray[np.intp]) -> float:
    """Give the variance of a mean over cases whose patients are independent (ratio estimator).

    Args:
        events: ``(n,)`` values in [0, 1].
        patients: ``(n,)`` codes.
    """
    n = len(events)
    residual = np.zeros(int(patients.max()) + 1)
    np.add.at(residual, patients, events - events.mean())
    m = len(np.unique(patients))
    return float((residual**2).sum() / n**2 * m / (m - 1)) if m > 1 else NAN


def clustered_proportion(
    events: NDArray[np.float64],
    patients: NDArray[np.intp],
    *,
    within: NDArray[np.float64] | None = None,
    repeats: int = 1,
    cap_by_patients: float | None = None,
) -> Estimate:
    """Give a proportion with its Wilson interval at the effective size.

    Args:
        events: ``(n,)`` 0 or 1, or a share over repeats in [0, 1].
        patients: ``(n,)`` codes.
        within: ``(n,)`` variance over repeats of each case's event, for ``mc_se``.
        repeats: How many repeats a share rests on.
        cap_by_patients: Largest effective size in patients (flip rates: 4); None: the number of cases.

    Returns:
        n_eff = p (1 - p) / v, kept between patients and cases; = patients where v = 0.
    """
    n, m = len(events), len(np.unique(patients))
    counts = {"n_cases": n, "n_patients": m}
    if m < MIN_PATIENTS:
        reason = f"fewer than {MIN_PATIENTS} patients ({m})" if n else "no cases"
        return Estimate(reason=reason, **counts)
    if not np.isfinite(events).all():
        return Estimate(reason="an event is not defined", **counts)
    p = float(np.clip(events.mean(), 0.0, 1.0))
    v = clustered_variance(events, patients)
    top = n * repeats if cap_by_patients is None else cap_by_patients * m
    n_eff = float(m) if v <= 0 else float(np.clip(p * (1 - p) / v, m, max(m, top if cap_by_patients else n)))
    low, high = wilson(p, n_eff)
    mc_se = NAN
    if within is not None and repeats > 1:
        mc_se = float(np.sqrt(within.sum() / repeats) / n)
    method = f"Wilson, effective size {n_eff:.1f}"
    return Estimate(p, low, high, float(np.sqrt(v)) if v > 0 else NAN, mc_se, method, **counts)
