"""RadImageNet's PyTorch files: bare backbones, every key numbered by its place in a Sequential.

Source: Mei et al. 2022, Radiology: AI 4(5), doi 10.1148/ryai.210315; the files' own keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_RESNET = {0: "conv1", 1: "bn1", 4: "layer1", 5: "layer2", 6: "layer3", 7: "layer4"}
_INCEPTION = {
    0: "Conv2d_1a_3x3", 1: "Conv2d_2a_3x3", 2: "Conv2d_2b_3x3", 4: "Conv2d_3b_1x1", 5: "Conv2d_4a_3x3", 7: "Mixed_5b",
    8: "Mixed_5c", 9: "Mixed_5d", 10: "Mixed_6a", 11: "Mixed_6b", 12: "Mixed_6c", 13: "Mixed_6d", 14: "Mixed_6e",
    15: "Mixed_7a", 16: "Mixed_7b", 17: "Mixed_7c",
}  # fmt: skip
PREFIX = "backbone."


@dataclass(frozen=True, slots=True)
class Family:
    """One of the three files: architecture, number of tensors, places to names."""

    arch: str
    n_tensors: int
    names: Mapping[int, str]


FAMILIES = (
    Family("resnet50", 318, _RESNET),
    Family("inception_v3", 564, _INCEPTION),
    Family("densenet121", 725, {0: "features"}),
)
LINEAGE = "RadImageNet (PyTorch)"


def recognise(tensors: Mapping[str, Any]) -> Family | None:
    """Give the family of a file whose keys are ``backbone.<place>.<...>``, by the places that it has."""
    backbone = [k for k in tensors if k.startswith(PREFIX)]
    places = {k.split(".")[1] for k in backbone}
    if not backbone or not all(p.isdigit() for p in places):
        return None
    return next((f for f in FAMILIES if {int(p) for p in places} == set(f.names)), None)


def rename(tensors: Mapping[str, Any], family: Family) -> dict[str, Any]:
    """Give timm's names; keys beside the backbone (a classifier) are kept."""
    renamed = {}
    for key, value in tensors.items():
        if not key.startswith(PREFIX):
            renamed[key] = value
            continue
        _, place, rest = key.split(".", 2)
        renamed[f"{family.names[int(place)]}.{rest}"] = value
    return renamed


def is_ported(tensors: Mapping[str, Any]) -> bool:
    """Tell the ported Keras lineage: torchvision-like ResNet names whose convolutions have biases."""
    return "conv1.bias" in tensors and "layer1.0.conv1.bias" in tensors and "bn1.running_mean" in tensors
