"""One patient bootstrap for everything: counts per patient, drawn once, shared by all models and metrics.

Source: Efron 1987, JASA 82:171 (BCa).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from robustkit.seeds import generator
from robustkit.stats.codes import n_distinct
from robustkit.stats.estimate import NAN, Estimate

Floats = NDArray[np.float64]
Interval = Literal["BCa", "percentile"]
Codes = NDArray[np.intp]

MAX_UNDEFINED = 0.05
"""Share of undefined draws over which there is no interval (estimands, section 1)."""

MIN_PATIENTS = 5
"""Patients under which a mean is not estimable, as for a proportion."""

_BLOCK = 32
"""Draws that are worked on at a time."""

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class PatientDraws:
    """How often each patient is drawn, with all cases and repeats.

    Attributes:
        by_patient: ``(m, B)`` float64, whole numbers: they are multiplied with sums, not looked up. A
            stratum reads the rows of its own patients alone.
    """

    by_patient: Floats

    @property
    def counts(self) -> Floats:
        """``(B, m)``, a view."""
        return self.by_patient.T


def patient_draws(strata: Codes, *, draws: int, seed: int, purpose: str) -> PatientDraws:
    """Draw patients with replacement within strata; each stratum keeps its number of patients.

    Args:
        strata: ``(m,)`` code of each patient's stratum (cohort x centre x class).
        draws: B.
        seed: Of the analysis.
        purpose: Names the stream, so that equal purposes share their draws.
    """
    random = generator(seed, "bootstrap", purpose)
    by_patient = np.zeros((len(strata), draws))
    for code in np.unique(strata):
        members = np.flatnonzero(strata == code)
        by_patient[members] = random.multinomial(len(members), np.full(len(members), 1 / len(members)), size=draws).T
    return PatientDraws(by_patient)


def sums_by_patient(values: Floats, patients: Codes, *, n_patients: int) -> Floats:
    """Sum per-case values by patient.

    Args:
        values: ``(..., n)``.
        patients: ``(n,)`` codes 0..n_patients-1.
        n_patients: m.

    Returns:
        ``(..., m)`` float64; 0 for patients without cases.
    """
    flat = values.reshape(-1, values.shape[-1])
    out = np.zeros((len(flat), n_patients))
    for row, own in zip(out, flat, strict=True):
        row += np.bincount(patients, weights=own, minlength=n_patients)
    return out.reshape(*values.shape[:-1], n_patients)


def clustered_mean(
    values: Floats, patients: Codes, draws: PatientDraws, *, mc_variance: float = NAN, interval: Interval = "BCa"
) -> Estimate:
    """Give the mean of per-case values with a patient bootstrap interval.

    Args:
        values: ``(n,)``; one that is not finite gives no estimate, with the reason.
        patients: ``(n,)`` codes 0..m-1 of the patients that ``draws`` counts.
        draws: Shared counts.
        mc_variance: Monte-Carlo variance of the mean, if there is one.
        interval: ``BCa``, or ``percentile``.
    """
    m = len(draws.by_patient)
    own = n_distinct(patients)
    counted = Estimate(n_cases=len(values), n_patients=own)
    if own < MIN_PATIENTS:
        return replace(counted, reason=f"fewer than {MIN_PATIENTS} patients ({own})" if len(values) else "no cases")
    if not np.isfinite(values).all():
        return replace(counted, reason="a value is not defined (NaN)")
    total = sums_by_patient(values, patients, n_patients=m)
    size = np.bincount(patients, minlength=m).astype(np.float64)
    members = np.flatnonzero(size)
    drawn_total, drawn_size = np.stack([total[members], size[members]]) @ draws.by_patient[members]
    found = mean_of_sums(total, size, drawn_total=drawn_total, drawn_size=drawn_size, interval=interval)
    return replace(found, n_cases=len(values), mc_se=float(np.sqrt(mc_variance)))


def mean_of_sums(
    total: Floats, size: Floats, *, drawn_total: Floats, drawn_size: Floats, interval: Interval = "BCa"
) -> Estimate:
    """Give the mean of per-case values with a patient bootstrap interval, from sums alone.

    Args:
        total, size: ``(m,)`` sum of the values, and number of cases, by patient.
        drawn_total, drawn_size: ``(B,)`` the same over every draw.
        interval: ``BCa``, or ``percentile``.
    """
    members = size > 0
    n, own = int(size.sum()), int(members.sum())
    counted = Estimate(n_cases=n, n_patients=own)
    if own < MIN_PATIENTS:
        return replace(counted, reason=f"fewer than {MIN_PATIENTS} patients ({own})" if n else "no cases")
    drawn = np.divide(drawn_total, drawn_size, out=np.full(len(drawn_size), np.nan), where=drawn_size > 0)
    left_out = (total.sum() - total[members]) / (size.sum() - size[members])
    value = float(total.sum() / size.sum())
    low, high, se, reason = bca(drawn, value, left_out) if interval == "BCa" else percentile(drawn, value)
    method = f"patient bootstrap, {interval}"
    return replace(counted, value=value, low=low, high=high, se=se, method=method, reason=reason)


def bca(drawn: Floats, value: float, left_out: Floats) -> tuple[float, float, float, str]:
    """Give low, high, se and the reason where there is no interval.

    Args:
        drawn: ``(B,)`` statistic of each draw, NaN where undefined.
        value: Of the sample.
        left_out: ``(m,)`` jackknife values, one patient left out; a single one: no acceleration.

    Returns:
        A zero-width interval is never given: the bounds are NaN and the reason says so.
    """
    return _between(drawn, value, lambda known: _bca_levels(known, value, left_out))


def percentile(drawn: Floats, value: float) -> tuple[float, float, float, str]:
    """Give low, high, se and the reason where there is no interval: the plain quantiles of the draws.

    Args:
        drawn: ``(B,)`` statistic of each draw, NaN where undefined.
        value: Of the sample.

    Source: Efron 1979, Annals of Statistics 7:1.
    """
    return _between(drawn, value, lambda _: np.array([0.025, 0.975]))


def _between(drawn: Floats, value: float, levels: Callable[[Floats], Floats]) -> tuple[float, float, float, str]:
    known = drawn[np.isfinite(drawn)]
    if len(known) < max(2.0, (1 - MAX_UNDEFINED) * len(drawn)):
        return NAN, NAN, NAN, f"undefined in {1 - len(known) / max(1, len(drawn)):.0%} of the bootstrap draws"
    if np.ptp(known) <= _ROUNDING * max(abs(value), float(np.abs(known).max())):
        return NAN, NAN, NAN, "no variation between patients"
    se = float(known.std(ddof=1))
    low, high = np.quantile(known, levels(known))
    if high - low <= _ROUNDING * max(abs(low), abs(high)):
        return NAN, NAN, se, "the bootstrap interval has no width"
    return float(low), float(high), se, ""


def _bca_levels(known: Floats, value: float, left_out: Floats) -> Floats:
    """Efron 1987, equations 2.3 (bias) and 6.6 (acceleration)."""
    same = np.isclose(known, value, rtol=_ROUNDING, atol=0.0)
    below = (np.count_nonzero((known < value) & ~same) + 0.5 * np.count_nonzero(same)) / len(known)
    bias = ndtri(np.clip(below, 0.5 / len(known), 1 - 0.5 / len(known)))
    away = left_out.mean() - left_out
    cube = float((away**2).sum() ** 1.5)
    acceleration = float((away**3).sum()) / (6 * cube) if cube > 0 else 0.0
    z = bias + ndtri(np.array([0.025, 0.975]))
    # |acceleration| is at most 1/6, so the divisor is positive for any bias below 4
    return np.asarray(ndtr(bias + z / np.maximum(1 - acceleration * z, _ROUNDING)))


def weighted_auc(labels: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """Give the AUC of every draw, averaged over repeats: each repeat is sorted once, then only counted.

    AUC_b = sum over positives i of w_i (Z(lo_i) + Z(hi_i)) / 2 / (W+ W-), Z the running sum of the negatives'
    weights in the order of their scores, lo_i and hi_i the negatives below, and not above, i's score.

    Args:
        labels: ``(n,)`` bool.
        scores: ``(n,)`` or ``(R, n)`` float64 without NaN.
        weights: ``(B, n)`` how often each case was drawn.

    Returns:
        ``(B,)``; NaN where a draw lacks a class. Ties are half-counted.
    """
    rows = np.atleast_2d(scores)
    order = np.argsort(rows[:, ~labels], axis=1)
    negatives = np.take_along_axis(rows[:, ~labels], order, axis=1)
    places = [
        (np.searchsorted(n, p, "left"), np.searchsorted(n, p, "right"))
        for n, p in zip(negatives, rows[:, labels], strict=True)
    ]
    wins, pairs = np.empty(len(weights)), np.empty(len(weights))
    # some draws at a time, a draw per column: a score is then looked up for all of them at once, in the cache
    for start in range(0, len(weights), _BLOCK):
        block = slice(start, start + _BLOCK)
        w_pos, w_neg = weights[block][:, labels].T.copy(), weights[block][:, ~labels].T.copy()
        running = np.zeros((len(w_neg) + 1, w_neg.shape[1]))
        found = np.zeros(w_neg.shape[1])
        for one, (low, high) in zip(order, places, strict=True):
            np.cumsum(w_neg[one], axis=0, out=running[1:])
            below = running[low]
            # without ties both ends are one
            both = below + running[high] if (low != high).any() else below + below
            found += np.einsum("ij,ij->j", w_pos, both)
        wins[block] = found / 2
        pairs[block] = w_pos.sum(axis=0) * w_neg.sum(axis=0) * len(rows)
    return np.asarray(np.divide(wins, pairs, out=np.full(len(weights), np.nan), where=pairs > 0))
