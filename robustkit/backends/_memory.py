"""A device that runs out of memory, told in our own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from robustkit.errors import DeviceMemoryError


@contextmanager
def device_memory(device: str, *, doing: str) -> Iterator[None]:
    """Turn torch's out-of-memory errors into a DeviceMemoryError.

    Args:
        device: Where.
        doing: What was wanted, e.g. ``a batch of 256 crops of 224 x 224 px``.
    """
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise _full(device, doing) from error
    except RuntimeError as error:
        # the CPU allocator has no error class of its own
        if "can't allocate memory" not in str(error) and "not enough memory" not in str(error):
            raise
        raise _full(device, doing) from error
    except MemoryError as error:
        raise _full(device, doing) from error


def _full(device: str, doing: str) -> DeviceMemoryError:
    fix = "Give a smaller --batch-size, or --device cpu; what is finished is kept."
    return DeviceMemoryError(f"{device} has no memory left for {doing}.", where=device, fix=fix)
