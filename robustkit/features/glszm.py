"""glszm: how large zones of one grey level are (grey level size zone matrix)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.features._base import Feature, FeatureSettings
from robustkit.features._emphases import emphases, pairs
from robustkit.features._region import Region

NAMES = (
    "sze", "lze", "lgze", "hgze", "szlge", "szhge", "lzlge", "lzhge", "glnu", "glnu_norm", "zsnu", "zsnu_norm", "z_perc",
    "gl_var", "zs_var", "zs_entr",
)  # fmt: skip
FEATURES = tuple(Feature(f"szm_{n}_2d") for n in NAMES)


class Glszm:
    """IBSI's family ``szm``: zones whose pixels touch each other, diagonally too.

    Source: Thibault et al. 2014, IEEE TBME 61:630; IBSI reference manual, section 3.8.

    Example:
        >>> from robustkit.features._base import extract, feature_names
        >>> film = np.array([[1, 2, 2], [2, 1, 2]], dtype=np.uint8)
        >>> chosen = FeatureSettings(bins=2, families=("glszm",))
        >>> values = extract(film, np.array([[0.0, 0, 3, 2]]), settings=chosen, spacing_mm=None)[0]
        >>> round(float(values[feature_names(chosen).index("szm_z_perc_2d")]), 4)
        0.3333
    """

    name = "glszm"

    def features(self, settings: FeatureSettings) -> tuple[Feature, ...]:
        """Give the sixteen features; all are defined wherever there is a pixel."""
        return FEATURES

    def measure(self, region: Region, settings: FeatureSettings) -> NDArray[np.float64]:
        """Give ``(16,)``."""
        zones = region.zones
        return emphases(*pairs(zones.levels, zones.sizes), region.n_pixels)[:16]


PLUGIN = Glszm()
