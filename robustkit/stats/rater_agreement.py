"""How far readers agree: weighted kappa of two, ICC of all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.stats.estimate import NAN

Floats = NDArray[np.float64]


def weighted_kappa(a: Floats, b: Floats) -> float:
    """Give Cohen's kappa with squared weights; NaN where both give one rating throughout.

    Source: Cohen 1968, Psychological Bulletin 70:213. For ratings of any scale: 1 - sum (a - b)^2 over its expectation.
    """
    if len(a) == 0:
        return NAN
    expected = float(((a[:, None] - b[None]) ** 2).mean())
    return 1.0 - float(((a - b) ** 2).mean()) / expected if expected > 0 else NAN


def icc_agreement(ratings: Floats) -> float:
    """Give ICC(A,1): absolute agreement of single ratings, readers and cases random.

    Args:
        ratings: ``(R, n)``, no NaN.

    Source: McGraw and Wong 1996, Psychological Methods 1:30, case 2A; Shrout and Fleiss' ICC(2,1).
    """
    readers, n = ratings.shape
    if readers < 2 or n < 2:
        return NAN
    grand = ratings.mean()
    rows = readers * float(((ratings.mean(axis=0) - grand) ** 2).sum()) / (n - 1)
    columns = n * float(((ratings.mean(axis=1) - grand) ** 2).sum()) / (readers - 1)
    rest = ratings - ratings.mean(axis=0) - ratings.mean(axis=1, keepdims=True) + grand
    error = float((rest**2).sum()) / ((n - 1) * (readers - 1))
    below = rows + (readers - 1) * error + readers * (columns - error) / n
    return (rows - error) / below if below > 0 else NAN
