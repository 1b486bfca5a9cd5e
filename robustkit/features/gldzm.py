"""gldzm: how far zones of one grey level lie from the border of the region (grey level distance zone matrix)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.features._base import Feature, FeatureSettings
from robustkit.features._compiled import compiled
from robustkit.features._emphases import emphases, pairs
from robustkit.features._region import Region

NAMES = (
    "sde", "lde", "lgze", "hgze", "sdlge", "sdhge", "ldlge", "ldhge", "glnu", "glnu_norm", "zdnu", "zdnu_norm", "z_perc",
    "gl_var", "zd_var", "zd_entr",
)  # fmt: skip
FEATURES = tuple(Feature(f"dzm_{n}_2d") for n in NAMES)


class Gldzm:
    """IBSI's family ``dzm``: zones as in ``glszm``, and the distance of their nearest pixel from the border.

    The border is that of the mask, holes included, or of the box. Distances are steps to the side.

    Source: Thibault et al. 2014, IEEE TBME 61:630; IBSI reference manual, section 3.9.

    Example:
        >>> from robustkit.features._base import extract, feature_names
        >>> film = np.array([[1, 1, 1], [1, 2, 1], [1, 1, 1]], dtype=np.uint8)
        >>> chosen = FeatureSettings(bins=2, families=("gldzm",))
        >>> values = extract(film, np.array([[0.0, 0, 3, 3]]), settings=chosen, spacing_mm=None)[0]
        >>> float(values[feature_names(chosen).index("dzm_lde_2d")])  # distances 1 and 2
        2.5
    """

    name = "gldzm"

    def features(self, settings: FeatureSettings) -> tuple[Feature, ...]:
        """Give the sixteen features; all are defined wherever there is a pixel."""
        return FEATURES

    def measure(self, region: Region, settings: FeatureSettings) -> NDArray[np.float64]:
        """Give ``(16,)``."""
        zones = region.zones
        distances = _distances(region.levels, zones.first_of)[zones.firsts]
        return emphases(*pairs(zones.levels, distances), region.n_pixels)[:16]


@compiled
def _distances(levels: NDArray[np.int32], first_of: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give ``((h + 2) (w + 2),)``: at the first pixel of each zone, the least distance of its pixels."""
    near = _steps_to_border(levels).ravel()
    least = near.copy()
    for at in range(near.size):
        least[first_of[at]] = min(least[first_of[at]], near[at])
    return least


@compiled
def _steps_to_border(levels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give steps to the side until outside, 0 there: one pass from each corner is exact for city blocks."""
    height, width = levels.shape
    near = np.zeros((height, width), dtype=np.int32)
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            if levels[y, x] != 0:
                near[y, x] = min(near[y - 1, x], near[y, x - 1]) + 1
    for y in range(height - 2, 0, -1):
        for x in range(width - 2, 0, -1):
            if levels[y, x] != 0:
                near[y, x] = min(near[y, x], near[y + 1, x] + 1, near[y, x + 1] + 1)
    return near


PLUGIN = Gldzm()
