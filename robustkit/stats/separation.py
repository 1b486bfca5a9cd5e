"""Whether some weighing of the columns tells the classes apart without a mistake: then no finite logistic fit exists.

Source: Albert and Anderson 1984, Biometrika 71:1 (complete and quasi-complete separation); Konis 2007, Linear programming
algorithms for detecting separated data in binary logistic regression models, thesis, Oxford, section 4.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_ROUNDING = 1e-6


def is_separated(design: Floats, labels: Flags) -> bool:
    """Tell whether the maximum of the likelihood lies at infinity for at least one coefficient.

    Args:
        design: ``(n, p)`` finite, of full rank, a column of ones among them.
        labels: ``(n,)`` bool.

    Example:
        >>> ones = np.ones((4, 1))
        >>> is_separated(np.c_[ones, [1.0, 2.0, 3.0, 4.0]], np.array([False, False, True, True]))
        True
        >>> is_separated(np.c_[ones, [1.0, 3.0, 2.0, 4.0]], np.array([False, False, True, True]))
        False
    """
    scaled = design / np.abs(design).max(axis=0)
    sides = np.where(labels, 1.0, -1.0)[:, None] * scaled
    # every row on the right side or on the cut, and as far from it as can be: 0 where only no weights at all do it
    found = linprog(-sides.sum(axis=0), A_ub=-sides, b_ub=np.zeros(len(sides)), bounds=(-1.0, 1.0), method="highs")
    return bool(-found.fun > _ROUNDING)
