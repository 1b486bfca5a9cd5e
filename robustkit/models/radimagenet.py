"""RadImageNet's files: PyTorch's, every key numbered by its place in a Sequential, and Keras' ported to PyTorch.

Source: Mei et al. 2022, Radiology: AI 4(5), doi 10.1148/ryai.210315; the files' own keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

LINEAGE = "RadImageNet (PyTorch)"
PORTED_LINEAGE = "RadImageNet (Keras, ported to PyTorch)"

SCALING = "radimagenet-pm1"
"""Of the authors' PyTorch notebook; ``unit`` and ``caffe255`` are in public use as well."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A family of networks that were cut into a Sequential of their children.

    Attributes:
        arch: The one that RadImageNet published.
        n_tensors: Of that one, without a classifier.
        names: Place in the Sequential to the network's own name.
        mark: Of keys that no other family has, whatever else of a file is lacking or renamed.
    """

    arch: str
    n_tensors: int
    names: Mapping[int, str]
    mark: re.Pattern[str]


FAMILIES = (
    Numbered("resnet50", 318, {0: "conv1", 1: "bn1", 4: "layer1", 5: "layer2", 6: "layer3", 7: "layer4"},
             re.compile(r"[4-7]\.\d+\.conv1\.weight")),
    Numbered(
        "inception_v3",
        564,
        {
            0: "Conv2d_1a_3x3", 1: "Conv2d_2a_3x3", 2: "Conv2d_2b_3x3", 4: "Conv2d_3b_1x1", 5: "Conv2d_4a_3x3",
            7: "Mixed_5b", 8: "Mixed_5c", 9: "Mixed_5d", 10: "Mixed_6a", 11: "Mixed_6b", 12: "Mixed_6c",
            13: "Mixed_6d", 14: "Mixed_6e", 15: "Mixed_7a", 16: "Mixed_7b", 17: "Mixed_7c",
        },
        re.compile(r"\d+\.branch\w+\.conv\.weight"),
    ),
    Numbered("densenet121", 725, {0: "features"}, re.compile(r"0\.denseblock\d+\.")),
)  # fmt: skip


def recognise(tensors: Mapping[str, object]) -> Numbered | None:
    """Give the family of keys ``<place>.<...>``, even of a damaged file; None where keys are names, or of no family."""
    if not all(k.partition(".")[0].isdigit() for k in tensors):
        return None
    return next((f for f in FAMILIES if any(f.mark.match(k) for k in tensors)), None)


def rename(tensors: Mapping[str, T], family: Numbered) -> dict[str, T]:
    """Give the network's own names; a place that the family does not have stays a number."""
    renamed = {}
    for key, value in tensors.items():
        place, _, rest = key.partition(".")
        renamed[f"{family.names.get(int(place), place)}.{rest}"] = value
    return renamed


def is_ported(tensors: Mapping[str, object]) -> bool:
    """Tell the ported Keras lineage: torchvision-like ResNet names whose convolutions have biases."""
    return "conv1.bias" in tensors and "layer1.0.conv1.bias" in tensors and "bn1.running_mean" in tensors
