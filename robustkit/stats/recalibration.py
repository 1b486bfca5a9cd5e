"""Logistic recalibration: how the log-odds of being positive depend on the logit of the score.

statsmodels fits the same; this one has a defined answer where no fit exists, and no warning, at the speed that a bootstrap
needs.

Source: Cox 1958, Biometrika 45:562; Van Calster et al. 2019, BMC Medicine 17:230, for the names; Albert and Anderson
1984, Biometrika 71:1, for the existence of the fit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from robustkit.stats.estimate import NAN

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_STEPS = 200
_SMALL = 1e-13
_LEAST_INFORMATION = 1e-6


def recalibrate(labels: Flags, logits: Floats) -> tuple[float, float]:
    """Give intercept and slope of logit P(positive) = intercept + slope x logit, by maximum likelihood.

    Args:
        labels: ``(n,)`` bool.
        logits: ``(n,)`` float64, finite.

    Returns:
        (NaN, NaN) where there is no finite fit: one class alone, scores of one value, or a cut that divides the classes
        (a score of both classes on the cut does not mend it).

    Example:
        >>> labels, logits = np.array([1, 1, 0, 1, 0, 0], dtype=bool), np.array([2.0, 1.0, 0.5, 0.0, -1.0, -2.0])
        >>> [round(v, 6) for v in recalibrate(labels, logits)]
        [-0.321561, 1.977411]
    """
    if labels.all() or not labels.any() or _is_separated(logits[labels], logits[~labels]):
        return NAN, NAN
    middle, scale = float(logits.mean()), float(logits.std())
    x = (logits - middle) / scale
    base = float(logit(labels.mean()))
    fit = np.array([base, 0.0])
    for _ in range(_STEPS):
        p = expit(fit[0] + fit[1] * x)
        weight = p * (1 - p)
        score = np.array([(labels - p).sum(), ((labels - p) * x).sum()])
        cross = (weight * x).sum()
        information = np.array([[weight.sum(), cross], [cross, (weight * x * x).sum()]])
        if not np.linalg.det(information) > 0:
            break
        step = _shortened(labels, x, fit, np.linalg.solve(information, score))
        fit = fit + step
        if np.abs(step).max() <= _SMALL * max(1.0, float(np.abs(fit).max())):
            slope = float(fit[1] / scale)
            return float(fit[0] - slope * middle), slope
    return NAN, NAN


def recalibrate_intercept(labels: Flags, logits: Floats) -> float:
    """Give the intercept of logit P(positive) = intercept + logit, the slope held at 1.

    It is where the expected number of positives is the one observed.

    Args:
        labels: ``(n,)`` bool.
        logits: ``(n,)`` float64, finite.

    Returns:
        NaN with one class alone, and where every score is so sure that any intercept fits: the standard error is over
        1,000.

    Example:
        >>> round(recalibrate_intercept(np.array([True, False, False, False]), np.zeros(4)), 6)
        -1.098612
    """
    if labels.all() or not labels.any():
        return NAN
    from scipy.optimize import brentq

    n_positive, base = int(labels.sum()), float(logit(labels.mean()))

    def excess(intercept: float) -> float:
        return float(expit(intercept + logits).sum() - n_positive)

    # were every logit the largest, or the smallest, the answer would be one of these
    low, high = base - float(logits.max()) - 1.0, base - float(logits.min()) + 1.0
    found = float(brentq(excess, low, high, xtol=1e-14, rtol=4 * np.finfo(np.float64).eps))
    p = expit(found + logits)
    return found if float((p * (1 - p)).sum()) > _LEAST_INFORMATION else NAN


def _is_separated(positive: Floats, negative: Floats) -> bool:
    return bool(positive.min() >= negative.max() or negative.min() >= positive.max())


def _shortened(labels: Flags, x: Floats, fit: Floats, step: Floats) -> Floats:
    """Halve a step until the likelihood does not fall: far from the answer Newton's step may be too long."""
    before = _likelihood(labels, x, fit)
    for _ in range(30):
        if _likelihood(labels, x, fit + step) >= before - _SMALL * abs(before):
            return step
        step = step / 2
    return step


def _likelihood(labels: Flags, x: Floats, fit: Floats) -> float:
    z = fit[0] + fit[1] * x
    return -float(np.logaddexp(0.0, np.where(labels, -z, z)).sum())
