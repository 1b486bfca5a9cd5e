"""grad-cam: channels of a layer, weighed by how the answer changes with them (Selvaraju et al., ICCV 2017)."""

from __future__ import annotations

import torch
from torch import nn

from robustkit.heatmaps._base import Layer, Target, kept


class GradCam:
    """relu(sum over channels of mean gradient x activation)."""

    name = "grad_cam"
    needs_layer = True

    def maps(self, network: nn.Module, crops: torch.Tensor, target: Target, layer: Layer | None) -> torch.Tensor:
        """See ``HeatmapMethod.maps``."""
        assert layer is not None
        features, gradient = kept(network, crops, target, layer)
        weights = gradient.mean(dim=(2, 3), keepdim=True)
        return torch.relu((weights * features).sum(dim=1)).float()


PLUGIN = GradCam()
