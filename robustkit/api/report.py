"""report: one offline HTML page from one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from robustkit.errors import InputError


@dataclass(frozen=True, slots=True)
class ReportResult:
    """The page: where it is, how large, and what it warns about."""

    path: Path
    size_bytes: int
    warnings: tuple[str, ...]


def report(
    *, runs: Sequence[Path] = (), output: Path | None = None, no_images: bool = False, least_stable: int = 6
) -> ReportResult:
    """Write one HTML file that can be mailed: no network request is in it.

    Args:
        runs: Run folder; default the newest complete one. One run per page.
        output: The file; default ``report.html`` in the run folder.
        no_images: Leave films of patients out.
        least_stable: Cases per model that are shown with their films.

    Raises:
        RunError: No run, or a damaged one.
        InputError: More than one run, or a negative number of cases.
    """
    from robustkit.api.stratify import stratify
    from robustkit.atomic import write_text
    from robustkit.config import read_config
    from robustkit.report.overview import page_warnings
    from robustkit.report.page import build_page
    from robustkit.results.folder import RunFolder
    from robustkit.results.runs import newest_run

    if len(runs) > 1:
        what = f"a page shows one run, got {len(runs)}."
        raise InputError(what, where="report", fix="Give both models to one `perturb`: they then share boxes and page.")
    if least_stable < 0:
        raise InputError(f"expected 0 or more cases, got {least_stable}.", where="--least-stable", fix="Use 6.")
    folder = RunFolder(runs[0]) if runs else newest_run(read_config(Path.cwd()).runs)
    if not (folder.path / "tables" / "strata.csv").is_file():
        stratify(run=folder.path)
    view = run_view(folder, n=least_stable, has_images=not no_images)
    path = output or folder.path / "report.html"
    write_text(path, build_page(view))
    return ReportResult(path, path.stat().st_size, page_warnings(view))


def run_view(folder: Any, *, n: int, has_images: bool) -> Any:
    """Read all that a page says about a run.

    Args:
        folder: Of the run, with its tables.
        n: Cases per model shown with their films.
        has_images: False leaves films out.
    """
    import pandas as pd

    from robustkit.figures._base import Figure
    from robustkit.registry import load, names
    from robustkit.report.case_answers import MOST_CASES, case_answers
    from robustkit.report.cases import least_stable
    from robustkit.report.heatmap_pictures import ShownMaps, read_shown_maps
    from robustkit.report.view import RunView, run_facts
    from robustkit.results.thumbnails import read_thumbnails

    record = folder.record()
    needed = ("strata", "curves", "errors", "stability", "thresholds", "flow")
    found = sorted(p.stem for p in (folder.path / "tables").glob("*.csv"))
    tables = {name: folder.table(name) for name in (*needed, *(f for f in found if f not in needed))}
    facts, cases = run_facts(record), folder.cases()
    thresholds = {str(t["model"]): float(t["value"]) for t in tables["thresholds"].to_dict("records")}
    is_small = has_images and len(cases) <= MOST_CASES
    return RunView(
        record=record,
        tables=tables,
        cases=cases,
        figures=[cast(Figure, load("figures", f)).draw(tables, facts) for f in names("figures")],
        shown=least_stable(
            folder, tables["stability"], condition=facts.primary, thresholds=thresholds, n=n, has_images=has_images
        ),
        has_images=has_images,
        answers=case_answers(folder, condition=facts.primary, n_cases=len(cases)),
        thumbnails=read_thumbnails(folder.path) if is_small else pd.DataFrame(),
        heatmaps=read_shown_maps(folder.path, facts.models) if is_small else ShownMaps(),
    )
