"""The ECE that scores would have by chance if they were calibrated.

Source: Bröcker and Smith 2007, Weather and Forecasting 22:651 (what a calibrated forecast would give by chance).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.seeds import generator
from robustkit.stats.cores import CACHED

Floats = NDArray[np.float64]


def ece_null_band(scores: Floats, *, bins: int, draws: int, seed: int) -> tuple[float, float]:
    """Give the middle 95 % of the ECE that these scores would have if they were calibrated.

    Args:
        scores: ``(n,)`` in [0, 1].
        bins: Of equal width.
        draws: Of outcomes.
        seed: Names the stream.
    """
    upper = np.linspace(0.0, 1.0, bins + 1)[1:]
    cell = np.minimum(np.searchsorted(upper, scores, "left"), bins - 1)
    expected = np.bincount(cell, weights=scores, minlength=bins)
    # counts up to 2^24 are whole in single precision, too
    member = np.zeros((len(scores), bins), dtype=np.float32)
    member[np.arange(len(scores)), cell] = 1.0
    random = generator(seed, "ece null", "")
    step = max(1, CACHED // len(scores))
    found = np.empty(draws)
    for start in range(0, draws, step):
        block = slice(start, min(draws, start + step))
        outcomes = random.random((block.stop - start, len(scores))) < scores
        found[block] = np.abs(expected - outcomes.astype(np.float32) @ member).sum(axis=1)
    low, high = np.quantile(found / len(scores), [0.025, 0.975])
    return float(low), float(high)
