"""The noun Feeder: shows a network the batches of a run, fewer crops at a time once memory has run out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from robustkit.backends._base import Forward, Later, fetch
from robustkit.backends._memory import device_memory, no_room
from robustkit.errors import DeviceMemoryError

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fed:
    """What came of one batch.

    Attributes:
        outputs: Those of its crops in order, still on their way; there may be more rows than crops.
        n_rows: Of all outputs.
        lost: By the place of a crop why it has no answer: there was no memory for it, not even alone.
    """

    outputs: Sequence[NDArray[np.float32] | torch.Tensor | Later]
    n_rows: int
    lost: Mapping[int, str] = field(default_factory=dict)


class Feeder:
    """Shows one prepared network the batches of a run.

    The batch of the run keeps its shape: what is in it, and in which order, does not depend on memory. Where memory
    runs out the network is shown half of it at a time from there on, down to one crop. Answers of another number of
    crops agree as those of another batch size do (design, section 3.3).

    Args:
        forward: Takes up to ``size`` crops.
        name: Of the network.
        size: Crops at a time, to begin with.
        n_outputs: Numbers per crop.
        device: Of the network.
        is_short: ``size`` is smaller than the batch of the run, for want of memory.
    """

    def __init__(
        self,
        forward: Forward,
        *,
        name: str,
        size: int,
        n_outputs: int,
        device: str = "cpu",
        is_short: bool = False,
    ) -> None:
        self.size = size
        self.n_outputs = n_outputs
        self._forward = forward
        self._name = name
        self.device = device
        self.notes: tuple[str, ...] = (self._note(),) if is_short else ()

    def __call__(self, crops: NDArray[Any] | torch.Tensor, filled: int | None = None) -> Fed:
        """Show a ``(B, H, W)`` batch of which the first ``filled`` are crops; default all."""
        n = len(crops) if filled is None else filled
        outputs, lost, start = [], {}, 0
        while start < n:
            portion = crops[start : start + self.size]
            shown = _crops(len(portion), portion.shape)
            try:
                with device_memory(self.device, doing=shown):
                    outputs.append(self._forward(portion, min(len(portion), n - start)))
            except DeviceMemoryError as error:
                if self.size > 1:
                    self._halve(error)
                    continue
                lost[start] = no_room(self.device, shown, other="a smaller --input-size")
                outputs.append(np.full((1, self.n_outputs), np.nan, dtype=np.float32))
            start += len(portion)
        return Fed(outputs, start, lost)

    def answers(self, crops: NDArray[Any] | torch.Tensor, filled: int) -> NDArray[np.float32]:
        """Give the ``(filled, K)`` outputs of a batch.

        Raises:
            DeviceMemoryError: There was no memory for one of the crops.
        """
        fed = self(crops, filled)
        if fed.lost:
            raise DeviceMemoryError(f"{next(iter(fed.lost.values()))}.", where=f"model {self._name}")
        return fetch(fed.outputs)[:filled]

    def _halve(self, error: DeviceMemoryError) -> None:
        self.size //= 2
        self.notes = (*self.notes, self._note())
        _log.warning("%s: %s Going on with %d at a time.", self._name, error.what, self.size)

    def _note(self) -> str:
        return f"{self._name}: memory ran out on {self.device}, and the network was shown {self.size} crops at a time."


def _crops(n: int, shape: Sequence[int]) -> str:
    count = "one crop" if n == 1 else f"a batch of {n} crops"
    return f"{count} of {shape[2]} x {shape[1]} px"
