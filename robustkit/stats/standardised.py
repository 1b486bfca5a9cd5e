"""How far two cohorts lie apart in one fact: standardised differences with intervals by patient.

Source: Austin 2009, Statistics in Medicine 28:3083 (numbers); Yang and Dalton 2012, SAS Global Forum 335-2012,
equations 1 to 4 (categories).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import chi2, ncx2

from robustkit.stats.auc import MIN_PATIENTS as AUC_PATIENTS
from robustkit.stats.auc import clustered_auc
from robustkit.stats.bootstrap import MAX_UNDEFINED, bca
from robustkit.stats.estimate import Estimate
from robustkit.stats.sides import Sides

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

NO_SPREAD = "no spread within the cohorts"
NOTHING_SHARED = "no category is found in both cohorts"
ONE_CATEGORY = "one category only"

_TINY = 1e-12
_FAR = 1e4
"""Squared distances in units of their variance from which on the noncentral chi-square is normal enough."""

_BLOCK = 2_000_000
"""Numbers of the matrices that are solved at a time."""


def number_difference(values: Floats, sides: Sides) -> Estimate:
    """Give (mean_a - mean_b) / sqrt((variance_a + variance_b) / 2), with a patient bootstrap interval (BCa).

    Args:
        values: ``(n,)`` finite, in any unit; variances have ddof 1.
        sides: Of the cases.

    Example:
        >>> import numpy as np
        >>> from robustkit.stats.bootstrap import patient_draws
        >>> draws = patient_draws(np.arange(12) % 2, draws=200, seed=0, purpose="example")
        >>> sides = Sides(np.arange(12) % 2 == 1, np.arange(12), draws)
        >>> round(number_difference(np.arange(12.0), sides).value, 4)
        0.2673
    """
    counted = Estimate(n_cases=len(values), n_patients=len(np.unique(sides.patients)))
    reason = sides.too_few() or (NO_SPREAD if np.ptp(values) == 0 else "")
    if reason:
        return replace(counted, reason=reason)
    # sums of squares of centred numbers of spread 1: nothing is lost to rounding
    x = (values - values.mean()) / values.std()
    sums = sides.sums(np.stack([np.ones_like(x), x, x**2]))
    value = float(_standardised(sums.total)[0])
    if not np.isfinite(value):
        return replace(counted, reason=NO_SPREAD)
    left_out = _standardised(sums.left_out)
    low, high, se, reason = bca(_standardised(sums.drawn), value, left_out[np.isfinite(left_out)])
    return replace(counted, value=value, low=low, high=high, se=se, method="SMD; patient bootstrap, BCa", reason=reason)


def _standardised(sums: Floats) -> Floats:
    """From ``(6, k)`` number, sum and sum of squares of a and of b: ``(k,)``, NaN where there is no spread."""
    n, s, q = sums[[0, 3]], sums[[1, 4]], sums[[2, 5]]
    is_known = (n >= 2).all(axis=0)
    mean = s / np.where(n > 0, n, 1.0)
    variance = np.maximum(q - s * mean, 0.0) / np.where(n > 1, n - 1, 1.0)
    spread = np.sqrt(variance.mean(axis=0))
    out = np.full(sums.shape[1], np.nan)
    return np.asarray(np.divide(mean[0] - mean[1], spread, out=out, where=is_known & (spread > _TINY)))


def category_difference(codes: Codes, sides: Sides, *, n_categories: int) -> Estimate:
    """Give the distance of two lists of shares, in standard deviations: 0 for equal ones, never below.

    d^2 = (p_a - p_b)' S^-1 (p_a - p_b), S the mean covariance of the two multinomials, one category left out.

    The value is that of Yang and Dalton; chance alone makes it positive, the more so the more categories there are.
    So the interval is that of the distance behind it: d^2 / c is taken for noncentral chi-square with K - 1 degrees of
    freedom, c from the patient bootstrap. The draws themselves add chance to chance: with 16 categories, 260 patients
    and a distance of .31, BCa covered it in 28 of 200 data sets, percentiles in none, this interval in 188.

    Args:
        codes: ``(n,)`` category of each case, 0..n_categories-1.
        sides: Of the cases.
        n_categories: K.
    """
    counted = Estimate(n_cases=len(codes), n_patients=len(np.unique(sides.patients)))
    reason = sides.too_few() or (ONE_CATEGORY if len(np.unique(codes)) == 1 else "")
    if reason:
        return replace(counted, reason=reason)
    sums = sides.sums(np.eye(n_categories)[codes].T)
    square = float(squared_distance(sums.total)[0])
    if not np.isfinite(square):
        return replace(counted, reason=NOTHING_SHARED)
    drawn = squared_distance(sums.drawn)
    known = np.isfinite(drawn)
    if known.mean() < 1 - MAX_UNDEFINED:
        reason = f"undefined in {1 - known.mean():.0%} of the bootstrap draws"
        return replace(counted, value=float(np.sqrt(square)), reason=reason)
    variance = max(_scatter(sums.total, sums.drawn), float(np.sqrt(drawn[known]).var(ddof=1)))
    low, high, reason = _distance_bounds(square, variance, df=len(np.unique(codes)) - 1)
    method = "SMD of categories; noncentral chi-square, variance by patient bootstrap"
    return replace(
        counted, value=float(np.sqrt(square)), low=low, high=high, se=float(np.sqrt(variance)), method=method, reason=reason
    )  # fmt: skip


def _scatter(total: Floats, drawn: Floats) -> float:
    """Give the mean variance of a direction of the gap over the draws, in the units of the distance."""
    half = len(total) // 2
    p, q = (total[i * half : (i + 1) * half, 0] / total[i * half : (i + 1) * half].sum() for i in (0, 1))
    a, b = (drawn[i * half : (i + 1) * half] / drawn[i * half : (i + 1) * half].sum(axis=0) for i in (0, 1))
    away = (a - b) - (p - q)[:, None]
    form = np.linalg.pinv((np.diag(p + q) - np.outer(p, p) - np.outer(q, q)) / 2, hermitian=True)
    return float(((form @ away) * away).sum(axis=0).mean() / (np.count_nonzero(p + q) - 1))


def _distance_bounds(square: float, variance: float, *, df: int) -> tuple[float, float, str]:
    """Give the distances under which d^2 is at the 97.5th and at the 2.5th percentile, and the reason for none."""
    if variance <= _TINY:
        return np.nan, np.nan, "no variation between patients"
    at = square / variance
    if at > _FAR:
        half = 1.959964 * np.sqrt(variance)
        return float(np.sqrt(square) - half), float(np.sqrt(square) + half), ""

    def bound(level: float) -> float:
        if chi2.cdf(at, df) <= level:
            return 0.0
        found = brentq(lambda nc: ncx2.cdf(at, df, nc) - level, 1e-12, 4 * at + 200)
        return float(np.sqrt(found * variance))

    low, high = bound(0.975), bound(0.025)
    if high == 0.0:
        return np.nan, np.nan, "nearer than chance alone would have it: no interval"
    return low, high, ""


def squared_distance(sums: Floats) -> Floats:
    """Give ``(k,)`` squared distances from ``(2K, k)`` numbers of each category in a, then in b.

    NaN where a side is empty or no category is in both: the distance is infinite then.
    """
    half = len(sums) // 2
    step = max(1, _BLOCK // half**2)
    return np.concatenate([_squares(sums[:, i : i + step].T, half) for i in range(0, sums.shape[1], step)])


def _squares(sums: Floats, half: int) -> Floats:
    size = np.stack([sums[:, :half].sum(axis=1), sums[:, half:].sum(axis=1)])
    p, q = (sums[:, i * half : (i + 1) * half] / np.where(size[i] > 0, size[i], 1.0)[:, None] for i in (0, 1))
    is_known = ((p > 0) & (q > 0)).any(axis=1)
    gap = p - q
    present = ((p + q) > 0).astype(np.float64)
    # every category is kept: S has the null vector 1 over those present, made regular without changing the form
    matrix = -(p[:, :, None] * p[:, None, :] + q[:, :, None] * q[:, None, :]) / 2
    matrix += present[:, :, None] * present[:, None, :] / half
    place = np.arange(half)
    matrix[:, place, place] += (p + q) / 2 + (1.0 - present)
    matrix[~is_known] = np.eye(half)
    solved = np.linalg.solve(matrix, gap[:, :, None])[:, :, 0]
    return np.where(is_known, np.maximum((gap * solved).sum(axis=1), 0.0), np.nan)


def cliffs_delta(values: Floats, sides: Sides) -> Estimate:
    """Give P(a > b) - P(a < b) over pairs of cases, in -1..1, with the interval of a clustered AUC.

    Source: Cliff 1993, Psychological Bulletin 114:494; 2 AUC - 1, whose variance by patient is Obuchowski's.

    Args:
        values: ``(n,)`` finite.
        sides: Of the cases.
    """
    m = min(sides.patients_of(is_a=True), sides.patients_of(is_a=False))
    if m < AUC_PATIENTS:
        return Estimate(n_cases=len(values), reason=f"fewer than {AUC_PATIENTS} patients on one side ({m})")
    e = clustered_auc(sides.is_a, values[None], sides.patients)
    value, low, high = (2 * v - 1 for v in (e.value, e.low, e.high))
    method = f"Cliff's delta; {e.method}" if e.method else ""
    return replace(e, value=value, low=low, high=high, se=2 * e.se, method=method)
