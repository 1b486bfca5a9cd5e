"""Logistic lines: log-odds a + b x of many weightings of the same cases at once, by Newton's method.

Where a line exists is for the caller to know (``calibration``); the fit of one sample, with a defined answer at every
edge, is ``recalibration``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

CLOSE = 1e-7
"""A step of Newton's that is so short leaves an error of about its square."""

_PLAIN_STEPS = 8
_MOST_STEPS = 100
_HALVINGS = 30
_TOLERANCE = 1e-10
_SETTLED = 1e-6


def lines(labels: Flags, x: Floats, drawn: Floats, *, start: tuple[float, float]) -> Floats:
    """Give ``(2, b)`` intercepts and slopes of ``(n, b)`` draws that have a fit."""
    if not np.isfinite(start).all():
        return np.stack(halved_steps(labels, x, drawn.T))
    observed = np.stack([np.ones_like(x), x])[:, labels] @ drawn[labels]
    line, size = plain_steps(observed, x, drawn, start=start)
    left = ~(size <= CLOSE)
    if left.any():
        line[:, left] = halved_steps(labels, x, drawn[:, left].T)
    return line


def plain_steps(observed: Floats, x: Floats, drawn: Floats, *, start: tuple[float, float]) -> tuple[Floats, Floats]:
    """Give ``(2, b)`` intercepts and slopes after a few plain steps, and ``(b,)`` the size of the last one.

    Args:
        observed: ``(2, b)`` positives, and the sum of their x.
        x: ``(n,)``, weighted by ``drawn``, ``(n, b)``.
        start: Intercept and slope.
    """
    powers = np.stack([np.ones_like(x), x, x**2])
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
            if not np.nanmax(size, initial=0.0) > CLOSE:
                break
    # who ran away may take short steps too, but nothing is level there
    is_level = np.abs(gradient).max(axis=0) <= _SETTLED * drawn.sum(axis=0)
    return line, np.where(is_level, size, np.inf)


def halved_steps(labels: Flags, x: Floats, weights: Floats) -> tuple[Floats, Floats]:
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
