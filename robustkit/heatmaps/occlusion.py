"""occlusion: how much the answer falls where a part of the crop is black (Zeiler and Fergus, ECCV 2014)."""

from __future__ import annotations

import torch
from torch import nn

from robustkit.heatmaps._base import Layer, Target
from robustkit.heatmaps._captum import attribution

WINDOW, STRIDE = 8, 16
"""The window is an eighth of the crop's side, and moves by a sixteenth."""


class Occlusion:
    """captum's, on the crop's grey values; where the answer rises it is left out. It needs no layer and no gradient."""

    name = "occlusion"
    needs_layer = False

    def maps(self, network: nn.Module, crops: torch.Tensor, target: Target, layer: Layer | None) -> torch.Tensor:
        """See ``HeatmapMethod.maps``."""
        del layer
        height, width = crops.shape[1:]
        window = (max(1, height // WINDOW), max(1, width // WINDOW))
        stride = (max(1, height // STRIDE), max(1, width // STRIDE))
        method = attribution("Occlusion")(lambda x: target(network(x)))
        with torch.no_grad():
            found = method.attribute(crops.float(), sliding_window_shapes=window, strides=stride)
        return torch.relu(found).float()


PLUGIN = Occlusion()
