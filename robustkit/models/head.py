"""Small classifiers that people put on a backbone: rebuilt from their keys and shapes alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from robustkit.errors import CheckpointError

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Head:
    """A rebuilt classifier, its state dict in its own names, and what was guessed, one sentence each."""

    module: nn.Module
    state_dict: Tensors
    assumed: tuple[str, ...]


def common_part(tensors: Tensors) -> Tensors:
    """Take off the first parts of the names that all tensors share, down to ``weight`` or ``0.weight``."""
    while all("." in k for k in tensors) and len({k.partition(".")[0] for k in tensors}) == 1:
        tensors = {k.partition(".")[2]: v for k, v in tensors.items()}
    return tensors


def rebuild_head(tensors: Tensors, *, n_features: int, where: str) -> Head:
    """Rebuild one linear layer, or a small Sequential.

    Layers without tensors leave no trace but a gap in the numbers; dropout does nothing in a judged network,
    so only an activation has to be guessed: the first gap between two linear layers is taken as a ReLU.

    Args:
        tensors: Names relative to the head, e.g. ``weight`` or ``1.bias``.
        n_features: What the backbone gives.
        where: The file, for errors.

    Raises:
        CheckpointError: The keys tell no order, layers of other kinds, or widths that do not meet.
    """
    tensors = common_part(tensors)
    if set(tensors) <= {"weight", "bias"}:
        tensors = {f"0.{k}": v for k, v in tensors.items()}
    numbers: dict[int, Tensors] = {}
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        if not number.isdigit() or "." in name:
            raise _refusal(tensors, "its layers are not numbered as in a Sequential", where)
        numbers.setdefault(int(number), {})[name] = value
    layers: list[Any] = [nn.Identity() for _ in range(max(numbers) + 1)]
    for place, held in numbers.items():
        layers[place] = _layer(held, tensors, where)
    assumed = _activations(layers, sorted(numbers))
    _check_widths(layers, tensors, n_features=n_features, where=where)
    return Head(nn.Sequential(*layers), tensors, assumed)


def _layer(held: Tensors, tensors: Tensors, where: str) -> nn.Module:
    weight = held.get("weight")
    if weight is not None and weight.ndim == 2:
        return nn.Linear(weight.shape[1], weight.shape[0], bias="bias" in held)
    if weight is not None and weight.ndim == 1:
        return nn.BatchNorm1d(len(weight)) if "running_mean" in held else nn.LayerNorm(len(weight))
    raise _refusal(tensors, "it has layers other than linear ones and norms", where)


def _activations(layers: list[Any], numbers: list[int]) -> tuple[str, ...]:
    linear = [n for n in numbers if isinstance(layers[n], nn.Linear)]
    assumed = []
    for before, after in pairwise(linear):
        gaps = [n for n in range(before + 1, after) if n not in numbers]
        if gaps:
            layers[gaps[0]] = nn.ReLU()
            assumed.append(f"a ReLU stands between layers {before} and {after} of the classifier (the file cannot say)")
    return tuple(assumed)


def _check_widths(layers: list[Any], tensors: Tensors, *, n_features: int, where: str) -> None:
    width = n_features
    for layer in layers:
        if isinstance(layer, nn.Linear):
            if layer.in_features != width:
                raise _refusal(tensors, f"a layer takes {layer.in_features} numbers where {width} come", where)
            width = layer.out_features


def _refusal(tensors: Tensors, reason: str, where: str) -> CheckpointError:
    shown = [f"{k} {tuple(v.shape)}" for k, v in list(tensors.items())[:10]]
    more = f"; and {len(tensors) - 10} more" if len(tensors) > 10 else ""
    what = f"the classifier cannot be rebuilt from its tensors: {reason} ({'; '.join(shown)}{more})."
    fix = "Export the model to ONNX, or save it with a single linear layer or a Sequential of linear layers."
    return CheckpointError(what, where=where, fix=fix)
