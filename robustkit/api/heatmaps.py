"""heatmaps: where the models of a run look, in pictures and in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from robustkit.api._outcome import Progress
from robustkit.errors import InputError
from robustkit.lock import lock_folder

if TYPE_CHECKING:
    from pandas import DataFrame

    from robustkit.api._heatmap_work import Mapped


@dataclass(frozen=True, slots=True)
class Looked:
    """One row of heatmap_measures.csv about all cases of a cohort.

    Attributes:
        model, cohort, perturbation, level, measure: Which one.
        value, low, high: Mean over cases, 95 % interval by patient.
        uniform, mean_map: What a uniform map, and the cohort's mean map, would have.
        n_cases, n_patients, n_undefined, reason: What it rests on.
    """

    model: str
    cohort: str
    perturbation: str
    level: float
    measure: str
    value: float
    low: float
    high: float
    uniform: float
    mean_map: float
    n_cases: int
    n_patients: int
    n_undefined: int
    reason: str


@dataclass(frozen=True, slots=True)
class Contrast:
    """One row of heatmap_contrasts.csv: a minus b.

    Attributes:
        model, cohort, measure, a, b, adjusted: Which one; adjusted for what, "" where crude.
        diff, low, high, p: The difference, 95 % interval by patient, and p.
        n_cases, n_patients, reason: What it rests on.
    """

    model: str
    cohort: str
    measure: str
    a: str
    b: str
    adjusted: str
    diff: float
    low: float
    high: float
    p: float
    n_cases: int
    n_patients: int
    reason: str


@dataclass(frozen=True, slots=True)
class Check:
    """One row of heatmap_checks.csv.

    Attributes:
        model, check, stage: ``randomised weights`` (stage: the part of the network dealt out last), ``deletion``, ``insertion``.
        value, low, high: Correlation with the network's own maps; area under the curve.
        expected: Correlation with the cohort's mean map; area for the map with its cells shuffled.
        diff, diff_low, diff_high, p: Of the areas.
        n_cases, reason: What it rests on.
    """

    model: str
    check: str
    stage: str
    value: float
    low: float
    high: float
    expected: float
    diff: float
    diff_low: float
    diff_high: float
    p: float
    n_cases: int
    reason: str


@dataclass(frozen=True, slots=True)
class HeatmapsResult:
    """What was made.

    Attributes:
        run: Its folder.
        folder: Where the maps lie.
        models: What they are of.
        measures, contrasts, checks: Of the whole cohorts.
        tables: Files written.
        exported: Further files.
        warnings: One sentence each.
    """

    run: Path
    folder: Path
    models: tuple[Mapped, ...]
    measures: tuple[Looked, ...]
    contrasts: tuple[Contrast, ...]
    checks: tuple[Check, ...]
    tables: tuple[Path, ...]
    exported: tuple[Path, ...]
    warnings: tuple[str, ...]


def heatmaps(
    *,
    run: Path | None = None,
    model: Sequence[str] = (),
    method: str = "grad_cam",
    layer: str | None = None,
    target: Literal["positive", "decision"] = "positive",
    margin: float | None = None,
    repeats: int = 5,
    levels: Sequence[float] = (),
    border: str = "15%",
    tolerance: str = "15%",
    by: Sequence[str] = (),
    check_cases: int = 32,
    new: bool = False,
    npz: Path | None = None,
    png: Path | None = None,
    draws: int = 2000,
    seed: int = 0,
    device: str = "auto",
    batch_size: str = "auto",
    workers: int = 0,
    trust_code: bool = False,
    progress: Progress | None = None,
) -> HeatmapsResult:
    """Make the heatmaps of a run's boxes and measure where they lie, how still they hold, and whether they are the model's.

    Args:
        run: Run folder; default the newest complete one.
        model: Names of the run's models; default all PyTorch networks.
        method: ``grad_cam``, ``grad_cam_plus_plus``, ``integrated_gradients`` or ``occlusion``.
        layer: Module of the network; default the last map of features.
        target: What is explained: the logit of the positive classes, or of the decision made.
        margin: Share of the box that crops show around it; default what the model was trained with.
        repeats: Redrawn boxes per level with a map; 0: none.
        levels: Of the run's first perturbation; default all.
        border: Width of the border zone on either side of a mask's outline: ``15%`` of the box, or ``5mm``.
        tolerance: How far from the lesion the strongest place may be and still hit it.
        by: Variables as in ``stratify``.
        check_cases: Cases of the sanity checks; 0: none.
        new: Replace maps of this method that were made otherwise.
        npz: File for all maps as arrays; several models: their name is put before the ending.
        png: Folder for pictures of example cases.
        draws: Of the patient bootstrap.
        seed: Of draws, examples and checks.
        device, batch_size, workers: As in ``perturb``.
        trust_code: Open model files that are programs.
        progress: Told of cases.

    Raises:
        InputError: A flag out of its range, no such model or layer, or maps made otherwise are there.
        RunError: No run, a damaged one, or one that is not complete.
        CheckpointError: A checkpoint is missing, or another file than the run's.
    """
    from robustkit.analysis.heatmap_cases import CaseChoices
    from robustkit.analysis.heatmap_places import Width
    from robustkit.api._heatmap_job import Job

    _check(margin, repeats, check_cases, draws)
    choices = CaseChoices(Width.read(border, where="--border"), Width.read(tolerance, where="--tolerance"))
    job = Job.begin(run, levels=levels, repeats=repeats, method=method, seed=seed, workers=workers, progress=progress)
    makers, skipped = job.makers(
        model, method=method, layer=layer, target=target, margin=margin, device=device, batch_size=batch_size,
        trust_code=trust_code,
    )  # fmt: skip
    said = [*job.cohort.warnings, *skipped]
    with lock_folder(job.folder.path, doing="robustkit heatmaps"):
        job.settle(makers, method=method, target=target, new=new)
        mapped = job.make(makers)
        frames = job.tables(makers, choices, by=by, draws=draws, check_cases=check_cases)
        # checks that were made before stay where none are asked for now
        replaced = {name: () if name == "heatmap_checks" and not check_cases else tuple(makers) for name in frames}
        paths = tuple(job.write(name, frame, models=replaced[name]) for name, frame in frames.items())
        exported = job.export(makers, npz=npz, png=png)
    return HeatmapsResult(
        run=job.folder.path,
        folder=job.work.folder.path,
        models=mapped,
        measures=_whole(frames["heatmap_measures"], Looked),
        contrasts=_whole(frames["heatmap_contrasts"], Contrast),
        checks=_whole(frames["heatmap_checks"], Check),
        tables=paths,
        exported=exported,
        warnings=(*said, *_about(frames, mapped)),
    )


def _check(margin: float | None, repeats: int, check_cases: int, draws: int) -> None:
    if margin is not None and not 0 <= margin <= 5:
        what = f"expected a share of the box from 0 to 5, got {margin:g}."
        raise InputError(what, where="--margin", fix="0.5 shows half a box more on each side.")
    for flag, value in (("--repeats", repeats), ("--check-cases", check_cases)):
        if value < 0:
            raise InputError(f"expected 0 or more, got {value}.", where=flag, fix="0 leaves it out.")
    if draws < 100:
        raise InputError(f"expected at least 100 draws, got {draws}.", where="--draws", fix="Use --draws 2000.")


def _whole(frame: DataFrame, kind: type[Any]) -> tuple[Any, ...]:
    rows = frame[frame["by"] == "all"] if "by" in frame else frame
    fields = kind.__dataclass_fields__
    return tuple(kind(**{k: r[k] for k in fields}) for r in rows.to_dict("records"))


def _about(frames: Mapping[str, DataFrame], mapped: Sequence[Mapped]) -> list[str]:
    """Say what a reader must know of these maps."""
    said = []
    for one in mapped:
        if one.n_failed:
            said.append(f"{one.model}: {one.n_failed} cases have no heatmap; heatmap_cases.csv says why.")
    cases = frames["heatmap_cases"]
    inside = cases[cases["measure"] == "inside"]
    if len(inside) and inside["value"].isna().all():
        # an empty map says nothing of where any other lies
        told = inside["reason"][~inside["reason"].str.startswith("the map ")]
        reason = (told if len(told) else inside["reason"]).value_counts().index[0]
        said.append(f"where the maps lie cannot be told: {reason}.")
    empty = cases[cases["near_empty"]].drop_duplicates(["model", "case_id"])
    if len(empty):
        said.append(f"{len(empty)} maps are near empty (under 1 % of the model's strongest); they are drawn empty.")
    return said
