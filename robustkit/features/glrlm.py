"""glrlm: how long runs of one grey level are (grey level run length matrix)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.features._base import Feature, FeatureSettings, suffix
from robustkit.features._compiled import compiled
from robustkit.features._emphases import emphases, entries
from robustkit.features._region import Region

NAMES = (
    "sre", "lre", "lgre", "hgre", "srlge", "srhge", "lrlge", "lrhge", "glnu", "glnu_norm", "rlnu", "rlnu_norm", "r_perc",
    "gl_var", "rl_var", "rl_entr",
)  # fmt: skip


class Glrlm:
    """IBSI's family ``rlm``: runs in four directions.

    Source: Galloway 1975, Computer Graphics and Image Processing 4:172; IBSI reference manual, section 3.7.

    Example:
        >>> from robustkit.features._base import extract, feature_names
        >>> film = np.array([[1, 1, 1], [2, 2, 2]], dtype=np.uint8)
        >>> chosen = FeatureSettings(bins=2, directions="merged", families=("glrlm",))
        >>> values = extract(film, np.array([[0.0, 0, 3, 2]]), settings=chosen, spacing_mm=None)[0]
        >>> round(float(values[feature_names(chosen).index("rlm_r_perc_2d_s_mrg")]), 4)
        0.8333
    """

    name = "glrlm"

    def features(self, settings: FeatureSettings) -> tuple[Feature, ...]:
        """Give the sixteen features; all are defined wherever there is a pixel."""
        return tuple(Feature(f"rlm_{n}_{suffix(settings)}") for n in NAMES)

    def measure(self, region: Region, settings: FeatureSettings) -> NDArray[np.float64]:
        """Give ``(16,)``."""
        matrices = _count(region.levels, region.n_levels)
        n_pixels = region.n_pixels
        if settings.directions == "merged":
            return emphases(*entries(matrices.sum(axis=0)), n_pixels * len(matrices))[:16]
        return np.asarray(np.mean([emphases(*entries(m), n_pixels) for m in matrices], axis=0)[:16])


@compiled
def _count(levels: NDArray[np.int32], n_levels: int) -> NDArray[np.int64]:
    """Count runs by direction, level and length: ``(4, n_levels, longest)``.

    Each pixel knows how long the run that comes to it is; a run is counted where the next pixel has another level. There
    is no branch in it, because none could be foreseen.
    """
    height, width = levels.shape
    counts = np.zeros((4, n_levels + 1, max(height, width) - 1), dtype=np.int64)
    down, slope, rise = np.zeros((3, width), dtype=np.int64)
    for y in range(1, height - 1):
        right = before = 0
        for x in range(1, width - 1):
            level = levels[y, x]
            right = right * (levels[y, x - 1] == level) + 1
            down[x] = down[x] * (levels[y - 1, x] == level) + 1
            before, slope[x] = slope[x], before * (levels[y - 1, x - 1] == level) + 1
            rise[x] = rise[x + 1] * (levels[y - 1, x + 1] == level) + 1
            counts[0, level, right] += levels[y, x + 1] != level
            counts[1, level, down[x]] += levels[y + 1, x] != level
            counts[2, level, slope[x]] += levels[y + 1, x + 1] != level
            counts[3, level, rise[x]] += levels[y + 1, x - 1] != level
    return counts[:, 1:, 1:].copy()


PLUGIN = Glrlm()
