"""Weights of Pillow's resize, for many boxes at once, as dense rows over the pixels of one axis.

Source: Pillow's documented resampling: for every output pixel a kernel around its centre, stretched by the scale
where that is above 1, clipped at the image, normalised to a sum of 1, rounded to 22 bits for 8-bit images.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

BITS = 22

_KEYS = -0.5
"""The free parameter of the cubic kernel (Keys 1981)."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of K regions.

    Attributes:
        start, length: ``(K,)`` float64 first edges of the regions in px from ``origin``, and their sides.
        origin: ``(K,)`` float64 film coordinate that the kernel's clipping counts from.
        limit: ``(K,)`` float64 length in px behind which the kernel is clipped.
        first, n: Film pixels that the rows stand over: first ... first + n - 1.
        longest: The greatest length, known without asking the device.
    """

    start: torch.Tensor
    length: torch.Tensor
    origin: torch.Tensor
    limit: torch.Tensor
    first: int
    n: int
    longest: float


def widest(axis: Axis, *, out: int, kernel: str) -> int:
    """Give the most pixels that one output pixel is made of."""
    return math.ceil(_SUPPORT[kernel] * max(1.0, axis.longest / out)) * 2 + 1


@dataclass(frozen=True, slots=True)
class Taps:
    """Weights that are not zero by place.

    Attributes:
        values: ``(K, out, T)`` float64; 0 where a tap is not used.
        place: ``(K, out, T)`` int64 film pixel less ``Axis.first``; 0 where a tap is not used.
        n: Film pixels that rows stand over.
    """

    values: torch.Tensor
    place: torch.Tensor
    n: int

    def rounded(self) -> Taps:
        """Give the weights times 2^22, rounded half away from zero to whole numbers."""
        scaled = self.values * float(1 << BITS)
        return replace(self, values=torch.trunc(scaled + torch.where(scaled < 0, -0.5, 0.5)))

    def dense(self, values: torch.Tensor) -> torch.Tensor:
        """Give ``(K, out, n)`` rows that hold ``values`` of these taps (any dtype)."""
        rows = values.new_zeros((*values.shape[:2], self.n))
        return rows.scatter_add_(2, self.place, values)


def taps(axis: Axis, *, out: int, kernel: str) -> Taps:
    """Give the weights of Pillow for one axis; they sum to 1 but for pixels off the film."""
    scale = axis.length / out
    stretch = scale.clamp_min(1.0)
    support = _SUPPORT[kernel] * stretch
    steps = torch.arange(out, dtype=torch.float64, device=scale.device)
    centre = axis.start[:, None] + (steps + 0.5) * scale[:, None]
    low = torch.floor((centre - support[:, None] + 0.5).clamp_min(0.0))
    high = torch.minimum(torch.floor(centre + support[:, None] + 0.5), axis.limit[:, None])
    offset = torch.arange(widest(axis, out=out, kernel=kernel), dtype=torch.float64, device=scale.device)
    x = low[..., None] + offset
    found = _KERNELS[kernel]((x - centre[..., None] + 0.5) * (1.0 / stretch)[:, None, None])
    found = torch.where(x < high[..., None], found, 0.0)
    found = found / found.sum(-1, keepdim=True)
    place = (x + axis.origin[:, None, None] - axis.first).to(torch.int64)
    inside = (place >= 0) & (place < axis.n)
    return Taps(torch.where(inside, found, 0.0), torch.where(inside, place, 0), axis.n)


def _bilinear(x: torch.Tensor) -> torch.Tensor:
    return (1.0 - x.abs()).clamp_min(0.0)


def _bicubic(x: torch.Tensor) -> torch.Tensor:
    x = x.abs()
    near = ((_KEYS + 2.0) * x - (_KEYS + 3.0)) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * _KEYS
    return torch.where(x < 1.0, near, torch.where(x < 2.0, far, 0.0))


def _lanczos(x: torch.Tensor) -> torch.Tensor:
    return torch.where((x >= -3.0) & (x < 3.0), torch.sinc(x) * torch.sinc(x / 3.0), 0.0)


def _box(x: torch.Tensor) -> torch.Tensor:
    return ((x > -0.5) & (x <= 0.5)).to(torch.float64)


_KERNELS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "bilinear": _bilinear,
    "bicubic": _bicubic,
    "lanczos": _lanczos,
    "box": _box,
}
_SUPPORT = {"bilinear": 1.0, "bicubic": 2.0, "lanczos": 3.0, "box": 0.5}
