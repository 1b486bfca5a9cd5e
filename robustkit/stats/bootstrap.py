"""One patient bootstrap for everything: counts per patient, drawn once, shared by all models and metrics.

Source: Efron 1987, JASA 82:171 (BCa); the counting of a weighted AUC: facts of this project, docs/statistics.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from robustkit.seeds import generator
from robustkit.stats.estimate import NAN, Estimate

Floats = NDArray[np.float64]
MAX_UNDEFINED = 0.05


@dataclass(frozen=True, slots=True)
class PatientDraws:
    """How often each patient is drawn.

    Attributes:
        counts: ``(B, m)`` float64, whole numbers.
    """

    counts: Floats


def patient_draws(strata: NDArray[np.intp], *, draws: int, seed: int, purpose: str) -> PatientDraws:
    """Draw patients with replacement within strata.

    Args:
        strata: ``(m,)`` code of each patient's stratum (cohort x centre x class).
        draws: B.
        seed: Of the analysis.
        purpose: Names the stream, so that equal purposes share their draws.
    """
    random = generator(seed, "bootstrap", purpose)
    counts = np.zeros((draws, len(strata)))
    for code in np.unique(strata):
        members = np.flatnonzero(strata == code)
        counts[:, members] = random.multinomial(len(members), np.full(len(members), 1 / len(members)), size=draws)
    return PatientDraws(counts)


def sums_by_patient(values: Floats, patients: NDArray[np.intp], *, n_patients: int) -> Floats:
    """Sum per-case values by patient: ``(..., n)`` to ``(..., m)``."""
    flat = values.reshape(-1, values.shape[-1])
    out = np.stack([np.bincount(patients, weights=row, minlength=n_patients) for row in flat])
    return out.reshape(*values.shape[:-1], n_patients)


def clustered_mean(
    values: Floats, patients: NDArray[np.intp], draws: PatientDraws, *, mc_variance: float = NAN
) -> Estimate:
    """Give the mean of per-case values with a patient bootstrap interval (BCa).

    Args:
        values: ``(n,)``; NaN values are not allowed.
        patients: ``(n,)`` codes 0..m-1 of the patients that ``draws`` counts.
        draws: Shared counts.
        mc_variance: Monte-Carlo variance of the mean, if there is one.
    """
    m = draws.counts.shape[1]
    own = len(np.unique(patients))
    counts = {"n_cases": len(values), "n_patients": own}
    if own < 5:
        return Estimate(reason=f"fewer than 5 patients ({own})" if len(values) else "no cases", **counts)
    total = sums_by_patient(values, patients, n_patients=m)
    size = np.bincount(patients, minlength=m).astype(np.float64)
    value = float(values.mean())
    weight = draws.counts @ size
    drawn = np.divide(draws.counts @ total, weight, out=np.full(len(weight), np.nan), where=weight > 0)
    members = np.flatnonzero(size)
    left_out = (total.sum() - total[members]) / (size.sum() - size[members])
    low, high, se, reason = bca(drawn, value, left_out)
    return Estimate(value, low, high, se, float(np.sqrt(mc_variance)), "patient bootstrap, BCa", **counts, reason=reason)


def bca(drawn: Floats, value: float, left_out: Floats) -> tuple[float, float, float, str]:
    """Give low, high, se and the reason where there is no interval.

    Args:
        drawn: ``(B,)`` statistic of each draw, NaN where undefined.
        value: Of the sample.
        left_out: ``(m,)`` jackknife values.
    """
    known = drawn[np.isfinite(drawn)]
    if len(known) < (1 - MAX_UNDEFINED) * len(drawn):
        return NAN, NAN, NAN, f"undefined in {1 - len(known) / len(drawn):.0%} of the bootstrap draws"
    se = float(known.std(ddof=1))
    spread = np.ptp(known)
    if spread <= 1e-15 * max(1.0, abs(value)):
        return NAN, NAN, NAN, "no variation between patients"
    below = (np.count_nonzero(known < value) + 0.5 * np.count_nonzero(known == value)) / len(known)
    bias = norm.ppf(np.clip(below, 1 / (2 * len(known)), 1 - 1 / (2 * len(known))))
    away = left_out.mean() - left_out
    cube = (away**2).sum() ** 1.5
    acceleration = float((away**3).sum() / (6 * cube)) if cube > 0 else 0.0
    z = norm.ppf([0.025, 0.975])
    level = norm.cdf(bias + (bias + z) / (1 - acceleration * (bias + z)))
    low, high = np.quantile(known, level)
    if low == high:
        return NAN, NAN, se, "the bootstrap interval has no width"
    return float(low), float(high), se, ""


def weighted_auc(labels: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """Give the AUC of every draw: sort once, then only counts.

    Args:
        labels: ``(n,)`` bool.
        scores: ``(n,)`` float64.
        weights: ``(B, n)`` how often each case was drawn.

    Returns:
        ``(B,)``; NaN where a draw lacks a class. Ties are half-counted.
    """
    positive, negative = scores[labels], np.sort(scores[~labels])
    order = np.argsort(scores[~labels], kind="stable")
    w_pos, w_neg = weights[:, labels], weights[:, ~labels][:, order]
    running = np.concatenate([np.zeros((len(weights), 1)), np.cumsum(w_neg, axis=1)], axis=1)
    lo, hi = np.searchsorted(negative, positive, "left"), np.searchsorted(negative, positive, "right")
    wins = (w_pos * (running[:, lo] + running[:, hi])).sum(axis=1) / 2
    pairs = w_pos.sum(axis=1) * w_neg.sum(axis=1)
    return np.divide(wins, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
