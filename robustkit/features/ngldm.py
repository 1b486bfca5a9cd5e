"""ngldm: how many neighbours have the grey level of a pixel (neighbouring grey level dependence matrix)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.features._base import Feature, FeatureSettings
from robustkit.features._compiled import compiled
from robustkit.features._emphases import emphases, entries
from robustkit.features._region import Region

NAMES = (
    "lde", "hde", "lgce", "hgce", "ldlge", "ldhge", "hdlge", "hdhge", "glnu", "glnu_norm", "dcnu", "dcnu_norm", "dc_perc",
    "gl_var", "dc_var", "dc_entr", "dc_energy",
)  # fmt: skip
FEATURES = tuple(Feature(f"ngl_{n}_d1_a0.0_2d") for n in NAMES)


class Ngldm:
    """IBSI's family ``ngl``: the pixel itself and its eight neighbours, coarseness 0.

    Source: Sun and Wee 1983, Computer Vision, Graphics, and Image Processing 23:341; IBSI reference manual, section 3.11.

    Example:
        >>> from robustkit.features._base import extract, feature_names
        >>> film = np.array([[1, 1, 2]], dtype=np.uint8)
        >>> chosen = FeatureSettings(bins=2, families=("ngldm",))
        >>> values = extract(film, np.array([[0.0, 0, 3, 1]]), settings=chosen, spacing_mm=None)[0]
        >>> float(values[feature_names(chosen).index("ngl_hde_d1_a0.0_2d")])  # (2^2 + 2^2 + 1) / 3
        3.0
    """

    name = "ngldm"

    def features(self, settings: FeatureSettings) -> tuple[Feature, ...]:
        """Give the seventeen features; all are defined wherever there is a pixel."""
        return FEATURES

    def measure(self, region: Region, settings: FeatureSettings) -> NDArray[np.float64]:
        """Give ``(17,)``."""
        matrix = _count(region.levels, region.n_levels)
        return emphases(*entries(matrix), region.n_pixels)


@compiled
def _count(levels: NDArray[np.int32], n_levels: int) -> NDArray[np.int64]:
    """Count pixels by level and by how many of the 3 x 3 pixels around them, themselves too, have it: ``(n_levels, 9)``."""
    height, width = levels.shape
    matrix = np.zeros((n_levels, 9), dtype=np.int64)
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            level = levels[y, x]
            if level != 0:
                alike = -1
                for row in range(y - 1, y + 2):
                    for column in range(x - 1, x + 2):
                        alike += levels[row, column] == level
                matrix[level - 1, alike] += 1
    return matrix


PLUGIN = Ngldm()
