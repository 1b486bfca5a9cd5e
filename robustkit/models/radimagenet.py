"""RadImageNet's PyTorch files: bare backbones, every key numbered by its place in a Sequential.

Source: Mei et al. 2022, Radiology: AI 4(5), doi 10.1148/ryai.210315; the files' own keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

LINEAGE = "RadImageNet (PyTorch)"


@dataclass(frozen=True, slots=True)
class Numbered:
    """A family of networks that were cut into a Sequential of their children.

    Attributes:
        arch: The one that RadImageNet published.
        n_tensors: Of that one, without a classifier.
        names: Place in the Sequential to the network's own name.
    """

    arch: str
    n_tensors: int
    names: Mapping[int, str]


FAMILIES = (
    Numbered("resnet50", 318, {0: "conv1", 1: "bn1", 4: "layer1", 5: "layer2", 6: "layer3", 7: "layer4"}),
    Numbered(
        "inception_v3",
        564,
        {
            0: "Conv2d_1a_3x3", 1: "Conv2d_2a_3x3", 2: "Conv2d_2b_3x3", 4: "Conv2d_3b_1x1", 5: "Conv2d_4a_3x3",
            7: "Mixed_5b", 8: "Mixed_5c", 9: "Mixed_5d", 10: "Mixed_6a", 11: "Mixed_6b", 12: "Mixed_6c",
            13: "Mixed_6d", 14: "Mixed_6e", 15: "Mixed_7a", 16: "Mixed_7b", 17: "Mixed_7c",
        },
    ),
    Numbered("densenet121", 725, {0: "features"}),
)  # fmt: skip


def recognise(tensors: Mapping[str, object]) -> Numbered | None:
    """Give the family whose places are exactly those of the keys ``<place>.<...>``; None where keys are names."""
    places = {k.partition(".")[0] for k in tensors}
    if not tensors or not all(p.isdigit() for p in places):
        return None
    found = next((f for f in FAMILIES if {int(p) for p in places} == set(f.names)), None)
    # a Sequential of one child is a DenseNet only if that child has its first convolution
    return None if found and found.arch == "densenet121" and "0.conv0.weight" not in tensors else found


def rename(tensors: Mapping[str, T], family: Numbered) -> dict[str, T]:
    """Give the network's own names."""
    renamed = {}
    for key, value in tensors.items():
        place, _, rest = key.partition(".")
        renamed[f"{family.names[int(place)]}.{rest}"] = value
    return renamed


def is_ported(tensors: Mapping[str, object]) -> bool:
    """Tell the ported Keras lineage: torchvision-like ResNet names whose convolutions have biases."""
    return "conv1.bias" in tensors and "layer1.0.conv1.bias" in tensors and "bn1.running_mean" in tensors
