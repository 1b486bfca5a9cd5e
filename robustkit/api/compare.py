"""compare: models of one or several runs on the same cases and boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from robustkit.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame

    from robustkit.results.folder import RunFolder
    from robustkit.results.sheet import Sheet

FACTS = ("label", "split", "cohort")
"""Facts that runs must share: who is judged, and as what."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One difference, a minus b."""

    model_a: str
    model_b: str
    by: str
    stratum: str
    cohort: str
    perturbation: str
    level: float
    metric: str
    diff: float
    low: float
    high: float
    p: float
    p_adjusted: float
    n_cases: int
    n_patients: int
    reason: str


@dataclass(frozen=True, slots=True)
class CompareResult:
    """The table written, and its rows."""

    table: Path
    rows: tuple[Compared, ...]


def compare(
    *,
    runs: Sequence[Path] = (),
    by: Sequence[str] = (),
    auc: Literal["delong", "bootstrap"] = "delong",
    draws: int = 2000,
    seed: int = 0,
    output: Path | None = None,
) -> CompareResult:
    """Compare every pair of models: AUC by clustered paired DeLong, errors by McNemar, stability by scale-free numbers.

    Errors and flips are those at thresholds of equal sensitivity on development rows.

    Args:
        runs: Run folders; default the newest complete one. Cases, labels and boxes must be the same.
        by: Variables whose strata are compared as well, e.g. ``region``; default the whole cohorts alone.
        auc: How differences of AUCs get interval and p: clustered paired DeLong, or the patient bootstrap (slower).
        draws: Of bootstrap and permutation.
        seed: Of both.
        output: CSV file; default ``tables/comparisons.csv`` of the first run.

    Raises:
        InputError: One model only, or runs that differ; it says where.
        RunError: No run, a damaged one, or one that is not complete.
    """
    from robustkit.analysis.cohort import check_run, judged_cases
    from robustkit.analysis.comparisons import Settings, comparisons_table, permutations_for
    from robustkit.analysis.matrix import read_answers
    from robustkit.analysis.tables import assign_strata
    from robustkit.atomic import replacing
    from robustkit.cohort.vocabulary import read_vocabulary
    from robustkit.config import read_config
    from robustkit.results.folder import RunFolder
    from robustkit.results.runs import newest_run
    from robustkit.stats.bootstrap import patient_draws

    folders = [RunFolder(r) for r in runs] or [newest_run(read_config(Path.cwd()).runs)]
    records = [f.record() for f in folders]
    for folder, record in zip(folders, records, strict=True):
        check_run(folder, record)
    _check_same(folders, records)
    vocabulary = read_vocabulary()
    models = [(f, m) for f, r in zip(folders, records, strict=True) for m in r["models"]]
    cohort = judged_cases(folders[0], {**records[0], "models": [m for _, m in models]}, vocabulary)
    levels = [(g["kind"], float(v)) for g in records[0]["perturbations"] for v in g["levels"]]
    ids = cohort.frame["case_id"].tolist()
    set_size = int(records[0].get("set_size", 1))
    if len(models) < 2:
        what = f"a comparison needs two models; {folders[0].path.name} has one."
        raise InputError(what, where="compare", fix="Give another run of the same cases, or perturb with two --model.")
    names = _told_apart([f for f, _ in models], [m["name"] for _, m in models])
    answers = [
        replace(read_answers(f, m["name"], ids, levels, set_size=set_size), model=name)
        for (f, m), name in zip(models, names, strict=True)
    ]
    patients = patient_draws(cohort.patient_strata(), draws=draws, seed=seed, purpose="tables")
    settings = Settings(patients, permutations_for(len(answers), draws), seed, auc)
    strata = assign_strata(cohort, by) if by else {}
    table = comparisons_table(cohort, answers, settings, strata=strata)
    if output is None:
        path = folders[0].write_table("comparisons", table)
    else:
        path = output
        with replacing(path) as temporary:
            table.to_csv(temporary, index=False, lineterminator="\n")
    fields = Compared.__dataclass_fields__
    return CompareResult(path, tuple(Compared(**{k: r[k] for k in fields}) for r in table.to_dict("records")))


def _told_apart(folders: Sequence[RunFolder], names: Sequence[str]) -> list[str]:
    """Give every model a name of its own: models of one name by their run, a run given twice by its place."""
    long = [f"{f.path.resolve().name}/{n}" if names.count(n) > 1 else n for f, n in zip(folders, names, strict=True)]
    return [f"{n} ({long[:i].count(n) + 1})" if n in long[:i] else n for i, n in enumerate(long)]


def _check_same(folders: Sequence[RunFolder], records: Sequence[Mapping[str, Any]]) -> None:
    """Refuse runs whose perturbations, cases, labels or boxes differ, and say where."""
    first, boxes = _facts(folders[0]), None
    patients = _patients(folders[0])
    ids = first.index.tolist()
    for folder, record in zip(folders, records, strict=True):
        where = f"{folders[0].path.name} and {folder.path.name}"
        for field in ("perturbations", "repeats"):
            if record[field] != records[0][field]:
                what = f"the runs differ in {field}: {records[0][field]} and {record[field]}."
                raise InputError(what, where=where, fix="Run both with the same flags.")
        own = _facts(folder)
        odd = sorted(set(own.index) ^ set(first.index))
        if odd:
            what = f"the runs differ in {len(odd)} cases ({', '.join(odd[:3])}{', ...' if len(odd) > 3 else ''})."
            raise InputError(what, where=where, fix="Run both on the same manifest.")
        for fact in FACTS:
            differ = own.index[(own[fact] != first[fact]).to_numpy()]
            if len(differ):
                what = f"the {fact} differs for {len(differ)} cases ({differ[0]}: {first[fact][differ[0]]!r} and {own[fact][differ[0]]!r})."
                raise InputError(what, where=where, fix="Run both on the same manifest.")
        differ = own.index[_patients(folder) != patients]
        if len(differ):
            what = f"the runs differ in which cases are of one patient (from {differ[0]} on)."
            raise InputError(what, where=where, fix="Run both on the same manifest.")
        found = _boxes(folder, record, ids)
        boxes = found if boxes is None else boxes
        _check_boxes(boxes, found, record, ids, where=where)


def _facts(folder: RunFolder) -> DataFrame:
    cases = folder.cases().set_index("case_id").sort_index()
    return cases.reindex(columns=list(FACTS)).astype("string").fillna("")


def _patients(folder: RunFolder) -> NDArray[np.intp]:
    """Number the patients in the order of their cases: their names may be hashed in one run and plain in another."""
    import numpy as np
    from pandas import factorize

    cases = folder.cases().set_index("case_id").sort_index()
    codes, _ = factorize(cases.reindex(columns=["patient_id"])["patient_id"].astype("string").fillna(""))
    return np.asarray(codes, dtype=np.intp)


def _boxes(folder: RunFolder, record: Mapping[str, Any], ids: Sequence[str]) -> list[Sheet]:
    from robustkit.results.sheet import read_sheets

    return read_sheets(folder, str(record["models"][0]["name"]), ids, _conditions(record))


def _conditions(record: Mapping[str, Any]) -> list[tuple[str, float]]:
    from robustkit.results.sheet import NOMINAL

    return [NOMINAL, *((g["kind"], float(v)) for g in record["perturbations"] for v in g["levels"])]


def _check_boxes(
    first: Sequence[Sheet], other: Sequence[Sheet], record: Mapping[str, Any], ids: Sequence[str], *, where: str
) -> None:
    """Refuse the first box that differs or that one run alone has."""
    import numpy as np

    for a, b, (kind, level) in zip(first, other, _conditions(record), strict=True):
        n = max(a.asked.shape[1], b.asked.shape[1])
        a.resize(n)
        b.resize(n)
        alone = np.argwhere(a.asked != b.asked)
        if len(alone):
            case, repeat = alone[0]
            what = f"one run alone has the case {ids[case]} at {kind} {level:g}, repeat {repeat}."
            raise InputError(what, where=where, fix="Run both with the same --splits and the same flags.")
        differ = np.argwhere(((a.boxes != b.boxes) & ~(np.isnan(a.boxes) & np.isnan(b.boxes))).any(axis=-1))
        if len(differ):
            case, repeat = differ[0]
            what = (
                f"{len(differ)} boxes differ, first that of the case {ids[case]} at {kind} {level:g}, repeat {repeat}."
            )
            raise InputError(what, where=where, fix="Run both with the same --seed, --snap and --border.")
