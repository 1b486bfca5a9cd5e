"""report: one offline HTML page from one run or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
        runs: Run folder; default the newest complete one. One run per page for now.
        output: The file; default ``report.html`` in the run folder.
        no_images: Leave films of patients out.
        least_stable: Cases per model that are shown with their films.

    Raises:
        RunError: No run, or a damaged one.
        InputError: More than one run.
    """
    from robustkit.api.stratify import stratify
    from robustkit.atomic import write_text
    from robustkit.config import read_config
    from robustkit.report.cases import least_stable as choose
    from robustkit.report.page import Content, build_page
    from robustkit.report.sentences import first_sentences
    from robustkit.results.folder import RunFolder
    from robustkit.results.runs import newest_run

    if len(runs) > 1:
        what = f"a page shows one run, got {len(runs)}."
        raise InputError(what, where="report", fix="Give both models to one `perturb`: they then share boxes and page.")
    folder = RunFolder(runs[0]) if runs else newest_run(read_config(Path.cwd()).runs)
    if not (folder.path / "tables" / "strata.csv").is_file():
        stratify(run=folder.path)
    record = folder.record()
    tables = _tables(folder)
    warnings = _warnings(record)
    page = Content(
        title="Can this classifier be trusted?",
        record=record,
        tables=tables,
        sentences=first_sentences(record, tables),
        figures=_figures(tables, is_simulated=bool(record.get("simulated"))),
        cases=choose(folder, record, tables["stability"], n=least_stable, has_images=not no_images),
        warnings=warnings,
        facts=_facts(record, folder),
    )
    path = output or folder.path / "report.html"
    write_text(path, build_page(page))
    return ReportResult(path, path.stat().st_size, tuple(warnings))


def _tables(folder: Any) -> dict[str, Any]:
    wanted = ("strata", "curves", "errors", "stability", "thresholds", "flow")
    found = {name: folder.table(name) for name in wanted}
    if (folder.path / "tables" / "comparisons.csv").is_file():
        found["comparisons"] = folder.table("comparisons")
    return found


def _figures(tables: Mapping[str, Any], *, is_simulated: bool) -> list[Any]:
    from typing import cast

    from robustkit.figures._base import Figure
    from robustkit.registry import load, names

    order = {"stability_curves": 0, "strata_forest": 1, "error_rates": 2}
    found = sorted(names("figures"), key=lambda n: (order.get(n, 9), n))
    return [cast(Figure, load("figures", n)).draw(tables, is_simulated=is_simulated) for n in found]


def _warnings(record: Mapping[str, Any]) -> list[str]:
    said = [*record.get("warnings", []), *record.get("stratify", {}).get("warnings", [])]
    failed = record.get("counts", {}).get("failed", 0)
    if failed:
        said.append(f"{failed} cases failed and are in no estimate; see who was counted")
    return list(dict.fromkeys(said))


def _facts(record: Mapping[str, Any], folder: Any) -> list[tuple[str, str]]:
    cases = folder.cases()
    thresholds = record.get("thresholds", [])
    cuts = "; ".join(f"{t['model']}: {t['value']:.3f} ({t['operating_point']}, {t['source']})" for t in thresholds)
    known = "patient_id" in cases and record.get("has_patients", True)
    reference = sorted({str(v) for v in cases.get("reference", []) if str(v)})
    sizes = sorted({str(v) for v in cases.get("size_source", [])})
    perturbed = "; ".join(
        f"{g['kind']} {', '.join(f'{v:g}' for v in g['levels'])} ({g.get('units', 'side')})"
        for g in record["perturbations"]
    )
    return [
        ("Models", "; ".join(f"{m['name']} ({m.get('arch', '?')})" for m in record["models"])),
        (
            "Data",
            f"{len(cases)} cases, {cases['patient_id'].nunique()} {'patients' if known else 'films (patients unknown)'}",
        ),
        (
            "Perturbed",
            f"{perturbed or 'nothing'}; {record['repeats']} repeats" if perturbed else "nothing: nominal boxes alone",
        ),
        (
            "Positive",
            ", ".join(record.get("positive_labels") or sorted({p for m in record["models"] for p in m["positive"]})),
        ),
        ("Reference standard", ", ".join(reference) or "not given"),
        ("Unit", f"{record.get('stratify', {}).get('unit', 'case')}; intervals by patient"),
        ("Thresholds", cuts or "see below"),
        ("Size of a lesion", ", ".join(sizes) or "not known"),
        ("Sites", "region by ICD-O topography (C40 limb, C41 axial); hip and shoulder joints apart"),
    ]
