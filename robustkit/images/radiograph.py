"""The noun Radiograph: one film as one grey channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Depth = Literal["8", "float"]
SpacingSource = Literal["calibrated", "detector plane", "none"]


@dataclass(frozen=True, slots=True)
class Radiograph:
    """One film after EXIF orientation.

    Attributes:
        pixels: ``(height, width)`` uint8, or float32 in 0..255 with ``depth="float"``.
        spacing_mm: Side of a pixel in mm; None where the film does not say. (row and column spacing equal)
        spacing_source: ``calibrated`` (PixelSpacing), ``detector plane`` (ImagerPixelSpacing) or ``none``.
        notes: What was done to the film, e.g. ``"colour channels differ"``, ``"truncated, missing part reads 0"``.
    """

    pixels: NDArray[np.uint8] | NDArray[np.float32]
    spacing_mm: float | None = None
    spacing_source: SpacingSource = "none"
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])
