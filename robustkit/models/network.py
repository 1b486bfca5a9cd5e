"""Builds the network that a state dict belongs to, and loads it strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from robustkit.errors import CheckpointError
from robustkit.models import radimagenet
from robustkit.models._torchvision import import_timm, import_torchvision
from robustkit.models.architectures import Architecture, closest, find, is_head, table

Tensors = dict[str, torch.Tensor]
_AUXILIARY = ("AuxLogits.", "aux1.", "aux2.", "aux_logits.")


@dataclass(frozen=True, slots=True)
class Network:
    """A loaded network, in eval mode on the CPU.

    Attributes:
        module: float32.
        arch: Its name.
        n_outputs: Of its head.
        lineage: Where its weights come from, as far as the keys tell.
        others: Architectures with the same keys and shapes.
        assumed: What was guessed.
        config: timm's default_cfg (mean, std, input_size, interpolation), empty where unknown.
    """

    module: nn.Module
    arch: str
    n_outputs: int
    lineage: str
    others: tuple[str, ...]
    assumed: tuple[str, ...]
    config: Mapping[str, Any]


def build_network(tensors: Tensors, *, arch: str | None, where: str) -> Network:
    """Recognise the architecture where it is not given, build it with the file's own head, load strictly.

    Raises:
        CheckpointError: Unknown architecture, no classifier in the file, or tensors that do not fit.
    """
    lineage = ""
    assumed: list[str] = []
    family = radimagenet.recognise(tensors)
    if family is not None:
        tensors, lineage = radimagenet.rename(tensors, family), radimagenet.LINEAGE
        arch = arch or family.arch
    elif all(k.startswith(radimagenet.PREFIX) or not k.startswith("backbone") for k in tensors):
        tensors = {k.removeprefix(radimagenet.PREFIX): v for k, v in tensors.items()}
    if radimagenet.is_ported(tensors):
        what = "this is RadImageNet's Keras network ported to PyTorch (convolutions with biases); no network here has these keys."
        raise CheckpointError(what, where=where, fix="Use RadImageNet's PyTorch file, or export the ported network to ONNX.")
    if any(k.startswith(_AUXILIARY) for k in tensors):
        tensors = {k: v for k, v in tensors.items() if not k.startswith(_AUXILIARY)}
        assumed.append("the auxiliary classifier of the training is left out")
    known, others = _architecture(tensors, arch, where)
    if others:
        assumed.append(f"the architecture is {known.name}; {', '.join(others)} have the same keys and shapes")
    return _load(tensors, known, where=where, lineage=lineage, others=others, assumed=assumed)


def empty_network(arch: str, n_outputs: int) -> tuple[nn.Module, Mapping[str, Any]]:
    """Build a network by name with a fresh head, and give timm's default_cfg.

    Raises:
        CheckpointError: No such architecture; near names are listed.
    """
    if arch.startswith("torchvision/"):
        models = import_torchvision().models
        extra = {"init_weights": False} if arch.endswith(("googlenet", "inception_v3")) else {}
        return models.get_model(arch.removeprefix("torchvision/"), weights=None, num_classes=n_outputs, **extra), {}
    timm = import_timm()
    if not timm.is_model(arch):
        near = timm.list_models(f"*{arch.split('_')[0]}*")[:5]
        what = f"timm knows no architecture {arch!r}."
        raise CheckpointError(what, where="--arch", fix=f"Near names: {', '.join(near) or 'none'}.")
    module = timm.create_model(arch, pretrained=False, num_classes=n_outputs)
    return module, dict(module.default_cfg)


def _architecture(tensors: Tensors, arch: str | None, where: str) -> tuple[Architecture, tuple[str, ...]]:
    if arch is not None:
        row = next((a for a in table() if a.name == arch), None)
        return row or Architecture(arch, _head_of(arch), 0, ""), ()
    shapes = {k: tuple(v.shape) for k, v in tensors.items()}
    found = find(shapes)
    if found is None:
        what = f"the architecture of these {len(shapes)} tensors is not known; the closest are {', '.join(closest(shapes))}."
        fix = "Name it with --arch, or export the model to ONNX."
        raise CheckpointError(what, where=where, fix=fix)
    return found.architecture, found.others


def _head_of(arch: str) -> str:
    if arch.startswith("torchvision/"):
        return "classifier"
    _, config = empty_network(arch, 1)
    head = config.get("classifier", "fc")
    return str(head if isinstance(head, str) else head[0])


def _load(
    tensors: Tensors, known: Architecture, *, where: str, lineage: str, others: tuple[str, ...], assumed: list[str]
) -> Network:
    tensors = _adopt_head(tensors, known.head)
    head = {k: v for k, v in tensors.items() if is_head(k, known.head)}
    weights = [v for k, v in sorted(head.items(), key=_place) if v.ndim >= 2]
    if not weights:
        what = f"the file holds a backbone without a classifier ({known.name}, {len(tensors)} tensors)."
        fix = "Fine-tune it first: `robustkit train --weights FILE`; then judge the checkpoint that comes out."
        raise CheckpointError(what, where=where, fix=fix)
    module, config = empty_network(known.name, weights[-1].shape[0])
    if any(re.fullmatch(re.escape(known.head) + r"\.\d+\..+", k) for k in head) and not known.name.startswith("torchvision/"):
        sequential, guessed = _sequential(head, known.head)
        _put(module, known.head, sequential)
        assumed += guessed
    _check(module, tensors, where=where, arch=known.name)
    module.load_state_dict(tensors, strict=True)
    return Network(module.float().eval(), known.name, weights[-1].shape[0], lineage, others, tuple(assumed), config)


def _adopt_head(tensors: Tensors, head: str) -> Tensors:
    """Rename a classifier that is called otherwise (``classifier``, ``head``, ``fc``) to the network's own name."""
    if any(is_head(k, head) for k in tensors):
        return tensors
    for other in ("classifier", "head", "fc", "last_linear"):
        if other != head and f"{other}.weight" in tensors and tensors[f"{other}.weight"].ndim == 2:
            return {(head + k.removeprefix(other) if is_head(k, other) else k): v for k, v in tensors.items()}
    return tensors


def _place(item: tuple[str, torch.Tensor]) -> tuple[int, str]:
    number = re.search(r"\.(\d+)\.", item[0])
    return (int(number.group(1)) if number else 0, item[0])


def _sequential(head: Tensors, prefix: str) -> tuple[nn.Sequential, list[str]]:
    """Rebuild a small Sequential head: what stands between two linear layers has no tensors and is guessed."""
    numbers = sorted({int(k.removeprefix(prefix + ".").split(".")[0]) for k in head})
    layers: list[nn.Module] = [nn.Identity() for _ in range(numbers[-1] + 1)]
    for number in numbers:
        weight = head[f"{prefix}.{number}.weight"]
        if f"{prefix}.{number}.running_mean" in head:
            layers[number] = nn.BatchNorm1d(len(weight))
        else:
            layers[number] = nn.Linear(weight.shape[1], weight.shape[0], bias=f"{prefix}.{number}.bias" in head)
    linear = [n for n in numbers if isinstance(layers[n], nn.Linear)]
    guessed = []
    for before, after in zip(linear, linear[1:], strict=False):
        free = [n for n in range(before + 1, after) if n not in numbers]
        if free:
            layers[free[0]] = nn.ReLU()
            guessed.append(f"ReLU stands between {prefix}.{before} and {prefix}.{after} (layers without weights are not in the file)")
    return nn.Sequential(*layers), guessed


def _put(module: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(module.get_submodule(parent) if parent else module, last, layer)


def _check(module: nn.Module, tensors: Tensors, *, where: str, arch: str) -> None:
    """Refuse every tensor that is missing, unexpected or of another shape, and list them."""
    wanted = {k: tuple(v.shape) for k, v in module.state_dict().items()}
    # files of old torch versions lack this counter, which inference does not read
    for key in [k for k in wanted if k.endswith("num_batches_tracked") and k not in tensors]:
        tensors[key] = torch.tensor(0)
    missing = [f"{k} is missing" for k in wanted if k not in tensors]
    unexpected = [f"{k} is unexpected" for k in tensors if k not in wanted]
    other = [
        f"{k} has shape {tuple(v.shape)}, expected {wanted[k]}"
        for k, v in tensors.items()
        if k in wanted and tuple(v.shape) != wanted[k]
    ]
    faults = [*missing, *unexpected, *other]
    if faults:
        shown = "; ".join(faults[:10]) + (f"; and {len(faults) - 10} more" if len(faults) > 10 else "")
        what = f"the tensors do not fit {arch}: {shown}."
        raise CheckpointError(what, where=where, fix="Give the right --arch, or save the whole state dict.")
