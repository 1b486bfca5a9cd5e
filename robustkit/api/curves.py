"""curves: the stability curves of a run, from its tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a stability curve."""

    model: str
    cohort: str
    perturbation: str
    level: float
    metric: str
    value: float
    low: float
    high: float
    achieved_iou: float
    n_cases: int
    n_patients: int
    reason: str


@dataclass(frozen=True, slots=True)
class CurvesResult:
    """The run and the points of the stratum asked for, in the order of the table."""

    run: Path
    by: str
    stratum: str
    points: tuple[Point, ...]


def curves(
    *, run: Path | None = None, metric: str | None = None, by: str = "all", stratum: str = "all"
) -> CurvesResult:
    """Give the curves of one stratum; the tables are made where they are missing.

    Args:
        run: Run folder; default the newest complete one.
        metric: Only this one.
        by, stratum: Which stratum; default the whole cohort.

    Raises:
        InputError: No such stratum or metric in this run.
    """
    from robustkit.api.stratify import stratify
    from robustkit.config import read_config
    from robustkit.errors import InputError
    from robustkit.results.folder import RunFolder
    from robustkit.results.runs import newest_run

    folder = RunFolder(run) if run else newest_run(read_config(Path.cwd()).runs)
    if not (folder.path / "tables" / "curves.csv").is_file():
        stratify(run=folder.path)
    table = folder.table("curves")
    rows = table[(table["by"] == by) & (table["stratum"] == stratum)]
    if metric is not None:
        rows = rows[rows["metric"] == metric]
    if rows.empty and not table.empty:
        known = sorted(set(table["by"] + "=" + table["stratum"]))
        what = f"no curve of {metric or 'any metric'} for {by}={stratum}."
        raise InputError(what, where=str(folder.path), fix=f"Strata: {', '.join(known[:20])}.")
    fields = Point.__dataclass_fields__
    filled = rows.fillna({"reason": ""})
    points = tuple(Point(**{k: r[k] for k in fields}) for r in filled.to_dict("records"))
    return CurvesResult(folder.path, by, stratum, points)
