"""How one model's answer holds still: numbers per case over its repeats, for all cases at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.stats.below import n_below

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def spread(scores: Floats) -> Floats:
    """Give ``(n,)`` sd (ddof 1) of ``(n, R)`` scores over repeats; NaN with fewer than two."""
    if scores.shape[1] < 2:
        return np.full(len(scores), np.nan)
    # about the first repeat: the sd of equal scores is then 0 and not the rounding of their mean
    return np.asarray((scores - scores[:, :1]).std(axis=1, ddof=1))


def reference_rank(scores: Floats, development: Floats) -> Floats:
    """Give the share of the model's own development scores below each score; NaN without development.

    Any strictly increasing change of the model's scale leaves it as it is.

    Args:
        scores: Any shape; NaN gives NaN.
        development: ``(d,)`` nominal scores of the development rows, without NaN.

    Returns:
        The shape of ``scores``, in [0, 1].

    Example:
        >>> import numpy as np
        >>> reference_rank(np.array([0.0, 0.3, 0.9]), np.array([0.1, 0.2, 0.3, 0.4])).tolist()
        [0.0, 0.5, 1.0]
    """
    if len(development) == 0:
        return np.full(np.shape(scores), np.nan)
    below = n_below(np.asarray(scores), np.sort(development)) / len(development)
    return np.where(np.isnan(scores), np.nan, below)


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
    """Give the smallest tested displacement that changed the decision: an upper bound of the true one.

    Args:
        moved: ``(n, R)`` displacement of each box, in sides.
        flips: ``(n, R)`` True where the decision differs from the nominal one.

    Returns:
        ``(n,)``; NaN where none did (censored).
    """
    found = np.where(flips, moved, np.inf).min(axis=1, initial=np.inf)
    return np.where(np.isfinite(found), found, np.nan)


def right_at(right: Flags, k: int) -> Floats:
    """Give the chance that all of ``k`` repeats, drawn without replacement from the R tested, are right.

    Args:
        right: ``(n, R)``.
        k: Repeats that must be right.

    Returns:
        ``(n,)`` choose(right, k) / choose(R, k); NaN where R < k.

    Example:
        >>> import numpy as np
        >>> right_at(np.array([[True, True, True, False]]), 2).tolist()
        [0.5]
    """
    total, good = right.shape[1], right.sum(axis=1)
    if total < k:
        return np.full(len(right), np.nan)
    drawn = np.arange(k)
    # the i-th draw finds good - i right ones among total - i; 0 from where none is left
    chance = np.maximum(good[:, None] - drawn, 0) / (total - drawn)
    return np.asarray(chance.prod(axis=1))
