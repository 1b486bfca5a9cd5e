"""compare: models of one or several runs on the same cases and boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustkit.errors import InputError


@dataclass(frozen=True, slots=True)
class Compared:
    """One difference, a minus b."""

    model_a: str
    model_b: str
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
    *, runs: Sequence[Path] = (), draws: int = 2000, seed: int = 0, output: Path | None = None
) -> CompareResult:
    """Compare every pair of models: AUC by clustered paired DeLong, stability by scale-free numbers.

    Args:
        runs: Run folders; default the newest complete one. Cases, labels and boxes must be the same.
        draws: Of bootstrap and permutation.
        seed: Of both.
        output: CSV file; default ``tables/comparisons.csv`` of the first run.

    Raises:
        InputError: One model only, or runs that differ; it says where.
    """
    import numpy as np

    from robustkit.analysis.cohort import judged_cases
    from robustkit.analysis.comparisons import Settings, comparisons_table
    from robustkit.analysis.matrix import read_answers
    from robustkit.atomic import replacing
    from robustkit.cohort.vocabulary import read_vocabulary
    from robustkit.config import read_config
    from robustkit.results.folder import RunFolder
    from robustkit.results.runs import newest_run
    from robustkit.stats.bootstrap import patient_draws

    folders = [RunFolder(r) for r in runs] or [newest_run(read_config(Path.cwd()).runs)]
    records = [f.record() for f in folders]
    _check_same(folders, records)
    vocabulary = read_vocabulary()
    cohort = judged_cases(folders[0], records[0], vocabulary)
    levels = [(g["kind"], float(v)) for g in records[0]["perturbations"] for v in g["levels"]]
    ids = cohort.frame["case_id"].tolist()
    names = [(f, m["name"]) for f, r in zip(folders, records, strict=True) for m in r["models"]]
    if len(names) < 2:
        what = f"a comparison needs two models; {folders[0].path.name} has one."
        raise InputError(what, where="compare", fix="Give another run of the same cases, or perturb with two --model.")
    answers = [_renamed(read_answers(f, n, ids, levels), f, n, names) for f, n in names]
    codes = np.zeros(int(cohort.patients.max()) + 1, dtype=np.intp)
    settings = Settings(patient_draws(codes, draws=draws, seed=seed, purpose="compare"), draws, seed)
    table = comparisons_table(cohort, answers, settings)
    if output is None:
        path = folders[0].write_table("comparisons", table)
    else:
        path = output
        with replacing(path) as temporary:
            table.to_csv(temporary, index=False, lineterminator="\n")
    fields = Compared.__dataclass_fields__
    return CompareResult(path, tuple(Compared(**{k: r[k] for k in fields}) for r in table.to_dict("records")))


def _renamed(answers: Any, folder: Any, name: str, names: Sequence[tuple[Any, str]]) -> Any:
    from dataclasses import replace

    twice = sum(n == name for _, n in names) > 1
    return replace(answers, model=f"{folder.path.name}/{name}") if twice else answers


def _check_same(folders: Sequence[Any], records: Sequence[dict[str, Any]]) -> None:
    """Refuse runs whose cases, labels, perturbations or boxes differ."""
    key = ["case_id", "perturbation", "level", "repeat"]
    first = folders[0].cases().set_index("case_id")["label"].sort_index()
    boxes = None
    for folder, record in zip(folders, records, strict=True):
        where = f"{folders[0].path.name} and {folder.path.name}"
        for field in ("perturbations", "repeats"):
            if record[field] != records[0][field]:
                raise InputError(f"the runs differ in {field}.", where=where, fix="Run both with the same flags.")
        labels = folder.cases().set_index("case_id")["label"].sort_index()
        if not labels.index.equals(first.index):
            odd = sorted(set(labels.index) ^ set(first.index))
            what = f"the runs differ in {len(odd)} cases ({', '.join(odd[:3])}, ...)."
            raise InputError(what, where=where, fix="Run both on the same manifest.")
        if (labels != first).any():
            odd = first.index[labels != first]
            raise InputError(
                f"the labels differ for {len(odd)} cases ({odd[0]}, ...).", where=where, fix="Use one manifest."
            )
        wanted = [("model", "==", record["models"][0]["name"])]
        own = folder.predictions(columns=[*key, "x0", "y0", "x1", "y1"], filters=wanted).sort_values(
            key, ignore_index=True
        )
        if boxes is None:
            boxes = own
        elif not own.equals(boxes):
            raise InputError(
                "the boxes differ.", where=where, fix="Run both with the same --seed, --snap and --border."
            )
