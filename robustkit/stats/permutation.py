"""Permutation tests: a paired difference keeps its size and may change its sign, patient by patient.

Source: Fisher 1935, The Design of Experiments, section 21; Phipson and Smyth 2010, SAGMB 9:39 (p is never 0).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.seeds import generator
from robustkit.stats.estimate import NAN

EXACT_UP_TO = 12
"""Differing patients up to which all sign patterns are taken: 4,096."""

_ROUNDING = 1e-12


def sign_flip(differences: NDArray[np.float64], *, draws: int, seed: int, purpose: str) -> float:
    """Give the two-sided p of the mean paired difference.

    Args:
        differences: ``(m,)`` one per patient.
        draws: Random sign patterns; with at most 12 differing patients all patterns are taken.
        seed, purpose: Name the stream.

    Returns:
        p in (0, 1]; 1 where all differences are 0; NaN without patients or with a NaN among them. The
        observed pattern counts as one draw.

    Example:
        >>> import numpy as np
        >>> sign_flip(np.array([1.0, 2.0, 3.0]), draws=1000, seed=0, purpose="example")
        0.25
    """
    if len(differences) == 0 or np.isnan(differences).any():
        return NAN
    # a difference of 0 is 0 under either sign
    d = differences[differences != 0]
    if len(d) == 0:
        return 1.0
    observed = abs(float(d.sum())) - _ROUNDING * float(np.abs(d).sum())
    if len(d) <= EXACT_UP_TO:
        bits = np.arange(2 ** len(d))[:, None] >> np.arange(len(d))
        return float((np.abs((1 - 2 * (bits & 1)) @ d) >= observed).mean())
    random = generator(seed, "sign-flip", purpose)
    hits, left = 0, draws
    while left > 0:
        size = min(left, 1_000_000 // len(d) + 1)
        signs = random.integers(0, 2, (size, len(d)), dtype=np.int8) * 2 - 1
        hits += int((np.abs(signs @ d) >= observed).sum())
        left -= size
    return (hits + 1) / (draws + 1)
