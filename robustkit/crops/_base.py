"""The face of a crop maker: all boxes of one film to a batch of resized crops."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from robustkit.geometry import Boxes, grow, square
from robustkit.inputs import InputSpec

Pixels = NDArray[np.uint8] | NDArray[np.float32]
Snap = Literal["whole", "none"]


class CropMaker(Protocol):
    """Makes crops; equal to Pillow's, whatever the device."""

    name: str

    def crops(self, pixels: Pixels, boxes: Boxes, spec: InputSpec, *, snapping: Snap = "whole") -> Pixels:
        """Crop and resize.

        Args:
            pixels: ``(H, W)`` uint8 or float32 film, 0..255.
            boxes: ``(K, 4)`` float64, before margin and square.
            spec: Size, kernel, margin and fit.
            snapping: ``whole`` rounds the region to whole pixels and reads nothing beyond it, as training
                does; ``none`` keeps it as it is, and the kernel reads over its edge. Off the film reads 0.

        Returns:
            ``(K, height_px, width_px)`` of the film's dtype.
        """
        ...


def regions(boxes: Boxes, spec: InputSpec) -> Boxes:
    """Give the film regions that the crops show: boxes grown by the margin, squared if asked."""
    grown = grow(boxes, spec.margin)
    return square(grown) if spec.fit == "square" else grown
