"""The noun Beginning: the weights that a training begins from, strictly loaded, and what they want to see."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from robustkit.errors import CheckpointError
from robustkit.inputs import InputSpec
from robustkit.models import radimagenet
from robustkit.models._torchvision import import_timm
from robustkit.models.architectures import is_head, table
from robustkit.models.builders import empty_network, row_of
from robustkit.models.content import content_of
from robustkit.models.match import match
from robustkit.models.native import read_native, read_safetensors
from robustkit.models.network import check_finite, mismatch
from robustkit.models.options import ModelOptions
from robustkit.models.resolve import FACTS, Wanted, resolve_input, wanted_of_config
from robustkit.models.tensors import Tensors, read_tensors, unwrap
from robustkit.provenance import file_digest

IMAGENET = "imagenet"
"""In the place of a file: timm's own weights of the architecture, from its hub or from the cache."""

DEFAULT_ARCH = "resnet10t"
SCRATCH_PX = 64
_SCRATCH: Wanted = Wanted(InputSpec(SCRATCH_PX, SCRATCH_PX), frozenset(FACTS))


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a training begins.

    Attributes:
        arch: Name of the architecture.
        tensors: All but the classifier's, in the network's own names; empty: from scratch.
        wanted: The input that these weights were made for.
        lineage: Where they come from: ``from scratch``, ``from ResNet50.pt (RadImageNet (PyTorch))``.
        sha256: Of the file, or of the tensors where there is none; "" from scratch.
        notes: What was left out or guessed, one sentence each.
        seen: Films and patients that these weights have learnt from already, as in ``Classifier``.
    """

    arch: str
    tensors: Tensors = field(default_factory=dict)
    wanted: Wanted = _SCRATCH
    lineage: str = "from scratch"
    sha256: str = ""
    notes: tuple[str, ...] = ()
    seen: Mapping[str, Any] = field(default_factory=dict)

    def network(self, n_outputs: int) -> nn.Module:
        """Build the network with a fresh classifier, everything else as it begins."""
        network, _ = empty_network(self.arch, n_outputs)
        network.load_state_dict(self.tensors, strict=False)  # checked to be all but the classifier
        return network

    def input(self, flags: ModelOptions) -> tuple[InputSpec, tuple[str, ...]]:
        """Give the input, flags over what the weights want, and what was assumed, one sentence each.

        Raises:
            InputError: A flag that is not allowed.
        """
        return resolve_input(flags, self.wanted)


def begin(arch: str | None, weights: str | None) -> Beginning:
    """Find what a training begins from.

    Args:
        arch: Of the network; None: that of the weights, or ``resnet10t`` where they do not say.
        weights: A file of any network with these keys and shapes, RadImageNet's among them; ``imagenet``; None: from scratch.

    Raises:
        CheckpointError: A program, tensors of another architecture (they are listed), or no network to fetch weights from.
    """
    if weights == IMAGENET and not Path(weights).exists():
        return _published(arch or DEFAULT_ARCH)
    if weights is not None:
        return _of_file(arch, Path(weights))
    empty_network(arch or DEFAULT_ARCH, 1)  # an unknown name is an error here, not in the middle of the training
    return Beginning(arch or DEFAULT_ARCH)


def auxiliary_note(arch: str) -> str:
    """Say what is done about the auxiliary classifier and ``transform_input`` of a network that is published with them."""
    if not any(n in arch for n in ("inception_v3", "googlenet")):
        return ""
    return "the network has no auxiliary classifier, and no transform_input: it sees the scaling of its input and nothing on top"


def _of_file(arch: str | None, path: Path) -> Beginning:
    where = str(path)
    content = content_of(path)
    if content not in ("safetensors", "torch"):
        what = f"expected weights (a state dict or safetensors), got {content}."
        raise CheckpointError(what, where=where, fix="Save the state dict of that model.")
    native = read_native(path) if content == "safetensors" else None
    if native:
        own = _matched(native.state_dict, arch or native.arch, where=where)
        wanted = Wanted(native.input, frozenset({"input_size", "kernel", "scaling"}), path.name)
        return replace(
            own, wanted=wanted, lineage=f"from {path.name}", sha256=file_digest(path), notes=(), seen=native.seen
        )
    held = read_safetensors(path)[0] if content == "safetensors" else read_tensors(path, trust_code=False)
    found = _matched(unwrap(held, where=where).tensors, arch, where=where)
    made = f" ({found.lineage})" if found.lineage else ""
    return replace(found, lineage=f"from {path.name}{made}", sha256=file_digest(path))


def _matched(tensors: Tensors, arch: str | None, *, where: str) -> Beginning:
    """Give the body of the tensors; its lineage is what the keys tell."""
    matched = match(tensors, table() if arch is None else (row_of(arch),), where=where)
    if matched is None:
        raise mismatch(tensors, arch, where=where)
    if matched.found.n_channels != 3:
        what = "the first convolution of these weights takes one channel; training begins from three."
        raise CheckpointError(what, where=where, fix="Repeat its weights three times and divide them by 3.")
    check_finite(matched.body, where=where)
    name = arch or matched.found.architecture.name
    notes = list(matched.notes)
    if arch is None and matched.found.others and not matched.lineage:
        notes.append(f"the architecture is {name}; the same keys and shapes: {', '.join(matched.found.others)}")
    wanted = wanted_of_config(empty_network(name, 1)[1])
    if matched.lineage == radimagenet.LINEAGE:
        options = ModelOptions(scaling=radimagenet.SCALING, kernel="bilinear")
        wanted = Wanted(resolve_input(options, wanted)[0], source="RadImageNet's PyTorch notebook; others are in use")
    return Beginning(name, matched.body, wanted, matched.lineage, notes=tuple(notes))


def _published(arch: str) -> Beginning:
    """Fetch timm's weights."""
    network, config = empty_network(arch, 1)
    if "/" in arch:
        what = f"weights by name are timm's, and {arch} is no architecture of timm."
        raise CheckpointError(what, where=f"--weights {IMAGENET}", fix=f"Say --arch {arch.rpartition('/')[2]}.")
    from huggingface_hub.errors import HfHubHTTPError

    try:
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = import_timm().create_model(arch, pretrained=True, num_classes=1)
    except (OSError, RuntimeError, ValueError, KeyError, HfHubHTTPError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].partition(". ")[0][:200]
        what = f"the ImageNet weights of {arch} can neither be fetched nor are they in the cache ({reason})."
        fix = (
            "Go online once, or give a file: --weights FILE, made elsewhere with torch.save(model.state_dict(), FILE)."
        )
        raise CheckpointError(what, where=f"--weights {IMAGENET}", fix=fix) from error
    head = str(config["classifier"])
    tensors = {k: v for k, v in network.state_dict().items() if not is_head(k, head)}
    tag = str(network.pretrained_cfg.get("tag") or "")
    name = f"{network.pretrained_cfg.get('architecture') or arch}{'.' + tag if tag else ''}"
    return Beginning(arch, tensors, wanted_of_config(config), f"from ImageNet (timm {name})", _digest(tensors))


def _digest(tensors: Mapping[str, Any]) -> str:
    """Give the SHA-256 of names and values."""
    found = hashlib.sha256()
    for key, value in sorted(tensors.items()):
        found.update(key.encode())
        found.update(
            value.contiguous().view(torch.uint8).numpy().tobytes() if value.ndim else str(value.item()).encode()
        )
    return found.hexdigest()
