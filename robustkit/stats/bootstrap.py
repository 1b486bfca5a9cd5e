"""One patient bootstrap for everything: counts per patient, drawn once, shared by all models and metrics.

Source: Efron 1987, JASA 82:171 (BCa).
"""

from __future__ import annotations

import math
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
    # -1 cannot be told where there are no cases
    flat = values.reshape(math.prod(values.shape[:-1]), values.shape[-1])
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
    found = clustered_means(values[None], patients, draws, interval=interval)[0]
    return replace(found, mc_se=float(np.sqrt(mc_variance)))


def clustered_means(
    values: Floats, patients: Codes, draws: PatientDraws, *, interval: Interval = "BCa"
) -> list[Estimate]:
    """Give ``clustered_mean`` of every row of ``(k, n)`` values of the same cases: their draws are fetched once."""
    m, own = len(draws.by_patient), n_distinct(patients)
    counted = Estimate(n_cases=values.shape[1], n_patients=own)
    if own < MIN_PATIENTS:
        reason = f"fewer than {MIN_PATIENTS} patients ({own})" if values.shape[1] else "no cases"
        return [replace(counted, reason=reason)] * len(values)
    found = [replace(counted, reason="a value is not defined (NaN)")] * len(values)
    known = np.flatnonzero(np.isfinite(values).all(axis=1))
    size = np.bincount(patients, minlength=m).astype(np.float64)
    totals = sums_by_patient(values[known], patients, n_patients=m)
    members, sums = np.flatnonzero(size), np.concatenate([totals, size[None]])
    # to fetch the draws of most patients takes longer than to multiply those of all
    is_most = 2 * len(members) > m
    *drawn, drawn_size = sums @ draws.by_patient if is_most else sums[:, members] @ draws.by_patient[members]
    for i, total, drawn_total in zip(known, totals, drawn, strict=True):
        e = mean_of_sums(total, size, drawn_total=drawn_total, drawn_size=drawn_size, interval=interval)
        found[i] = replace(e, n_cases=values.shape[1])
    return found


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
    low, high, se, reason = bca_rows(drawn[None], np.array([value]), left_out[None])
    return float(low[0]), float(high[0]), float(se[0]), str(reason[0])


def percentile(drawn: Floats, value: float) -> tuple[float, float, float, str]:
    """Give low, high, se and the reason where there is no interval: the plain quantiles of the draws.

    Args:
        drawn: ``(B,)`` statistic of each draw, NaN where undefined.
        value: Of the sample.

    Source: Efron 1979, Annals of Statistics 7:1.
    """
    levels = np.array([[0.025, 0.975]])
    low, high, se, reason = _between(drawn[None], np.array([value]), lambda *_: levels)
    return float(low[0]), float(high[0]), float(se[0]), str(reason[0])


def bca_rows(drawn: Floats, value: Floats, left_out: Floats) -> tuple[Floats, Floats, Floats, NDArray[np.object_]]:
    """Give ``bca`` of every row at once: low, high, se and reasons, ``(k,)`` each.

    Args:
        drawn: ``(k, B)``.
        value: ``(k,)``.
        left_out: ``(k, m)``; NaN where leaving a patient out leaves nothing defined.
    """
    return _between(drawn, value, lambda known, n, of: _bca_levels(known, n, value[of], left_out[of]))


def _between(
    drawn: Floats, value: Floats, levels: Callable[[Floats, Floats, NDArray[np.intp]], Floats]
) -> tuple[Floats, Floats, Floats, NDArray[np.object_]]:
    """Give quantiles of the defined draws of every row, at the levels of the rows that have an interval."""
    k, draws = drawn.shape
    ordered, n, spread = _in_order(drawn)
    low, high, se, reason = (*np.full((3, k), NAN), np.full(k, "", dtype=object))
    is_known = n >= max(2.0, (1 - MAX_UNDEFINED) * draws)
    for i in np.flatnonzero(~is_known):
        reason[i] = f"undefined in {1 - n[i] / max(1, draws):.0%} of the bootstrap draws"
    own = np.flatnonzero(is_known)
    if not len(own):
        return low, high, se, reason
    first, last = ordered[own, 0], ordered[own, n[own] - 1]
    is_flat = last - first <= _ROUNDING * np.maximum(np.abs(value[own]), np.maximum(np.abs(first), np.abs(last)))
    reason[own[is_flat]] = "no variation between patients"
    own = own[~is_flat]
    # most often all rows are known, and a copy takes as long as the work
    known, size = ordered if len(own) == k else ordered[own], n[own].astype(np.float64)
    se[own] = spread[own]
    found = _quantiles(known, size, levels(known, size, own))
    low[own], high[own] = found
    is_thin = found[1] - found[0] <= _ROUNDING * np.maximum(np.abs(found[0]), np.abs(found[1]))
    low[own[is_thin]] = high[own[is_thin]] = NAN
    reason[own[is_thin]] = "the bootstrap interval has no width"
    return low, high, se, reason


def _in_order(drawn: Floats) -> tuple[Floats, Codes, Floats]:
    """Give every row rising, its defined numbers first; ``(k,)`` how many there are, and their sd (ddof 1)."""
    k, draws = drawn.shape
    with np.errstate(invalid="ignore", over="ignore"):
        mean = drawn.sum(axis=1, keepdims=True) / max(1, draws)
        work = drawn - mean
    if np.isfinite(mean).all():
        sd = np.sqrt(np.einsum("ij,ij->i", work, work) / max(1, draws - 1))
        # the same memory again: to ask for more takes longer than to fill it
        np.copyto(work, drawn)
        work.sort(axis=1)
        return work, np.full(k, draws), sd
    there = np.isfinite(drawn)
    ordered, n = np.sort(np.where(there, drawn, np.inf), axis=1), there.sum(axis=1)
    sd = np.full(k, NAN)
    some = n > 1
    sd[some] = ordered[some].std(axis=1, ddof=1, where=ordered[some] < np.inf)
    return ordered, n, sd


def _quantiles(ordered: Floats, n: Floats, levels: Floats) -> Floats:
    """Give ``(2, k)`` quantiles of the first n of each rising row, on the straight line between neighbours (Hyndman and
    Fan 1996, American Statistician 50:361, definition 7)."""
    at = levels * (n - 1)[:, None]
    below = np.floor(at).astype(np.intp)
    left = np.take_along_axis(ordered, below, axis=1)
    right = np.take_along_axis(ordered, np.minimum(below + 1, (n - 1).astype(np.intp)[:, None]), axis=1)
    return np.asarray((left + (at - below) * (right - left)).T)


def _bca_levels(known: Floats, n: Floats, value: Floats, left_out: Floats) -> Floats:
    """Efron 1987, equations 2.3 (bias) and 6.6 (acceleration); ``(k, 2)``."""
    edge = _ROUNDING * np.abs(value)
    ends = zip(known, np.stack([value - edge, value + edge], axis=1), strict=True)
    # values as far off as rounding count half
    below = np.array([row.searchsorted(e[0], "left") + row.searchsorted(e[1], "right") for row, e in ends]) / 2 / n
    bias = ndtri(np.clip(below, 0.5 / n, 1 - 0.5 / n))[:, None]
    lean = _acceleration(left_out)[:, None]
    z = bias + ndtri(np.array([0.025, 0.975]))
    # |acceleration| is at most 1/6, so the divisor is positive for any bias below 4
    return np.asarray(ndtr(bias + z / np.maximum(1 - lean * z, _ROUNDING)))


def _acceleration(left_out: Floats) -> Floats:
    """Give ``(k,)`` accelerations; 0 where nothing varies."""
    there = np.isfinite(left_out)
    if there.all():
        away = left_out.mean(axis=1, keepdims=True) - left_out
    else:
        mean = left_out.sum(axis=1, keepdims=True, where=there) / np.maximum(there.sum(axis=1, keepdims=True), 1)
        away = np.where(there, mean - left_out, 0.0)
    square = away * away
    cubes, size = np.einsum("ij,ij->i", square, away), 6 * square.sum(axis=1) ** 1.5
    return np.asarray(np.divide(cubes, size, out=np.zeros(len(cubes)), where=size > 0))


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
