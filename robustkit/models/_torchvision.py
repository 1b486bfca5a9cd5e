"""Imports timm beside a CPU-only torch, where torchvision's wheel asks for operators that torch lacks.

torchvision 0.28 from the package index is linked to CUDA; its import ends with "operator torchvision::nms
does not exist" (vision issue 9085, pytorch issue 157648). Nothing here uses these operators, so declaring
their signatures is enough.
"""

from __future__ import annotations

import sys
from typing import Any

import torch

_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[Any] = []


def import_timm() -> Any:
    """Give timm; torchvision's two operators are declared only after exactly that error."""
    import_torchvision()
    import timm

    return timm


def import_torchvision() -> Any:
    """Give torchvision with its models."""
    try:
        import torchvision
    except RuntimeError as error:
        if "operator torchvision::" not in str(error) or _declared:
            raise
        _purge()
        library = torch.library.Library("torchvision", "DEF")
        for signature in _OPERATORS:
            library.define(signature)
        _declared.append(library)  # the declaration lives as long as the library object
        import torchvision
    return torchvision


def _purge() -> None:
    """Forget the half-imported modules, so that the next import begins anew."""
    for name in [n for n in sys.modules if n.partition(".")[0] in ("torchvision", "timm")]:
        del sys.modules[name]
