"""The noun Equipment: what a run works with, prepared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from robustkit.backends._base import Batch, Forward
from robustkit.crops._base import Cropper
from robustkit.images.radiograph import Depth
from robustkit.inputs import InputSpec
from robustkit.models.classifier import Classifier


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a run works with.

    Attributes:
        models: The classifiers, in order.
        forwards: By model name, for those that look at pixels.
        cropper: Makes the crops.
        batch_size: The one batch size of the run.
        device: ``cpu`` or ``cuda:n``.
        workers: Threads that read films.
        depth, allow_truncated: How films are read.
        keeps_images: A thumbnail of every film is kept with the answers.
    """

    models: tuple[Classifier, ...]
    forwards: Mapping[str, Forward]
    cropper: Cropper
    batch_size: int
    device: str
    workers: int
    depth: Depth = "8"
    allow_truncated: bool = False
    keeps_images: bool = True

    @property
    def networks(self) -> tuple[Classifier, ...]:
        """The models that look at pixels."""
        return tuple(m for m in self.models if m.engine != "facts")

    @property
    def specs(self) -> tuple[InputSpec, ...]:
        """The different inputs that the networks want: crops are made once for each."""
        return tuple(dict.fromkeys(m.input for m in self.networks))


def batch_of(model: Classifier, *, size: int, depth: Depth) -> Batch:
    """Give the batch shape of a model."""
    return Batch(size, model.input.height_px, model.input.width_px, "uint8" if depth == "8" else "float32")
