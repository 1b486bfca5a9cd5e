"""The face of a crop maker: all boxes of one film to a batch of resized crops."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from robustkit.geometry import Boxes, grow, square
from robustkit.inputs import InputSpec

Pixels = NDArray[np.uint8] | NDArray[np.float32]
Snap = Literal["whole", "none"]


class Cropper(Protocol):
    """Makes crops on one device; threads may share it.

    Attributes:
        is_queued: True where crops are only queued on a device, by the thread that queues the forwards;
            False where the threads that read films make them.
    """

    is_queued: bool

    def load(self, pixels: Pixels) -> Any:
        """Bring an ``(H, W)`` uint8 or float32 film, 0..255, to where its crops are made."""
        ...

    def crops(self, film: Any, boxes: Boxes, spec: InputSpec, *, snapping: Snap = "whole") -> Any:
        """Crop and resize.

        Args:
            film: What ``load`` gave.
            boxes: ``(K, 4)`` float64, before margin and square.
            spec: Size, kernel, margin and fit.
            snapping: ``whole`` rounds the region to whole pixels and reads nothing beyond it, as training
                does; ``none`` keeps it as it is, and the kernel reads over its edge. Off the film reads 0.

        Returns:
            ``(K, height_px, width_px)`` of the film's dtype: numpy, or a tensor on the device.
        """
        ...


class CropMaker(Protocol):
    """A way to make crops; equal to Pillow's, whatever the device."""

    name: str

    def prepare(self, device: str) -> Cropper:
        """Give the cropper for ``cpu`` or ``cuda[:n]``."""
        ...


def regions(boxes: Boxes, spec: InputSpec) -> Boxes:
    """Give the film regions that the crops show: boxes grown by the margin, squared if asked."""
    grown = grow(boxes, spec.margin)
    return square(grown) if spec.fit == "square" else grown
