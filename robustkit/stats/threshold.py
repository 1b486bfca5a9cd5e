"""Operating points chosen on development cases: Youden, smoothed by default; target sensitivity or specificity.

Source: Youden 1950, Cancer 3:32; Fluss et al. 2005, Biometrical Journal 47:458 (normal and kernel estimators).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr
from scipy.stats import shapiro

from robustkit.seeds import generator
from robustkit.stats.estimate import NAN

Method = Literal["smoothed", "normal", "kernel", "empirical"]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

_CUT = 1e-12
_REJECT = 0.01
_SMOOTHABLE = 8
"""Cases of either class under which nothing is smoothed."""
_SHAPIRO_UP_TO = 5000
"""Shapiro-Wilk is not calibrated for more cases; a kernel needs no normality."""
_QUANTILES = 2000
_GRID = 2001
"""Thresholds on the logit among which a smoothed gain is the largest."""
_NAMES: dict[Method, str] = {
    "normal": "two normals on the logit",
    "kernel": "kernel on the logit",
    "empirical": "empirical",
}


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold and what it rests on.

    Attributes:
        name: ``youden``, ``sensitivity=0.9`` ...
        value: On the score scale; decision: score >= value. NaN where it cannot be chosen.
        n, n_positive: Development cases.
        method: How it was smoothed.
        reason: Why there is none.
    """

    name: str
    value: float
    n: int
    n_positive: int
    method: str
    reason: str = ""


def logit(scores: Floats) -> Floats:
    """Give the logit of scores in [0, 1], cut at 1e-12 from either end so that it stays finite."""
    kept = np.clip(scores, _CUT, 1 - _CUT)
    return np.log(kept) - np.log1p(-kept)


def youden(labels: Flags, scores: Floats, *, method: Method = "smoothed") -> OperatingPoint:
    """Choose the threshold of the largest sensitivity + specificity - 1.

    Args:
        labels: ``(n,)`` bool.
        scores: ``(n,)`` float64 in [0, 1].
        method: ``smoothed``: as ``smoothing_form`` finds; ``normal``: two normals on the logit; ``kernel``:
            kernels on the logit; ``empirical``: the distinct scores are the candidates, ties go to the lowest.
            Fewer than 8 cases of a class, or a class whose scores are all equal, are never smoothed.

    Example:
        >>> import numpy as np
        >>> youden(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.6, 0.9])).value
        0.6
    """
    n, k = len(labels), int(labels.sum())
    if k < 2 or n - k < 2:
        return OperatingPoint("youden", NAN, n, k, "", "fewer than 2 development cases of either class")
    if not np.isfinite(scores).all():
        return OperatingPoint("youden", NAN, n, k, "", "a development score is not finite")
    form = smoothing_form(labels, scores, method=method)
    if form == "empirical":
        return OperatingPoint("youden", _empirical(labels, scores), n, k, _NAMES[form])
    x, y = logit(scores[labels]), logit(scores[~labels])
    grid = np.linspace(min(x.min(), y.min()), max(x.max(), y.max()), _GRID)
    cumulative = _normal_cdf if form == "normal" else _kernel_cdf
    gain = cumulative(y, grid) - cumulative(x, grid)
    return OperatingPoint("youden", float(expit(grid[int(np.argmax(gain))])), n, k, _NAMES[form])


def smoothing_form(labels: Flags, scores: Floats, *, method: Method = "smoothed") -> Method:
    """Give the form that Youden's choice takes on these cases: normal, kernel or empirical.

    Args:
        labels: ``(n,)`` bool, both classes there.
        scores: ``(n,)`` float64 in [0, 1], finite.
        method: ``smoothed``: normal, or kernel where Shapiro-Wilk rejects a class's logits at .01; else as asked.
    """
    x, y = logit(scores[labels]), logit(scores[~labels])
    if method == "empirical" or min(len(x), len(y)) < _SMOOTHABLE or np.ptp(x) == 0 or np.ptp(y) == 0:
        return "empirical"
    if method != "smoothed":
        return method
    if max(len(x), len(y)) > _SHAPIRO_UP_TO:
        return "kernel"
    return "normal" if min(shapiro(x).pvalue, shapiro(y).pvalue) >= _REJECT else "kernel"


def target_sensitivity(labels: Flags, scores: Floats, target: float) -> OperatingPoint:
    """Choose the highest threshold whose sensitivity on these cases is at least ``target``.

    Args:
        labels: ``(n,)`` bool.
        scores: ``(n,)`` float64.
        target: In (0, 1].
    """
    n, k = len(labels), int(labels.sum())
    name = f"sensitivity={target:g}"
    if k == 0:
        return OperatingPoint(name, NAN, n, k, "", "no positive development case")
    if np.isnan(scores).any():
        return OperatingPoint(name, NAN, n, k, "", "a development score is missing (NaN)")
    needed = max(1, int(np.ceil(target * k - 1e-9)))
    return OperatingPoint(name, float(np.sort(scores[labels])[::-1][needed - 1]), n, k, "empirical")


def target_specificity(labels: Flags, scores: Floats, target: float) -> OperatingPoint:
    """Choose the lowest threshold, among the scores, whose specificity on these cases is at least ``target``.

    Args:
        labels: ``(n,)`` bool.
        scores: ``(n,)`` float64.
        target: In (0, 1].
    """
    n, k = len(labels), int(labels.sum())
    name = f"specificity={target:g}"
    if n == k:
        return OperatingPoint(name, NAN, n, k, "", "no negative development case")
    if np.isnan(scores).any():
        return OperatingPoint(name, NAN, n, k, "", "a development score is missing (NaN)")
    candidates = np.unique(scores)
    reached = _specificity(scores[~labels], candidates) >= target - 1e-12
    if not reached.any():
        return OperatingPoint(name, NAN, n, k, "", "the highest score of all is a negative's")
    return OperatingPoint(name, float(candidates[int(np.argmax(reached))]), n, k, "empirical")


def youden_draws(
    labels: Flags,
    scores: Floats,
    patients: Codes,
    *,
    draws: int,
    random: np.random.Generator,
    method: Method = "smoothed",
) -> Floats:
    """Give the Youden threshold of every resample of development patients: see ``point_draws``."""
    return point_draws("youden", labels, scores, patients, draws=draws, random=random, method=method)


def choose_point(name: str, labels: Flags, scores: Floats, *, method: Method = "smoothed") -> OperatingPoint:
    """Choose a named operating point: ``youden``, ``sensitivity=0.9`` or ``specificity=0.9``.

    Args:
        name: Of the point.
        labels: ``(n,)`` bool.
        scores: ``(n,)`` float64.
        method: Of Youden's choice.

    Raises:
        ValueError: No point has that name.
    """
    kind, _, target = name.partition("=")
    if name == "youden":
        return youden(labels, scores, method=method)
    choose = {"sensitivity": target_sensitivity, "specificity": target_specificity}.get(kind)
    share = float(target) if target.replace(".", "", 1).isdigit() else NAN
    if choose is None or not 0 < share <= 1:
        raise ValueError(f"no operating point is called {name!r}")
    return choose(labels, scores, share)


def point_draws(
    name: str,
    labels: Flags,
    scores: Floats,
    patients: Codes,
    *,
    draws: int,
    random: np.random.Generator,
    method: Method = "smoothed",
) -> Floats:
    """Choose an operating point anew on every resample of development patients.

    The form (normal or kernel) is that of the sample itself: a resample holds duplicates, which alone make
    Shapiro-Wilk reject normal scores in 12 to 27 % of the draws (20 to 1,000 cases).

    Args:
        name: Of the point: see ``choose_point``.
        labels: ``(n,)`` bool.
        scores: ``(n,)`` float64 in [0, 1], finite.
        patients: ``(n,)`` codes; they are drawn with all their cases.
        draws: B.
        random: The stream.
        method: See ``youden``.

    Returns:
        ``(B,)``; NaN where a draw has fewer than two cases of a class.
    """
    if not labels.any() or labels.all():
        return np.full(draws, np.nan)
    form = smoothing_form(labels, scores, method=method) if name == "youden" else method
    members = [np.flatnonzero(patients == p) for p in np.unique(patients)]
    drawn = [np.concatenate([members[j] for j in random.integers(0, len(members), len(members))]) for _ in range(draws)]
    found = np.full(draws, np.nan)
    is_left = np.ones(draws, dtype=bool)
    if name == "youden" and form == "normal":
        found, is_left = _normal_draws(labels, logit(scores), drawn)
    for i in np.flatnonzero(is_left):
        found[i] = choose_point(name, labels[drawn[i]], scores[drawn[i]], method=form).value
    return found


def _normal_draws(labels: Flags, x: Floats, drawn: Sequence[Codes]) -> tuple[Floats, Flags]:
    """Give ``(B,)`` Youden thresholds from two normals in every resample, and which resamples cannot have them."""
    starts = np.cumsum([0, *(len(rows) for rows in drawn[:-1])])
    rows = np.concatenate(drawn)
    values, positive = x[rows], labels[rows]
    ends = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    grid = np.linspace(*ends, _GRID, axis=1)
    gain, is_left = np.zeros(grid.shape), np.zeros(len(drawn), dtype=bool)
    for own, sign in ((~positive, 1.0), (positive, -1.0)):
        n = np.add.reduceat(own, starts, dtype=np.intp)
        low = np.minimum.reduceat(np.where(own, values, np.inf), starts)
        high = np.maximum.reduceat(np.where(own, values, -np.inf), starts)
        # these are not smoothed: see ``youden``
        is_left |= (n < _SMOOTHABLE) | ~(high > low)
        mean = np.add.reduceat(np.where(own, values, 0.0), starts) / np.maximum(n, 1)
        away = np.where(own, values - np.repeat(mean, [len(r) for r in drawn]), 0.0)
        sd = np.sqrt(np.add.reduceat(away**2, starts) / np.maximum(n - 1, 1))
        gain += sign * ndtr((grid - mean[:, None]) / np.where(sd > 0, sd, 1.0)[:, None])
    return expit(np.take_along_axis(grid, gain.argmax(axis=1)[:, None], axis=1)[:, 0]), is_left


def youden_interval(
    labels: Flags, scores: Floats, patients: Codes, *, draws: int, seed: int, method: Method = "smoothed"
) -> tuple[float, float]:
    """Give the 95 % interval of the Youden threshold chosen anew on resampled development patients.

    Returns:
        Percentiles; NaN where over 5 % of the draws are undefined or all agree.
    """
    if not np.isfinite(scores).all():
        return NAN, NAN
    found = youden_draws(labels, scores, patients, draws=draws, random=generator(seed, "threshold"), method=method)
    known = found[np.isfinite(found)]
    if len(known) < 0.95 * draws:
        return NAN, NAN
    low, high = np.quantile(known, [0.025, 0.975])
    return (float(low), float(high)) if high > low else (NAN, NAN)


def _empirical(labels: Flags, scores: Floats) -> float:
    candidates = np.unique(scores)
    positives = np.sort(scores[labels])
    sensitivity = 1 - np.searchsorted(positives, candidates, "left") / len(positives)
    gain = sensitivity + _specificity(scores[~labels], candidates)
    return float(candidates[int(np.flatnonzero(gain >= gain.max() - 1e-12)[0])])


def _specificity(negatives: Floats, candidates: Floats) -> Floats:
    below = np.searchsorted(np.sort(negatives), candidates, "left")
    return np.asarray(below / len(negatives))


def _normal_cdf(x: Floats, grid: Floats) -> Floats:
    # scipy.stats.norm.cdf is this with checks that take as long as the work
    return np.asarray(ndtr((grid - x.mean()) / x.std(ddof=1)))


def _kernel_cdf(x: Floats, grid: Floats) -> Floats:
    """Fluss et al. 2005, equation 8: normal kernel, bandwidth 0.9 min(sd, iqr / 1.34) n^-0.2."""
    quarter, three = np.quantile(x, [0.25, 0.75])
    spreads = [s for s in (float(x.std(ddof=1)), float(three - quarter) / 1.34) if s > 0]
    bandwidth = 0.9 * min(spreads) * len(x) ** -0.2
    # more cases than this say no more about a smooth curve than their quantiles do
    points = x if len(x) <= _QUANTILES else np.quantile(x, (np.arange(_QUANTILES) + 0.5) / _QUANTILES)
    return np.asarray(ndtr((grid[:, None] - points[None, :]) / bandwidth).mean(axis=1))
