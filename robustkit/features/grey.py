"""grey: six grey-level summaries of a box, as a person could tell them without seeing a lesion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.features._base import Feature, FeatureSettings
from robustkit.features._film import Pixels
from robustkit.features._region import Region
from robustkit.geometry import Boxes, grow

NAMES = ("mean", "sd", "p10", "p90", "gradient", "contrast")

FEATURES = tuple(Feature(f"grey_{n}") for n in NAMES)


class Grey:
    """Mean, sd, 10th and 90th percentile, mean gradient, and the mean against the ring around the box.

    Example:
        >>> film = np.zeros((20, 20), dtype=np.uint8)
        >>> film[5:10, 5:10] = 100
        >>> PLUGIN.values(film, np.array([[5.0, 5.0, 10.0, 10.0]]))[0].round(1).tolist()
        [100.0, 0.0, 100.0, 100.0, 0.0, 100.0]
    """

    name = "grey"
    names = NAMES

    def features(self, settings: FeatureSettings) -> tuple[Feature, ...]:
        """Give the six features."""
        return FEATURES

    def measure(self, region: Region, settings: FeatureSettings) -> NDArray[np.float64]:
        """Give ``(6,)`` of the box and its ring, in grey levels 0..255; mask and scale of the region are not read."""
        return self.values(region.film.pixels, region.box[None]).ravel()

    def values(self, pixels: Pixels, boxes: Boxes) -> NDArray[np.float64]:
        """Give ``(K, 6)`` summaries in grey levels 0..255.

        Args:
            pixels: ``(H, W)`` film.
            boxes: ``(K, 4)``; what lies off the film is left out, a box wholly off it gives NaN.
        """
        return np.array([_summaries(pixels, box) for box in boxes]).reshape(-1, len(NAMES))


def _summaries(pixels: Pixels, box: Boxes) -> list[float]:
    inside = _cut(pixels, box)
    if inside.size == 0:
        return [float("nan")] * len(NAMES)
    around = _cut(pixels, grow(box, 0.5))
    rest = around.size - inside.size
    ring = (around.sum() - inside.sum()) / rest if rest > 0 else inside.mean()
    p10, p90 = np.percentile(inside, [10, 90])
    steps = [np.abs(np.diff(inside, axis=a)) for a in (0, 1) if inside.shape[a] > 1]
    gradient = float(np.mean([s.mean() for s in steps])) if steps else 0.0
    return [float(inside.mean()), float(inside.std()), float(p10), float(p90), gradient, float(inside.mean() - ring)]


def _cut(pixels: Pixels, box: Boxes) -> NDArray[np.float64]:
    height, width = pixels.shape
    x0, y0, x1, y1 = np.floor(box + 0.5).astype(int).tolist()
    x1, y1 = max(x0 + 1, x1), max(y0 + 1, y1)
    return pixels[max(0, y0) : max(0, min(height, y1)), max(0, x0) : max(0, min(width, x1))].astype(np.float64)


PLUGIN = Grey()
