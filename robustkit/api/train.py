"""train: fine-tune a network on a manifest's boxes, and write a checkpoint that says all of itself."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustkit.api._outcome import Progress
from robustkit.atomic import disk_errors
from robustkit.errors import InputError

if TYPE_CHECKING:
    from robustkit.api._cohort import Progress as Told
    from robustkit.cohort.case import Case
    from robustkit.cohort.manifest import Manifest
    from robustkit.config import FolderConfig
    from robustkit.inputs import InputSpec
    from robustkit.training.fit import Epoch, Fitted, Recipe
    from robustkit.training.windows import Window


@dataclass(frozen=True, slots=True)
class TrainResult:
    """A trained checkpoint.

    Attributes:
        path, sha256, arch: Of the checkpoint.
        epochs: Run; ``best_epoch`` is the one kept.
        best_val_auc: Of the epoch kept, on the rows it was chosen on: too good by that choice.
        n_train, n_val: Cases.
        threshold: Youden's, on the validation rows; carried in the checkpoint.
        seconds: Of training.
        warnings: One sentence each.
    """

    path: Path
    sha256: str
    arch: str
    epochs: int
    best_epoch: int
    best_val_auc: float
    n_train: int
    n_val: int
    threshold: float
    seconds: float
    warnings: tuple[str, ...]


def train(
    *,
    manifest: Sequence[Path] = (),
    fill: Sequence[str] = (),
    output: Path = Path("ckpt.pt"),
    arch: str = "resnet10t",
    weights: Path | None = None,
    input_size: int = 64,
    kernel: str = "bilinear",
    scaling: str = "imagenet",
    margin: float = 0.25,
    fit: str = "stretch",
    positive: str | None = None,
    epochs: int = 25,
    patience: int = 10,
    batch_size: int = 32,
    learning_rate: float = 2e-3,
    jitter: float = 0.1,
    seed: int = 0,
    device: str = "auto",
    workers: int = 0,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> TrainResult:
    """Train a timm network on rows with ``split=train``; stop early on rows with ``split=val``.

    Args:
        manifest: Manifests; none: robustkit.toml's, else the simulated phantom cohort.
        fill: ``COLUMN=VALUE`` for all rows of a manifest (``--set``).
        output: The checkpoint.
        arch: timm's name.
        weights: A checkpoint to begin from; its classifier is left out. None: from scratch.
        input_size, kernel, scaling, margin, fit: What the network sees of a box.
        positive: Labels that count as positive, with commas; default the vocabulary's non-benign ones.
        epochs, patience, batch_size, learning_rate: Of AdamW with a cosine.
        jitter: Boxes are moved and scaled by up to this share of their sides, anew each epoch.
        seed: Same seed, same machine: same weights.
        device: auto, cpu, cuda[:n].
        workers: Threads that decode; 0: one per core.
        progress: Told of epochs.
        say: Told after each epoch, in one line: loss, validation AUC, time left.

    Raises:
        InputError: No training or validation rows, one class only, a patient in two splits, or a training
            that diverged.
    """
    import time

    from robustkit.config import read_config
    from robustkit.engine.equip import crop_maker, resolve_devices, resolve_workers
    from robustkit.inputs import SCALINGS, InputSpec
    from robustkit.models.builders import empty_network
    from robustkit.training.augmentation import Augmentation, Sight
    from robustkit.training.fit import Recipe
    from robustkit.training.fit import fit as fit_network

    if scaling not in SCALINGS:
        what = f"unknown scaling {scaling!r}; known: {', '.join(SCALINGS)}."
        raise InputError(what, where="--scaling", fix="Choose one.")
    if min(epochs, patience) < 1 or batch_size < 2 or not learning_rate > 0 or not 0 <= jitter < 1:
        what = "expected epochs and patience >= 1, batch size >= 2, learning rate > 0 and jitter in [0, 1)."
        raise InputError(what, where="train", fix="Leave them at their defaults.")
    mean, std, channels = SCALINGS[scaling]
    spec = InputSpec(input_size, input_size, kernel, scaling, mean, std, channels, margin, fit)  # type: ignore[arg-type]  # checked inside
    recipe = Recipe(epochs, patience, batch_size, learning_rate, 0.02, seed, resolve_devices(device)[0])
    _can_write(output)
    empty_network(arch, 1)
    told = (lambda done, n: progress("films drawn", done, n)) if progress else None
    cohort = _cohort(manifest, fill=fill, positive=positive, config=read_config(Path.cwd()), told=told)
    windows, failures = _windows(cohort, spec=spec, jitter=jitter, workers=resolve_workers(workers))
    begun = time.perf_counter()

    def after(epoch: Epoch) -> None:
        done, passed = epoch.epoch + 1, time.perf_counter() - begun
        if progress:
            progress("epochs", done, epochs)
        if say:
            left = passed / done * (epochs - done)
            say(
                f"epoch {done}/{epochs}: loss {epoch.loss:.3f}, validation AUC {epoch.val_auc:.3f}, "
                f"at most {left:.0f} s left"
            )

    fitted = fit_network(
        lambda: _network(arch, weights),
        windows["train"],
        windows["val"],
        sight=Sight(spec, crop_maker("pillow").prepare("cpu")),
        how=Augmentation(jitter=jitter),
        recipe=recipe,
        told=after,
    )
    seconds = time.perf_counter() - begun
    return _save(
        output, fitted, windows, cohort=cohort, spec=spec, arch=arch, weights=weights, recipe=recipe, failures=failures,
        seconds=seconds,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Cohort:
    """Cases, their truth, the names of the two classes, and the files they came from."""

    cases: tuple[Case, ...]
    flags: tuple[bool, ...]
    classes: tuple[str, str]
    manifest: Manifest


def _can_write(output: Path) -> None:
    """Find out before the training, not after it, that the checkpoint cannot be written."""
    if output.is_dir():
        raise InputError("expected a file name, got a folder.", where=str(output), fix="Say -o folder/ckpt.pt.")
    with disk_errors(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(output.parent, os.W_OK):
            raise PermissionError(errno.EACCES, "permission denied")


def _cohort(
    manifest: Sequence[Path], *, fill: Sequence[str], positive: str | None, config: FolderConfig, told: Told | None
) -> _Cohort:
    from robustkit.api._cohort import choose_cohort
    from robustkit.cohort.vocabulary import read_vocabulary

    vocabulary = read_vocabulary()
    named = tuple(p.strip() for p in positive.split(",") if p.strip()) if positive else ()
    labels = None if named else vocabulary.labels
    chosen = choose_cohort(manifest, fill=fill, config=config, labels=labels, progress=told)
    cases = tuple(chosen.manifest.cases())
    found = sorted({c.label for c in cases})
    if strange := [p for p in named if p not in found]:
        what = f"no row has the label {strange[0]!r}; found: {', '.join(found)}."
        raise InputError(what, where="--positive", fix="Choose among these.")
    flags = tuple(c.label in named if named else bool(vocabulary.is_positive(c.label)) for c in cases)
    sides = [sorted({c.label for c, f in zip(cases, flags, strict=True) if f == side}) for side in (False, True)]
    for side, its in zip((False, True), sides, strict=True):
        # several labels share a class: whoever judges the checkpoint finds their side in the vocabulary
        lost = [x for x in its if vocabulary.is_positive(x) is not side] if len(its) > 1 else []
        if lost:
            what = f"the labels {', '.join(its)} would be one class, but the vocabulary does not say so of {lost[0]!r}."
            raise InputError(what, where="--positive", fix="Give them one label in the manifest.")
    names = [its[0] if len(its) == 1 else name for its, name in zip(sides, ("benign", "non-benign"), strict=True)]
    cohort = _Cohort(cases, flags, (names[0], names[1]), chosen.manifest)
    for split in ("train", "val"):
        _check_classes([y for c, y in zip(cases, flags, strict=True) if c.split == split], split=split)
    _check_patients(cases)
    return cohort


def _check_classes(flags: Sequence[bool], *, split: str, failures: Sequence[str] = ()) -> None:
    """Refuse a split with fewer than two cases of either class."""
    if min(sum(flags), len(flags) - sum(flags)) >= 2:
        return
    what = f"expected at least two cases of either class with split={split}, got {sum(flags)} positive of {len(flags)}"
    lost = f" ({len(failures)} films could not be read; {failures[0]})" if failures else ""
    fix = "Fill the column split with train, val and test, by patient."
    raise InputError(f"{what}{lost}.", where="--manifest", fix="Run `robustkit validate`." if failures else fix)


def _check_patients(cases: Sequence[Case]) -> None:
    """Refuse patients that stand in train and elsewhere."""
    splits: dict[str, set[str]] = {}
    for case in cases:
        splits.setdefault(case.patient_id, set()).add(case.split)
    torn = sum("train" in found and len(found) > 1 for found in splits.values())
    if torn:
        example = next(c.case_id for c in cases if "train" in splits[c.patient_id] and len(splits[c.patient_id]) > 1)
        what = f"{torn} patients (or films) stand in train and in another split (case {example} is of one)."
        raise InputError(what, where="--manifest", fix="Split by patient.")


def _windows(
    cohort: _Cohort, *, spec: InputSpec, jitter: float, workers: int
) -> tuple[dict[str, tuple[Window, ...]], tuple[str, ...]]:
    from robustkit.training.windows import load_windows

    windows: dict[str, tuple[Window, ...]] = {}
    failures: list[str] = []
    for split in ("train", "val"):
        rows = [(c, y) for c, y in zip(cohort.cases, cohort.flags, strict=True) if c.split == split]
        cases, flags = [c for c, _ in rows], [y for _, y in rows]
        loaded = load_windows(cases, positive=flags, spec=spec, jitter=jitter, workers=workers)
        if loaded.failures:
            _check_classes([w.is_positive for w in loaded.windows], split=split, failures=loaded.failures)
        windows[split] = loaded.windows
        failures += loaded.failures
    return windows, tuple(failures)


def _network(arch: str, weights: Path | None) -> Any:
    from robustkit.models.builders import empty_network

    network, _ = empty_network(arch, 1)
    if weights is not None:
        from robustkit.models.backbone import load_backbone

        load_backbone(network, arch, weights)
    return network


def _save(
    output: Path,
    fitted: Fitted,
    windows: dict[str, tuple[Window, ...]],
    *,
    cohort: _Cohort,
    spec: InputSpec,
    arch: str,
    weights: Path | None,
    recipe: Recipe,
    failures: tuple[str, ...],
    seconds: float,
) -> TrainResult:
    import numpy as np
    from scipy.special import expit

    from robustkit.inputs import OutputSpec
    from robustkit.models.native import save_native
    from robustkit.provenance import digest, file_digest, keyed_hashes, package_versions
    from robustkit.stats.threshold import youden

    labels = np.array([w.is_positive for w in windows["val"]])
    point = youden(labels, expit(fitted.val_logits))
    used = (*windows["train"], *windows["val"])
    films = sorted({w.film_sha256 for w in used})
    salt = digest(films)[:32]
    # without a column patient_id the paths of films stand in for patients: they say nothing about other cohorts
    patients = keyed_hashes((w.patient_id for w in used), salt=salt) if cohort.manifest.has_patients else ()
    training = {
        "epochs": len(fitted.curve), "best_epoch": fitted.best.epoch, "best_val_auc": fitted.best.val_auc,
        "n_train": len(windows["train"]), "n_val": len(windows["val"]), "left_out": len(failures), **asdict(recipe),
        "threshold": {"method": point.method, "n": point.n, "n_positive": point.n_positive},
        "manifests": [s.sha256 for s in cohort.manifest.sources],
        "curve": [[e.epoch, e.loss, e.val_auc] for e in fitted.curve], "packages": package_versions(),
    }  # fmt: skip
    begun_from = f"from {weights.name}" if weights else "from scratch"
    save_native(
        output, fitted.state_dict, arch=arch, input=spec, output=OutputSpec("sigmoid-logit"), classes=cohort.classes,
        positive=cohort.classes[1:], lineage=f"robustkit train, {begun_from}",
        operating_points={"youden": point.value} if np.isfinite(point.value) else {},
        seen={"films": films, "patients": sorted(patients), "salt": salt}, training=training,
    )  # fmt: skip
    warnings = tuple(f"left out of training: {f}" for f in failures)
    if fitted.best.val_auc < 0.6:
        warnings += (f"the validation AUC is {fitted.best.val_auc:.2f}: the network has learnt little.",)
    return TrainResult(
        path=output, sha256=file_digest(output), arch=arch, epochs=len(fitted.curve), best_epoch=fitted.best.epoch,
        best_val_auc=fitted.best.val_auc, n_train=len(windows["train"]), n_val=len(windows["val"]),
        threshold=point.value, seconds=seconds, warnings=warnings,
    )  # fmt: skip
