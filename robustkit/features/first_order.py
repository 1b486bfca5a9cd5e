"""first_order: statistics of the values of a region, wherever they lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.features._base import Feature, FeatureSettings
from robustkit.features._moments import MOMENTS, UNDEFINED, moments
from robustkit.features._region import Region

FEATURES = tuple(Feature(f"stat_{n}", UNDEFINED.get(n, "")) for n in (*MOMENTS, "energy", "rms"))


class FirstOrder:
    """IBSI's intensity-based statistics, family ``stat``: of values before discretisation.

    Source: IBSI reference manual, section 3.3.

    Example:
        >>> from robustkit.features._base import extract
        >>> film = np.array([[1, 1, 4], [6, 1, 5]], dtype=np.uint8)
        >>> chosen = FeatureSettings(families=("first_order",))
        >>> extract(film, np.array([[0.0, 0, 3, 2]]), settings=chosen, spacing_mm=None)[0, [0, 4, -2]].tolist()
        [3.0, 2.5, 80.0]
    """

    name = "first_order"

    def features(self, settings: FeatureSettings) -> tuple[Feature, ...]:
        """Give the eighteen features."""
        return FEATURES

    def measure(self, region: Region, settings: FeatureSettings) -> NDArray[np.float64]:
        """Give ``(18,)``."""
        values, counts = region.counted
        energy = float(counts @ values**2)
        return np.append(moments(region.counted), [energy, np.sqrt(energy / counts.sum())])


PLUGIN = FirstOrder()
