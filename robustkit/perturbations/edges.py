"""edges: each of the four edges moves by itself, as when two readers see another extent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.geometry import Boxes
from robustkit.perturbations._base import Units, open_empty, signed


class Edges:
    """Each edge moves within ``level`` sides; an empty result becomes one pixel (design, section 3.4).

    Example:
        >>> import numpy as np
        >>> box = np.array([[0.0, 0.0, 10.0, 10.0]])
        >>> PLUGIN.move(box, np.array([[1.0, 1.0]]), 0.1, np.array([[[1.0, 0.5, 0.0, 0.5]]]))[0, 0].tolist()
        [1.0, 0.0, 9.0, 10.0]
    """

    name = "edges"
    stream = 3
    units: tuple[Units, ...] = ("side", "px", "mm")
    keeps_size = False

    def move(self, boxes: Boxes, reach: Boxes, level: float, draws: NDArray[np.float64]) -> Boxes:
        """Give ``(N, R, 4)`` boxes whose edges moved by at most ``reach``."""
        by = np.concatenate([reach, reach], axis=-1)[:, None, :] * signed(draws)
        return open_empty(boxes[:, None, :] + by)


PLUGIN = Edges()
