"""Permutation tests: a paired difference keeps its size and may change its sign, patient by patient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.seeds import generator


def sign_flip(differences: NDArray[np.float64], *, draws: int, seed: int, purpose: str) -> float:
    """Give the two-sided p of the mean paired difference.

    Args:
        differences: ``(m,)`` one per patient.
        draws: Random sign patterns; with at most 12 patients all patterns are taken.
        seed, purpose: Name the stream.

    Returns:
        p in (0, 1]; 1 where all differences are 0. The observed pattern counts as one draw.
    """
    d = differences[differences != 0]
    if len(d) == 0:
        return 1.0
    observed = abs(d.sum()) * (1 - 1e-12)
    if len(d) <= 12:
        patterns = np.array(np.meshgrid(*[[-1, 1]] * len(d))).reshape(len(d), -1)
        return float((np.abs(d @ patterns) >= observed).mean())
    random = generator(seed, "sign-flip", purpose)
    hits = 0
    left = draws
    while left > 0:
        size = min(left, 1_000_000 // len(d) + 1)
        signs = random.integers(0, 2, (size, len(d)), dtype=np.int8) * 2 - 1
        hits += int((np.abs(signs @ d) >= observed).sum())
        left -= size
    return (hits + 1) / (draws + 1)
