"""scale: both sides grow or shrink by one factor about the centre."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.geometry import Boxes
from robustkit.perturbations._base import Units, signed


class Scale:
    """Both sides times (1 + s)^(2 u0 - 1) about the centre (design, section 3.4).

    Example:
        >>> import numpy as np
        >>> box = np.array([[0.0, 0.0, 10.0, 20.0]])
        >>> PLUGIN.move(box, box[:, :2], 1.0, np.full((1, 1, 4), 1.0))[0, 0].tolist()
        [-5.0, -10.0, 15.0, 30.0]
    """

    name = "scale"
    stream = 1
    units: tuple[Units, ...] = ("side",)
    keeps_size = False

    def move(self, boxes: Boxes, reach: Boxes, level: float, draws: NDArray[np.float64]) -> Boxes:
        """Give ``(N, R, 4)`` boxes scaled by a factor in 1/(1+level)..1+level."""
        factor = (1.0 + level) ** signed(draws[..., :1])
        centre = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
        half = (boxes[:, None, 2:] - boxes[:, None, :2]) / 2 * factor
        return np.concatenate([centre - half, centre + half], axis=-1)


PLUGIN = Scale()
