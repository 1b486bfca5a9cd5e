"""train: fine-tune a network on a manifest's boxes, and write a checkpoint that says all of itself."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from robustkit.api._outcome import Progress
from robustkit.atomic import clear_leftovers, disk_errors
from robustkit.errors import InputError
from robustkit.lock import lock_file

if TYPE_CHECKING:
    from robustkit.training.fit import Epoch

CURVE_KINDS = (".csv", ".json", ".html")
SCRATCH_RATE, WEIGHTS_RATE = 2e-3, 1e-4


@dataclass(frozen=True, slots=True)
class TrainResult:
    """A trained checkpoint.

    Attributes:
        path, sha256, arch: Of the checkpoint.
        lineage: Where its weights come from.
        classes, positive: Names; one logit has two classes.
        epochs: Run; ``best_epoch`` is the one kept, from 0.
        best_val_auc: Of the epoch kept, on the rows it was chosen on: too good by that choice.
        n_train, n_val: Cases.
        threshold: Youden's, on the validation rows; carried in the checkpoint.
        seconds: Of training, in this call.
        curve: Every epoch.
        warnings: One sentence each.
    """

    path: Path
    sha256: str
    arch: str
    lineage: str
    classes: tuple[str, ...]
    positive: tuple[str, ...]
    epochs: int
    best_epoch: int
    best_val_auc: float
    n_train: int
    n_val: int
    threshold: float
    seconds: float
    curve: tuple[Epoch, ...]
    warnings: tuple[str, ...]


def train(
    *,
    manifest: Sequence[Path] = (),
    fill: Sequence[str] = (),
    output: Path = Path("ckpt.pt"),
    arch: str | None = None,
    weights: str | Path | None = None,
    input_size: int | None = None,
    kernel: str | None = None,
    scaling: str | None = None,
    margin: float = 0.25,
    fit: str = "stretch",
    positive: str | None = None,
    multiclass: bool = False,
    classes_from: str = "label",
    allow_external: bool = False,
    epochs: int = 25,
    patience: int = 10,
    batch_size: int = 32,
    accumulate: int = 1,
    learning_rate: float | None = None,
    weight_decay: float = 0.02,
    optimiser: str = "adamw",
    schedule: str = "cosine",
    loss: str = "cross-entropy",
    gamma: float = 2.0,
    no_class_weights: bool = False,
    precision: str = "fp32",
    jitter: float = 0.1,
    curves: Path | None = None,
    seed: int = 0,
    device: str = "auto",
    workers: int = 0,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> TrainResult:
    """Train a network on rows with ``split=train``; stop early on rows with ``split=val``.

    A training that was killed goes on with the same call, and ends with the same weights as one that was not.

    Args:
        manifest: Manifests; none: robustkit.toml's, else the simulated phantom cohort.
        fill: ``COLUMN=VALUE`` for all rows of a manifest (``--set``).
        output: The checkpoint.
        arch: timm's name; None: that of the weights, else ``resnet10t``.
        weights: A file to begin from, without its classifier; ``imagenet``: timm's, by name. None: from scratch.
        input_size, kernel, scaling: What the network sees; None: what the weights were made for (64 px, bilinear, imagenet
            from scratch).
        margin, fit: How much of a box it sees.
        positive: Labels that count as positive, with commas; default the vocabulary's non-benign ones.
        multiclass: One class for each label, instead of two.
        classes_from: With ``multiclass``: the column whose values are the classes.
        allow_external: Learn from rows of ``cohort=external`` too.
        epochs: At most.
        patience: Epochs without a better validation AUC.
        batch_size: Cases per forward.
        accumulate: Forwards per step of the optimiser.
        learning_rate: At its top; None: 2e-3 from scratch, 1e-4 from weights.
        weight_decay: Of the optimiser.
        optimiser: ``adamw`` or ``adam``.
        schedule: ``cosine``, or ``plateau``: steps down where the validation AUC stands still.
        loss: ``cross-entropy`` or ``focal``.
        gamma: Of the focal loss.
        no_class_weights: Let every case weigh the same, instead of every class.
        precision: ``fp32``, or mixed with ``bf16`` or ``fp16`` (CUDA).
        jitter: Boxes are moved and scaled by up to this share of their sides, anew each epoch.
        curves: Write the learning curve: .csv, .json, or a page, .html.
        seed: Same seed, same machine: same weights.
        device: auto, cpu, cuda[:n].
        workers: Threads that decode; 0: one per core.
        progress: Told of epochs.
        say: Told the warnings before the first epoch, and each epoch in one line: loss, validation AUC, time left.

    Raises:
        InputError: No training or validation rows, one class only, a patient or a film in two splits, external rows, or a
            training that diverged.
        CheckpointError: Weights that do not fit the network.
        StoppedError: Ctrl-C, after the epoch in hand (exit 130); a second one stops at once.
    """
    import time

    from robustkit.api._training_cohort import labelling_of, learning_cases, load_splits
    from robustkit.api._training_record import Made, counted, lesson_of, lesson_warnings, pause_of, save, write_curves
    from robustkit.backends._memory import device_memory
    from robustkit.config import read_config
    from robustkit.engine.equip import resolve_devices, resolve_workers
    from robustkit.models.archive import count_outputs
    from robustkit.models.beginning import begin
    from robustkit.models.options import ModelOptions
    from robustkit.models.readers import shape_of
    from robustkit.stopping import stoppable
    from robustkit.training.augmentation import Augmentation
    from robustkit.training.fit import fit as fit_network
    from robustkit.training.leaks import check_patients, external_rows
    from robustkit.training.recipe import Recipe

    labelling = labelling_of(positive, multiclass=multiclass, column=classes_from)
    usual = SCRATCH_RATE if weights is None else WEIGHTS_RATE
    recipe = Recipe(
        epochs=epochs, patience=patience, batch_size=batch_size, accumulate=accumulate,
        learning_rate=usual if learning_rate is None else learning_rate, weight_decay=weight_decay,
        optimiser=optimiser, schedule=schedule, loss=loss, gamma=gamma, has_class_weights=not no_class_weights,  # type: ignore[arg-type]  # checked inside
        precision=precision, augmentation=Augmentation(jitter=jitter), seed=seed, device=resolve_devices(device)[0],  # type: ignore[arg-type]  # checked inside
    )  # fmt: skip
    _can_write(output, curves)
    beginning = begin(arch, str(weights) if weights is not None else None)
    spec, assumed = beginning.input(
        ModelOptions(input_size=input_size, kernel=kernel, scaling=scaling, margin=margin, fit=fit)
    )
    told = (lambda done, n: progress("films drawn", done, n)) if progress else None
    found = learning_cases(manifest, fill=fill, labelling=labelling, config=read_config(Path.cwd()), told=told)
    check_patients(found.cases)
    n_external = external_rows(found.cases, allow=allow_external)
    n_outputs = found.goal.n_outputs
    count_outputs(beginning.network(n_outputs).eval(), shape_of(spec), where=f"--arch {beginning.arch}")
    films = load_splits(found, spec=spec, jitter=jitter, workers=resolve_workers(workers))
    lesson = lesson_of(films.windows, spec, found.goal)
    made = Made(beginning, lesson, recipe, found, films, assumed=assumed, n_external=n_external)
    pause = pause_of(output, made)
    warnings = lesson_warnings(made, pause)
    if say:
        for warning in warnings:
            say(f"note: {warning}")
    begun = time.perf_counter()
    after = counted(epochs, progress, say)
    shown = f"batches of {batch_size} crops of {spec.width_px} x {spec.height_px} px"
    with lock_file(output, doing="robustkit train"):
        clear_leftovers(output, pause.path)
        with device_memory(recipe.device, doing=shown), stoppable() as stop:
            fitted = fit_network(
                lambda: beginning.network(n_outputs), lesson, recipe=recipe, pause=pause, told=after,
                is_stopped=stop.is_wanted,
            )  # fmt: skip
        saved = save(output, fitted, made)
        write_curves(curves, fitted, made, output)
        pause.remove()
    if fitted.best.val_auc < 0.6:
        little = f"the validation AUC is {fitted.best.val_auc:.2f}: the network has learnt little."
        warnings += (little,)
        if say:
            say(f"note: {little}")
    return TrainResult(
        path=output, sha256=saved.sha256, arch=beginning.arch, lineage=saved.lineage, classes=found.goal.classes,
        positive=found.goal.positive, epochs=len(fitted.curve), best_epoch=fitted.best.epoch,
        best_val_auc=fitted.best.val_auc, n_train=len(lesson.train), n_val=len(lesson.val), threshold=saved.threshold,
        seconds=time.perf_counter() - begun, curve=fitted.curve, warnings=warnings,
    )  # fmt: skip


def _can_write(output: Path, curves: Path | None) -> None:
    """Find out before the training, not after it, that its files cannot be written."""
    if curves and curves.suffix.lower() not in CURVE_KINDS:
        what = f"expected a name that ends in {', '.join(CURVE_KINDS)}, got {curves.name!r}."
        raise InputError(what, where="--curves", fix="Say --curves curves.html.")
    for path, example in ((output, "-o folder/ckpt.pt"), (curves, "--curves folder/curves.html")):
        if path is None:
            continue
        if path.is_dir():
            raise InputError("expected a file name, got a folder.", where=str(path), fix=f"Say {example}.")
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if not os.access(path.parent, os.W_OK):
                raise PermissionError(errno.EACCES, "permission denied")
