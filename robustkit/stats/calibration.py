"""Calibration of scores as probabilities in every bootstrap draw at once, and the null band of the ECE.

The fit of one sample, with a defined answer at every edge, is ``recalibration``; here thousands are made together.

Sources: Cox 1958, Biometrika 45:562 (recalibration on the logit); Van Calster et al. 2016, J Clin Epidemiol 74:167
(intercept with the slope held at 1: calibration in the large); Bröcker and Smith 2007, Weather and Forecasting 22:651
(what a calibrated forecast would give by chance).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from robustkit.seeds import generator

Floats = NDArray[np.float64]

_MOST_STEPS = 100
_HALVINGS = 30
_TOLERANCE = 1e-10
_SETTLED = 1e-6
_LEAST_CURVATURE = 1e-6


def recalibrate_draws(labels: NDArray[np.bool_], logits: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Fit logit P(positive) = a + b x logit of the score in every bootstrap draw at once, by Newton's method.

    It begins at b = 0 and halves a step that lowers the likelihood: from b = 1 it runs away where scores are too sure.

    Args:
        labels: ``(n,)`` bool.
        logits: ``(n,)`` finite.
        weights: ``(B, n)`` how often each case was drawn.

    Returns:
        ``(B,)`` intercepts and slopes; NaN where the scores separate the classes (a score of both on the cut does not
        mend it), all are one, or a class is missing: then there is no finite fit (Albert and Anderson 1984, Biometrika
        71:1).
    """
    found = np.full((2, len(weights)), np.nan)
    has_fit = _overlap(labels, logits, weights)
    if has_fit.any():
        middle, scale = float(logits.mean()), float(logits.std())
        x = (logits - middle) / scale
        # every draw begins where the sample itself ends: half of the steps are saved
        whole = _fit(labels, x, np.ones((1, len(x))), start=None)
        start = (float(whole[0][0]), float(whole[1][0]))
        a, b = _fit(labels, x, weights[has_fit], start=start if np.isfinite(start).all() else None)
        found[:, has_fit] = a - b / scale * middle, b / scale
    return found[0], found[1]


def _overlap(labels: NDArray[np.bool_], logits: Floats, weights: Floats) -> NDArray[np.bool_]:
    """Tell in which draws each class reaches beyond the nearer end of the other."""
    ends = []
    for own in (labels, ~labels):
        drawn = weights[:, own] > 0
        ends.append(np.where(drawn, logits[own], np.inf).min(axis=1, initial=np.inf))
        ends.append(np.where(drawn, logits[own], -np.inf).max(axis=1, initial=-np.inf))
    low_positive, high_positive, low_negative, high_negative = ends
    return np.asarray((low_positive < high_negative) & (low_negative < high_positive))


def _fit(
    labels: NDArray[np.bool_], x: Floats, weights: Floats, *, start: tuple[float, float] | None
) -> tuple[Floats, Floats]:
    """Give intercepts and slopes over a column of mean 0 and sd 1; NaN where the steps do not end."""
    y = labels.astype(np.float64)
    share = weights @ y / weights.sum(axis=1)
    a, b = np.log(share / (1.0 - share)), np.zeros(len(weights))
    if start:
        a, b = np.full(len(weights), start[0]), np.full(len(weights), start[1])
    z = a[:, None] + b[:, None] * x
    likelihood, size = _likelihood(y, z, weights), np.full(len(weights), np.inf)
    for _ in range(_MOST_STEPS):
        p = expit(z)
        residual, curvature = weights * (y - p), weights * p * (1.0 - p)
        g0, g1 = residual.sum(axis=1), residual @ x
        h00, h01, h11 = curvature.sum(axis=1), curvature @ x, curvature @ x**2
        with np.errstate(divide="ignore", invalid="ignore"):
            det = h00 * h11 - h01**2
            da, db = (h11 * g0 - h01 * g1) / det, (h00 * g1 - h01 * g0) / det
        for _ in range(_HALVINGS):
            z = (a + da)[:, None] + (b + db)[:, None] * x
            new = _likelihood(y, z, weights)
            falls = new < likelihood - _TOLERANCE * np.abs(likelihood)
            if not falls.any():
                break
            da, db = np.where(falls, da / 2, da), np.where(falls, db / 2, db)
        a, b, likelihood = a + da, b + db, new
        size = np.maximum(np.abs(da), np.abs(db)) / np.maximum(1.0, np.maximum(np.abs(a), np.abs(b)))
        if not np.nanmax(size, initial=0.0) > _TOLERANCE:
            break
    settled = size < _SETTLED
    return np.where(settled, a, np.nan), np.where(settled, b, np.nan)


def _likelihood(y: Floats, z: Floats, weights: Floats) -> Floats:
    return -np.asarray((weights * np.logaddexp(0.0, (1.0 - 2.0 * y) * z)).sum(axis=1), dtype=np.float64)


def in_the_large_draws(labels: NDArray[np.bool_], logits: Floats, weights: Floats) -> Floats:
    """Fit the intercept with the slope held at 1, in every draw at once: over 0 the scores are too low.

    Args:
        labels, logits, weights: See ``recalibrate_draws``.

    Returns:
        ``(B,)``; NaN where a class is missing, and where all scores are so sure that any intercept fits (a standard
        error over 1,000).
    """
    found = np.full(len(weights), np.nan)
    has_fit = (weights[:, labels] > 0).any(axis=1) & (weights[:, ~labels] > 0).any(axis=1)
    if not has_fit.any():
        return found
    y, w = labels.astype(np.float64), weights[has_fit]
    share = w @ y / w.sum(axis=1)
    base = np.log(share / (1.0 - share))
    # were every logit the largest, or the smallest, the answer would be one of these; Newton's step stays between
    low, high = base - logits.max() - 1.0, base - logits.min() + 1.0
    a = base - logits.mean()
    for _ in range(_MOST_STEPS):
        p = expit(a[:, None] + logits)
        excess, curvature = (w * (p - y)).sum(axis=1), (w * p * (1.0 - p)).sum(axis=1)
        low, high = np.where(excess < 0, a, low), np.where(excess < 0, high, a)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            new = a - excess / curvature
        new = np.where((new >= low) & (new <= high), new, (low + high) / 2)
        size, a = np.abs(new - a), new
        if not size.max() > _TOLERANCE:
            break
    found[has_fit] = np.where((size < _SETTLED) & (curvature > _LEAST_CURVATURE), a, np.nan)
    return found


def ece_null_band(scores: Floats, *, bins: int, draws: int, seed: int) -> tuple[float, float]:
    """Give the middle 95 % of the ECE that these scores would have if they were calibrated.

    Args:
        scores: ``(n,)`` in [0, 1].
        bins: Of equal width.
        draws: Of outcomes.
        seed: Names the stream.
    """
    upper = np.linspace(0.0, 1.0, bins + 1)[1:]
    cell = np.searchsorted(upper, scores, "left")
    member = np.zeros((len(scores), bins))
    member[np.arange(len(scores)), np.minimum(cell, bins - 1)] = 1.0
    random = generator(seed, "ece null", "")
    outcomes = random.random((draws, len(scores))) < scores
    found = np.abs((scores - outcomes) @ member).sum(axis=1) / len(scores)
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def weighted_average_precision(labels: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """Give the average precision of every draw; tied scores are one step.

    Args:
        labels: ``(n,)`` bool.
        scores: ``(n,)`` float64.
        weights: ``(B, n)`` how often each case was drawn.

    Returns:
        ``(B,)``; NaN where a draw lacks positives.
    """
    order = np.argsort(-scores, kind="stable")
    first = np.flatnonzero(np.r_[True, np.diff(scores[order]) != 0])
    drawn = weights[:, order]
    called = np.cumsum(np.add.reduceat(drawn, first, axis=1), axis=1)
    hits = np.add.reduceat(drawn * labels[order], first, axis=1)
    precision = np.divide(np.cumsum(hits, axis=1), called, out=np.zeros_like(called), where=called > 0)
    total = hits.sum(axis=1)
    return np.asarray(
        np.divide((precision * hits).sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0)
    )
