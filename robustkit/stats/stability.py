"""How one model's answer holds still: numbers per case over its repeats, for all cases at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def spread(scores: Floats) -> Floats:
    """Give ``(n,)`` sd (ddof 1) of ``(n, R)`` scores over repeats; NaN with fewer than two."""
    if scores.shape[1] < 2:
        return np.full(len(scores), np.nan)
    return np.asarray(scores.std(axis=1, ddof=1))


def reference_rank(scores: Floats, development: Floats) -> Floats:
    """Give the share of the model's own development scores below each score, ties half; NaN without development.

    Any strictly increasing change of the model's scale leaves it as it is.
    """
    if len(development) == 0:
        return np.full(np.shape(scores), np.nan)
    ordered = np.sort(development)
    below = np.searchsorted(ordered, scores, "left")
    upto = np.searchsorted(ordered, scores, "right")
    return np.asarray((below + upto) / (2.0 * len(ordered)))


def displacement(boxes: Floats, nominal: Floats) -> Floats:
    """Give the largest of |dx|/w and |dy|/h of box centres.

    Args:
        boxes: ``(n, R, 4)``.
        nominal: ``(n, 4)``.

    Returns:
        ``(n, R)`` in sides of the nominal box.
    """
    side = nominal[:, None, 2:] - nominal[:, None, :2]
    centre = (boxes[..., :2] + boxes[..., 2:]) / 2
    at = (nominal[:, None, :2] + nominal[:, None, 2:]) / 2
    return np.asarray((np.abs(centre - at) / side).max(axis=-1))


def smallest_flip(moved: Floats, flips: Flags) -> Floats:
    """Give ``(n,)`` smallest tested displacement that changed the decision; NaN where none did (censored)."""
    found = np.where(flips, moved, np.inf).min(axis=1, initial=np.inf)
    return np.where(np.isfinite(found), found, np.nan)


def right_at(right: Flags, k: int) -> Floats:
    """Give the chance that all of ``k`` repeats, drawn without replacement from the R tested, are right.

    Args:
        right: ``(n, R)``.
        k: Repeats that must be right; NaN where R < k.
    """
    total, good = right.shape[1], right.sum(axis=1).astype(np.float64)
    if total < k:
        return np.full(len(right), np.nan)
    chance = np.exp(_choose(np.maximum(good, k), k) - _choose(np.float64(total), k))
    return np.where(good >= k, chance, 0.0)


def _choose(n: Floats | np.float64, k: int) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
