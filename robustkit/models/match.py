"""Tells backbone and classifier in a state dict apart, whatever wrapper class they were saved from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from robustkit.errors import CheckpointError
from robustkit.models import radimagenet
from robustkit.models.architectures import Architecture, Recognised, find, is_head
from robustkit.models.head import common_part
from robustkit.models.tensors import Tensors, strip_prefixes

_BODIES = (
    "backbone", "encoder", "model", "net", "network", "base_model", "timm_model", "feature_extractor", "module",
    "base", "resnet", "densenet", "0",
)  # fmt: skip
_AUXILIARY = ("AuxLogits.", "aux1.", "aux2.")
_LOSSES = re.compile(r"(loss|criterion|train_|val_|test_)")
_OLD_DENSENET = re.compile(r"^(.*denselayer\d+\.(?:norm|conv))\.([12]\..*)$")


@dataclass(frozen=True, slots=True)
class Match:
    """A recognised state dict.

    Attributes:
        found: The architecture.
        body: Tensors outside the classifier, in the network's own names.
        head: Tensors of the classifier, names relative to it; empty for a bare backbone.
        lineage: Where the weights come from, as far as the keys tell.
        notes: What was left out or guessed, one sentence each.
    """

    found: Recognised
    body: Tensors
    head: Tensors
    lineage: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """One way to read a state dict: what may be the network, and what stands beside it."""

    network: Tensors
    beside: Tensors = field(default_factory=dict)
    lineage: str = ""
    notes: tuple[str, ...] = ()


def match(tensors: Tensors, rows: Sequence[Architecture], *, where: str) -> Match | None:
    """Recognise a state dict; None where no architecture of ``rows`` has these keys and shapes.

    Raises:
        CheckpointError: Two classifiers.
    """
    for view in views(tensors):
        found = find({k: tuple(v.shape) for k, v in view.network.items()}, rows)
        if found is not None:
            return _split(view, found, where)
    return None


def views(tensors: Tensors) -> Iterator[View]:
    """Give the ways to read a state dict: as a whole, then as a backbone with something beside it."""
    yield _named(View(tensors))
    for body in _BODIES:
        prefix = body + "."
        inner = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        if inner and len(inner) < len(tensors):
            inner, _ = strip_prefixes(inner)
            yield _named(View(inner, {k: v for k, v in tensors.items() if not k.startswith(prefix)}))


def _named(view: View) -> View:
    """Give today's names to numbered and to very old networks, and leave auxiliary classifiers out."""
    tensors, lineage, notes = view.network, "", []
    family = radimagenet.recognise(tensors)
    if family is not None:
        tensors = radimagenet.rename(tensors, family)
        lineage = radimagenet.LINEAGE if len(tensors) == family.n_tensors and not view.beside else ""
        if view.beside and family.arch == "densenet121":
            notes.append(
                "a ReLU and average pooling stand between the features and the classifier (the file cannot say)"
            )
    elif radimagenet.is_ported(tensors) and not view.beside and not any(is_head(k, "fc") for k in tensors):
        lineage = radimagenet.PORTED_LINEAGE
    if any(k.startswith(_AUXILIARY) for k in tensors):
        tensors = {k: v for k, v in tensors.items() if not k.startswith(_AUXILIARY)}
        notes.append("the auxiliary classifier of the training is left out")
    if any(_OLD_DENSENET.match(k) for k in tensors):
        tensors = {_OLD_DENSENET.sub(r"\1\2", k): v for k, v in tensors.items()}
    return View(tensors, view.beside, lineage, (*view.notes, *notes))


def _split(view: View, found: Recognised, where: str) -> Match:
    own = {k.removeprefix(found.head).lstrip("."): v for k, v in view.network.items() if is_head(k, found.head)}
    body = {k: v for k, v in view.network.items() if not is_head(k, found.head)}
    losses = [k for k in view.beside if _LOSSES.search(k)]
    other = {k: v for k, v in view.beside.items() if k not in losses}
    notes = (*view.notes, f"{len(losses)} tensors of the training's loss are left out") if losses else view.notes
    if own and other:
        shown = ", ".join(sorted({k.rpartition(".")[0] for k in other})[:5])
        what = f"the file holds two classifiers: {found.head} of {found.architecture.name}, and {shown}."
        fix = "Export the model to ONNX, or save the one that is used."
        raise CheckpointError(what, where=where, fix=fix)
    return Match(found, body, own or common_part(other), view.lineage, notes)
