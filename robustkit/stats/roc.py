"""ROC curve and net benefit over all thresholds, with pointwise intervals from the shared patient draws.

Sources: Fawcett 2006, Pattern Recognition Letters 27:861, algorithms 1 and 3 (ties, vertical averaging); Vickers and
Elkin 2006, Medical Decision Making 26:565 (decision curve).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from robustkit.stats.bootstrap import MAX_UNDEFINED, Codes, Floats, PatientDraws
from robustkit.stats.cores import by_block
from robustkit.stats.estimate import NAN

Flags = NDArray[np.bool_]

MOST_THRESHOLDS = 500
"""Distinct scores over which the draws, not the curve itself, are counted at that many quantiles of the scores."""


_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Band:
    """A curve with pointwise 95 % percentile intervals.

    Attributes:
        value: ``(g,)``.
        low, high: ``(g,)``; NaN where there is no interval.
        reason: Why a curve, or its intervals, are missing.
    """

    value: Floats
    low: Floats
    high: Floats
    reason: str = ""


def roc_band(positive: Flags, scores: Floats, patients: Codes, draws: PatientDraws, *, grid: Floats) -> Band:
    """Give sensitivity at each share of false alarms, straight lines between the thresholds (ties: half-counted).

    Args:
        positive: ``(n,)`` truth.
        scores: ``(n,)`` without NaN; higher is positive.
        patients: ``(n,)`` codes of those that ``draws`` counts.
        draws: Shared counts.
        grid: ``(g,)`` 1 - specificity, rising, in [0, 1].
    """
    if positive.all() or not positive.any():
        return _none(len(grid), "one class only")
    cuts = np.unique(scores)[::-1]
    alarm, hit = _shares(positive, scores, cuts)
    value = _vertical(alarm[None], hit[None], grid)[0]
    few = cuts if len(cuts) <= MOST_THRESHOLDS else np.unique(_quantiles(scores))[::-1]
    hit, alarm = _drawn_counts(positive, scores, patients, draws, cuts=few)
    with np.errstate(invalid="ignore"):
        hit, alarm = hit / hit[-1], alarm / alarm[-1]
    drawn = by_block(lambda own: _vertical(alarm.T[own], hit.T[own], grid).T, hit.shape[1], size=len(few)).T
    return _with_interval(value, drawn)


def net_benefit_band(positive: Flags, scores: Floats, patients: Codes, draws: PatientDraws, *, grid: Floats) -> Band:
    """Give the net benefit of deciding ``score >= p`` at each threshold probability p.

    Args:
        positive: ``(n,)`` truth.
        scores: ``(n,)`` without NaN, taken for probabilities.
        patients: ``(n,)`` codes of those that ``draws`` counts.
        draws: Shared counts.
        grid: ``(g,)`` threshold probabilities, rising, in [0, 1).
    """
    if not len(scores):
        return _none(len(grid), "no cases")
    weight = grid / (1.0 - grid)
    called = scores[:, None] >= grid
    value = (called & positive[:, None]).mean(axis=0) - weight * (called & ~positive[:, None]).mean(axis=0)
    hit, alarm = _drawn_counts(positive, scores, patients, draws, cuts=grid[::-1])
    n = np.bincount(patients, minlength=len(draws.by_patient)).astype(np.float64) @ draws.by_patient
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = ((hit[::-1] - weight[:, None] * alarm[::-1]) / n).T
    return _with_interval(value, drawn)


def _shares(positive: Flags, scores: Floats, cuts: Floats) -> tuple[Floats, Floats]:
    """``(c,)`` share of false alarms and of positives found at each threshold, falling ``cuts``."""
    own = [np.sort(scores[k]) for k in (~positive, positive)]
    alarm, hit = ((len(s) - np.searchsorted(s, cuts, "left")) / len(s) for s in own)
    return alarm, hit


def _vertical(alarm: Floats, hit: Floats, grid: Floats) -> Floats:
    """Sensitivity of each of ``(b, c)`` curves over the grid, from the corner (0, 0); where one is upright, its top."""
    b, c = alarm.shape
    is_known = (np.isfinite(alarm) & np.isfinite(hit)).all(axis=1, keepdims=True)
    x, y = (np.concatenate([np.zeros((b, 1)), np.where(is_known, v, 0.0)], axis=1) for v in (alarm, hit))
    # the curves are looked up one behind the other: no two places of a grid or curve are as near as the rounding
    behind = 2.0 * np.arange(b)[:, None]
    start = (c + 1) * np.arange(b)[:, None]
    # from the last corner at or left of the place to the one after it, which lies right of it
    i = np.searchsorted((x + behind).ravel(), grid + behind + _ROUNDING, "right") - 1
    j = np.minimum(i + 1, start + c)
    left, right, low, high = x.take(i), x.take(j), y.take(i), y.take(j)
    along = np.divide(np.maximum(grid - left, 0.0), right - left, out=np.zeros(i.shape), where=right > left)
    return np.where(is_known, low + along * (high - low), NAN)


def _quantiles(scores: Floats) -> Floats:
    return np.append(np.quantile(scores, np.linspace(0, 1, MOST_THRESHOLDS), method="lower"), scores.max())


def _drawn_counts(
    positive: Flags, scores: Floats, patients: Codes, draws: PatientDraws, *, cuts: Floats
) -> tuple[Floats, Floats]:
    """``(c, B)`` positives and negatives at or above each of the falling ``cuts``, in every draw."""
    rising = cuts[::-1]
    place = len(cuts) - np.searchsorted(rising, scores, "right")
    m = len(draws.by_patient)
    found = []
    for keep in (positive, ~positive):
        own = keep & (place < len(cuts))
        ones = np.ones(int(own.sum()))
        by_cut = csr_array((ones, (place[own], patients[own])), shape=(len(cuts), m))
        found.append(np.cumsum(by_cut @ draws.by_patient, axis=0))
    return found[0], found[1]


def _with_interval(value: Floats, drawn: Floats) -> Band:
    known = np.isfinite(drawn).all(axis=1)
    if known.mean() < 1 - MAX_UNDEFINED:
        reason = f"undefined in {1 - known.mean():.0%} of the bootstrap draws"
        return Band(value, np.full(len(value), NAN), np.full(len(value), NAN), reason)
    low, high = np.quantile(drawn[known], [0.025, 0.975], axis=0)
    return Band(value, low, high)


def _none(n: int, reason: str) -> Band:
    none = np.full(n, NAN)
    return Band(none, none, none, reason)
