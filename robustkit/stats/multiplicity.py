"""Adjusting p for the number of questions asked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

Floats = NDArray[np.float64]


def holm(p: Floats) -> Floats:
    """Give Holm's adjusted p, which holds the family-wise error; NaN stays NaN and is not counted.

    Args:
        p: ``(k,)`` in [0, 1] or NaN.

    Example:
        >>> import numpy as np
        >>> holm(np.array([0.01, np.nan, 0.04])).tolist()
        [0.02, nan, 0.04]
    """
    return _adjust(p, "holm")


def benjamini_hochberg(p: Floats) -> Floats:
    """Give Benjamini and Hochberg's adjusted p, which holds the false discovery rate; NaN as in ``holm``.

    Args:
        p: ``(k,)`` in [0, 1] or NaN.
    """
    return _adjust(p, "fdr_bh")


def _adjust(p: Floats, method: str) -> Floats:
    out = np.full(len(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        out[known] = multipletests(p[known], method=method)[1]
    return out
