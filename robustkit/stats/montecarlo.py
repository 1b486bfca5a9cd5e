"""Repeats that are independent of each other: what the Monte-Carlo error of a mean over repeats is taken from.

Random boxes are independent one by one. Sobol points are not: points of one scrambled set keep out of each other's way,
so the error is taken between sets (estimands, section 4).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST_SETS = 8
"""Scrambled sets under which the error between them is not known."""


def independent(values: NDArray[np.float64], set_size: int) -> NDArray[np.float64]:
    """Give what is independent among the repeats.

    Args:
        values: ``(R, ...)``, a row per repeat.
        set_size: Points of a scrambled set; 1 for random boxes.

    Returns:
        ``(R, ...)`` the values themselves, or ``(sets, ...)`` the mean of each whole set; a single row, from which
        no error follows, where there are fewer than 8 sets.
    """
    if set_size == 1:
        return values
    sets = len(values) // set_size
    if sets < LEAST_SETS:
        return values[:1]
    whole = values[: sets * set_size]
    return np.asarray(whole.reshape(sets, set_size, *values.shape[1:]).mean(axis=1))
