"""Calibration of scores as probabilities in every bootstrap draw at once.

The fit of one sample, with a defined answer at every edge, is ``recalibration``; here thousands are made together.

Sources: Cox 1958, Biometrika 45:562 (recalibration on the logit); Van Calster et al. 2016, J Clin Epidemiol 74:167
(intercept with the slope held at 1: calibration in the large); Trefethen 2019, Approximation Theory and Approximation
Practice, theorem 8.2 (how near a polynomial through Chebyshev nodes comes).
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy.special import expit

from robustkit.stats.bootstrap import sums_by_patient
from robustkit.stats.cores import by_block

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

_PLAIN_STEPS = 8
_MOST_STEPS = 100
_HALVINGS = 30
_NODES = 18
_TOLERANCE = 1e-10
_SETTLED = 1e-6
_CLOSE = 1e-7
"""A step of Newton's that is so short leaves an error of about its square."""
_LEAST_CURVATURE = 1e-6
_STEEPER = 1.3
"""Times the sample's slope, up to which the curves of draws are held by their nodes."""
_NODE_ERROR = 1e-11
"""Of a probability read off the nodes."""
_HEIGHT = 0.9 * np.pi
"""Above and below the real axis, to where the logistic curve is bounded by 1 / sin; it is singular at pi."""
_NEAR = 16


def recalibrate_draws(
    labels: Flags, logits: Floats, weights: Floats, patients: Codes | None = None
) -> tuple[Floats, Floats]:
    """Fit logit P(positive) = a + b x logit of the score in every bootstrap draw at once, by Newton's method.

    Every draw begins where the sample itself ends, a few steps from its own end, and a few nodes stand for all cases.
    The few that do not settle, or are steeper than the nodes allow, take the cases themselves; those that do not settle
    there begin again at b = 0 and halve a step that lowers the likelihood: from elsewhere it may run away where scores
    are too sure.

    Args:
        labels: ``(n,)`` bool.
        logits: ``(n,)`` finite.
        weights: ``(B, m)`` how often each patient was drawn.
        patients: ``(n,)`` columns of ``weights``; None: each case is its own.

    Returns:
        ``(B,)`` intercepts and slopes; NaN where the scores separate the classes (a score of both on the cut does not
        mend it), all are one, or a class is missing: then there is no finite fit (Albert and Anderson 1984, Biometrika
        71:1).
    """
    drawn, codes = weights.T, np.arange(len(labels)) if patients is None else patients
    if not _overlap(labels, logits, codes, np.ones((len(drawn), 1))).all():
        return np.full(len(weights), np.nan), np.full(len(weights), np.nan)
    middle, scale = float(logits.mean()), float(logits.std())
    x = (logits - middle) / scale
    whole = _fit(labels, x, np.ones((1, len(x))))
    start = (float(whole[0][0]), float(whole[1][0]))
    has_fit = _overlap(labels, logits, codes, drawn)
    line = np.where(has_fit, _lines_at_nodes(labels, x, codes, drawn, start=start), np.nan)
    left = np.flatnonzero(has_fit & np.isnan(line[0]))
    if len(left):
        line[:, left] = by_block(
            lambda block: _lines(labels, x, drawn[np.ix_(codes, left[block])], start=start), len(left), size=len(x)
        )
    a, b = line
    return a - b / scale * middle, b / scale


def _lines_at_nodes(labels: Flags, x: Floats, codes: Codes, drawn: Floats, *, start: tuple[float, float]) -> Floats:
    """Give ``(2, B)`` intercepts and slopes of ``(m, B)`` draws of patients; NaN where the nodes do not tell them.

    The score equations are sums over cases of smooth curves of x. A polynomial through a few nodes is as good as the
    curve, so that the sum is one over nodes: a node's weight in a draw is the sum of its cardinal function over the
    cases drawn, whatever the line. One product gives the weights of all draws.
    """
    none, half = np.full((2, drawn.shape[1]), np.nan), float(np.ptp(x)) / 2
    steepest = _STEEPER * abs(start[1])
    # the nodes would be more than the cases long before; nor is there a line without a start
    if not 0.0 < steepest * half < len(x):
        return none
    k = _enough_nodes(steepest * half)
    if 4 * k > len(x):
        return none
    nodes = chebyshev.chebpts1(k)
    series = chebyshev.chebvander(nodes, k - 1) * np.where(np.arange(k) > 0, 2.0 / k, 1.0 / k)
    cardinal = series @ chebyshev.chebvander((x - x.min()) / half - 1.0, k - 1).T
    sums = _drawn_sums(np.concatenate([cardinal, [labels, labels * x]]), codes, drawn)
    line, size = _newton(sums[k:], x.min() + half * (nodes + 1.0), sums[:k], start=start)
    return np.where((size <= _CLOSE) & (np.abs(line[1]) <= steepest), line, none)


def _enough_nodes(steepness: float) -> int:
    """Give how many Chebyshev nodes hold a logistic curve of this slope over [-1, 1] to ``_NODE_ERROR``."""
    height = _HEIGHT / steepness
    rho = height + np.sqrt(1.0 + height**2)
    bound = 4.0 / np.sin(_HEIGHT) / (rho - 1.0)
    return int(np.ceil(np.log(bound / _NODE_ERROR) / np.log(rho))) + 1


def _drawn_sums(values: Floats, codes: Codes, drawn: Floats) -> Floats:
    """Give ``(k, B)`` sums of ``(k, n)`` values over the cases of ``(m, B)`` draws of patients."""
    totals = sums_by_patient(values, codes, n_patients=len(drawn))
    members = np.unique(codes)
    # to fetch the draws of most patients takes longer than to multiply those of all
    is_most = 4 * len(members) > 3 * len(drawn)
    return np.asarray(totals @ drawn if is_most else totals[:, members] @ drawn[members])


def _lines(labels: Flags, x: Floats, drawn: Floats, *, start: tuple[float, float]) -> Floats:
    """Give ``(2, b)`` intercepts and slopes of ``(n, b)`` draws that have a fit."""
    if not np.isfinite(start).all():
        return np.stack(_fit(labels, x, drawn.T))
    observed = np.stack([np.ones_like(x), x])[:, labels] @ drawn[labels]
    line, size = _newton(observed, x, drawn, start=start)
    left = ~(size <= _CLOSE)
    if left.any():
        line[:, left] = _fit(labels, x, drawn[:, left].T)
    return line


def _newton(observed: Floats, x: Floats, drawn: Floats, *, start: tuple[float, float]) -> tuple[Floats, Floats]:
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
            if not np.nanmax(size, initial=0.0) > _CLOSE:
                break
    # who ran away may take short steps too, but nothing is level there
    is_level = np.abs(gradient).max(axis=0) <= _SETTLED * drawn.sum(axis=0)
    return line, np.where(is_level, size, np.inf)


def _overlap(labels: Flags, logits: Floats, codes: Codes, drawn: Floats) -> Flags:
    """Tell in which of ``(m, B)`` draws of patients each class reaches beyond the nearer end of the other."""
    rising = np.argsort(logits, kind="stable")
    low_positive, high_positive, low_negative, high_negative = (
        _end(logits[own], codes[own], drawn)
        for each in (labels, ~labels)
        for own in (rising[each[rising]], rising[each[rising]][::-1])
    )
    # no case of the class: NaN, which reaches beyond nothing
    return np.asarray((low_positive < high_negative) & (low_negative < high_positive))


def _end(logits: Floats, codes: Codes, drawn: Floats) -> Floats:
    """Give ``(B,)`` the first logit of which the draw has the case; NaN where it has none."""
    found, left = np.full(drawn.shape[1], np.nan), np.arange(drawn.shape[1])
    # few draws have none of the first few
    for part in (slice(0, _NEAR), slice(_NEAR, None)):
        if len(left) and len(codes[part]):
            there = drawn[np.ix_(codes[part], left)] > 0
            has = there.any(axis=0)
            found[left[has]] = logits[part][there.argmax(axis=0)[has]]
            left = left[~has]
    return found


def _fit(labels: Flags, x: Floats, weights: Floats) -> tuple[Floats, Floats]:
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


def in_the_large_draws(labels: Flags, logits: Floats, weights: Floats, patients: Codes | None = None) -> Floats:
    """Fit the intercept with the slope held at 1, in every draw at once: over 0 the scores are too low.

    Args:
        labels, logits, weights, patients: See ``recalibrate_draws``.

    Returns:
        ``(B,)``; NaN where a class is missing, and where all scores are so sure that any intercept fits (a standard
        error over 1,000).
    """
    drawn, codes = weights.T, np.arange(len(labels)) if patients is None else patients
    y, below, found = labels.astype(np.float64), np.exp(-logits)[:, None], np.full(len(weights), np.nan)
    nodes, middle = np.empty(0), np.nan
    if len(weights) > _NODES:
        nodes, middle = chebyshev.chebpts1(_NODES), float(in_the_large_draws(labels, logits, np.ones((1, len(y))))[0])
    expected = 1.0 / (1.0 + below * np.exp(-(middle + nodes)))
    positives, total, *curves = _drawn_sums(np.concatenate([[y, np.ones_like(y)], expected.T]), codes, drawn)
    share = np.divide(positives, total, out=np.full(len(total), np.nan), where=total > 0)
    has_fit = (share > 0.0) & (share < 1.0)
    if len(nodes):
        found[has_fit] = _levels_near(middle, nodes, np.stack(curves), positives)[has_fit]
    left = np.flatnonzero(has_fit & np.isnan(found))
    if len(left):
        base = np.log(share[left] / (1.0 - share[left]))
        # were every logit the largest, or the smallest, the answer would be one of these
        ends = base - logits.max() - 1.0, base - logits.min() + 1.0
        own = drawn[np.ix_(codes, left)]
        found[left] = _levels(own, y[:, None], below, start=base - float(logits.mean()), ends=ends)
    return found


def _levels_near(middle: float, nodes: Floats, expected: Floats, positives: Floats) -> Floats:
    """Give ``(B,)`` intercepts that lie within 1 of that of the sample; NaN for others.

    How many positives are expected is a weighted sum of the same curves in every draw: one product gives it at a few
    intercepts, ``(k, B)`` at ``(k,)`` Chebyshev nodes about the middle, and a polynomial between. Nothing is singular
    nearer than pi, so that 18 nodes hold the curves to rounding.
    """
    series = np.linalg.inv(chebyshev.chebvander(nodes, len(nodes) - 1)) @ expected
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
