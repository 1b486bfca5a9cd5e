"""How the numbers were made: versions, seeds, hashes, intervals; and every table to keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robustkit.report.markup import definitions, text
from robustkit.report.view import RunView, Section

_WORDS = (
    "Every box is redrawn by a counter generator that depends on the seed, the case and the repeat alone, so every model "
    "sees the same boxes and adding cases changes none. Intervals are for further patients of the same centres, films, "
    "boxes and checkpoints. Proportions have Wilson intervals at the effective number of independent cases, AUCs clustered "
    "DeLong intervals on the logit scale, other means a patient bootstrap. Repeats are never counted as patients. Strata are tested "
    "against the rest of their cohort; p is adjusted within one variable by Holm's method. What rests on fewer than 5 "
    "patients (rates) or 10 patients of either class (AUC) is not estimated. Scores are not probabilities."
)


def method_section(view: RunView) -> Section:
    """Give the method text and the downloads."""
    buttons = "".join(
        f'<button type="button" data-table="{text(n)}">{text(n)}.csv <small>{len(t)} rows</small></button>'
        for n, t in view.tables.items()
    )
    html = (
        f'<p class="prose">{_WORDS}</p>{definitions(_facts(view.record), "facts")}<h3 id="tables">Tables</h3>'
        f'<p class="caption">Every number of this page is in these tables, with six digits. A cell that a spreadsheet would take for a '
        f'formula has a \' in front.</p><p class="downloads">{buttons}</p>'
    )
    return Section("method", "Method and tables", html)


def _facts(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    stratify = record.get("stratify", {})
    boxes = f"Philox4x32-10, seed {record['seed']}, {record['repeats']} repeats, border {record.get('border', 'not recorded')}, "
    device = (
        f"{record.get('device', 'not recorded')}, {record.get('precision', '')}, batch {record.get('batch_size', '')}"
    )
    commit = record.get("git_commit") or "not in a checkout"
    parts = [
        ("Boxes", f"{boxes}whole pixels: {record.get('snap', 'not recorded')}"),
        (
            "Bootstrap",
            f"{stratify.get('draws', 'not recorded')} draws of patients, seed {stratify.get('seed', 'not recorded')}",
        ),
        ("Computed on", device),
        (
            "Run",
            f"{record.get('started_at', '')} identity {str(record.get('identity', 'not recorded'))[:16]}, commit {commit}",
        ),
        ("Packages", ", ".join(f"{k} {v}" for k, v in record.get("packages", {}).items()) or "not recorded"),
        ("Manifests", "; ".join(_manifest(m) for m in record.get("manifests", [])) or "not recorded"),
        ("Command", " ".join(str(c) for c in record.get("command", [])) or "called from Python"),
    ]
    return parts + [(f"Model {m['name']}", _model(m)) for m in record["models"]]


def _manifest(m: Mapping[str, Any]) -> str:
    return f"{m.get('n_cases', '?')} cases, sha256 {str(m.get('sha256', 'not recorded'))[:16]}"


def _model(m: Mapping[str, Any]) -> str:
    members = m.get("members") or ()
    lineage = m.get("lineage") or "lineage unknown"
    file = f"sha256 {str(m.get('sha256', 'not recorded'))[:16]}"
    own = f"{m.get('arch', 'architecture unknown')}; {'' if members else _seen(m)}{lineage}; {file}"
    return ". ".join([own, *(f"Member {k['name']}: {_model(k)}" for k in members)])


def _seen(m: Mapping[str, Any]) -> str:
    """Say what a model is shown."""
    if m.get("backend") in ("facts", "film"):
        return "facts of the case and the box; " if m["backend"] == "facts" else "the box on the whole film; "
    spec = m.get("input") or {}
    shape = f"{spec.get('width_px', '?')} x {spec.get('height_px', '?')} px, {spec.get('kernel', '?')}, scaling {spec.get('scaling', '?')}"
    return f"{shape}, margin {spec.get('margin', '?')}, {spec.get('fit', '?')}; "
