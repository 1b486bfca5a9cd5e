"""The first page: every run, model and cohort with its main numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
from dash import dcc, html

from robustkit.dashboard.shelf import Choice, Shelf, ShelvedRun
from robustkit.figures._base import facts_of
from robustkit.figures._words import cohort_name, level_text, metric_words, with_interval

if TYPE_CHECKING:
    from dash import Dash

_PRIVACY = "The pages Lesion and Report show films of patients: let nobody see them who may not see the films."
_NOMINAL = ("nominal", 0.0)


class Summary:
    """How good and how stable, in one table; what each run is, below."""

    path, title, has_filters = "/", "Summary", True

    def __init__(self, shelf: Shelf, *, shows_films: bool = False) -> None:
        """Show these runs; ``shows_films`` where films of patients are on other pages."""
        self._shelf, self._shows_films = shelf, shows_films

    def layout(self, choice: Choice, query: dict[str, str]) -> Any:
        """Give the page."""
        del query
        runs = self._shelf.chosen(choice)
        models = choice.models or self._shelf.models(choice)
        return html.Div(
            [
                html.H1("Can these classifiers be trusted?" if len(models) > 1 else "Can this classifier be trusted?"),
                *([html.P(_PRIVACY, className="mind", role="note")] if self._shows_films else []),
                self._numbers(choice, models),
                *[block for run in runs for block in (_about(run),)],
            ]
        )

    def register(self, app: Dash) -> None:
        """Nothing changes on this page but by the filters."""

    def _numbers(self, choice: Choice, models: tuple[str, ...]) -> Any:
        strata = self._shelf.tables(choice).get("strata", pd.DataFrame())
        primary = self._shelf.facts(choice).primary
        columns = [("auc", _NOMINAL), ("sensitivity", _NOMINAL), ("specificity", _NOMINAL)]
        columns += [("flip_rate", primary)] if primary else []
        if strata.empty:
            return html.P("No number can be estimated from what is chosen.")
        whole = strata[strata["by"] == "all"]
        rows = []
        for model in models:
            own = whole[whole["model"] == model]
            for cohort in dict.fromkeys(own["cohort"]):
                cells = [_cell(own[own["cohort"] == cohort], m, c) for m, c in columns]
                rows.append(html.Tr([html.Td(model), html.Td(cohort_name(str(cohort))), *cells]))
        head = ["Model", "Cohort", *(metric_words(m).name for m, _ in columns)]
        return html.Div(
            html.Table([html.Thead(html.Tr([html.Th(h, scope="col") for h in head])), html.Tbody(rows)]),
            className="scroll", tabIndex=0,
        )  # fmt: skip


def _cell(rows: pd.DataFrame, metric: str, condition: tuple[str, float]) -> Any:
    own = rows[(rows["metric"] == metric) & (rows["perturbation"] == condition[0]) & (rows["level"] == condition[1])]
    if own.empty:
        return html.Td(html.Small("not in this cohort", className="none"))
    r: Mapping[str, Any] = own.iloc[0].to_dict()
    if r["value"] != r["value"]:
        return html.Td(html.Small(f"not estimable: {r['reason']}", className="none"))
    said = with_interval(r["value"], r["low"], r["high"], is_share=metric_words(metric).is_share)
    value, _, interval = said.partition(" (")
    return html.Td([html.B(value), html.Small(interval.rstrip(")"))], className="number")


def _about(run: ShelvedRun) -> Any:
    facts = facts_of(run.record)
    judged = run.tables.get("flow", pd.DataFrame({"step": [], "n_cases": []}))
    n = int(judged.loc[judged["step"] == "to be judged", "n_cases"].sum())
    redrawn = "no box was redrawn"
    if facts.primary:
        kind, level = facts.primary
        redrawn = f"{kind} {level_text(level, facts.unit(kind))}, {run.record['repeats']} times"
    thresholds = run.tables.get("thresholds", pd.DataFrame()).to_dict("records")
    said = [f"{t['model']}: {t['value']:.3f} ({t['operating_point']}, from {t['source']})" for t in thresholds]
    warned = [str(w) for w in (*run.record.get("warnings", []), *run.record.get("stratify", {}).get("warnings", []))]
    items = [("Cases judged", str(n)), ("Boxes redrawn", redrawn), ("Thresholds", "; ".join(said) or "none")]
    parts = [
        html.H2(run.name),
        html.Dl([html.Div([html.Dt(k), html.Dd(v, dir="auto")]) for k, v in items], className="facts"),
    ]
    if warned:
        listed = html.Ul([html.Li(w) for w in dict.fromkeys(warned)])
        parts.append(html.Aside([html.H3("To keep in mind"), listed], className="warnings"))
    parts.append(html.P(dcc.Link("The whole report of this run", href=f"/report?run={run.name}")))
    return html.Section(parts, className="run")
