"""ngtdm: how far pixels lie from the mean of their neighbours (neighbourhood grey tone difference matrix)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.features._base import Feature, FeatureSettings
from robustkit.features._compiled import compiled
from robustkit.features._region import Region

ALONE = "no pixel has a neighbour"
SMOOTH = f"{ALONE}, or every pixel equals the mean of its neighbours"
FLAT = f"{ALONE}, or there is one grey level only"
FEATURES = (
    Feature("ngt_coarseness_2d", SMOOTH),
    Feature("ngt_contrast_2d", FLAT),
    Feature("ngt_busyness_2d", f"{FLAT}, or level times share is the same for all levels"),
    Feature("ngt_complexity_2d", ALONE),
    Feature("ngt_strength_2d", SMOOTH),
)


class Ngtdm:
    """IBSI's family ``ngt``: the eight neighbours, as many of them as lie in the region.

    Source: Amadasun and King 1989, IEEE SMC 19:1264; IBSI reference manual, section 3.10.

    Example:
        >>> from robustkit.features._base import extract
        >>> film = np.array([[1, 2]], dtype=np.uint8)
        >>> chosen = FeatureSettings(bins=2, families=("ngtdm",))
        >>> extract(film, np.array([[0.0, 0, 2, 1]]), settings=chosen, spacing_mm=None)[0, 0].round(9)  # 1 / (.5 + .5)
        np.float64(1.0)
    """

    name = "ngtdm"

    def features(self, settings: FeatureSettings) -> tuple[Feature, ...]:
        """Give the five features."""
        return FEATURES

    def measure(self, region: Region, settings: FeatureSettings) -> NDArray[np.float64]:
        """Give ``(5,)``."""
        return _features(*_differences(region.levels, region.n_levels))


@compiled
def _differences(levels: NDArray[np.int32], n_levels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give per level 0..n_levels how many pixels have neighbours, and the sum of |level - mean of the neighbours|."""
    height, width = levels.shape
    # the sum over n neighbours is whole, so that only the division rounds
    off = np.zeros((n_levels + 1, 9), dtype=np.int64)
    counts = np.zeros(n_levels + 1)
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            level = np.int64(levels[y, x])
            if level == 0:
                continue
            total, n = -level, -1
            for row in range(y - 1, y + 2):
                for column in range(x - 1, x + 2):
                    total += levels[row, column]
                    n += levels[row, column] != 0
            if n > 0:
                counts[level] += 1
                off[level, n] += abs(n * level - total)
    sums = np.zeros(n_levels + 1)
    for n in range(1, 9):
        sums += off[:, n] / n
    return counts, sums


@compiled
def _features(counts: NDArray[np.float64], sums: NDArray[np.float64]) -> NDArray[np.float64]:
    found = np.full(5, np.nan)
    n = counts.sum()
    if n == 0:
        return found
    shares, present, total = counts / n, np.flatnonzero(counts), sums.sum()
    weighted = (shares * sums).sum()
    spread = busy = complexity = strength = 0.0
    for i in present:
        for j in present:
            p, q = shares[i], shares[j]
            spread += p * q * (i - j) ** 2
            busy += abs(i * p - j * q)
            complexity += abs(i - j) * (p * sums[i] + q * sums[j]) / (p + q)
            strength += (p + q) * (i - j) ** 2
    found[3] = complexity / n
    if total > 0:
        found[0], found[4] = 1 / weighted, strength / total
    if len(present) > 1:
        found[1] = spread / (len(present) * (len(present) - 1)) * total / n
        found[2] = weighted / busy if busy > 0 else np.nan
    return found


PLUGIN = Ngtdm()
