"""aspect: the box becomes wider and lower, or narrower and higher; its area stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.geometry import Boxes
from robustkit.perturbations._base import Units, signed


class Aspect:
    """w a^0.5, h a^-0.5 with a = (1 + s)^(2 u0 - 1), about the centre (design, section 3.4).

    Example:
        >>> import numpy as np
        >>> box = np.array([[0.0, 0.0, 10.0, 10.0]])
        >>> PLUGIN.move(box, box[:, :2], 3.0, np.full((1, 1, 4), 1.0))[0, 0].tolist()
        [-5.0, 2.5, 15.0, 7.5]
    """

    name = "aspect"
    stream = 2
    units: tuple[Units, ...] = ("side",)
    keeps_size = False

    def move(self, boxes: Boxes, reach: Boxes, level: float, draws: NDArray[np.float64]) -> Boxes:
        """Give ``(N, R, 4)`` boxes whose aspect changes by a factor in 1/(1+level)..1+level."""
        root = np.sqrt((1.0 + level) ** signed(draws[..., :1]))
        centre = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
        sides = boxes[:, None, 2:] - boxes[:, None, :2]
        half = sides / 2 * np.concatenate([root, 1.0 / root], axis=-1)
        return np.concatenate([centre - half, centre + half], axis=-1)


PLUGIN = Aspect()
