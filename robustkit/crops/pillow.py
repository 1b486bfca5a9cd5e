"""pillow: every crop by Pillow itself, the reference that other makers must equal."""

from __future__ import annotations

import numpy as np
from PIL import Image

from robustkit.crops._base import Pixels, Snap, regions
from robustkit.geometry import Boxes, snap
from robustkit.inputs import InputSpec

_KERNELS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
}


class PillowCrops:
    """``crop().resize()`` for whole-pixel runs, ``resize(box=)`` for sub-pixel ones, on the CPU."""

    name = "pillow"
    is_queued = False

    def prepare(self, device: str) -> PillowCrops:
        """Give itself: crops are made on the CPU whatever the device of the network."""
        return self

    def load(self, pixels: Pixels) -> Pixels:
        """Give the film as it is."""
        return pixels

    def crops(self, film: Pixels, boxes: Boxes, spec: InputSpec, *, snapping: Snap = "whole") -> Pixels:
        """Give ``(K, height_px, width_px)`` crops; see ``crops._base.Cropper``."""
        image = Image.fromarray(film)
        size = (spec.width_px, spec.height_px)
        kernel = _KERNELS[spec.kernel]
        out = np.empty((len(boxes), spec.height_px, spec.width_px), dtype=film.dtype)
        wanted = regions(boxes, spec)
        if snapping == "whole":
            # Pillow's own crop() rounds halves to even, so a box would change size as it moves
            for k, region in enumerate(snap(wanted).astype(int).tolist()):
                out[k] = np.asarray(image.crop(tuple(region)).resize(size, kernel))
            return out
        for k, region in enumerate(wanted.tolist()):
            canvas, x, y = _canvas(image, region)
            inner = (region[0] - x, region[1] - y, region[2] - x, region[3] - y)
            out[k] = np.asarray(canvas.resize(size, kernel, box=inner))
        return out


def _canvas(film: Image.Image, region: list[float]) -> tuple[Image.Image, int, int]:
    """Give the smallest canvas of film and zeros that holds film and region, and its origin on the film."""
    x0, y0 = min(0, int(np.floor(region[0]))), min(0, int(np.floor(region[1])))
    x1, y1 = max(film.width, int(np.ceil(region[2]))), max(film.height, int(np.ceil(region[3])))
    if (x0, y0, x1, y1) == (0, 0, film.width, film.height):
        return film, 0, 0
    return film.crop((x0, y0, x1, y1)), x0, y0


PLUGIN = PillowCrops()
