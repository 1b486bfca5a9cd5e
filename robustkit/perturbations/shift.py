"""shift: the box moves, its size stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.geometry import Boxes
from robustkit.perturbations._base import Units, signed


class Shift:
    """dx = s w (2 u0 - 1), dy = s h (2 u1 - 1): uniform within ``level`` box sides (design, section 3.4).

    Example:
        >>> import numpy as np
        >>> box = np.array([[10.0, 20.0, 30.0, 60.0]])
        >>> draws = np.full((1, 1, 4), 0.75)
        >>> PLUGIN.move(box, np.array([[2.0, 4.0]]), 0.1, draws)[0, 0].tolist()
        [11.0, 22.0, 31.0, 62.0]
    """

    name = "shift"
    stream = 0
    units: tuple[Units, ...] = ("side", "px", "mm")
    keeps_size = True

    def move(self, boxes: Boxes, reach: Boxes, level: float, draws: NDArray[np.float64]) -> Boxes:
        """Give ``(N, R, 4)`` boxes moved by at most ``reach``."""
        by = reach[:, None, :] * signed(draws[..., :2])
        return np.asarray(boxes[:, None, :] + np.concatenate([by, by], axis=-1))


PLUGIN = Shift()
