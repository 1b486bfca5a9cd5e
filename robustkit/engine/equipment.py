"""The noun Equipment: what a run works with, prepared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from robustkit.backends._base import Batch
from robustkit.crops._base import Cropper
from robustkit.engine.feeding import Feeder
from robustkit.engine.questions import leaves
from robustkit.images.radiograph import Depth
from robustkit.inputs import InputSpec
from robustkit.models.classifier import Classifier


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a run works with.

    Attributes:
        models: The classifiers, in order.
        feeders: By name of a leaf, for those that are networks.
        cropper: Makes the crops.
        batch_size: The one batch size of the run.
        device: ``cpu`` or ``cuda:n``.
        workers: Threads that read films.
        depth, allow_truncated: How films are read.
        keeps_images: A thumbnail of every film is kept with the answers.
    """

    models: tuple[Classifier, ...]
    feeders: Mapping[str, Feeder]
    cropper: Cropper
    batch_size: int
    device: str
    workers: int
    depth: Depth = "8"
    allow_truncated: bool = False
    keeps_images: bool = True

    @property
    def notes(self) -> tuple[str, ...]:
        """Where memory ran out, and what was done about it."""
        return tuple(note for feeder in self.feeders.values() for note in feeder.notes)

    @property
    def leaves(self) -> tuple[Classifier, ...]:
        """The different models that are run: those of the run and their members, each once."""
        return tuple(leaves(self.models).values())

    @property
    def networks(self) -> tuple[Classifier, ...]:
        """The leaves that are shown crops."""
        return tuple(m for m in self.leaves if m.is_network)

    @property
    def film_models(self) -> tuple[Classifier, ...]:
        """The leaves that are shown whole films."""
        return tuple(m for m in self.leaves if m.engine == "film")

    @property
    def specs(self) -> dict[InputSpec, tuple[str, ...]]:
        """The different inputs that the networks want, and who wants them: crops are made once for each."""
        found: dict[InputSpec, tuple[str, ...]] = {}
        for model in self.networks:
            found[model.input] = (*found.get(model.input, ()), model.name)
        return found


def batch_of(model: Classifier, *, size: int, depth: Depth) -> Batch:
    """Give the batch shape of a model."""
    return Batch(size, model.input.height_px, model.input.width_px, "uint8" if depth == "8" else "float32")
