"""All regions of one film resized by matrix products, in Pillow's integer arithmetic.

Two passes, each a product with dense weights and a rounding: all regions share the film, so the first pass is one
GEMM, the second one product for each region. Whole numbers stay whole in every number format used, so the result
is Pillow's bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from robustkit.crops._base import Snap
from robustkit.crops._taps import BITS, Axis, Taps, taps
from robustkit.geometry import Boxes

Way = Literal["double", "split"]
"""How products are computed: float64, or half-precision parts with float32 sums (tensor cores)."""

_FEW_TAPS = 32
_ALIGNED_PX = 8
"""Sides of matrices in half precision that tensor cores take as they are."""

CHUNK_BYTES = {"double": 256 << 20, "split": 2 << 30}


@dataclass(frozen=True, slots=True)
class Target:
    """What crops become: ``height_px`` x ``width_px`` by a kernel; how products are computed."""

    height_px: int
    width_px: int
    kernel: str
    way: Way
    chunk_bytes: int


def resample(film: torch.Tensor, regions: Boxes, target: Target, *, snapping: Snap) -> torch.Tensor:
    """Crop and resize.

    Args:
        film: ``(H, W)`` uint8 or float32 on any device.
        regions: ``(K, 4)`` float64; whole numbers where ``snapping`` is ``whole``.
        target: Size and kernel.
        snapping: ``whole``: nothing beyond a region is read; ``none``: the kernel reads over its edge.

    Returns:
        ``(K, height_px, width_px)`` of the film's dtype on its device.
    """
    shape = (len(regions), target.height_px, target.width_px)
    out = torch.zeros(shape, dtype=film.dtype, device=film.device)
    canvas = _canvas(regions, film, snapping=snapping)
    upright = _vertical_first(canvas, target)
    for order in (False, True):
        for part in _chunks(np.flatnonzero(upright == order), film, target):
            place = _up(part, film.device)
            out[place] = _part(film, regions[part], canvas[part], target, is_upright=order)
    return out


def _vertical_first(canvas: Boxes, target: Target) -> NDArray[np.bool_]:
    """Tell which regions Pillow 13 resizes along y first: those whose image loses much more height than width."""
    width, height = canvas[:, 2] - canvas[:, 0], canvas[:, 3] - canvas[:, 1]
    return np.asarray((height > target.height_px) & (height - target.height_px > 2 * (width - target.width_px)))


def _canvas(regions: Boxes, film: torch.Tensor, *, snapping: Snap) -> Boxes:
    """Give the image that Pillow would resize from: the region itself, or the film and the zeros it reaches over."""
    if snapping == "whole":
        return regions
    height, width = film.shape
    low = np.minimum(0.0, np.floor(regions[:, :2]))
    return np.concatenate([low, np.maximum([width, height], np.ceil(regions[:, 2:]))], axis=1)


def _chunks(chosen: NDArray[np.intp], film: torch.Tensor, target: Target) -> list[NDArray[np.intp]]:
    """Divide regions so that the weights of a chunk stay under ``chunk_bytes``."""
    if not len(chosen):
        return []
    height, width = film.shape
    per_region = 16 * (target.height_px * height + target.width_px * width + target.width_px * height)
    size = max(1, target.chunk_bytes // per_region)
    return [chosen[i : i + size] for i in range(0, len(chosen), size)]


def _part(film: torch.Tensor, regions: Boxes, canvas: Boxes, target: Target, *, is_upright: bool) -> torch.Tensor:
    height, width = film.shape
    x = _axis(regions[:, [0, 2]], canvas[:, [0, 2]], width, film.device)
    y = _axis(regions[:, [1, 3]], canvas[:, [1, 3]], height, film.device)
    if x.n == 0 or y.n == 0:
        return film.new_zeros((len(regions), target.height_px, target.width_px))
    pixels = film[y.first : y.first + y.n, x.first : x.first + x.n]
    across, down = (taps(a, out=n, kernel=target.kernel) for a, n in ((x, target.width_px), (y, target.height_px)))
    if film.dtype != torch.uint8:
        return _deep(pixels, across, down)
    product = _Product(target.way)
    if is_upright:
        # (K h, Y) (Y, X), then for each region (h, X) (X, w)
        return product.each(product.shared(down, pixels), across)
    # the same with both axes exchanged: (K w, X) (X, Y), then (w, Y) (Y, h)
    return product.each(product.shared(across, pixels.t()), down).transpose(1, 2)


def _axis(edges: Boxes, canvas: Boxes, size: int, device: torch.device) -> Axis:
    """Give one axis of some regions; of the film only what a canvas covers can enter."""
    # Pillow takes the edges of a box as float32, and their difference in float32
    start, end = ((edges[:, k] - canvas[:, 0]).astype(np.float32) for k in (0, 1))
    columns = (start, end - start, canvas[:, 0], canvas[:, 1] - canvas[:, 0])
    first = min(max(0, int(canvas[:, 0].min())), size) // _ALIGNED_PX * _ALIGNED_PX
    last = max(first, min(size, -(-int(canvas[:, 1].max()) // _ALIGNED_PX) * _ALIGNED_PX))
    given = _up(np.stack(columns).astype(np.float64), device)
    return Axis(given[0], given[1], given[2], given[3], first, last - first, float(columns[1].max()))


def _up(array: NDArray[Any], device: torch.device) -> torch.Tensor:
    """Give an array on the device; through pinned memory, which keeps nobody waiting for what is queued there."""
    tensor = torch.from_numpy(array)
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)


class _Product:
    """Products of whole weights with whole pixels, exact in the number format of its way."""

    def __init__(self, way: Way) -> None:
        self._way = way

    def shared(self, weights: Taps, pixels: torch.Tensor) -> torch.Tensor:
        """Give ``(K, out, m)`` uint8 of weights over n and ``(n, m)`` pixels that all regions share."""
        k, out, _ = weights.values.shape
        if self._way == "double":
            rows = weights.dense(weights.rounded().values)
            total = rows.view(k * out, -1) @ pixels.to(torch.float64)
            return _clip(total.to(torch.int64)).view(k, out, -1)
        half = pixels.to(torch.float16).contiguous()
        parts = [(s, _mm(weights.dense(d).view(k * out, -1), half)) for s, d in digits(weights)]
        return _clip(_total(parts)).view(k, out, -1)

    def each(self, left: torch.Tensor, weights: Taps) -> torch.Tensor:
        """Give ``(K, a, out)`` uint8 of ``(K, a, n)`` pixels and weights over n."""
        if self._way == "double":
            rows = weights.dense(weights.rounded().values)
            return _clip(torch.bmm(left.to(torch.float64), rows.transpose(1, 2)).to(torch.int64))
        half = left.to(torch.float16)
        parts = [(s, _bmm(half, weights.dense(d).transpose(1, 2))) for s, d in digits(weights)]
        return _clip(_total(parts))


def digits(weights: Taps) -> list[tuple[int, torch.Tensor]]:
    """Split rounded weights into signed digits that half precision holds.

    Sums of the low digits times 255 stay under 2^24, where float32 counts every whole number, and digits under
    2^11, where float16 does: a weight is at most 1.3 (where a kernel is clipped), so two digits of 12 bits serve
    up to 32 taps, three of 8 bits up to 514.

    Returns:
        Bits to shift by and a float16 ``(K, out, T)`` digit, lowest first.
    """
    bits, count = (12, 2) if weights.values.shape[-1] <= _FEW_TAPS else (8, 3)
    rest, found = weights.rounded().values, []
    for place in range(count - 1):
        upper = torch.floor(rest / float(1 << bits) + 0.5)
        found.append((place * bits, (rest - upper * float(1 << bits)).to(torch.float16)))
        rest = upper
    return [*found, ((count - 1) * bits, rest.to(torch.float16))]


def _total(parts: list[tuple[int, torch.Tensor]]) -> torch.Tensor:
    """Put the products of all digits together; Pillow's own sums are int32, too."""
    total = parts[0][1].to(torch.int32)
    for shift, product in parts[1:]:
        total += product.to(torch.int32) << shift
    return total


def _clip(total: torch.Tensor) -> torch.Tensor:
    """Round sums of 22 bits half up to 0..255."""
    return ((total + (1 << (BITS - 1))) >> BITS).clamp_(0, 255).to(torch.uint8)


def _mm(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Multiply half-precision matrices with float32 sums."""
    if a.is_cuda:
        return torch.mm(a, b, out_dtype=torch.float32)
    return a.float() @ b.float()


def _bmm(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    if a.is_cuda:
        return torch.bmm(a, b, out_dtype=torch.float32)
    return torch.bmm(a.float(), b.float())


def _deep(pixels: torch.Tensor, across: Taps, down: Taps) -> torch.Tensor:
    """Resize films of more than 8 bits in float64, which rounds nothing in between."""
    k, h, _ = down.values.shape
    first = (down.dense(down.values).view(k * h, -1) @ pixels.to(torch.float64)).view(k, h, -1)
    return torch.bmm(first, across.dense(across.values).transpose(1, 2)).to(pixels.dtype)
