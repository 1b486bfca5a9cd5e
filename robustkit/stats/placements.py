"""The noun Placements: where each case stands among those of the other class.

Source: DeLong et al. 1988, Biometrics 44:837; Sun and Xu 2014, IEEE SPL 21:1389 (midranks).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_BLOCK = 50_000
"""Scores that are ranked at a time."""


@dataclass(frozen=True, slots=True)
class Placements:
    """Where each case stands among those of the other class.

    Attributes:
        v10: ``(..., n_positive)`` share of negatives below each positive, ties half, in [0, 1].
        v01: ``(..., n_negative)`` share of positives above each negative, ties half, in [0, 1].
        value: ``(...)`` AUC.
    """

    v10: Floats
    v01: Floats
    value: Floats


def placements(labels: Flags, scores: Floats) -> Placements:
    """Give placements for any number of score rows at once.

    Args:
        labels: ``(n,)`` bool, both classes there.
        scores: ``(..., n)`` float64; infinite scores are ordered like any other, NaN gives NaN.
    """
    rows = np.ascontiguousarray(scores, dtype=np.float64).reshape(-1, scores.shape[-1])
    below = np.empty_like(rows)
    # some rows at a time: what is worked on stays in the processor's cache
    block = max(1, _BLOCK // max(1, rows.shape[-1]))
    for start in range(0, len(rows), block):
        below[start : start + block] = _others_below(labels, rows[start : start + block])
    shaped = below.reshape(scores.shape)
    v10 = shaped[..., labels] / np.count_nonzero(~labels)
    v01 = 1.0 - shaped[..., ~labels] / np.count_nonzero(labels)
    return Placements(v10, v01, v10.mean(axis=-1))


def _others_below(labels: Flags, rows: Floats) -> Floats:
    """Give ``(R, n)`` how many of the other class stand below each case, ties half, from one sort of each row."""
    order = np.argsort(rows, axis=-1)
    ordered = np.take_along_axis(rows, order, axis=-1)
    is_positive = labels[order]
    positives: NDArray[np.intp] = np.cumsum(is_positive, axis=-1) - is_positive
    below: Floats = np.where(is_positive, np.arange(rows.shape[-1]) - positives, positives).astype(np.float64)
    has_ties = (ordered[:, 1:] == ordered[:, :-1]).any(axis=-1)
    if has_ties.any():
        below[has_ties] = _below_with_ties(is_positive[has_ties], ordered[has_ties])
    found = np.empty(rows.shape)
    np.put_along_axis(found, order, below, axis=-1)
    # what is not a number stands last
    found[np.isnan(ordered[:, -1])] = np.nan
    return found


def _below_with_ties(is_positive: Flags, ordered: Floats) -> Floats:
    """Give ``(R, n)`` how many of the other class stand below each of the rising scores, ties half."""
    n = ordered.shape[-1]
    is_first = np.ones(ordered.shape, dtype=bool)
    is_first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    is_last = np.ones(ordered.shape, dtype=bool)
    is_last[:, :-1] = is_first[:, 1:]
    # cases of equal score are one group: it begins at `start` and ends before `end`
    start = np.maximum.accumulate(np.where(is_first, np.arange(n), 0), axis=-1)
    end = np.minimum.accumulate(np.where(is_last, np.arange(1, n + 1), n)[:, ::-1], axis=-1)[:, ::-1]
    positives = np.zeros((len(ordered), n + 1), dtype=np.int64)
    np.cumsum(is_positive, axis=-1, out=positives[:, 1:])
    below = np.take_along_axis(positives, start, axis=-1) + np.take_along_axis(positives, end, axis=-1)
    return np.asarray(np.where(is_positive, start + end - below, below) / 2)
