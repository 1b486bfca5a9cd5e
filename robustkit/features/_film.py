"""A film as features see it: resampled to a spacing, its boxes and mask with it, its grey levels on a chosen scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from robustkit.errors import FilmError, InputError
from robustkit.geometry import Boxes

Pixels = NDArray[np.uint8] | NDArray[np.float32]
Mask = NDArray[np.bool_]
Normalise = Literal["none", "film", "box"]

MAX_PIXELS = 1 << 28
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Film:
    """A film, ready to be cut.

    Attributes:
        pixels: ``(H, W)`` uint8 or float32, 0..255.
        boxes: ``(K, 4)`` float64, in px of ``pixels``.
        mask: ``(H, W)`` bool, or None where every pixel counts.
        scale: Mean and sd: what is measured is (x - mean) / sd. None: it comes from each region.
    """

    pixels: Pixels
    boxes: Boxes
    mask: Mask | None
    scale: tuple[float, float] | None


def prepare(
    pixels: Pixels,
    boxes: Boxes,
    mask: Mask | None,
    *,
    spacing: tuple[float | None, float | None],
    normalise: Normalise,
) -> Film:
    """Resample a film and find the scale of its grey levels.

    Args:
        pixels: ``(H, W)`` uint8 or float32, 0..255.
        boxes: ``(K, 4)`` float64, in px.
        mask: ``(H, W)`` bool, or None.
        spacing: Side of a pixel in mm, as it is and as it shall be; nothing is resampled where either is None.
        normalise: See ``FeatureSettings``.

    Raises:
        InputError: A mask of another size.
        FilmError: The resampled film would be too large.
    """
    if mask is not None and mask.shape != pixels.shape:
        what = f"the mask is {mask.shape[1]} x {mask.shape[0]} px, the film {pixels.shape[1]} x {pixels.shape[0]} px."
        raise InputError(what, where="features", fix="Give a mask of the film's size.")
    has, wants = spacing
    if has is not None and wants is not None and has != wants:
        step = wants / has
        pixels, boxes = _resample(pixels, step), boxes / step
        # half of a new pixel's area: IBSI's partial volume threshold
        mask = None if mask is None else _resample(mask.astype(np.float32), step) >= 0.5
    return Film(pixels, boxes, mask, _scale(pixels, normalise))


def _resample(pixels: Pixels, step: float) -> NDArray[np.float32]:
    """Give the film with pixels ``step`` times as wide, from the same corner; a part of a pixel at the end is left out."""
    # 300 / 3.0000000000000004 pixels are 100
    height, width = (max(1, int(n / step + _ROUNDING)) for n in pixels.shape)
    if height * width > MAX_PIXELS:
        what = f"resampled, the film would have {width} x {height} px."
        raise FilmError(what, where="features", fix="Choose a larger spacing, or check that of the film.")
    ends = (min(width * step, pixels.shape[1]), min(height * step, pixels.shape[0]))
    film = Image.fromarray(pixels.astype(np.float32))
    return np.asarray(film.resize((width, height), Image.Resampling.BILINEAR, box=(0, 0, *ends)))


def _scale(pixels: Pixels, normalise: Normalise) -> tuple[float, float] | None:
    if normalise == "box":
        return None
    return (0.0, 1.0) if normalise == "none" else mean_and_sd(pixels)


def mean_and_sd(pixels: Pixels) -> tuple[float, float]:
    """Give mean and sd of at least one pixel; the sd of equal ones is 0 without rounding."""
    is_flat = pixels.min() == pixels.max()
    return float(pixels.mean(dtype=np.float64)), 0.0 if is_flat else float(pixels.std(dtype=np.float64))
