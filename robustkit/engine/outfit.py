"""The noun Outfit: which backend runs which model at which batch size, tried before the first part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from robustkit.backends._base import Batch, Precision
from robustkit.backends._memory import device_memory
from robustkit.engine.choose import Choice, Setting, choose, halved, prepared
from robustkit.engine.equip import candidates, crop_maker, resolve_batch_size
from robustkit.engine.equipment import batch_of
from robustkit.engine.feeding import Feeder
from robustkit.engine.plan import Plan
from robustkit.engine.questions import leaf_key, leaves
from robustkit.engine.trial import CROPS_CPU, CROPS_CUDA, Sample, Trial
from robustkit.errors import DeviceMemoryError
from robustkit.images.radiograph import Depth
from robustkit.models.classifier import Classifier

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outfit:
    """What was chosen for all models.

    Attributes:
        batch_size: The one of the run.
        setting: Device, precision, the batch shapes that networks are shown: smaller than the run's where memory is short.
        choices: By name of a model or of a leaf.
    """

    batch_size: int
    setting: Setting
    choices: Mapping[str, Choice]

    @property
    def backends(self) -> dict[str, str]:
        """Backend by name of a model or of a leaf."""
        return {name: c.backend for name, c in self.choices.items()}

    @property
    def trials(self) -> tuple[Trial, ...]:
        """How far the backends are from the reference, where that was tried."""
        return tuple(dict.fromkeys(c.trial for c in self.choices.values() if c.trial is not None))

    @property
    def notes(self) -> tuple[str, ...]:
        """What did not work and was left out."""
        return tuple(dict.fromkeys(n for c in self.choices.values() for n in c.notes))

    @classmethod
    def untried(
        cls, models: Sequence[Classifier], wish: Wish, *, batch_size: int, backends: Mapping[str, str]
    ) -> Outfit:
        """Give the outfit of a run that other processes compute; each of them tries its backends itself."""
        batches = _batches(models, batch_size, wish.depth)
        setting = Setting(wish.backend, wish.device, wish.precision, batches)
        return cls(batch_size, setting, {name: Choice(b) for name, b in backends.items()})

    def feeders(self, models: Sequence[Classifier]) -> dict[str, Feeder]:
        """Give what shows every network among the leaves its batches."""
        return {m.name: self._feeder(m) for m in _networks(models)}

    def _feeder(self, model: Classifier) -> Feeder:
        forward = self.choices[model.name].forward or prepared(model, self.choices[model.name].backend, self.setting)
        size = self.setting.batches[model.name].size
        return Feeder(
            forward,
            name=model.name,
            size=size,
            n_outputs=model.n_outputs,
            device=self.setting.device,
            is_short=size < self.batch_size,
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for, device and precision resolved.

    Attributes:
        backend: ``auto`` or a name.
        device, precision: Resolved.
        batch_size: ``auto`` or a number.
        depth, allow_truncated: How films are read.
    """

    backend: str
    device: str
    precision: Precision
    batch_size: str
    depth: Depth
    allow_truncated: bool

    @property
    def is_free(self) -> bool:
        """True where the batch may be made smaller."""
        return self.batch_size == "auto"


def expected_backends(models: Sequence[Classifier], wish: Wish) -> dict[str, str]:
    """Give the backend of every model and leaf if no trial fails; nothing is prepared.

    Raises:
        InputError: No backend can run a model.
    """
    found = {
        m.name: candidates(wish.backend, m, device=wish.device, precision=wish.precision)[0]
        if m.is_network
        else m.engine
        for m in leaves(models).values()
    }
    return _for_all(models, found, "composite")


def expected_batches(wish: Wish) -> tuple[int, ...]:
    """Give the batch sizes that the run may come to have, the wanted one first."""
    size = resolve_batch_size(wish.batch_size, wish.device)
    return tuple(size >> k for k in range(size.bit_length())) if wish.is_free else (size,)


def outfit(
    models: Sequence[Classifier],
    plan: Plan,
    wish: Wish,
    *,
    batch_size: int,
    fixed: Mapping[str, str] | None = None,
    is_begun: bool = False,
) -> Outfit:
    """Choose backends; where the batch does not fit and is free, halve it; where the run is begun, show it in pieces.

    Args:
        models: All of the run.
        plan: Its films give the crops of the trials.
        wish: What was asked for.
        batch_size: To begin with.
        fixed: Backends that were chosen elsewhere, by model name.
        is_begun: The run has its batch size already, which stays.

    Raises:
        InputError: No backend can run a model, or the one asked for is too far from the reference.
        DeviceMemoryError: Not even one crop fits, or the batch asked for does not and the run is not begun.
    """
    size = batch_size
    while True:
        setting = _setting(models, plan, wish, batch_size=size)
        try:
            choices = {}
            for model in leaves(models).values():
                own = setting if fixed is None else replace(setting, choice=fixed[model.name])
                choices[model.name] = _fitting(model, own, size=size)
        except DeviceMemoryError:
            if not (wish.is_free or is_begun):
                raise
            size = halved(size)
            continue
        return Outfit(batch_size if is_begun else size, setting, _for_all(models, choices, Choice("composite")))


def _fitting(model: Classifier, setting: Setting, *, size: int) -> Choice:
    """Choose a backend and prepare the network at once: whether all fit side by side is known only then."""
    with device_memory(setting.device, doing=f"{model.name} with a batch of {size} crops"):
        choice = choose(model, setting)
    if choice.forward is not None or not model.is_network:
        return choice
    return replace(choice, forward=prepared(model, choice.backend, setting))


def _setting(models: Sequence[Classifier], plan: Plan, wish: Wish, *, batch_size: int) -> Setting:
    n_crops = CROPS_CPU if wish.device == "cpu" else CROPS_CUDA
    cropper = crop_maker("pillow").prepare("cpu")
    return Setting(
        choice=wish.backend,
        device=wish.device,
        precision=wish.precision,
        batches=_batches(models, batch_size, wish.depth),
        sample=Sample(plan, cropper, wish.depth, wish.allow_truncated, n_crops),
    )


def _batches(models: Sequence[Classifier], size: int, depth: Depth) -> dict[str, Batch]:
    return {m.name: batch_of(m, size=size, depth=depth) for m in _networks(models)}


def _networks(models: Sequence[Classifier]) -> list[Classifier]:
    return [m for m in leaves(models).values() if m.is_network]


def _for_all(models: Sequence[Classifier], found: Mapping[str, T], composite: T) -> dict[str, T]:
    """Give what was found for the leaves under the name of every model, too, that is one of them by another name."""
    names = {key: leaf.name for key, leaf in leaves(models).items()}
    return {**found, **{m.name: composite if m.members else found[names[leaf_key(m)]] for m in models}}
