"""A device, or the machine, that runs out of memory, told in our own words."""

from __future__ import annotations

from types import TracebackType

from robustkit.errors import DeviceMemoryError

_SAID = (
    "can't allocate memory",  # torch on a CPU, which has no error class of its own
    "not enough memory",  # torch on a CPU, Windows
    "CUDA error: out of memory",  # pinned memory, streams
    "ALLOC_FAILED",  # cuBLAS and cuDNN
    "Failed to allocate memory",  # ONNX Runtime
    "bad_alloc",  # C++, by OpenVINO, ONNX Runtime and oneDNN
)
"""What libraries say that raise no class of error for it."""


class device_memory:  # noqa: N801  # used as a statement: with device_memory(...)
    """Turns every way in which memory is said to have run out into a DeviceMemoryError.

    Args:
        device: Where.
        doing: What was wanted, e.g. ``a batch of 256 crops of 224 x 224 px``.
    """

    def __init__(self, device: str, *, doing: str) -> None:
        self._device = device
        self._doing = doing

    def __enter__(self) -> None:
        """Begin the work."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise the same fault in our own words; let all others pass."""
        if error is not None and _is_full(error):
            fix = "Give a smaller --batch-size, or --device cpu; what is finished is kept."
            what = f"{self._device} has no memory left for {self._doing}."
            raise DeviceMemoryError(what, where=self._device, fix=fix) from error


def no_room(device: str, what: str, *, other: str = "") -> str:
    """Give the reason of a case that failed because there was no memory for it, and how to mend that.

    Args:
        device: Where.
        what: That did not fit, e.g. ``one crop of 224 x 224 px``.
        other: A further way out.
    """
    ways = ["fewer --workers" if device == "cpu" else "--device cpu", *([other] if other else [])]
    return f"{device} has no memory left for {what} (free some there, or use {' or '.join(ways)})"


def _is_full(error: BaseException) -> bool:
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    # ONNX Runtime's errors are no RuntimeErrors
    return isinstance(error, Exception) and any(said in str(error) for said in _SAID)
