"""Operating points chosen on development cases: Youden, smoothed by default; target sensitivity or specificity.

Source: Youden 1950, Cancer 3:32; Fluss et al. 2005, Biometrical Journal 47:458 (normal and kernel estimators).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import gaussian_kde, norm, shapiro

from robustkit.seeds import generator
from robustkit.stats.estimate import NAN

Method = Literal["smoothed", "empirical"]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_TINY = 1e-12
_REJECT = 0.01


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
    kept = np.clip(scores, _TINY, 1 - _TINY)
    return np.log(kept) - np.log1p(-kept)


def youden(labels: Flags, scores: Floats, *, method: Method = "smoothed") -> OperatingPoint:
    """Choose the threshold of the largest sensitivity + specificity - 1.

    Args:
        labels: ``(n,)`` bool.
        scores: ``(n,)`` float64 in [0, 1].
        method: ``smoothed``: two normals on the logit, a kernel where Shapiro-Wilk rejects them at .01;
            ``empirical``: the distinct scores are the candidates, ties go to the lowest.
    """
    n, k = len(labels), int(labels.sum())
    if k < 2 or n - k < 2:
        return OperatingPoint("youden", NAN, n, k, "", "fewer than 2 development cases of either class")
    if method == "empirical" or min(k, n - k) < 8:
        return OperatingPoint("youden", _empirical(labels, scores), n, k, "empirical")
    x, y = logit(scores[labels]), logit(scores[~labels])
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return OperatingPoint("youden", _empirical(labels, scores), n, k, "empirical")
    normal = min(shapiro(x).pvalue, shapiro(y).pvalue) >= _REJECT
    grid = np.linspace(min(x.min(), y.min()), max(x.max(), y.max()), 2001)
    if normal:
        gain = norm.cdf(grid, y.mean(), y.std(ddof=1)) - norm.cdf(grid, x.mean(), x.std(ddof=1))
    else:
        gain = _kernel_cdf(y, grid) - _kernel_cdf(x, grid)
    value = float(expit(grid[int(np.argmax(gain))]))
    return OperatingPoint("youden", value, n, k, "two normals on the logit" if normal else "kernel on the logit")


def target_sensitivity(labels: Flags, scores: Floats, target: float) -> OperatingPoint:
    """Choose the highest threshold whose sensitivity on these cases is at least ``target``."""
    n, k = len(labels), int(labels.sum())
    name = f"sensitivity={target:g}"
    if k == 0:
        return OperatingPoint(name, NAN, n, k, "", "no positive development case")
    ordered = np.sort(scores[labels])[::-1]
    return OperatingPoint(name, float(ordered[int(np.ceil(target * k - 1e-9)) - 1]), n, k, "empirical")


def target_specificity(labels: Flags, scores: Floats, target: float) -> OperatingPoint:
    """Choose the lowest threshold, among the scores, whose specificity on these cases is at least ``target``."""
    n, k = len(labels), int(labels.sum())
    name = f"specificity={target:g}"
    if n == k:
        return OperatingPoint(name, NAN, n, k, "", "no negative development case")
    candidates = np.append(np.unique(scores), np.inf)
    negatives = np.sort(scores[~labels])
    specificity = np.searchsorted(negatives, candidates, "left") / len(negatives)
    return OperatingPoint(name, float(candidates[int(np.argmax(specificity >= target - 1e-12))]), n, k, "empirical")


def youden_interval(
    labels: Flags, scores: Floats, patients: NDArray[np.intp], *, draws: int, seed: int, method: Method = "smoothed"
) -> tuple[float, float]:
    """Give the 95 % interval of the Youden threshold chosen anew on resampled development patients."""
    random = generator(seed, "threshold")
    members = [np.flatnonzero(patients == p) for p in np.unique(patients)]
    found = []
    for _ in range(draws):
        rows = np.concatenate([members[i] for i in random.integers(0, len(members), len(members))])
        found.append(youden(labels[rows], scores[rows], method=method).value)
    known = np.array(found)[np.isfinite(found)]
    if len(known) < 0.95 * draws:
        return NAN, NAN
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)


def _empirical(labels: Flags, scores: Floats) -> float:
    candidates = np.unique(scores)
    positives, negatives = np.sort(scores[labels]), np.sort(scores[~labels])
    sensitivity = 1 - np.searchsorted(positives, candidates, "left") / len(positives)
    specificity = np.searchsorted(negatives, candidates, "left") / len(negatives)
    gain = sensitivity + specificity
    return float(candidates[int(np.flatnonzero(gain >= gain.max() - 1e-12)[0])])


def _kernel_cdf(x: Floats, grid: Floats) -> Floats:
    kernel = gaussian_kde(x)
    bandwidth = float(np.sqrt(kernel.covariance[0, 0]))
    return norm.cdf((grid[:, None] - x[None, :]) / bandwidth).mean(axis=1)
