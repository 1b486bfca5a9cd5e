"""How perturb and evaluate work: models and cohort to a request, request to a run folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from robustkit.api._cohort import choose_cohort
from robustkit.api._outcome import Expectation, PerturbResult
from robustkit.atomic import replacing
from robustkit.cohort.derive import derive
from robustkit.cohort.vocabulary import Vocabulary, read_vocabulary
from robustkit.config import read_config
from robustkit.engine.equip import (
    check_names,
    crop_maker,
    prepare,
    resolve_backend,
    resolve_batch_size,
    resolve_device,
    resolve_precision,
    resolve_workers,
)
from robustkit.engine.films import FilmHeaders, read_headers
from robustkit.engine.pipeline import Equipment
from robustkit.engine.plan import Plan, check_spacing, resolve_snap
from robustkit.engine.record import first_record
from robustkit.engine.request import Request
from robustkit.engine.runner import Outcome, run
from robustkit.engine.seen import check_seen
from robustkit.errors import InputError, RunError
from robustkit.models.classifier import Classifier
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from robustkit.results.folder import RunFolder
from robustkit.results.runs import new_run_path, newest_of_identity

if TYPE_CHECKING:
    from robustkit.cohort.case import Case
    from robustkit.cohort.manifest import Manifest
    from robustkit.engine.conditions import Levels
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


@dataclass(frozen=True, slots=True)
class Prepared:
    """A resolved run, what is known of it besides, and the cases table."""

    request: Request
    facts: Mapping[str, Any]
    cases: pd.DataFrame
    runs: Path


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
    request = _request(manifest, models, plan=plan, choices=choices)
    facts = {
        "simulated": cohort.simulated,
        "has_patients": manifest.has_patients,
        "positive_labels": _positive_labels(models, manifest, vocabulary),
        "seen_in_training": seen,
        "warnings": _warnings(cohort.simulated, manifest, seen=seen, models=models),
    }
    return Prepared(request, facts, _cases_table(manifest, cases, headers=headers, vocabulary=vocabulary), config.runs)


def work(
    prepared: Prepared, choices: Choices, *, command: Sequence[str], only_plan: bool, progress: Progress | None
) -> PerturbResult:
    """Find or make the run folder, and compute what is left in it."""
    request = prepared.request
    folder, record = _folder(prepared, choices, command=command, dry=only_plan)
    if record is not None and record.get("status") == "complete" and not only_plan:
        return _result(folder, record, prepared, was_complete=True)
    device, precision = request.device, resolve_precision(request.precision, request.device)
    forwards = {
        m.name: prepare(m, request.backend[m.name], device=device, precision=precision)
        for m in request.models
        if m.engine != "facts"
    }
    equipment = Equipment(
        models=request.models,
        forwards=forwards,
        crops=crop_maker(request.crops),
        batch_size=request.batch_size,
        workers=resolve_workers(choices.workers),
        depth=choices.depth,
        allow_truncated=request.allow_truncated,
    )
    if only_plan:
        return PerturbResult(None, expectation=_expect(request, equipment, folder if record else None))
    record = record or first_record(request, command=command, facts=prepared.facts)
    folder.write_record(record)
    with replacing(folder.path / "cases.parquet") as temporary:
        prepared.cases.to_parquet(temporary, index=False)
    outcome = run(
        request.plan, equipment, folder, progress=lambda a, b: progress("answers", a, b) if progress else None
    )
    record = _finish(folder, record, outcome)
    return _result(folder, record, prepared, outcome=outcome)


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
    return Plan(tuple(cases), headers, choices.groups, choices.repeats, choices.seed, choices.border, snap)


def _request(manifest: Manifest, models: tuple[Classifier, ...], *, plan: Plan, choices: Choices) -> Request:
    # a written function of facts needs no device, and torch need not be loaded for it
    needs_torch = any(m.engine != "facts" for m in models) or choices.device not in ("auto", "cpu")
    device = resolve_device(choices.device) if needs_torch else "cpu"
    precision = resolve_precision(choices.precision, device)
    return Request(
        manifest=manifest,
        models=models,
        plan=plan,
        backend={m.name: resolve_backend(choices.backend, m, device=device, precision=precision) for m in models},
        precision=precision,
        batch_size=resolve_batch_size(choices.batch_size, device),
        device=device,
        depth=choices.depth,
        allow_truncated=choices.allow_truncated,
        crops=crop_maker(choices.crops).name,
    )


def _positive_labels(models: tuple[Classifier, ...], manifest: Manifest, vocabulary: Vocabulary) -> list[str]:
    """Give the labels of this cohort that count as positive: the checkpoint's, else the vocabulary's."""
    classes = {c for m in models for c in m.classes}
    positive = {c for m in models for c in m.positive}
    labels = set(manifest.frame["label"])
    return sorted(x for x in labels if x in positive or (x not in classes and vocabulary.is_positive(x)))


def _warnings(
    simulated: bool, manifest: Manifest, *, seen: Mapping[str, int], models: Sequence[Classifier]
) -> list[str]:
    said = [f"{m.name}: assumed: {a}" for m in models for a in m.assumed]
    if simulated:
        said.append("no manifest was given: the simulated phantom cohort is used; it says nothing about radiographs.")
    if not manifest.has_patients:
        text = "patients are unknown (no patient_id): each film counts as one; "
        said.append(text + "intervals are too narrow if films share patients.")
    if (manifest.frame["split"] == "").all():
        said.append("no split given: if the model has seen these films, every number is too good.")
    said += [
        f"{n} cases were seen in the training of {name}: every number of it is too good." for name, n in seen.items()
    ]
    return said


def _cases_table(
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


def _folder(
    prepared: Prepared, choices: Choices, *, command: Sequence[str], dry: bool
) -> tuple[RunFolder, dict[str, Any] | None]:
    """Give the folder of this run, and its record where it has one."""
    identity = prepared.request.identity()
    chosen = choices.resume or choices.out
    if chosen is None:
        found = None if choices.new else newest_of_identity(prepared.runs, identity)
        if found is not None:
            return found, found.record()
        return RunFolder(new_run_path(prepared.runs, identity, now=datetime.now(UTC))), None
    folder = RunFolder(chosen)
    if not (chosen / "run.json").is_file():
        if choices.resume is not None:
            raise RunError(
                "there is no run to go on with.",
                where=str(chosen),
                fix="Give the folder of a run, or leave out --resume.",
            )
        if chosen.exists() and (not chosen.is_dir() or any(chosen.iterdir())):
            raise RunError(
                "the folder holds other files.", where=str(chosen), fix="Give --out an empty or a new folder."
            )
        return folder, None
    record = folder.record()
    if record.get("identity") != identity:
        fields = _differences(record.get("identity_fields", {}), prepared.request.identity_fields())
        what = f"this folder holds another run; it differs in {', '.join(fields) or 'identity'}."
        raise RunError(what, where=str(chosen), fix="Choose another --out, or give the flags of that run.")
    return folder, record


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [k for k in now if before.get(k) != now[k]]


def _expect(request: Request, equipment: Equipment, run_folder: RunFolder | None) -> Expectation:
    """Time a few batches of every network on empty crops."""
    plan = request.plan
    rows = sum(plan.n_rows(i) for i in range(len(plan.cases)))
    seconds = 0.0
    for model in request.models:
        if model.name in equipment.forwards:
            shape = (request.batch_size, model.input.height_px, model.input.width_px)
            crops = np.zeros(shape, dtype=np.uint8)
            equipment.forwards[model.name](crops)
            begun = time.perf_counter()
            equipment.forwards[model.name](crops)
            seconds += rows / request.batch_size * (time.perf_counter() - begun)
    names = tuple(m.name for m in request.models)
    path = run_folder.path if run_folder else None
    return Expectation(len(plan.cases), len(plan.conditions), rows * len(request.models), seconds, names, path)


def _finish(folder: RunFolder, record: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    status = folder.predictions(columns=["case_id", "status"]).drop_duplicates()
    failed = set(status.loc[status["status"] != "ok", "case_id"])
    counts = {"ok": int(status["case_id"].nunique()) - len(failed), "failed": len(failed)}
    timings = {"work": round(record.get("timings_s", {}).get("work", 0.0) + outcome.seconds, 3)}
    done = {**record, "status": "complete", "counts": counts, "timings_s": timings}
    folder.write_record(done)
    return done


def _result(
    folder: RunFolder,
    record: dict[str, Any],
    prepared: Prepared,
    *,
    was_complete: bool = False,
    outcome: Outcome | None = None,
) -> PerturbResult:
    rows = folder.predictions(columns=["case_id", "status", "reason"], filters=[("status", "==", "failed")])
    failures = rows.drop_duplicates("case_id").sort_values("case_id")
    result = PerturbResult(
        run=folder.path,
        n_ok=record["counts"]["ok"],
        n_failed=record["counts"]["failed"],
        failures=tuple(f"{c}: {r}" for c, r in zip(failures["case_id"], failures["reason"], strict=True)),
        warnings=tuple(prepared.facts["warnings"]),
        was_complete=was_complete,
    )
    if outcome is None or outcome.made == 0:
        return result
    return replace(result, seconds=outcome.seconds, rows_per_s=outcome.made / max(outcome.seconds, 1e-9))
