"""histogram: statistics of the grey levels of a region, and the steepest rise and fall of their histogram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.features._base import Feature, FeatureSettings
from robustkit.features._moments import MOMENTS, UNDEFINED, moments
from robustkit.features._region import Region

NAMES = (
    *MOMENTS[:9],
    "mode",
    *MOMENTS[9:],
    "entropy",
    "uniformity",
    "max_grad",
    "max_grad_g",
    "min_grad",
    "min_grad_g",
)
ONE_LEVEL = "there is one grey level only: a histogram of one bin has no gradient"
REASONS = UNDEFINED | {n: ONE_LEVEL for n in NAMES if n.endswith(("grad", "grad_g"))}
FEATURES = tuple(Feature(f"ih_{n}", REASONS.get(n, "")) for n in NAMES)


class Histogram:
    """IBSI's intensity histogram, family ``ih``: of grey levels, after discretisation.

    The mode is the level that occurs most often; among equals the one nearest to the mean, then the lower one. Gradients
    are differences of counts over two bins, at the ends over one.

    Source: IBSI reference manual, section 3.4.

    Example:
        >>> from robustkit.features._base import extract
        >>> film = np.array([[1, 1, 2], [3, 1, 2]], dtype=np.uint8)
        >>> chosen = FeatureSettings(discretisation="width", bin_width=1, families=("histogram",))
        >>> values = extract(film, np.array([[0.0, 0, 3, 2]]), settings=chosen, spacing_mm=None)[0]
        >>> dict(zip((f.name for f in FEATURES), values.tolist()))["ih_mode"]
        1.0
    """

    name = "histogram"

    def features(self, settings: FeatureSettings) -> tuple[Feature, ...]:
        """Give the 23 features."""
        return FEATURES

    def measure(self, region: Region, settings: FeatureSettings) -> NDArray[np.float64]:
        """Give ``(23,)``."""
        levels, counts = region.level_counts
        shared = moments(region.level_counts)
        common = levels[counts == counts.max()]
        mode = common[np.argmin(np.abs(common - shared[0]))]
        shares = counts[counts > 0] / counts.sum()
        entropy = -float(shares @ np.log2(shares)) + 0.0
        rest = [entropy, float(shares @ shares), *_steepest(levels, counts)]
        return np.concatenate([shared[:9], [mode], shared[9:], rest])


def _steepest(levels: NDArray[np.float64], counts: NDArray[np.int64]) -> list[float]:
    if len(levels) < 2:
        return [float("nan")] * 4
    slopes = np.gradient(counts.astype(np.float64))
    rise, fall = int(np.argmax(slopes)), int(np.argmin(slopes))
    return [float(v) for v in (slopes[rise], levels[rise], slopes[fall], levels[fall])]


PLUGIN = Histogram()
