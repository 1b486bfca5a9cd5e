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
    # equal displacements: those that change come before those that are censored
    order = np.lexsort((~changed, at))
    event, w = changed[order], weights.T[order]
    upto = np.searchsorted(at[order], grid, side="right")
    # a run of cases that change is one factor: (n - 1) / n x (n - 2) / (n - 1) is (n - 2) / n; it ends at a censored
    # case, and where the curve is looked at
    ends = np.concatenate([[0], np.flatnonzero(event[1:] != event[:-1]) + 1, upto[upto < len(at)]])
    first = np.unique(ends)
    cases = np.add.reduceat(w, first, axis=0)
    there = cases[::-1].cumsum(axis=0)[::-1]
    survival = np.ones((len(first) + 1, len(weights)))
    np.divide(there - cases, there, out=survival[1:], where=(there > 0) & event[first, None])
    np.cumprod(survival, axis=0, out=survival)
    found = 1.0 - survival[np.searchsorted(first, upto)].T
    found[:, grid > at.max()] = np.nan
    return np.asarray(found)
