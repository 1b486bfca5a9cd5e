"""integrated_gradients: the answer divided among the pixels, along the way from a black crop (Sundararajan et al., ICML 2017)."""

from __future__ import annotations

import torch
from torch import nn

from robustkit.heatmaps._base import Layer, Target
from robustkit.heatmaps._captum import attribution

STEPS = 32


class IntegratedGradients:
    """captum's, on the crop's grey values; what speaks against the positive class is left out."""

    name = "integrated_gradients"
    needs_layer = False

    def maps(self, network: nn.Module, crops: torch.Tensor, target: Target, layer: Layer | None) -> torch.Tensor:
        """See ``HeatmapMethod.maps``."""
        del layer
        method = attribution("IntegratedGradients")(lambda x: target(network(x)))
        # steps are shown in batches of the size that was given: memory does not grow with their number
        found = method.attribute(crops.float(), n_steps=STEPS, internal_batch_size=len(crops))
        return torch.relu(found).detach().float()


PLUGIN = IntegratedGradients()
