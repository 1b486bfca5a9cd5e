"""The face of a backend: from a batch of grey crops to a model's outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from robustkit.models.classifier import Classifier

if TYPE_CHECKING:
    import torch

Precision = Literal["fp32", "tf32", "fp16", "bf16"]


@dataclass(frozen=True, slots=True)
class Batch:
    """The one shape of crops that a forward is made for.

    Attributes:
        size: Crops in a batch.
        height_px, width_px: Of a crop.
        dtype: ``uint8``, or ``float32`` for films kept deeper; both 0..255.
    """

    size: int
    height_px: int
    width_px: int
    dtype: Literal["uint8", "float32"] = "uint8"

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(B, H, W)``."""
        return self.size, self.height_px, self.width_px

    def zeros(self) -> NDArray[Any]:
        """Give a black batch."""
        return np.zeros(self.shape, dtype=self.dtype)


class Later(Protocol):
    """Outputs on their way."""

    def wait(self) -> NDArray[np.float32]:
        """Give ``(B, K)`` float32 outputs; may be called more than once."""
        ...


class Forward(Protocol):
    """One prepared network; one thread at a time calls it, with batches of its shape, or with fewer crops of that size."""

    def __call__(
        self, crops: NDArray[Any] | torch.Tensor, filled: int | None = None
    ) -> NDArray[np.float32] | torch.Tensor | Later:
        """Give ``(B, K)`` float32 outputs of ``(B, H, W)`` crops, which it leaves as they are.

        Args:
            crops: numpy, or on the backend's device; not to be written to until the outputs have come.
            filled: Rows that are wanted; the rest is padding, and its outputs may be anything. None: all.

        Returns:
            Outputs that may still be on their way (``fetch`` waits for them).
        """
        ...


class Backend(Protocol):
    """A way to run a network forward."""

    name: str

    def can_run(self, model: Classifier, *, device: str, precision: Precision) -> str:
        """Give "" where it can, else the reason why not (one sentence)."""
        ...

    def prepare(self, model: Classifier, batch: Batch, *, device: str, precision: Precision) -> Forward:
        """Give the forward of that model on ``cpu`` or ``cuda[:n]``; the model itself is left as it is."""
        ...


def fetch(outputs: Sequence[NDArray[np.float32] | torch.Tensor | Later]) -> NDArray[np.float32]:
    """Give ``(N, K)`` float32 in host memory, waiting for the device where needed."""
    if not any(isinstance(o, np.ndarray) or hasattr(o, "wait") for o in outputs):
        import torch

        # one copy for all
        return np.asarray(torch.cat([cast(torch.Tensor, o) for o in outputs]).cpu().numpy())
    return np.concatenate([_fetched(o) for o in outputs])


def _fetched(output: NDArray[np.float32] | torch.Tensor | Later) -> NDArray[np.float32]:
    if isinstance(output, np.ndarray):
        return output
    if hasattr(output, "wait"):
        return cast(Later, output).wait()
    return np.asarray(cast("torch.Tensor", output).cpu().numpy())
