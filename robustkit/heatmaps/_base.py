"""The face of a heatmap method, and the layer that it looks at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn

from robustkit.errors import InputError

Target = Callable[[torch.Tensor], torch.Tensor]
"""From ``(B, K)`` outputs to the ``(B,)`` logit that is explained."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A module of a network whose output is a map of features.

    Attributes:
        name: As ``network.named_modules()`` has it.
        module: It.
        cells: Height and width of its output, in cells.
    """

    name: str
    module: nn.Module
    cells: tuple[int, int]


class HeatmapMethod(Protocol):
    """Gives a map for each crop.

    Attributes:
        name: As on the command line.
        needs_layer: False where it explains the crop's pixels themselves.
    """

    name: str
    needs_layer: bool

    def maps(self, network: nn.Module, crops: torch.Tensor, target: Target, layer: Layer | None) -> torch.Tensor:
        """Give one map per crop.

        Args:
            network: In eval mode; takes the crops as they are.
            crops: ``(B, H, W)``, 0..255, on the network's device.
            target: What is explained.
            layer: Of ``find_layer``; None where none is needed.

        Returns:
            ``(B, h, w)`` float32, 0 or more, not scaled; NaN where the network gave no finite answer. The cells lie evenly
            over the crop.
        """
        ...


def find_layer(network: nn.Module, crops: torch.Tensor, *, name: str | None = None) -> Layer:
    """Find the last map of features: the output of the outermost module that ends with the last convolution over a map.

    For ResNet this is the last stage, after its addition, as in the study (layer4[2]); for a plain chain of layers the last
    convolution itself.

    Args:
        network: In eval mode.
        crops: ``(B, H, W)`` to look at; one is enough.
        name: Of a module, to take that one instead.

    Raises:
        InputError: No such module, or nothing in the network is a map.
    """
    names = {m: n for n, m in network.named_modules() if n}
    seen: list[tuple[str, nn.Module, tuple[int, int]]] = []
    last = ""

    def note(module: nn.Module, _given: Any, output: Any) -> None:
        nonlocal last
        if isinstance(output, torch.Tensor) and output.ndim == 4 and min(output.shape[2:]) > 1:
            seen.append((names[module], module, (int(output.shape[2]), int(output.shape[3]))))
            if isinstance(module, nn.Conv2d):
                last = names[module]

    hooks = [m.register_forward_hook(note) for m in names]
    try:
        with torch.inference_mode():
            network(crops[:1])
    finally:
        for hook in hooks:
            hook.remove()
    found = {n: (m, cells) for n, m, cells in seen}
    if name is not None:
        if name not in found:
            known = ", ".join(list(found)[-6:]) or "none"
            raise InputError(
                f"the network has no map of features called {name!r}.", where="--layer", fix=f"The last ones: {known}."
            )
        return Layer(name, *found[name])
    if not last:
        what = "no convolution of this network leaves a map of features: there is nothing to weigh."
        raise InputError(what, where="heatmaps", fix="Use --method occlusion, which needs no layer.")
    # the parents of that convolution whose own output has the same cells, outermost first
    parents = [last.rsplit(".", i)[0] for i in range(last.count("."), -1, -1)]
    cells = found[last][1]
    chosen = next(n for n in parents if n in found and found[n][1] == cells)
    return Layer(chosen, *found[chosen])


def kept(network: nn.Module, crops: torch.Tensor, target: Target, layer: Layer) -> tuple[torch.Tensor, torch.Tensor]:
    """Give a layer's output ``(B, C, h, w)`` and the gradient of the target by it.

    Only what comes after the layer is differentiated: nothing is kept of what comes before it.
    """
    held: list[torch.Tensor] = []

    def hold(_module: nn.Module, _given: Any, output: torch.Tensor) -> torch.Tensor:
        # clone: an activation in place after it would change what was seen
        held.append(output.detach().clone().requires_grad_())
        return held[-1].clone()

    hook = layer.module.register_forward_hook(hold)
    try:
        with torch.enable_grad():
            answer = target(network(crops))
            (gradient,) = torch.autograd.grad(answer.sum(), held[-1])
    finally:
        hook.remove()
    return held[-1].detach(), gradient
