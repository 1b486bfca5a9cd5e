"""Puts one offline HTML page together: text is escaped, numbers come from tables, nothing is fetched."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Any

import pandas as pd
from plotly.offline import get_plotlyjs

from robustkit.figures._base import DISCLAIMER, FigureSet
from robustkit.report.cases import ShownCase
from robustkit.report.sentences import Sentence


def asset(name: str) -> str:
    """Give a file that lies beside this one: page.html, page.css or page.js."""
    return files("robustkit.report").joinpath(name).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Content:
    """What the page shows.

    Attributes:
        title: Of the page.
        record: run.json.
        tables: By name.
        sentences: Of the first screen.
        figures: In the order of the page.
        cases: The least stable ones.
        warnings, facts: Of the first screen.
    """

    title: str
    record: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    sentences: Sequence[Sentence]
    figures: Sequence[FigureSet]
    cases: Sequence[ShownCase]
    warnings: Sequence[str]
    facts: Sequence[tuple[str, str]]


def build_page(content: Content) -> str:
    """Give the whole page as text."""
    tables, figures = content.tables, content.figures
    data = {
        "figures": {f.name: _figure_data(f) for f in figures},
        "tables": {name: _csv(table) for name, table in tables.items()},
    }
    return Template(asset("page.html")).substitute(
        title=_text(content.title),
        css=asset("page.css"),
        disclaimer=_text(DISCLAIMER),
        sentences="".join(_sentence(s) for s in content.sentences),
        facts="".join(f"<div><dt>{_text(k)}</dt><dd>{_text(v)}</dd></div>" for k, v in content.facts),
        warnings=_warnings(content.warnings),
        figures="".join(_figure_section(f) for f in figures if f.drawings),
        errors=_errors(tables.get("errors", pd.DataFrame())),
        cases=_cases(content.cases),
        flow=_table(
            tables.get("flow", pd.DataFrame()), ("step", "cohort", "split", "model", "n_cases", "n_patients", "reason")
        ),
        thresholds=_table(tables.get("thresholds", pd.DataFrame())),
        comparisons=_comparisons(tables.get("comparisons", pd.DataFrame())),
        method=_method(content.record),
        downloads="".join(f'<button type="button" data-table="{_text(n)}">{_text(n)}.csv</button>' for n in tables),
        data=_json(data),
        plotly=get_plotlyjs(),
        js=asset("page.js"),
    )


def _text(value: object) -> str:
    return html.escape(str(value), quote=True)


def _json(value: object) -> str:
    """Give JSON that cannot end its script element."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")


def _figure_data(figures: FigureSet) -> dict[str, Any]:
    specs = {"\x1f".join(d.choice): json.loads(d.figure.to_json()) for d in figures.drawings}
    for spec in specs.values():
        spec["layout"].pop("template", None)  # 7 kB of defaults in every drawing; the page themes itself
    return {"menus": list(figures.menus), "choices": [list(d.choice) for d in figures.drawings], "specs": specs}


def _csv(table: pd.DataFrame) -> str:
    """Give a table as CSV in which no cell is a formula for a spreadsheet."""
    safe = table.copy()
    for column in safe.select_dtypes(["object", "string"]).columns:
        safe[column] = [f"'{v}" if isinstance(v, str) and v[:1] in "=+-@\t\r" and v else v for v in safe[column]]
    return str(safe.to_csv(index=False, lineterminator="\r\n"))


def _sentence(s: Sentence) -> str:
    kind = ' class="mind"' if s.question == "Mind" else ""
    return f"<div{kind}><dt>{_text(s.question)}</dt><dd>{_text(s.text)}</dd></div>"


def _warnings(warnings: Sequence[str]) -> str:
    if not warnings:
        return ""
    items = "".join(f"<li>{_text(w)}</li>" for w in warnings)
    return f'<aside class="warnings" aria-label="Warnings"><h2>To keep in mind</h2><ul>{items}</ul></aside>'


def _figure_section(figures: FigureSet) -> str:
    menus = "".join(
        f'<label>{_text(m)} <select data-figure="{figures.name}" data-menu="{i}"></select></label>'
        for i, m in enumerate(figures.menus)
    )
    return (
        f'<section id="{figures.name}"><h2>{_text(figures.title)}</h2><div class="menus">{menus}</div>'
        f'<div class="figure" id="figure-{figures.name}" role="img" aria-label="{_text(figures.title)}"></div>'
        f'<p class="caption">{_text(figures.caption)}</p></section>'
    )


KINDS = ("missed", "missed_malignant", "missed_intermediate", "false_alarm")


def _errors(errors: pd.DataFrame) -> str:
    """Give missed and false alarms of the whole cohorts: a row per model and cohort, a column per kind."""
    rows = errors[(errors["by"] == "all") & (errors["perturbation"] == "nominal")] if len(errors) else errors
    if rows.empty:
        return "<p>No errors can be counted.</p>"
    body = []
    for (model, cohort), part in rows.groupby(["model", "cohort"], sort=False):
        own = {r["kind"]: r for r in part.to_dict("records")}
        cells = "".join(f'<td class="number">{_count(own.get(k))}</td>' for k in KINDS)
        body.append(f"<tr><td>{_text(model)}</td><td>{_text(cohort)}</td>{cells}</tr>")
    kinds = "".join(f"<th>{k.replace('_', ' ')}</th>" for k in KINDS)
    head = f"<tr><th>Model</th><th>Cohort</th>{kinds}</tr>"
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{"".join(body)}</tbody></table></div>'


def _count(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "none in this cohort"
    return f"{row['k']:g} of {row['n_cases']:g}<small>{_interval(row)}</small>"


def _interval(row: Mapping[str, Any]) -> str:
    if row["rate"] != row["rate"]:
        return f"not estimable: {_text(row['reason'])}"
    return f"{row['rate']:.1%} ({row['low']:.1%} to {row['high']:.1%})"


def _comparisons(table: pd.DataFrame) -> str:
    if table.empty:
        return ""
    rows = table[table["metric"].isin(["auc", "flip_rate", "rank_sd", "auc_lost"])]
    first = rows[rows["perturbation"] != "nominal"].head(1)
    if len(first):
        level = (rows["perturbation"] == first.iloc[0]["perturbation"]) & (rows["level"] == first.iloc[0]["level"])
        rows = rows[level | (rows["perturbation"] == "nominal")]
    body = []
    for r in rows.to_dict("records"):
        known = r["diff"] == r["diff"]
        said = (
            f"{r['diff']:+.3f} ({r['low']:+.3f} to {r['high']:+.3f})"
            if known
            else f"not estimable: {_text(r['reason'])}"
        )
        p = (
            ""
            if r["p_adjusted"] != r["p_adjusted"]
            else ("<0.001" if r["p_adjusted"] < 0.001 else f"{r['p_adjusted']:.3f}")
        )
        note = f" <small>{_text(r['reason'])}</small>" if known and isinstance(r["reason"], str) and r["reason"] else ""
        body.append(
            f"<tr><td>{_text(r['model_a'])} minus {_text(r['model_b'])}</td><td>{_text(r['cohort'])}</td><td>{_text(r['metric'])}</td>"
            f'<td>{_text(r["perturbation"])} {r["level"]:g}</td><td class="number">{said}{note}</td><td class="number">{_text(p)}</td></tr>'
        )
    head = "<tr><th>Models</th><th>Cohort</th><th>Metric</th><th>Condition</th><th>Difference (95 %)</th><th>Adjusted p</th></tr>"
    caption = (
        "Same cases, same boxes. Between models only scale-free numbers are compared: flips where both models find 90 % of the "
        "development positives, the sd of the reference rank, and the AUC lost by redrawing."
    )
    table_html = f'<div class="scroll"><table><thead>{head}</thead><tbody>{"".join(body)}</tbody></table></div>'
    return f'<section id="comparisons"><h2>Which model</h2>{table_html}<p class="caption">{caption}</p></section>'


def _cases(cases: Sequence[ShownCase]) -> str:
    if not cases:
        return "<p>No box was perturbed, so no case can be called stable or unstable.</p>"
    return f'<div class="cases">{"".join(_case(c) for c in cases)}</div>'


def _case(c: ShownCase) -> str:
    if c.picture:
        moved = "".join(_rect(b, "moved") for b in c.boxes)
        image = f'<img src="{c.picture}" width="{c.size[0]}" height="{c.size[1]}" alt="film around the box of {_text(c.case_id)}">'
        view = f'viewBox="0 0 {c.size[0]} {c.size[1]}" aria-hidden="true"'
        picture = f'<div class="film">{image}<svg {view}>{moved}{_rect(c.nominal_box, "nominal")}</svg></div>'
    else:
        picture = f'<p class="caption">{_text(c.note)}</p>'
    dots = "".join(f'<circle cx="{4 + 292 * s:.1f}" cy="14" r="4"></circle>' for s in c.scores if s == s)
    mark = f'<line x1="{4 + 292 * c.nominal:.1f}" x2="{4 + 292 * c.nominal:.1f}" y1="2" y2="26"></line>'
    strip = (
        f'<svg class="strip" viewBox="0 0 300 30" role="img" aria-label="scores of the repeats from {c.low:.2f} to {c.high:.2f}">'
        f'<path d="M4 14H296"></path>{dots}{mark}</svg>'
    )
    return (
        f"<article><h3>{_text(c.case_id)}</h3><p>{_text(c.label)}; {_text(c.facts)}</p>{picture}{strip}"
        f"<p>{_text(c.model)}, {_text(c.perturbation)} {c.level:g}: score {c.nominal:.2f}, redrawn {c.low:.2f} to {c.high:.2f}; "
        f"the decision changes in {c.flips:g} of {c.repeats}.</p></article>"
    )


def _rect(box: Sequence[float], kind: str) -> str:
    x0, y0, x1, y1 = box
    return f'<rect class="{kind}" x="{x0:g}" y="{y0:g}" width="{x1 - x0:g}" height="{y1 - y0:g}"></rect>'


def _table(table: pd.DataFrame, columns: Sequence[str] | None = None) -> str:
    if table.empty:
        return "<p>Nothing to show.</p>"
    chosen = [c for c in (columns or table.columns) if c in table]
    head = "".join(f"<th>{_text(c.replace('_', ' '))}</th>" for c in chosen)
    cells = ("".join(f"<td>{_cell(v)}</td>" for v in row) for row in table[chosen].itertuples(index=False))
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.4g}"
    return _text(value)


def _method(record: Mapping[str, Any]) -> str:
    parts = [
        ("Boxes", f"Philox4x32-10, seed {record['seed']}, {record['repeats']} repeats, border {record.get('border', '?')}, "
                  f"snap {record.get('snap', '?')}"),
        ("Computed with", f"{record.get('device', '?')}, {record.get('precision', '?')}, batch {record.get('batch_size', '?')}"),
        ("Run", f"identity {str(record.get('identity', '?'))[:16]}, commit {record.get('git_commit') or 'not in a checkout'}"),
        ("Packages", ", ".join(f"{k} {v}" for k, v in record.get("packages", {}).items())),
        ("Manifests", "; ".join(f"{m['n_cases']} cases, sha256 {m['sha256'][:16]}" for m in record.get("manifests", []))),
        ("Command", " ".join(record.get("command", []))),
    ]  # fmt: skip
    for m in record["models"]:
        spec = m.get("input", {})
        shape = f"{spec.get('height_px', '?')} x {spec.get('width_px', '?')} px, {spec.get('kernel', '?')}, {spec.get('scaling', '?')}"
        lineage = m.get("lineage") or "lineage unknown"
        text = f"{m.get('arch', '?')}, {shape}, margin {spec.get('margin', '?')}, {lineage}, sha256 {str(m.get('sha256', '?'))[:16]}"
        parts.append((f"Model {m['name']}", text))
    return "".join(f"<div><dt>{_text(k)}</dt><dd>{_text(v)}</dd></div>" for k, v in parts)
