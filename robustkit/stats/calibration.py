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

from robustkit.stats.bootstrap import sums_by_patient
from robustkit.stats.cores import by_block
from robustkit.stats.logistic_lines import CLOSE, halved_steps, lines, plain_steps

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

_PLAIN_STEPS = 8
_MOST_STEPS = 100
_NODES = 18
_TOLERANCE = 1e-10
_SETTLED = 1e-6
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
    whole = halved_steps(labels, x, np.ones((1, len(x))))
    start = (float(whole[0][0]), float(whole[1][0]))
    has_fit = _overlap(labels, logits, codes, drawn)
    line = np.where(has_fit, _lines_at_nodes(labels, x, codes, drawn, start=start), np.nan)
    left = np.flatnonzero(has_fit & np.isnan(line[0]))
    if len(left):
        line[:, left] = by_block(
            lambda block: lines(labels, x, drawn[np.ix_(codes, left[block])], start=start), len(left), size=len(x)
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
    line, size = plain_steps(sums[k:], x.min() + half * (nodes + 1.0), sums[:k], start=start)
    return np.where((size <= CLOSE) & (np.abs(line[1]) <= steepest), line, none)


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
        start = base - float(logits.mean())

        def levels(block: slice) -> Floats:
            own, (low, high) = drawn[np.ix_(codes, left[block])], ends
            return _levels(own, y[:, None], below, start=start[block], ends=(low[block], high[block]))

        found[left] = by_block(levels, len(left), size=len(y))
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
        if not size.max() > CLOSE:
            break
    return np.where((size < _SETTLED) & (curvature > _LEAST_CURVATURE), a, np.nan)
