"""Builds networks by name, from timm, torchvision, and the few that are kept here."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from robustkit.errors import CheckpointError
from robustkit.models._ported import NAMES as PORTED
from robustkit.models._ported import ported_network
from robustkit.models._small import BUILDERS, small_network
from robustkit.models._torchvision import import_timm, import_torchvision
from robustkit.models.architectures import Architecture, fingerprint

_WITH_AUXILIARY = ("inception_v3", "googlenet")


def empty_network(arch: str, n_outputs: int, *, n_channels: int = 3) -> tuple[nn.Module, Mapping[str, Any]]:
    """Build a network by name with a fresh head, and give what it wants to see, in the words of timm's default_cfg.

    Args:
        arch: timm's name, ``torchvision/<name>``, ``keras/resnet50`` or ``small/<name>``.
        n_outputs: Of the head; 0 for none (timm only).
        n_channels: Of the image.

    Raises:
        CheckpointError: No such architecture; near names are listed.
    """
    family, _, name = arch.rpartition("/")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if family == "torchvision":
            return _torchvision_network(name, n_outputs)
        if family == "keras" and name in PORTED:
            return ported_network(name, n_outputs)
        if family == "small" and name in BUILDERS:
            return small_network(name, n_outputs)
        return _timm_network(arch, n_outputs, n_channels)


def row_of(arch: str) -> Architecture:
    """Give the row of the table for a name."""
    shapes, head = shapes_of(arch)
    stem = next((k for k, s in shapes.items() if len(s) == 4 and s[1] == 3), "")
    return Architecture(arch, head, stem, *fingerprint(shapes, head))


def shapes_of(arch: str) -> tuple[dict[str, tuple[int, ...]], str]:
    """Give keys and shapes of a network with one output, and the prefix of its classifier."""
    try:
        with torch.device("meta"):
            network, config = empty_network(arch, 1)
    except (NotImplementedError, RuntimeError):  # some networks compute with their weights while they are built
        network, config = empty_network(arch, 1)
    return {k: tuple(v.shape) for k, v in network.state_dict().items()}, str(config["classifier"])


def _timm_network(arch: str, n_outputs: int, n_channels: int) -> tuple[nn.Module, Mapping[str, Any]]:
    timm = import_timm()
    if not timm.is_model(arch):
        near = timm.list_models(f"*{arch.partition('_')[0]}*")[:5] or timm.list_models("resnet?*")[:5]
        what = f"timm knows no architecture {arch!r}."
        raise CheckpointError(what, where="--arch", fix=f"Near names: {', '.join(near)}.")
    network = timm.create_model(arch, pretrained=False, num_classes=n_outputs, in_chans=n_channels)
    config = dict(network.default_cfg)
    head = config.get("classifier", "fc")
    name = head if isinstance(head, str) else head[0]
    return network, {**config, "classifier": name, "source": f"timm's default_cfg of {arch}"}


def _torchvision_network(name: str, n_outputs: int) -> tuple[nn.Module, Mapping[str, Any]]:
    models = import_torchvision().models
    if name not in models.list_models(module=models):
        what = f"torchvision knows no classifier {name!r}."
        raise CheckpointError(what, where="--arch", fix="Write it as torchvision does: torchvision/efficientnet_b0.")
    # auxiliary classifiers help a training from scratch on a million films; they are built and trained nowhere here
    bare = {"aux_logits": False, "init_weights": True} if name in _WITH_AUXILIARY else {}
    network = models.get_model(name, weights=None, num_classes=n_outputs, **bare)
    head = next(n for n in ("classifier", "fc", "heads", "head") if hasattr(network, n))
    # the transforms belong to the published weights; reading them downloads nothing
    shown = next(iter(models.get_model_weights(name))).transforms()
    side = shown.crop_size[0]
    # published, these two turn ImageNet's scaling into -1..1 inside (transform_input), which here the input is given as
    mean, std = ((0.5,) * 3,) * 2 if bare else (tuple(shown.mean), tuple(shown.std))
    config = {"input_size": (3, side, side), "interpolation": shown.interpolation.value, "mean": mean, "std": std}
    return network, {**config, "classifier": head, "source": f"torchvision's {name}"}
