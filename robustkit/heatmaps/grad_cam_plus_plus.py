"""grad-cam++: Grad-CAM whose channel weights let several places of one kind count (Chattopadhyay et al., WACV 2018)."""

from __future__ import annotations

import torch
from torch import nn

from robustkit.heatmaps._base import Layer, Target, kept


class GradCamPlusPlus:
    """Weights by equations 10 and 19 of the paper, for the exponential of the logit; no second derivative is taken."""

    name = "grad_cam_plus_plus"
    needs_layer = True

    def maps(self, network: nn.Module, crops: torch.Tensor, target: Target, layer: Layer | None) -> torch.Tensor:
        """See ``HeatmapMethod.maps``."""
        assert layer is not None
        features, gradient = kept(network, crops, target, layer)
        square, cube = gradient**2, gradient**3
        below = 2 * square + cube * features.sum(dim=(2, 3), keepdim=True)
        alpha = torch.where(
            square > 0, square / torch.where(below == 0, torch.ones_like(below), below), torch.zeros_like(square)
        )
        weights = (alpha * torch.relu(gradient)).sum(dim=(2, 3), keepdim=True)
        return torch.relu((weights * features).sum(dim=1)).float()


PLUGIN = GradCamPlusPlus()
