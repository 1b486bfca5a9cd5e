"""Calibration of scores as probabilities in every bootstrap draw at once, and the null band of the ECE.

The fit of one sample, with a defined answer at every edge, is ``recalibration``; here thousands are made together.

Sources: Cox 1958, Biometrika 45:562 (recalibration on the logit); Van Calster et al. 2016, J Clin Epidemiol 74:167
(intercept with the slope held at 1: calibration in the large); Bröcker and Smith 2007, Weather and Forecasting 22:651
(what a calibrated forecast would give by chance).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.seeds import generator

Floats = NDArray[np.float64]

_STEPS = 30
_TOLERANCE = 1e-10
_FARTHEST = 50.0
"""A slope or intercept beyond this is a separation on its way to infinity."""


def recalibrate_draws(labels: NDArray[np.bool_], logits: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Fit logit P(positive) = a + b x logit of the score in every bootstrap draw at once, by Newton's method.

    Args:
        labels: ``(n,)`` bool.
        logits: ``(n,)`` finite.
        weights: ``(B, n)`` how often each case was drawn.

    Returns:
        ``(B,)`` intercepts and slopes; NaN where the scores separate the classes, or a class is missing.
    """
    a, b = np.zeros(len(weights)), np.ones(len(weights))
    y = labels.astype(np.float64)
    for _ in range(_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(a[:, None] + b[:, None] * logits, -700, 700)))
        residual, curvature = weights * (y - p), weights * p * (1.0 - p)
        g0, g1 = residual.sum(axis=1), residual @ logits
        h00, h01, h11 = curvature.sum(axis=1), curvature @ logits, curvature @ logits**2
        det = h00 * h11 - h01**2
        with np.errstate(divide="ignore", invalid="ignore"):
            da, db = (h11 * g0 - h01 * g1) / det, (h00 * g1 - h01 * g0) / det
        a, b = a + np.clip(da, -5, 5), b + np.clip(db, -5, 5)
        if not np.nanmax(np.maximum(np.abs(da), np.abs(db)), initial=0.0) > _TOLERANCE:
            break
    settled = np.maximum(np.abs(da), np.abs(db)) < 1e-6
    lost = ~settled | ~np.isfinite(a) | ~np.isfinite(b) | (np.abs(a) > _FARTHEST) | (np.abs(b) > _FARTHEST)
    return np.where(lost, np.nan, a), np.where(lost, np.nan, b)


def in_the_large_draws(labels: NDArray[np.bool_], logits: Floats, weights: Floats) -> Floats:
    """Fit the intercept with the slope held at 1, in every draw at once: over 0 the scores are too low.

    Args:
        labels, logits, weights: See ``recalibrate_draws``.

    Returns:
        ``(B,)``; NaN where a class is missing.
    """
    a, y = np.zeros(len(weights)), labels.astype(np.float64)
    for _ in range(_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(a[:, None] + logits, -700, 700)))
        with np.errstate(divide="ignore", invalid="ignore"):
            step = (weights * (y - p)).sum(axis=1) / (weights * p * (1.0 - p)).sum(axis=1)
        a = a + np.clip(step, -5, 5)
        if not np.nanmax(np.abs(step), initial=0.0) > _TOLERANCE:
            break
    lost = ~(np.abs(step) < 1e-6) | (np.abs(a) > _FARTHEST)
    return np.where(lost, np.nan, a)


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
