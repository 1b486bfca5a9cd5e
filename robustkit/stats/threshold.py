"""Operating points chosen on development cases: Youden, smoothed by default; target sensitivity or specificity.

Source: Youden 1950, Cancer 3:32; Fluss et al. 2005, Biometrical Journal 47:458 (normal and kernel estimators).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from robustkit.stats.estimate import NAN

Method = Literal["smoothed", "normal", "kernel", "empirical"]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_CUT = 1e-12
_REJECT = 0.01
SMOOTHABLE = 8
"""Cases of either class under which nothing is smoothed."""
_SHAPIRO_UP_TO = 5000
"""Shapiro-Wilk is not calibrated for more cases; a kernel needs no normality."""
_QUANTILES = 2000
GRID = 2001
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
    grid = np.linspace(min(x.min(), y.min()), max(x.max(), y.max()), GRID)
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
    if method == "empirical" or min(len(x), len(y)) < SMOOTHABLE or np.ptp(x) == 0 or np.ptp(y) == 0:
        return "empirical"
    if method != "smoothed":
        return method
    if max(len(x), len(y)) > _SHAPIRO_UP_TO:
        return "kernel"
    # scipy.stats takes a third of a second to import
    from scipy.stats import shapiro

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
