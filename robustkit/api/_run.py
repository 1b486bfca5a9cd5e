"""From flags, models and cohort to a request: everything that can be wrong is found here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from robustkit.api._cohort import choose_cohort
from robustkit.cohort.derive import derive
from robustkit.cohort.hashed import HashKey, hash_key, plain_ids_in
from robustkit.cohort.vocabulary import Vocabulary, read_vocabulary
from robustkit.config import FolderConfig, read_config
from robustkit.engine.equip import check_names, crop_maker, resolve_devices, resolve_precision, resolve_workers
from robustkit.engine.films import FilmHeaders, read_headers
from robustkit.engine.outfit import Wish, expected_backends, expected_batches
from robustkit.engine.plan import Plan, check_spacing, resolve_snap
from robustkit.engine.questions import leaves
from robustkit.engine.request import Request, Until
from robustkit.engine.seen import check_seen
from robustkit.errors import InputError
from robustkit.models.classifier import Classifier
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions

if TYPE_CHECKING:
    from robustkit.cohort.case import Case
    from robustkit.cohort.manifest import Manifest
    from robustkit.engine.conditions import Levels
    from robustkit.engine.plan import Sampler
    from robustkit.images.radiograph import Depth
    from robustkit.perturbations._base import Border

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Choices:
    """The flags of a run that are not about one model; see ``api.perturb.perturb``."""

    groups: tuple[Levels, ...]
    repeats: int
    seed: int
    snap: Any
    border: Border
    splits: tuple[str, ...]
    device: str
    backend: str
    precision: str | None
    batch_size: str
    workers: int
    crops: str
    depth: Depth
    allow_truncated: bool
    allow_seen: bool
    out: Path | None
    new: bool
    resume: Path | None
    models: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    fill: tuple[str, ...] = ()
    sampler: Sampler = "random"
    until: float | None = None
    max_repeats: int = 1600
    executor: str = "serial"
    scheduler: str | None = None
    part_rows: int = 0
    keeps_images: bool = True
    hash_ids: bool = False
    hash_key: Path | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A resolved run.

    Attributes:
        request: With the backends and the batch size that are expected before anything is tried.
        wish: What was asked for of them.
        facts: What is known besides, for run.json.
        cases: The cases table.
        runs: The folder of the runs.
        devices: Of this machine, that compute.
    """

    request: Request
    wish: Wish
    facts: Mapping[str, Any]
    cases: pd.DataFrame
    runs: Path
    devices: tuple[str, ...]


def open_models(specs: Sequence[str], options: Mapping[str, Any]) -> tuple[Classifier, ...]:
    """Open every ``PATH`` or ``NAME=PATH``.

    Raises:
        InputError: No model, two of one name, or one that cannot be opened.
    """
    if not specs:
        raise InputError("no model was given.", where="--model", fix="Give --model ckpt.pt.")
    models = []
    for spec in specs:
        name, equals, path = spec.partition("=")
        is_named = bool(equals) and not Path(spec).exists()
        own = ModelOptions(**{**options, "name": name if is_named else None})
        models.append(open_model(path if is_named else spec, own))
    check_names(models)
    given = [k for k, v in options.items() if v is not None and k not in ("positive", "trust_code")]
    if given and all(m.path is not None and not m.is_network for m in models):
        what = f"no model here takes --{given[0].replace('_', '-')}: a written model says itself how it is read."
        fix = "Leave it out; give it to `robustkit ensemble` or `box-average`, or write it to the member in the file."
        raise InputError(what, where=", ".join(m.name for m in models), fix=fix)
    return tuple(models)


def prepare_request(
    models: tuple[Classifier, ...],
    manifests: Sequence[Path],
    *,
    fill: Sequence[str],
    choices: Choices,
    progress: Progress | None,
) -> Prepared:
    """Find everything that can be wrong before anything is written, and resolve what is ``auto``."""
    vocabulary = read_vocabulary()
    config = read_config(Path.cwd())
    labels = frozenset(vocabulary.labels) | {c for m in models for c in m.classes}
    told = (lambda done, n: progress("films drawn", done, n)) if progress else None
    cohort = choose_cohort(manifests, fill=fill, config=config, labels=labels, progress=told)
    manifest = _wanted(cohort.manifest, choices.splits)
    cases = sorted(manifest.cases(), key=lambda c: c.case_id)
    workers = resolve_workers(choices.workers)
    headers = read_headers(cases, workers=workers)
    if all(headers.faults):
        first = f"{cases[0].case_id}: {headers.faults[0]}"
        raise InputError(
            f"no case is left to judge ({len(cases)} fail; {first}).",
            where="--manifest",
            fix="Run `robustkit validate`.",
        )
    seen = check_seen(models, cases, has_patients=manifest.has_patients, allow=choices.allow_seen)
    plan = _plan(cases, headers, choices)
    told_cases = [plan.case(i) for i in range(len(cases)) if not headers.faults[i]]
    remarks = [f"{m.name}: {s}" for m in models for s in m.remarks(told_cases)]
    wish, devices = _wish(models, choices)
    table = cases_table(manifest, cases, headers=headers, vocabulary=vocabulary)
    request = _request(manifest, models, plan=plan, choices=choices, wish=wish)
    # last of all: nothing is written where anything else is wrong
    key = _key(choices, config) if choices.hash_ids else None
    warnings = [*_warnings(cohort.simulated, manifest, seen=seen, models=models), *remarks]
    facts = {
        "simulated": cohort.simulated,
        "has_patients": manifest.has_patients,
        "positive_labels": _positive_labels(models, manifest, vocabulary),
        "seen_in_training": seen,
        "warnings": warnings,
    }
    if key is not None:
        request = replace(request, ids=key.to_dict())
        warnings += _unhashed(key, table)
        table = key.hashed(table)
    return Prepared(request, wish, facts, table, config.runs, devices)


def _wanted(manifest: Manifest, splits: tuple[str, ...]) -> Manifest:
    split = manifest.frame["split"]
    keep = split.isin(splits) if splits else split != "train"
    if not keep.any():
        what = f"no row is left: the splits found are {', '.join(sorted(set(split)))}."
        raise InputError(what, where="--manifest", fix="Give rows whose split is not train, or choose with --splits.")
    return manifest.only(keep.tolist())


def _plan(cases: Sequence[Case], headers: FilmHeaders, choices: Choices) -> Plan:
    if any(g.units == "mm" for g in choices.groups):
        check_spacing(cases, headers.spacing_mm)
    snap = resolve_snap(choices.snap, np.stack([c.box.array() for c in cases]))
    return Plan(
        tuple(cases), headers, choices.groups, choices.repeats, choices.seed, choices.border, snap,
        sampler=choices.sampler,
    )  # fmt: skip


def _wish(models: Sequence[Classifier], choices: Choices) -> tuple[Wish, tuple[str, ...]]:
    # what is no network needs no device, and torch need not be loaded for it
    needs_torch = any(m.is_network for m in leaves(models).values()) or choices.device not in ("auto", "cpu")
    is_elsewhere = choices.executor == "dask"
    devices = resolve_devices(choices.device, elsewhere=is_elsewhere) if needs_torch else ("cpu",)
    wish = Wish(
        backend=choices.backend,
        device=devices[0],
        precision=resolve_precision(choices.precision, devices[0]),
        batch_size=choices.batch_size,
        depth=choices.depth,
        allow_truncated=choices.allow_truncated,
    )
    return wish, devices


def _request(
    manifest: Manifest, models: tuple[Classifier, ...], *, plan: Plan, choices: Choices, wish: Wish
) -> Request:
    return Request(
        manifest=manifest,
        models=models,
        plan=plan,
        backend=expected_backends(models, wish),
        precision=wish.precision,
        batch_size=expected_batches(wish)[0],
        device=wish.device,
        depth=choices.depth,
        allow_truncated=choices.allow_truncated,
        crops=crop_maker(choices.crops, wish.device).name,
        until=None if choices.until is None else Until(choices.until, choices.repeats, choices.max_repeats),
    )


def _positive_labels(models: tuple[Classifier, ...], manifest: Manifest, vocabulary: Vocabulary) -> list[str]:
    """Give the labels of this cohort that count as positive: the checkpoint's, else the vocabulary's.

    Raises:
        InputError: A label that is positive for one model and negative for another.
    """
    classes = {c for m in models for c in m.classes}
    positive = {c for m in models for c in m.positive}
    labels = set(manifest.frame["label"])
    for label in sorted(labels & classes & positive):
        no = next((m.name for m in models if label in m.classes and label not in m.positive), None)
        if no is not None:
            yes = next(m.name for m in models if label in m.positive)
            what = f"the label {label!r} is positive for {yes} and negative for {no}."
            fix = "Name the positive classes with --positive, or judge these models in runs of their own."
            raise InputError(what, where="--positive", fix=fix)
    return sorted(x for x in labels if x in positive or (x not in classes and vocabulary.is_positive(x)))


def _warnings(
    simulated: bool, manifest: Manifest, *, seen: Mapping[str, int], models: Sequence[Classifier]
) -> list[str]:
    said = [f"{m.name}: assumed: {a}" for m in models for a in m.assumed]
    if simulated:
        said.append(
            "the cases are the simulated phantom (it is taken where no manifest is named): they say nothing about radiographs."
        )
    if not manifest.has_patients:
        text = "patients are unknown (no patient_id): each film counts as one; "
        said.append(text + "intervals are too narrow if films share patients.")
    if (manifest.frame["split"] == "").all():
        said.append("no split given: if the model has seen these films, every number is too good.")
    said += [
        f"{n} cases were seen in the training of {name}: every number of it is too good." for name, n in seen.items()
    ]
    return said


def _key(choices: Choices, config: FolderConfig) -> HashKey:
    """Read or make the key of hashed ids; it never lies where a run is."""
    file = choices.hash_key or config.hash_key
    for folder in (choices.out, choices.resume, config.runs):
        if folder is not None and file.resolve().is_relative_to(folder.resolve()):
            what = "the key of hashed ids may not lie in a folder of runs: it would be given away with them."
            raise InputError(what, where=str(file), fix="Name another place with --hash-key.")
    return hash_key(file)


def _unhashed(key: HashKey, table: pd.DataFrame) -> list[str]:
    """Say what hashing does not hide."""
    said = []
    if key.is_open:
        said.append("others on this machine may read the file of --hash-key: take that right away (chmod 600).")
    found = plain_ids_in(table)
    if found:
        places = ", ".join(f"{column} in {n} rows" for column, n in found.items())
        said.append(f"the plain patient_id stands inside other text ({places}), which is kept as it is.")
    return said


def cases_table(
    manifest: Manifest, cases: Sequence[Case], *, headers: FilmHeaders, vocabulary: Vocabulary
) -> pd.DataFrame:
    films = pd.DataFrame({
        "case_id": [c.case_id for c in cases],
        "film_width_px": np.where(np.isfinite(headers.size[:, 0]), headers.size[:, 0], np.nan),
        "film_height_px": np.where(np.isfinite(headers.size[:, 1]), headers.size[:, 1], np.nan),
        "film_spacing_mm": headers.spacing_mm,
        "film_spacing_source": list(headers.spacing_source),
    })  # fmt: skip
    return derive(films.merge(manifest.frame, on="case_id", validate="one_to_one"), vocabulary)
