"""The first screen: the sentences, headline numbers, who was left out, facts of the run, warnings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from robustkit.analysis.cohort import positive_labels
from robustkit.figures._words import cohort_name, level_text, metric_words, with_interval
from robustkit.report.markup import definitions, name, table, text
from robustkit.report.rows import whole_rows
from robustkit.report.sentences import NOMINAL, Sentence, about_films, model_sentences
from robustkit.report.view import RunView, run_facts

PRIVACY = "This page shows films of patients: share it as you would share the films."
_VALUE = re.compile(r"(?<![\w.])(\d[\d.]*%?|\d+ of \d+)(?= \(\d)")
"""A number with its interval behind it: set in bold."""


def overview(view: RunView) -> str:
    """Give the HTML of the first screen."""
    privacy = PRIVACY if view.shows_films else ""
    notes = [s for s in (privacy, about_films(view.record), _seen(view.record)) if s]
    banners = "".join(f'<p class="mind" role="note">{text(s)}</p>' for s in notes)
    cards = "".join(_card(view, m) for m in view.models)
    return (
        f'{banners}<p class="lede">{lede(view)}</p><div class="models">{cards}</div>{headline(view)}'
        f"{flow_strip(view.table('flow'))}{definitions(run_definitions(view), 'facts')}{_warnings(view)}"
    )


def _seen(record: Mapping[str, object]) -> str:
    seen = record.get("seen_in_training") or {}
    if not isinstance(seen, Mapping) or not seen:
        return ""
    said = "; ".join(f"{n} cases were seen in the training of {m}" for m, n in seen.items())
    return f"{said}. The numbers of such a model are too good."


def lede(view: RunView) -> str:
    """Say in one line what was judged on what."""
    flow = view.table("flow")
    n = int(flow.loc[flow["step"] == "to be judged", "n_cases"].sum()) if len(flow) else len(view.cases)
    strata = view.table("strata")
    cohorts = [c for c in dict.fromkeys(strata["cohort"]) if c != "all"] if len(strata) else []
    where = f" ({', '.join(name(c) for c in cohorts)})" if len(cohorts) > 1 else ""
    models = ", ".join(f"<b>{name(m)}</b>" for m in view.models)
    word = "model" if len(view.models) == 1 else "models"
    return f"{len(view.models)} {word}, {models}, judged on {n} cases{where}; {text(perturbed(view))}."


def perturbed(view: RunView) -> str:
    """Say how boxes were redrawn."""
    facts = run_facts(view.record)
    if facts.primary is None:
        return "no box was redrawn"
    groups = [
        f"{g['kind']} {', '.join(level_text(v, facts.unit(str(g['kind']))) for v in sorted(map(float, g['levels'])))}"
        for g in view.record["perturbations"]
    ]
    primary = f"{facts.primary[0]} {level_text(facts.primary[1], facts.unit(facts.primary[0]))}"
    return f"each box redrawn {view.record['repeats']} times per level ({'; '.join(groups)}; primary {primary})"


def _card(view: RunView, model: str) -> str:
    entry = next(m for m in view.record["models"] if m["name"] == model)
    assumed = "; ".join(str(a) for a in entry.get("assumed", []))
    note = f'<p class="assumed">Assumed: {text(assumed)}</p>' if assumed else ""
    items = "".join(_sentence(s) for s in model_sentences(view.record, view.tables, model))
    head = f"<h2>{name(model)} <small>{text(entry.get('arch', ''))}</small></h2>"
    return f'<article class="model">{head}<dl>{items}</dl>{note}</article>'


def _sentence(s: Sentence) -> str:
    said = _VALUE.sub(r"<strong>\1</strong>", text(s.text))
    return f'<div><dt>{text(s.question)}</dt><dd dir="auto">{said}</dd></div>'


def headline(view: RunView) -> str:
    """Give the table of the whole cohorts: AUC, sensitivity, specificity, decisions that change."""
    strata = view.table("strata")
    primary = run_facts(view.record).primary
    columns = [("auc", NOMINAL), ("sensitivity", NOMINAL), ("specificity", NOMINAL)]
    columns += [("flip_rate", primary)] if primary else []
    rows = []
    for model in view.models:
        found = [whole_rows(strata, model, m, condition=c) for m, c in columns]
        for cohort in dict.fromkeys(c for part in found if len(part) for c in part["cohort"]):
            rows.append([name(model), name(cohort_name(cohort)), *(_estimate(part, cohort) for part in found)])
    if not rows:
        return ""
    head = ["Model", "Cohort", *(metric_words(m).name for m, _ in columns)]
    return f'<div class="headline">{table(head, rows, numeric_from=2)}</div>'


def _estimate(rows: pd.DataFrame, cohort: str) -> str:
    own = rows[rows["cohort"] == cohort] if len(rows) else rows
    if own.empty:
        return '<small class="none">not in this cohort</small>'
    r = own.iloc[0]
    said = with_interval(r["value"], r["low"], r["high"], is_share=metric_words(str(r["metric"])).is_share)
    value, _, interval = said.partition(" (")
    if r["value"] != r["value"]:
        return f'<small class="none">{text(said)}: {text(r["reason"])}</small>'
    return f"<b>{text(value)}</b>" + (f"<small>{text(interval.rstrip(')'))}</small>" if interval else "")


def flow_strip(flow: pd.DataFrame) -> str:
    """Give who was counted and who was left out, as steps from films to estimates."""
    if flow.empty:
        return ""
    totals = flow.groupby(["step", "model", "reason"], sort=False)["n_cases"].sum().reset_index().to_dict("records")
    steps = [t for t in totals if t["step"] != "estimated"] + _estimated(
        [t for t in totals if t["step"] == "estimated"]
    )
    return f'<ol class="steps" aria-label="From cases to estimates">{"".join(_step(t) for t in steps)}</ol>'


def _estimated(totals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the fewest cases of any condition, once where it is the same for every model."""
    fewest: dict[str, int] = {}
    for t in totals:
        fewest[t["model"]] = min(int(t["n_cases"]), fewest.get(t["model"], int(t["n_cases"])))
    if len(set(fewest.values())) == 1:
        fewest = {"": next(iter(fewest.values()))}
    return [{"step": "estimated", "model": m, "reason": "", "n_cases": n} for m, n in fewest.items()]


def _step(total: Mapping[str, Any]) -> str:
    who = f" ({name(total['model'])})" if total["model"] else ""
    why = f"<small>{text(total['reason'])}</small>" if total["reason"] else ""
    kind = "kept" if total["step"] in ("in the run", "to be judged", "estimated") else "lost"
    return f'<li class="{kind}"><b>{int(total["n_cases"])}</b> {text(total["step"])}{who}{why}</li>'


def run_definitions(view: RunView) -> list[tuple[str, str]]:
    """Give the facts that a reader needs before believing a number."""
    record, cases = view.record, view.cases
    has_patients = bool(record.get("has_patients", True)) and "patient_id" in cases
    n_patients = cases["patient_id"].nunique() if "patient_id" in cases else len(cases)
    assumed = [f"{m['name']}: {a}" for m in record["models"] for a in m.get("assumed", [])]
    return [
        (
            "Cases in the run",
            f"{len(cases)} cases of {n_patients} {'patients' if has_patients else 'films; patients unknown'}",
        ),
        ("Positive labels", ", ".join(positive_labels(record)) or "none"),
        ("Where labels come from", _counted(cases, "reference") or "not given"),
        ("Unit", f"{record.get('stratify', {}).get('unit', 'case')}; intervals by patient"),
        ("Thresholds", _thresholds(view)),
        ("Taken for granted", "; ".join(assumed) or _nothing_assumed(record)),
        ("Size of a lesion", _sizes(cases)),
        ("Sites", "region by ICD-O topography (C40 limb, C41 axial); hip and shoulder joints apart (girdle)"),
    ]


def _nothing_assumed(record: Mapping[str, Any]) -> str:
    if all("assumed" in m for m in record["models"]):
        return "nothing: the checkpoints say how they want their input"
    return "not recorded"


def _counted(cases: pd.DataFrame, column: str) -> str:
    if column not in cases:
        return ""
    filled = cases[column].astype("string").fillna("")
    counts = filled[filled != ""].value_counts()
    rest = len(cases) - int(counts.sum())
    said = [f"{k} {v}" for k, v in counts.items()]
    return ", ".join([*said, f"not given {rest}"] if rest and said else said)


def _thresholds(view: RunView) -> str:
    rows = view.table("thresholds").to_dict("records")
    found = []
    for r in rows:
        interval = f" ({r['low']:.3f} to {r['high']:.3f})" if r["low"] == r["low"] else ""
        where = f", {r['n']:g} cases" if r["n"] else ""
        found.append(f"{r['model']}: {r['value']:.3f}{interval}, {r['operating_point']}, from {r['source']}{where}")
    return "; ".join(found) or "none"


def _sizes(cases: pd.DataFrame) -> str:
    if "size_source" not in cases:
        return "not known"
    counts = cases["size_source"].astype(str).value_counts()
    if set(counts.index) == {"none"}:
        return "pixel spacing unknown: longest box side as a share of the film"
    said = ", ".join(f"{k} {v}" for k, v in counts.items())
    return f"longest side in mm; spacing: {said}"


def page_warnings(view: RunView) -> tuple[str, ...]:
    """Give what a reader must keep in mind, one sentence each."""
    record = view.record
    said = [str(w) for w in (*record.get("warnings", []), *record.get("stratify", {}).get("warnings", []))]
    failed = record.get("counts", {}).get("failed", 0)
    if failed:
        said.append(f"{failed} cases failed and are in no estimate: see who was counted.")
    if record.get("status", "complete") != "complete":
        said.append("this run is not complete: numbers will change when it goes on.")
    if "size_source" in view.cases and (view.cases["size_source"] == "none").any():
        n = int((view.cases["size_source"] == "none").sum())
        said.append(f"pixel spacing is unknown for {n} of {len(view.cases)} cases.")
    said += _small(view.table("strata"))
    return tuple(dict.fromkeys(said))


def _small(strata: pd.DataFrame) -> list[str]:
    if strata.empty:
        return []
    keep = (strata["by"] != "all") & (strata["perturbation"] == "nominal")
    rows = strata[keep & strata["metric"].isin(["sensitivity", "specificity"])]
    rows = rows[~rows["stratum"].str.startswith("(")]
    lost = rows[rows["value"].isna() & rows["reason"].str.startswith("fewer")]
    keys = ["by", "stratum", "cohort"]
    n, of = len(lost[keys].drop_duplicates()), len(rows[keys].drop_duplicates())
    return (
        [f"{n} of {of} strata are too small for a rate in at least one metric; they are shown with their counts."]
        if n
        else []
    )


def _warnings(view: RunView) -> str:
    warnings = page_warnings(view)
    if not warnings:
        return ""
    items = "".join(f"<li>{text(w)}</li>" for w in warnings)
    return f'<aside class="warnings" aria-label="Warnings"><h2>To keep in mind</h2><ul>{items}</ul></aside>'
