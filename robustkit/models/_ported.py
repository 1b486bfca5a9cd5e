"""The ResNet50 of keras.applications in PyTorch, as the ported RadImageNet file has it.

Against the original ResNet50 its convolutions have biases, the stride of a stage lies on the first 1 x 1 convolution and
not on the 3 x 3 one, and batch norm adds 1.001e-5 to the variance. Weights of one are noise in the other.

Source: keras.applications.resnet (He et al. 2016, arXiv:1512.03385, figure 5, stride as in the paper's first version).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from robustkit.models._torchvision import import_timm

NAMES = ("resnet50",)
"""What stands after ``keras/``."""

_EPS = 1.001e-5


def ported_network(name: str, n_outputs: int) -> tuple[nn.Module, Mapping[str, Any]]:
    """Build one, and give what it wants to see in the words of timm's default_cfg.

    Args:
        name: One of NAMES.
        n_outputs: Of the classifier.
    """
    network = import_timm().create_model(name, pretrained=False, num_classes=n_outputs)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.bias = nn.Parameter(torch.zeros(module.out_channels))
        if isinstance(module, nn.BatchNorm2d):
            module.eps = _EPS
    for stage in (network.layer1, network.layer2, network.layer3, network.layer4):
        first = stage[0]
        first.conv1.stride, first.conv2.stride = first.conv2.stride, (1, 1)
    return network, {
        "input_size": (3, 224, 224), "interpolation": "bilinear", "scaling": "caffe255", "classifier": "fc",
        "source": "RadImageNet's Keras scripts",
    }  # fmt: skip
