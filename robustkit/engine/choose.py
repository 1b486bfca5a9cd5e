"""Chooses a backend for every model: prepares it, tries it against the reference, falls back where allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from robustkit.backends._base import Batch, Forward, Precision
from robustkit.backends._memory import device_memory
from robustkit.engine.equip import backend, candidates
from robustkit.engine.trial import TOLERANCE, Sample, Trial, answers, distance, remember, remembered, trial_key
from robustkit.errors import BackendError, DeviceMemoryError, InputError
from robustkit.models.classifier import Classifier

REFERENCE = "eager"


@dataclass(frozen=True, slots=True)
class Choice:
    """What runs one model.

    Attributes:
        backend: Its name; the model's engine (``facts``, ``film``, ``composite``) where it is no network.
        trial: Against the reference; None where it is the reference itself, or there is none.
        forward: Prepared already for the trial; None where it need not be yet.
        notes: What did not work before, one sentence each.
    """

    backend: str
    trial: Trial | None = None
    forward: Forward | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """Where networks run.

    Attributes:
        choice: ``auto`` or the name of a backend.
        device, precision: Resolved.
        batches: By model name.
        sample: Crops for trials.
    """

    choice: str
    device: str
    precision: Precision
    batches: Mapping[str, Batch] = field(default_factory=dict)
    sample: Sample | None = None


def choose(model: Classifier, setting: Setting) -> Choice:
    """Choose the backend of one model.

    Raises:
        InputError: No backend can run it.
        BackendError: The one that was asked for cannot be prepared, or is over its tolerance.
        DeviceMemoryError: The batch does not fit.
    """
    if not model.is_network:
        return Choice(model.engine)
    names = candidates(setting.choice, model, device=setting.device, precision=setting.precision)
    notes: list[str] = []
    for name in names:
        try:
            found = _try(model, name, setting)
        except BackendError as error:
            if setting.choice != "auto" or name == names[-1]:
                raise
            notes.append(f"{model.name}: {name} is not used: {error.what}")
            continue
        return Choice(found.backend, found.trial, found.forward, tuple(notes))
    raise InputError("no backend is left.", where=f"model {model.name}")


def prepared(model: Classifier, name: str, setting: Setting) -> Forward:
    """Give the forward of a model, warmed up by one batch.

    Raises:
        BackendError: It cannot be prepared.
        DeviceMemoryError: The batch does not fit.
    """
    batch = setting.batches[model.name]
    with device_memory(setting.device, doing=f"{model.name} with a batch of {batch.size} crops"):
        forward = backend(name).prepare(model, batch, device=setting.device, precision=setting.precision)
        forward(batch.zeros())
    return forward


def _try(model: Classifier, name: str, setting: Setting) -> Choice:
    """Prepare one backend and compare it; a trial that is remembered needs neither."""
    batch, precision = setting.batches[model.name], setting.precision
    if model.engine != "torch" or (name == REFERENCE and precision == "fp32") or setting.sample is None:
        return Choice(name)
    key = trial_key(model, name, precision=precision, device=setting.device, batch=batch)
    known = remembered(key, model.name)
    if known is not None and known.is_near:
        return Choice(name, known)
    forward = prepared(model, name, setting)
    crops = setting.sample.crops(model.input)
    if not len(crops):
        return Choice(name, None, forward)
    own = replace(batch, size=min(batch.size, len(crops)))
    reference = backend(REFERENCE).prepare(model, own, device=setting.device, precision="fp32")
    error = distance(answers(forward, batch, crops), answers(reference, own, crops))
    trial = Trial(model.name, name, precision, len(crops), error, TOLERANCE[precision])
    if not trial.is_near:
        fix = "Use --backend eager" + (" --precision fp32." if precision != "fp32" else ".")
        raise BackendError(f"{trial.sentence()}.", where=f"model {model.name}", fix=fix)
    remember(key, trial)
    return Choice(name, trial, forward)


def halved(batch_size: int) -> int:
    """Give the next smaller batch size.

    Raises:
        DeviceMemoryError: There is none.
    """
    if batch_size == 1:
        fix = "Free memory on the device, or use --device cpu; what is finished is kept."
        raise DeviceMemoryError("the device has no memory for a batch of one crop.", where="--batch-size", fix=fix)
    return batch_size // 2
