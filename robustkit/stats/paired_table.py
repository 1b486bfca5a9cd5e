"""Two proportions: of the same cases (McNemar), and of different ones (Newcombe).

Both tests come from statsmodels where each case is a patient of its own; lesions of one patient need the patient as
the unit (``permutation.sign_flip``, and Wilson bounds of effective size).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.stats.estimate import NAN, Estimate

Flags = NDArray[np.bool_]


def mcnemar_p(right_a: Flags, right_b: Flags) -> float:
    """Give the exact two-sided p that two models err equally often on the same, independent cases.

    Args:
        right_a, right_b: ``(n,)`` is the decision right?

    Returns:
        1 where they are right on the same cases; NaN without cases.

    Source: McNemar 1947, Psychometrika 12:153; exact binomial form.
    """
    if len(right_a) == 0:
        return NAN
    from statsmodels.stats.contingency_tables import mcnemar

    table = [[int((a & b).sum()) for b in (right_b, ~right_b)] for a in (right_a, ~right_a)]
    return float(mcnemar(table, exact=True).pvalue)


def newcombe(a: Estimate, b: Estimate) -> tuple[float, float]:
    """Give the 95 % interval of a minus b for proportions of different patients, from the Wilson bounds of each.

    Args:
        a, b: With Wilson bounds; of effective size where patients have several cases.

    Returns:
        NaN where a bound is missing.

    Source: Newcombe 1998, Statistics in Medicine 17:873, method 10.
    """
    diff = a.value - b.value
    low = diff - np.hypot(a.value - a.low, b.high - b.value)
    high = diff + np.hypot(a.high - a.value, b.value - b.low)
    return float(low), float(high)
