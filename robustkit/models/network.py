"""Builds the network that a state dict belongs to, and loads it strictly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from robustkit.errors import CheckpointError
from robustkit.models.architectures import Architecture, closest, is_counter, is_head, table
from robustkit.models.builders import empty_network, row_of, shapes_of
from robustkit.models.head import rebuild_head
from robustkit.models.match import Match, match, views
from robustkit.models.tensors import Tensors

_NEAR = 0.8
"""Share of common keys from which on a file counts as a damaged or altered copy of an architecture."""


@dataclass(frozen=True, slots=True)
class Network:
    """A loaded network, in eval mode on the CPU.

    Attributes:
        module: float32.
        arch: Its name.
        n_outputs: Of its head; 0 for a backbone without a classifier.
        n_tensors: Loaded.
        n_channels: 3, or 1 where the first convolution takes grey.
        lineage: Where its weights come from, as far as the keys tell.
        others: Architectures with the same keys and shapes.
        notes: What was left out or guessed, one sentence each.
        config: What it wants to see (mean, std, input_size, interpolation, source), in the words of timm's default_cfg.
    """

    module: nn.Module
    arch: str
    n_outputs: int
    n_tensors: int
    n_channels: int
    lineage: str
    others: tuple[str, ...]
    notes: tuple[str, ...]
    config: Mapping[str, Any]


def build_network(tensors: Tensors, *, arch: str | None, where: str) -> Network:
    """Recognise the architecture where it is not given, build it with the file's own head, load strictly.

    A file without a classifier gives a network without one.

    Raises:
        CheckpointError: Unknown architecture, a head that cannot be rebuilt, or tensors that do not fit (listed).
    """
    rows = table() if arch is None else (_row(arch),)
    matched = match(tensors, rows, where=where)
    if matched is None:
        raise mismatch(tensors, arch, where=where)
    others = matched.found.others if arch is None else ()
    notes = list(matched.notes)
    if others:
        notes.append(f"the architecture is {rows_name(matched)}; the same keys and shapes: {', '.join(others)}")
    if not matched.head:
        return _network(matched, *_backbone(matched, where), n_outputs=0, others=others, notes=notes)
    module, config, n_outputs, guessed = _classifier(matched, where)
    return _network(matched, module, config, n_outputs=n_outputs, others=others, notes=[*notes, *guessed])


def rows_name(matched: Match) -> str:
    """Give the name of the architecture taken."""
    return matched.found.architecture.name


def _row(arch: str) -> Architecture:
    return next((a for a in table() if a.name == arch), None) or row_of(arch)


def _network(
    matched: Match,
    module: nn.Module,
    config: Mapping[str, Any],
    *,
    n_outputs: int,
    others: tuple[str, ...],
    notes: list[str],
) -> Network:
    return Network(
        module=module.float().eval(),
        arch=rows_name(matched),
        n_outputs=n_outputs,
        n_tensors=len(matched.body) + len(matched.head),
        n_channels=matched.found.n_channels,
        lineage=matched.lineage,
        others=others,
        notes=tuple(notes),
        config=config,
    )


def _backbone(matched: Match, where: str) -> tuple[nn.Module, Mapping[str, Any]]:
    is_timm = "/" not in rows_name(matched)
    module, config = empty_network(rows_name(matched), 0 if is_timm else 1, n_channels=matched.found.n_channels)
    if is_timm:
        _load(module, matched.body, where=where, arch=rows_name(matched))
    return module, config


def _classifier(matched: Match, where: str) -> tuple[nn.Module, Mapping[str, Any], int, tuple[str, ...]]:
    """Give the loaded module, its config, its number of outputs, and what was guessed of its head."""
    architecture = matched.found.architecture
    prefix = architecture.head
    last = [v for v in matched.head.values() if v.ndim >= 2]
    n_outputs = int(max(last, key=lambda v: _place(matched.head, v)).shape[0]) if last else 0
    module, config = empty_network(architecture.name, max(n_outputs, 1), n_channels=matched.found.n_channels)
    own = {k: tuple(v.shape) for k, v in module.get_submodule(prefix).state_dict().items()}
    head, guessed = matched.head, tuple[str, ...]()
    if own != {k: tuple(v.shape) for k, v in head.items()}:
        features = _features(module.get_submodule(prefix))
        rebuilt = rebuild_head(head, n_features=features, where=where)
        parent, _, name = prefix.rpartition(".")
        setattr(module.get_submodule(parent) if parent else module, name, rebuilt.module)
        head, guessed = rebuilt.state_dict, rebuilt.assumed
    _load(module, matched.body | {f"{prefix}.{k}": v for k, v in head.items()}, where=where, arch=architecture.name)
    return module, config, n_outputs, guessed


def _place(head: Tensors, tensor: torch.Tensor) -> int:
    """Give the number of the layer that a weight belongs to; 0 where it has none."""
    name = next(k for k, v in head.items() if v is tensor)
    numbers = [int(part) for part in name.split(".") if part.isdigit()]
    return numbers[-1] if numbers else 0


def _features(head: nn.Module) -> int:
    """Give how many numbers the network's own head takes."""
    first = next((m for m in head.modules() if isinstance(m, nn.Linear | nn.Conv2d)), None)
    if isinstance(first, nn.Linear):
        return int(first.in_features)
    return int(first.in_channels) if first is not None else 0


def _load(module: nn.Module, tensors: Tensors, *, where: str, arch: str) -> None:
    faults = _faults({k: tuple(v.shape) for k, v in module.state_dict().items()}, tensors)
    if faults:
        raise _listed(faults, arch, where)
    check_finite(tensors, where=where)
    # files of old torch versions lack the counters, which inference does not read
    module.load_state_dict(tensors, strict=False)


def check_finite(tensors: Tensors, *, where: str) -> None:
    """Refuse tensors that hold NaN or infinity.

    Raises:
        CheckpointError: It names them.
    """
    broken = [k for k, v in tensors.items() if v.is_floating_point() and not bool(torch.isfinite(v).all())]
    if broken:
        what = f"{len(broken)} tensors hold NaN or infinity ({', '.join(broken[:10])})."
        raise CheckpointError(what, where=where, fix="Take an earlier checkpoint of this training.")


def _faults(wanted: Mapping[str, tuple[int, ...]], tensors: Tensors, *, head: str | None = None) -> list[str]:
    """List every tensor that is missing, unexpected or of another shape, those of ``head`` left out."""
    out = [k for k in {*wanted, *tensors} if head is not None and is_head(k, head)]
    missing = [f"{k} is missing" for k in wanted if k not in tensors and k not in out and not is_counter(k)]
    unexpected = [f"{k} is unexpected" for k in tensors if k not in wanted and k not in out]
    other = [
        f"{k} has shape {tuple(v.shape)}, expected {wanted[k]}"
        for k, v in tensors.items()
        if k in wanted and k not in out and tuple(v.shape) != wanted[k]
    ]
    return [*missing, *unexpected, *other]


def _listed(faults: list[str], arch: str, where: str, fix: str = "") -> CheckpointError:
    shown = "; ".join(faults[:10]) + (f"; and {len(faults) - 10} more" if len(faults) > 10 else "")
    what = f"the tensors do not fit {arch} ({len(faults)} faults): {shown}."
    return CheckpointError(what, where=where, fix=fix or "Give the right --arch, or save the whole state dict.")


def mismatch(tensors: Tensors, arch: str | None, *, where: str) -> CheckpointError:
    """Say which tensors do not fit the architecture asked for, or the nearest one."""
    if arch is not None:
        known = match(tensors, table(), where=where)
        fix = f"These are the tensors of {rows_name(known)}: leave out --arch." if known else ""
        if known and rows_name(known).startswith("keras/"):
            fix = f"{fix} Keras' network, ported to PyTorch, is another one: its weights mean nothing in {arch}."
        return _listed(_nearest_faults(tensors, arch)[1], arch, where, fix)
    near = closest({k: tuple(v.shape) for k, v in tensors.items()})
    for row in near:
        share, faults = _nearest_faults(tensors, row.name)
        if share >= _NEAR:
            return _listed(faults, f"{row.name}, the nearest architecture", where)
    shown = ", ".join(f"{a.name} ({a.n_tensors} tensors)" for a in near)
    what = f"the architecture of these {len(tensors)} tensors is not known here; the closest in number are {shown}."
    return CheckpointError(what, where=where, fix="Name it with --arch, or export the model to ONNX.")


def _nearest_faults(tensors: Tensors, arch: str) -> tuple[float, list[str]]:
    """Give the largest share of an architecture's keys found in any reading of the file, and its faults."""
    wanted, head = shapes_of(arch)
    best = max((v.network for v in views(tensors)), key=lambda t: len(wanted.keys() & t.keys()))
    return len(wanted.keys() & best.keys()) / len(wanted), _faults(wanted, best, head=head)
