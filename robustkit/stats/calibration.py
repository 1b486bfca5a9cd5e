"""Calibration of scores as probabilities in every bootstrap draw at once, and the null band of the ECE.

The fit of one sample, with a defined answer at every edge, is ``recalibration``; here thousands are made together.

Sources: Cox 1958, Biometrika 45:562 (recalibration on the logit); Van Calster et al. 2016, J Clin Epidemiol 74:167
(intercept with the slope held at 1: calibration in the large); Bröcker and Smith 2007, Weather and Forecasting 22:651
(what a calibrated forecast would give by chance).
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy.special import expit

from robustkit.seeds import generator
from robustkit.stats.cores import by_block

Floats = NDArray[np.float64]

_PLAIN_STEPS = 8
_MOST_STEPS = 100
_HALVINGS = 30
_NODES = 18
_TOLERANCE = 1e-10
_SETTLED = 1e-6
_CLOSE = 1e-7
"""A step of Newton's that is so short leaves an error of about its square."""
_LEAST_CURVATURE = 1e-6


def recalibrate_draws(labels: NDArray[np.bool_], logits: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Fit logit P(positive) = a + b x logit of the score in every bootstrap draw at once, by Newton's method.

    Every draw begins where the sample itself ends, a few steps from its own end. The few that do not settle begin again
    at b = 0 and halve a step that lowers the likelihood: from elsewhere it may run away where scores are too sure.

    Args:
        labels: ``(n,)`` bool.
        logits: ``(n,)`` finite.
        weights: ``(B, n)`` how often each case was drawn.

    Returns:
        ``(B,)`` intercepts and slopes; NaN where the scores separate the classes (a score of both on the cut does not
        mend it), all are one, or a class is missing: then there is no finite fit (Albert and Anderson 1984, Biometrika
        71:1).
    """
    if not _overlap(labels, logits, np.ones((len(logits), 1))).all():
        return np.full(len(weights), np.nan), np.full(len(weights), np.nan)
    middle, scale = float(logits.mean()), float(logits.std())
    x = (logits - middle) / scale
    whole = _fit(labels, x, np.ones((1, len(x))))
    start = (float(whole[0][0]), float(whole[1][0]))

    def found(block: slice) -> Floats:
        drawn = weights[block].T
        line = np.full((2, drawn.shape[1]), np.nan)
        has_fit = _overlap(labels, logits, drawn)
        if has_fit.any():
            line[:, has_fit] = _lines(labels, x, drawn[:, has_fit], start=start)
        return line

    a, b = by_block(found, len(weights), size=len(x))
    return a - b / scale * middle, b / scale


def _lines(labels: NDArray[np.bool_], x: Floats, drawn: Floats, *, start: tuple[float, float]) -> Floats:
    """Give ``(2, b)`` intercepts and slopes of ``(n, b)`` draws that have a fit."""
    if not np.isfinite(start).all():
        return np.stack(_fit(labels, x, drawn.T))
    line, size = _newton(labels, x, drawn, start=start)
    left = ~(size <= _CLOSE)
    if left.any():
        line[:, left] = _fit(labels, x, drawn[:, left].T)
    return line


def _newton(
    labels: NDArray[np.bool_], x: Floats, drawn: Floats, *, start: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Give ``(2, b)`` intercepts and slopes after a few plain steps, and ``(b,)`` the size of the last one."""
    powers = np.stack([np.ones_like(x), x, x**2])
    observed = powers[:2, labels] @ drawn[labels]
    # the first step is taken from one place for all draws: one column of probabilities
    line = np.array(start)[:, None]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for _ in range(_PLAIN_STEPS):
            p = -line[1] * x[:, None]
            p -= line[0]
            np.exp(p, out=p)
            p += 1.0
            np.reciprocal(p, out=p)
            expected = drawn * p
            called = powers @ expected
            expected *= p
            h00, h01, h11 = called - powers @ expected
            g0, g1 = gradient = observed - called[:2]
            step = np.stack([h11 * g0 - h01 * g1, h00 * g1 - h01 * g0]) / (h00 * h11 - h01**2)
            line = line + step
            size = np.abs(step).max(axis=0) / np.maximum(1.0, np.abs(line).max(axis=0))
            if not np.nanmax(size, initial=0.0) > _CLOSE:
                break
    # who ran away may take short steps too, but nothing is level there
    is_level = np.abs(gradient).max(axis=0) <= _SETTLED * drawn.sum(axis=0)
    return line, np.where(is_level, size, np.inf)


def _overlap(labels: NDArray[np.bool_], logits: Floats, drawn: Floats) -> NDArray[np.bool_]:
    """Tell in which of ``(n, b)`` draws each class reaches beyond the nearer end of the other."""
    ends = []
    for own in (labels, ~labels):
        rising = np.flatnonzero(own)[np.argsort(logits[own], kind="stable")]
        if not len(rising):
            return np.zeros(drawn.shape[1], dtype=bool)
        there = drawn[rising] > 0
        # no case of the class: the ends cross, and nothing reaches beyond them
        is_empty = ~there.any(axis=0)
        ends.append(np.where(is_empty, np.inf, logits[rising[there.argmax(axis=0)]]))
        ends.append(np.where(is_empty, -np.inf, logits[rising[::-1][there[::-1].argmax(axis=0)]]))
    low_positive, high_positive, low_negative, high_negative = ends
    return np.asarray((low_positive < high_negative) & (low_negative < high_positive))


def _fit(labels: NDArray[np.bool_], x: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Give intercepts and slopes over a column of mean 0 and sd 1; NaN where the steps do not end."""
    y = labels.astype(np.float64)
    share = weights @ y / weights.sum(axis=1)
    a, b = np.log(share / (1.0 - share)), np.zeros(len(weights))
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
    y, below = labels[:, None].astype(np.float64), np.exp(-logits)[:, None]
    positives, total = np.stack([y[:, 0], np.ones(len(y))]) @ weights.T
    share = np.divide(positives, total, out=np.full(len(total), np.nan), where=total > 0)
    has_fit = (share > 0.0) & (share < 1.0)
    found = np.full(len(weights), np.nan)
    if len(weights) > _NODES:
        whole = float(in_the_large_draws(labels, logits, np.ones((1, len(y))))[0])
        found[has_fit] = _levels_near(whole, below, weights.T, positives)[has_fit]
    left = np.flatnonzero(has_fit & np.isnan(found))
    if len(left):
        base = np.log(share[left] / (1.0 - share[left]))
        # were every logit the largest, or the smallest, the answer would be one of these
        ends = base - logits.max() - 1.0, base - logits.min() + 1.0
        found[left] = _levels(weights[left].T, y, below, start=base - float(logits.mean()), ends=ends)
    return found


def _levels_near(middle: float, below: Floats, drawn: Floats, positives: Floats) -> Floats:
    """Give ``(B,)`` intercepts that lie within 1 of that of the sample; NaN for others.

    How many positives are expected is a weighted sum of the same curves in every draw: one product gives it at a few
    intercepts, and a polynomial between. Nothing is singular nearer than pi, so that 18 Chebyshev nodes hold the curves to
    rounding (Trefethen 2019, Approximation Theory and Approximation Practice, theorem 8.2).
    """
    nodes = chebyshev.chebpts1(_NODES)
    expected = 1.0 / (1.0 + below * np.exp(-(middle + nodes)))
    series = np.linalg.inv(chebyshev.chebvander(nodes, _NODES - 1)) @ (expected.T @ drawn)
    series[0] -= positives
    slopes, x = chebyshev.chebder(series), np.zeros(len(positives))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for _ in range(_PLAIN_STEPS):
            slope = chebyshev.chebval(x, slopes, tensor=False)
            step = chebyshev.chebval(x, series, tensor=False) / slope
            x = np.clip(x - step, -1.0, 1.0)
    is_there = (np.abs(step) <= _TOLERANCE) & (np.abs(x) < 1.0) & (slope > _LEAST_CURVATURE)
    return np.where(is_there, middle + x, np.nan)


def _levels(drawn: Floats, y: Floats, below: Floats, *, start: Floats, ends: tuple[Floats, Floats]) -> Floats:
    """Give ``(b,)`` intercepts of ``(n, b)`` draws by Newton's steps that stay between the ends."""
    low, high = ends
    a = np.clip(start, low, high)
    for _ in range(_MOST_STEPS):
        # exp(-a - logit) is a product: no exponential per case and draw
        p = below * np.exp(-a)
        p += 1.0
        np.reciprocal(p, out=p)
        curvature = (drawn * p * (1.0 - p)).sum(axis=0)
        p -= y
        excess = np.multiply(drawn, p, out=p).sum(axis=0)
        low, high = np.where(excess < 0, a, low), np.where(excess < 0, high, a)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            new = a - excess / curvature
        new = np.where((new >= low) & (new <= high), new, (low + high) / 2)
        size, a = np.abs(new - a), new
        if not size.max() > _CLOSE:
            break
    return np.where((size < _SETTLED) & (curvature > _LEAST_CURVATURE), a, np.nan)


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
    positive = labels[order][:, None].astype(np.float64)

    def found(block: slice) -> Floats:
        drawn = weights[block].T[order]
        hits = drawn * positive
        if len(first) < len(order):
            drawn, hits = np.add.reduceat(drawn, first, axis=0), np.add.reduceat(hits, first, axis=0)
        called = drawn.cumsum(axis=0)
        precision = np.divide(hits.cumsum(axis=0), called, out=np.zeros_like(called), where=called > 0)
        total = hits.sum(axis=0)
        precision *= hits
        none = np.full(len(total), np.nan)
        return np.asarray(np.divide(precision.sum(axis=0), total, out=none, where=total > 0))

    return by_block(found, len(weights), size=len(scores))
