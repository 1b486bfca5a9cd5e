"""train: fine-tune a network on a manifest's boxes, and write a checkpoint that says all of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustkit.api.perturb import Progress
from robustkit.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from robustkit.cohort.case import Case
    from robustkit.inputs import InputSpec
    from robustkit.training.fit import Fitted
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
    arch: str = "mobilenetv3_small_050",
    weights: Path | None = None,
    input_size: int = 96,
    kernel: str = "bilinear",
    scaling: str = "imagenet",
    margin: float = 0.25,
    fit: str = "stretch",
    positive: str | None = None,
    epochs: int = 60,
    patience: int = 20,
    batch_size: int = 32,
    learning_rate: float = 2e-3,
    jitter: float = 0.1,
    seed: int = 0,
    device: str = "auto",
    workers: int = 0,
    progress: Progress | None = None,
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

    Raises:
        InputError: No training or validation rows, one class only, or a patient in two splits.
    """
    import time

    from robustkit.config import read_config
    from robustkit.engine.equip import crop_maker, resolve_device, resolve_workers
    from robustkit.inputs import SCALINGS, InputSpec
    from robustkit.models.builders import empty_network
    from robustkit.training.augmentation import Augmentation
    from robustkit.training.fit import Recipe
    from robustkit.training.fit import fit as fit_network
    from robustkit.training.windows import load_windows

    if scaling not in SCALINGS:
        raise InputError(f"unknown scaling {scaling!r}; known: {', '.join(SCALINGS)}.", where="--scaling", fix="Choose one.")
    if epochs < 1 or batch_size < 2 or not learning_rate > 0 or not 0 <= jitter < 1:
        what = "expected epochs >= 1, batch size >= 2, learning rate > 0 and jitter in [0, 1)."
        raise InputError(what, where="train", fix="Leave them at their defaults.")
    mean, std, channels = SCALINGS[scaling]
    spec = InputSpec(input_size, input_size, kernel, scaling, mean, std, channels, margin, fit)  # type: ignore[arg-type]  # checked inside
    told = (lambda done, n: progress("films drawn", done, n)) if progress else None
    cohort, flags, classes = _cohort(manifest, fill=fill, positive=positive, config=read_config(Path.cwd()), told=told)
    parts = {s: [(c, y) for c, y in zip(cohort, flags, strict=True) if c.split == s] for s in ("train", "val")}
    _check(parts, cohort)
    empty_network(arch, 1)
    threads = resolve_workers(workers)
    loaded = {
        s: load_windows([c for c, _ in rows], positive=[y for _, y in rows], spec=spec, jitter=jitter, workers=threads)
        for s, rows in parts.items()
    }
    recipe = Recipe(epochs, patience, batch_size, learning_rate, 0.02, seed, resolve_device(device))
    begun = time.perf_counter()
    fitted = fit_network(
        lambda: _network(arch, weights),
        loaded["train"].windows,
        loaded["val"].windows,
        spec=spec,
        crops=crop_maker("auto"),
        how=Augmentation(jitter=jitter),
        recipe=recipe,
        told=(lambda e, n: progress("epochs", e.epoch + 1, n)) if progress else None,
    )
    seconds = time.perf_counter() - begun
    failures = (*loaded["train"].failures, *loaded["val"].failures)
    return _save(
        output, fitted, loaded["train"].windows, loaded["val"].windows, spec=spec, arch=arch, classes=classes, weights=weights,
        recipe=recipe, failures=failures, seconds=seconds,
    )  # fmt: skip


def _cohort(
    manifest: Sequence[Path], *, fill: Sequence[str], positive: str | None, config: Any, told: Any
) -> tuple[list[Case], list[bool], tuple[str, str]]:
    from robustkit.api._cohort import choose_cohort
    from robustkit.cohort.vocabulary import read_vocabulary

    vocabulary = read_vocabulary()
    named = tuple(p.strip() for p in positive.split(",")) if positive else ()
    chosen = choose_cohort(manifest, fill=fill, config=config, labels=None if named else vocabulary.labels, progress=told)
    cases = list(chosen.manifest.cases())
    flags = [c.label in named if named else bool(vocabulary.is_positive(c.label)) for c in cases]
    names = {y: {c.label for c, f in zip(cases, flags, strict=True) if f == y} for y in (False, True)}
    negative = names[False].pop() if len(names[False]) == 1 else "benign"
    return cases, flags, (negative, names[True].pop() if len(names[True]) == 1 else "non-benign")


def _check(parts: dict[str, list[tuple[Case, bool]]], cases: Sequence[Case]) -> None:
    for split, rows in parts.items():
        n_positive = sum(y for _, y in rows)
        if n_positive < 2 or len(rows) - n_positive < 2:
            what = f"expected at least two cases of either class with split={split}, got {n_positive} positive of {len(rows)}."
            raise InputError(what, where="--manifest", fix="Fill the column split with train, val and test, by patient.")
    splits: dict[str, set[str]] = {}
    for case in cases:
        splits.setdefault(case.patient_id, set()).add(case.split)
    torn = sorted(p for p, s in splits.items() if "train" in s and len(s) > 1)
    if torn:
        what = f"{len(torn)} patients (or films) stand in train and in another split (case of {torn[0]!r} and others)."
        raise InputError(what, where="--manifest", fix="Split by patient.")


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
    train_windows: Sequence[Window],
    val_windows: Sequence[Window],
    *,
    spec: InputSpec,
    arch: str,
    classes: tuple[str, str],
    weights: Path | None,
    recipe: Any,
    failures: tuple[str, ...],
    seconds: float,
) -> TrainResult:
    import numpy as np
    from scipy.special import expit

    from robustkit.inputs import OutputSpec
    from robustkit.models.native import save_native
    from robustkit.provenance import digest, file_digest, keyed_hashes, package_versions
    from robustkit.stats.threshold import youden

    labels: np.ndarray = np.array([w.is_positive for w in val_windows])
    point = youden(labels, expit(fitted.val_logits))
    films = sorted({w.film_sha256 for w in (*train_windows, *val_windows)})
    salt = digest(films)[:32]
    patients = keyed_hashes((w.patient_id for w in (*train_windows, *val_windows)), salt=salt)
    points = {"youden": point.value} if np.isfinite(point.value) else {}
    training = {
        "epochs": len(fitted.curve), "best_epoch": fitted.best.epoch, "best_val_auc": fitted.best.val_auc,
        "n_train": len(train_windows), "n_val": len(val_windows), "seed": recipe.seed, "left_out": len(failures),
        "threshold": {"method": point.method, "n": point.n, "n_positive": point.n_positive},
        "curve": [[e.epoch, e.loss, e.val_auc] for e in fitted.curve], "packages": package_versions(),
    }  # fmt: skip
    begun_from = f"from {weights.name}" if weights else "from scratch"
    save_native(
        output, fitted.state_dict, arch=arch, input=spec, output=OutputSpec("sigmoid-logit"), classes=classes,
        positive=classes[1:], lineage=f"robustkit train, {begun_from}", operating_points=points,
        seen={"films": films, "patients": sorted(patients), "salt": salt}, training=training,
    )  # fmt: skip
    warnings = tuple(f"left out of training: {f}" for f in failures)
    if fitted.best.val_auc < 0.6:
        warnings += (f"the validation AUC is {fitted.best.val_auc:.2f}: the network has learnt little.",)
    return TrainResult(
        path=output, sha256=file_digest(output), arch=arch, epochs=len(fitted.curve), best_epoch=fitted.best.epoch,
        best_val_auc=fitted.best.val_auc, n_train=len(train_windows), n_val=len(val_windows), threshold=point.value,
        seconds=seconds, warnings=warnings,
    )  # fmt: skip
