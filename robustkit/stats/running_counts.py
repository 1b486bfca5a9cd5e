"""Cases counted from the highest score down, in every bootstrap draw at once."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from robustkit.stats.cores import CACHED, by_block

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

_FEWEST = 250
"""Draws that are worked on at a time where memory allows: of fewer, the calls would take longer than the work."""

_MOST = 4_000_000
"""Counts that are held at a time, where the cuts are many."""


def counted_in_draws(
    work: Callable[[Floats, Floats], Floats],
    positive: Flags,
    scores: Floats,
    patients: Codes,
    *,
    by_patient: Floats,
    cuts: Floats,
) -> Floats:
    """Give what ``work`` makes of how many positives and negatives every draw has between cuts.

    Args:
        work: Gives ``(..., b)`` for two ``(c, b)``, positives and negatives of b draws from each cut up to, but not at,
            the one before it. It may write on them: their ``running_sums`` count all at or above each cut.
        positive: ``(n,)`` truth.
        scores: ``(n,)`` without NaN.
        patients: ``(n,)`` rows of ``by_patient``.
        by_patient: ``(m, B)`` how often each patient was drawn.
        cuts: ``(c,)`` falling, all different; what lies below the last is not counted.
    """
    place = len(cuts) - np.searchsorted(cuts[::-1], scores, "right")
    own = place < len(cuts)
    members, codes = np.unique(patients[own], return_inverse=True)
    rows = np.where(positive[own], 0, len(cuts)) + place[own]
    by_cut = csr_array((np.ones(len(codes)), (rows, codes)), shape=(2 * len(cuts), len(members)))

    def made(block: slice) -> Floats:
        drawn = by_cut @ by_patient[members, block]
        return work(drawn[: len(cuts)], drawn[len(cuts) :])

    together = max(1, min(_FEWEST, _MOST // by_cut.shape[0]))
    return by_block(made, by_patient.shape[1], size=min(len(cuts), CACHED // together))


def running_sums(rows: Floats) -> Floats:
    """Add to every row of ``(c, b)`` all rows before it, in place, and give it back.

    numpy's ``cumsum`` goes down one column after the other, and takes five times as long. Whole rows are added here:
    within groups of about the square root of c, all groups at once, then the last row of each group to all of the next.
    """
    c, b = rows.shape
    size = max(1, math.isqrt(c))
    n_groups = c // size
    groups = rows[: n_groups * size].reshape(n_groups, size, b)
    for i in range(1, size):
        groups[:, i] += groups[:, i - 1]
    for j in range(1, n_groups):
        groups[j] += groups[j - 1, -1]
    for i in range(max(1, n_groups * size), c):
        rows[i] += rows[i - 1]
    return rows
