"""What can be measured of a film, or of a box on it, without knowing what is on it: grey levels, contrast, sharpness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustkit.geometry import Boxes

Pixels = NDArray[np.uint8]

LEVELS = 256


@dataclass(frozen=True, slots=True)
class Measures:
    """Of one film or box; NaN where it is not defined.

    Attributes:
        mean, sd, p05, p50, p95: Of the grey levels, 0..255; percentiles are grey levels that are there.
        contrast: (p95 - p05) / (p95 + p05), 0..1 (Michelson 1927, with percentiles for the extremes).
        sharpness: Variance of the Laplacian over the pixels with four neighbours, grey levels^2 (Pech-Pacheco et al.
            2000, ICPR 3:314).
        width_px, height_px: Of what was measured.
    """

    mean: float
    sd: float
    p05: float
    p50: float
    p95: float
    contrast: float
    sharpness: float
    width_px: float
    height_px: float


def measure(pixels: Pixels) -> Measures:
    """Measure ``(h, w)`` uint8 pixels, at least one.

    Example:
        >>> found = measure(np.array([[0, 100], [100, 200]], dtype=np.uint8))
        >>> found.mean, found.p05, found.p95, found.contrast
        (100.0, 0.0, 200.0, 1.0)
    """
    counts = np.bincount(pixels.ravel(), minlength=LEVELS)
    levels = np.arange(LEVELS, dtype=np.float64)
    mean = float(counts @ levels / pixels.size)
    sd = float(np.sqrt(counts @ (levels - mean) ** 2 / pixels.size))
    below = np.cumsum(counts)
    p05, p50, p95 = (float(np.searchsorted(below, q * pixels.size)) for q in (0.05, 0.5, 0.95))
    contrast = (p95 - p05) / (p95 + p05) if p95 > 0 else np.nan
    height, width = pixels.shape
    return Measures(mean, sd, p05, p50, p95, contrast, laplacian_variance(pixels), float(width), float(height))


def laplacian_variance(pixels: Pixels) -> float:
    """Give the variance of left + right + above + below - 4 x centre; NaN under 3 x 3 pixels."""
    if min(pixels.shape) < 3:
        return float("nan")
    # of whole numbers up to 1020: exact, and a film needs little memory
    p = pixels.astype(np.int16)
    found = p[1:-1, :-2] + p[1:-1, 2:] + p[:-2, 1:-1] + p[2:, 1:-1] - 4 * p[1:-1, 1:-1]
    mean = float(found.sum(dtype=np.int64)) / found.size
    square = float(np.square(found, dtype=np.int32).sum(dtype=np.int64)) / found.size
    return max(0.0, square - mean**2)


def cut(pixels: Pixels, box: Boxes) -> Pixels:
    """Give what lies in a box, its edges rounded; empty where the box is off the film.

    Args:
        pixels: ``(H, W)`` film.
        box: ``(4,)`` float64 in px; the part off the film is left out.
    """
    height, width = pixels.shape
    x0, y0, x1, y1 = np.floor(box + 0.5).astype(int).tolist()
    x1, y1 = max(x0 + 1, x1), max(y0 + 1, y1)
    return pixels[max(0, y0) : max(0, min(height, y1)), max(0, x0) : max(0, min(width, x1))]


def ring_contrast(pixels: Pixels, box: Boxes) -> float:
    """Give the mean grey level of a box minus that of the ring around it, half its sides wide; NaN without a ring."""
    half = (box[2:] - box[:2]) / 2
    inside, around = (cut(pixels, b) for b in (box, np.concatenate([box[:2] - half, box[2:] + half])))
    rest = around.size - inside.size
    if inside.size == 0 or rest == 0:
        return float("nan")
    ring = (float(around.sum(dtype=np.int64)) - float(inside.sum(dtype=np.int64))) / rest
    return float(inside.mean()) - ring
