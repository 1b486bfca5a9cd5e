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
    value = _vertical(*_shares(positive, scores, cuts), grid)
    few = cuts if len(cuts) <= MOST_THRESHOLDS else np.unique(_quantiles(scores))[::-1]
    hit, alarm = _drawn_counts(positive, scores, patients, draws, cuts=few)
    with np.errstate(invalid="ignore"):
        hit, alarm = hit / hit[-1], alarm / alarm[-1]
    drawn = np.stack([_vertical(a, h, grid) for a, h in zip(alarm.T, hit.T, strict=True)])
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
    """Sensitivity over the grid, from the corner (0, 0); where the curve is upright, its top."""
    if not (np.isfinite(alarm).all() and np.isfinite(hit).all()):
        return np.full(len(grid), NAN)
    x, y = np.concatenate([[0.0], alarm]), np.concatenate([[0.0], hit])
    # from the last corner at or left of the place to the one after it, which lies right of it
    i = np.searchsorted(x, grid + _ROUNDING, "right") - 1
    j = np.minimum(i + 1, len(x) - 1)
    along = np.divide(np.maximum(grid - x[i], 0.0), x[j] - x[i], out=np.zeros(len(grid)), where=x[j] > x[i])
    return np.asarray(y[i] + along * (y[j] - y[i]), dtype=np.float64)


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
