"""What a model wants to see (InputSpec) and what its numbers mean (OutputSpec)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, get_args

from robustkit.errors import InputError

Kernel = Literal["bilinear", "bicubic", "lanczos", "box"]
Channels = Literal["rgb", "bgr", "grey"]
Fit = Literal["stretch", "square"]
Layout = Literal["nchw", "nhwc"]
OutputKind = Literal["sigmoid-logit", "softmax-logits", "probabilities"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

SCALINGS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float], Channels]] = {
    "unit": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "rgb"),
    "imagenet": (IMAGENET_MEAN, IMAGENET_STD, "rgb"),
    "inception": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "rgb"),
    "radimagenet-pm1": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bgr"),
    "caffe255": ((103.9 / 255, 116.8 / 255, 123.7 / 255), (1.0, 1.0, 1.0), "bgr"),
    "raw": ((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255), "rgb"),
}
"""Named scalings: the model sees ``(grey / 255 - mean) / std`` per channel, in this channel order."""


LARGEST_SIDE_PX = 8192
LARGEST_MARGIN = 100.0
"""Beyond these a model file lies, or a flag has a slip: no network is trained so, and no memory holds its batches."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """How a crop becomes a model's input.

    Attributes:
        height_px, width_px: Size of the input.
        kernel: Antialiased resize kernel that the model was trained with.
        scaling: A name of SCALINGS, or ``custom``.
        mean, std: In units of grey / 255, one per channel (grey: one).
        channels: Channel order; all hold the same grey.
        margin: The box is grown by this share of its sides on each side.
        fit: ``stretch`` resizes the region as it is, ``square`` squares it first.
        layout: Axis order that the model takes.
    """

    height_px: int = 224
    width_px: int = 224
    kernel: Kernel = "bilinear"
    scaling: str = "imagenet"
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    channels: Channels = "rgb"
    margin: float = 0.0
    fit: Fit = "stretch"
    layout: Layout = "nchw"

    def __post_init__(self) -> None:
        n = 1 if self.channels == "grey" else 3
        if len(self.mean) != n or len(self.std) != n:
            what = f"expected {n} values of mean and std for {self.channels}, got {self.mean} and {self.std}."
            raise InputError(what, fix="Give --mean and --std one value per channel.")
        sides = (self.height_px, self.width_px)
        if not all(isinstance(s, int) and s is not True and 1 <= s <= LARGEST_SIDE_PX for s in sides):
            what = f"the input must have 1 to {LARGEST_SIDE_PX} px a side, got {self.height_px} x {self.width_px}."
            raise InputError(what, fix="Correct --input-size.")
        if (
            isinstance(self.margin, bool)
            or not 0 <= self.margin <= LARGEST_MARGIN
            or not all(0 < s < float("inf") for s in self.std)
        ):
            what = f"margin must be 0 to {LARGEST_MARGIN:g} and std > 0, got {self}."
            raise InputError(what, fix="Correct --margin or --std.")
        if not isinstance(self.scaling, str) or not all(abs(m) < float("inf") for m in self.mean):
            raise InputError(f"scaling is a name and mean are finite numbers, got {self}.", fix="Correct --scaling.")
        for value, allowed in (
            (self.kernel, Kernel),
            (self.channels, Channels),
            (self.fit, Fit),
            (self.layout, Layout),
        ):
            if value not in get_args(allowed):
                raise InputError(f"expected one of {', '.join(get_args(allowed))}, got {value!r}.")

    @property
    def n_channels(self) -> int:
        """1 for grey, else 3."""
        return 1 if self.channels == "grey" else 3

    def to_dict(self) -> dict[str, object]:
        """Give the fields as JSON-able values."""
        return asdict(self) | {"mean": list(self.mean), "std": list(self.std)}


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """What a model's output row means.

    Attributes:
        kind: One sigmoid logit, softmax logits, or probabilities.
        is_one: True for one probability, that of the last of two classes; a sigmoid logit is always one.
    """

    kind: OutputKind = "sigmoid-logit"
    is_one: bool = False
