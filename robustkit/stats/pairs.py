"""AUC from a matrix of pairs: one product serves all draws, and repeats are averaged before them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def pair_wins(labels: NDArray[np.bool_], scores: Floats) -> Floats:
    """Give the share of repeats in which each positive stands above each negative.

    Args:
        labels: ``(n,)`` bool.
        scores: ``(n, R)`` float64; ties count half.

    Returns:
        ``(n_positive, n_negative)`` float64 in [0, 1]; its mean is the AUC averaged over repeats.
    """
    positive, negative = scores[labels], scores[~labels]
    wins = np.zeros((len(positive), len(negative)))
    for x, y in zip(positive.T, negative.T, strict=True):
        wins += 0.5 * (np.greater.outer(x, y).astype(np.float64) + np.greater_equal.outer(x, y))
    return np.asarray(wins / scores.shape[1])


def weighted_wins(wins: Floats, w_positive: Floats, w_negative: Floats) -> Floats:
    """Give the AUC (or a difference of AUCs) of every draw.

    Args:
        wins: ``(n_positive, n_negative)``.
        w_positive, w_negative: ``(B, n_positive)`` and ``(B, n_negative)`` how often each case was drawn.

    Returns:
        ``(B,)``; NaN where a draw lacks a class.
    """
    total = ((w_positive @ wins) * w_negative).sum(axis=1)
    pairs = w_positive.sum(axis=1) * w_negative.sum(axis=1)
    return np.asarray(np.divide(total, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0))
