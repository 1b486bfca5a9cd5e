"""Explains the answers of one opened network; what does not depend on the crop is found once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from robustkit.models.classifier import Classifier
from robustkit.registry import load

if TYPE_CHECKING:
    from robustkit.heatmaps._base import HeatmapMethod, Layer


class Explainer:
    """Grad-CAM of a PyTorch network, on the CPU.

    Args:
        model: With ``engine="torch"``; its module is used as it lies, and not altered.
    """

    def __init__(self, model: Classifier) -> None:
        self._model = model
        self._graph: Any = None
        self._layer: Layer | None = None

    def map(self, crop: NDArray[Any]) -> NDArray[np.float64]:
        """Give the ``(h, w)`` map of a ``(1, H, W)`` crop.

        Raises:
            InputError: The network has no map of features.
        """
        import torch

        from robustkit.backends._graph import Graph
        from robustkit.heatmaps._base import find_layer
        from robustkit.heatmaps._target import positive_logit

        shown = torch.from_numpy(np.array(crop))
        if self._graph is None:
            self._graph = Graph(self._model.runner, self._model.input).eval()
        if self._layer is None:
            self._layer = find_layer(self._graph, shown)
        method = cast("HeatmapMethod", load("heatmaps", "grad_cam"))
        values = method.maps(self._graph, shown, positive_logit(self._model), self._layer)[0]
        return np.asarray(values.numpy(), dtype=np.float64)
