"""gemm: all boxes of a film by two matrix products on the device; equal to Pillow bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from robustkit.crops._base import Cropper, Pixels, Snap, regions
from robustkit.geometry import Boxes, snap
from robustkit.inputs import InputSpec

if TYPE_CHECKING:
    from robustkit.crops._gemm import Way


class GemmCrops:
    """For GPUs; on a CPU it gives the same crops, many times slower than Pillow."""

    name = "gemm"

    def prepare(self, device: str) -> Cropper:
        """Give the cropper of a device."""
        return DeviceCrops(device)


class DeviceCrops:
    """Crops on one device.

    Args:
        device: ``cpu`` or ``cuda[:n]``.
        way: ``double`` or ``split`` products; default by device.
        chunk_bytes: Most memory for the weights of one product; default by device.
    """

    def __init__(self, device: str, *, way: Way | None = None, chunk_bytes: int | None = None) -> None:
        self._device = device
        self._way: Way = way or ("double" if device == "cpu" else "split")
        self._chunk_bytes = chunk_bytes
        self.is_queued = device != "cpu"

    def load(self, pixels: Pixels) -> Any:
        """Give the film on the device, through pinned memory on CUDA."""
        import torch

        film = torch.from_numpy(pixels.copy() if not pixels.flags.writeable else pixels)
        if self._device == "cpu":
            return film
        # a stream of its own for each thread: copies run beside the network
        stream = torch.cuda.Stream(self._device)
        with torch.cuda.stream(stream):
            loaded = film.pin_memory().to(self._device, non_blocking=True)
        stream.synchronize()
        return loaded

    def crops(self, film: Any, boxes: Boxes, spec: InputSpec, *, snapping: Snap = "whole") -> Any:
        """Give ``(K, height_px, width_px)`` crops; see ``crops._base.Cropper``."""
        from robustkit.crops._gemm import CHUNK_BYTES, Target, resample

        wanted = regions(boxes, spec)
        if snapping == "whole":
            wanted = snap(wanted)
        chunk = self._chunk_bytes or CHUNK_BYTES[self._way]
        target = Target(spec.height_px, spec.width_px, spec.kernel, self._way, chunk)
        made = resample(film, wanted, target, snapping=snapping)
        return made.numpy() if self._device == "cpu" else made


PLUGIN = GemmCrops()
