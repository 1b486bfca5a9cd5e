"""How far boxes may move before decisions change: cases that never changed are censored, not left out.

Source: Kaplan and Meier 1958, JASA 53:457; through statsmodels where cases are counted, by hand for bootstrap draws.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def changed_share(at: Floats, changed: NDArray[np.bool_], weights: Floats, grid: Floats) -> Floats:
    """Give the share of cases whose decision has changed by each displacement.

    Args:
        at: ``(n,)`` smallest displacement that changed the decision, or the largest one tested where none did.
        changed: ``(n,)`` False where none did.
        weights: ``(B, n)`` how often each case was drawn.
        grid: ``(G,)`` rising displacements.

    Returns:
        ``(B, G)`` one minus the Kaplan-Meier survival; NaN from where no case is left to be judged.
    """
    order = np.argsort(at, kind="stable")
    # a case per row, in the order of their displacements: rows are added up whole
    time, event, w = at[order], changed[order], weights.T[order]
    # the curve falls only where decisions change: how many are still there, and how many change
    times, first = np.unique(time[event], return_index=True)
    if not len(times):
        return np.where(grid > time[-1], np.nan, np.zeros((len(weights), len(grid))))
    there = np.add.reduceat(w, np.searchsorted(time, times), axis=0)[::-1].cumsum(axis=0)[::-1]
    change = np.add.reduceat(w[event], first, axis=0)
    factor = np.divide(there - change, there, out=np.ones_like(there), where=there > 0)
    survival = np.concatenate([np.ones((1, len(weights))), np.cumprod(factor, axis=0)])
    found = 1.0 - survival[np.searchsorted(times, grid, side="right")].T
    found[:, grid > time[-1]] = np.nan
    return np.asarray(found)
