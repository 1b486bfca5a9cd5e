"""One module from grey crops to float32 outputs: normalisation and grey-to-RGB are part of the graph."""

from __future__ import annotations

import copy
from typing import Any, cast

import torch
from torch import nn

from robustkit.inputs import InputSpec
from robustkit.models.classifier import Classifier
from robustkit.models.normalise import normaliser


class Graph(nn.Module):  # type: ignore[misc]
    """``(B, H, W)`` crops in 0..255 to ``(B, K)`` float32 outputs.

    Args:
        network: In eval mode.
        spec: What it wants to see.
        dtype: What the network computes in.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, network: nn.Module, spec: InputSpec, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        scale = normaliser(spec, torch.device("cpu"))
        self.network = network
        self.register_buffer("mean", scale.mean)
        self.register_buffer("std", scale.std)
        self._is_nhwc = scale.is_nhwc
        self._n_channels = scale.mean.shape[1]
        self._dtype = dtype

    def forward(self, grey: torch.Tensor) -> torch.Tensor:
        """Give the outputs."""
        scaled = grey.to(torch.float32).div(255)[:, None].expand(-1, self._n_channels, -1, -1)
        batch = ((scaled - self.mean) / self.std).to(self._dtype)
        out = self.network(batch.permute(0, 2, 3, 1) if self._is_nhwc else batch)
        out = out[0] if isinstance(out, tuple | list) else out
        return cast(torch.Tensor, out.flatten(1).to(torch.float32))


class _InFull(nn.Module):  # type: ignore[misc]
    """A layer in float32 behind a network in half precision."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer.float()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give the layer's float32 output."""
        with torch.autocast(x.device.type, enabled=False):
            return cast(torch.Tensor, self.layer(x.float()))


def network_copy(model: Classifier) -> nn.Module:
    """Give a copy of the model's network in eval mode, which a backend may alter."""
    network = cast(nn.Module, copy.deepcopy(model.runner)).eval()
    for parameter in network.parameters():
        parameter.requires_grad = False
    return network


def fold_norms(network: nn.Module) -> nn.Module:
    """Fold batch norms into the convolutions before them where the network can be traced; else give it as it is.

    Source: y = g * (w x + b - m) / sqrt(v + e) + h is a convolution again (Jacob et al., CVPR 2018, section 3.2).
    """
    from torch import fx
    from torch.fx.experimental.optimization import fuse

    try:
        return cast(nn.Module, fuse(network, inplace=False)).eval()
    except (fx.proxy.TraceError, TypeError, ValueError, NotImplementedError, RuntimeError, AttributeError, KeyError):
        # control flow on values, or names that fx cannot follow: exact all the same, a little slower
        return network


def halve(network: nn.Module, dtype: torch.dtype, *, cast_weights: bool) -> nn.Module:
    """Let a network compute in half precision, its last linear layer and what follows in float32.

    Args:
        network: Altered in place.
        dtype: ``torch.float16`` or ``torch.bfloat16``.
        cast_weights: Convert weights and buffers; False where autocast does it layer by layer.
    """
    if cast_weights:
        network = network.to(dtype)
    name = last_linear(network)
    if name:
        parent, _, own = name.rpartition(".")
        place: Any = network.get_submodule(parent) if parent else network
        setattr(place, own, _InFull(network.get_submodule(name)))
    return network


def last_linear(network: nn.Module) -> str:
    """Give the name of the last linear layer; "" where there is none, or where it is the network itself."""
    names = [n for n, m in network.named_modules() if isinstance(m, nn.Linear)]
    return names[-1] if names else ""
