"""Adjusting p for the number of questions asked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give Holm's adjusted p; NaN stays NaN and is not counted."""
    return _adjust(p, "holm")


def benjamini_hochberg(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give Benjamini and Hochberg's adjusted p; NaN stays NaN and is not counted."""
    return _adjust(p, "fdr_bh")


def _adjust(p: NDArray[np.float64], method: str) -> NDArray[np.float64]:
    out = np.full(len(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        out[known] = multipletests(p[known], method=method)[1]
    return out
