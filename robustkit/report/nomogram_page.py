"""A page about one model of facts alone: its nomogram and its coefficients, for those who have no run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from robustkit.analysis.baselines import model_tables
from robustkit.figures._base import Figure, RunFacts
from robustkit.registry import load
from robustkit.report.baselines import coefficients_html, figures_html
from robustkit.report.markup import text
from robustkit.report.page import PageParts, assembled
from robustkit.report.view import Section

TITLE = "How facts become a score"


def nomogram_page(kind: str, model: str, training: Mapping[str, Any]) -> str:
    """Give the whole page as text.

    Args:
        kind: Of the model.
        model: Its name.
        training: As in its file.
    """
    is_simulated = bool(training.get("simulated"))
    tables = model_tables(model, kind, training)
    figure = cast(Figure, load("figures", "nomogram")).draw(tables, RunFacts((model,), is_simulated))
    nothing = "" if figure.drawings else "<p>No fact moves the score: there is nothing to draw.</p>"
    sections = (
        Section("nomogram-section", "Nomogram", nothing or figures_html([figure])),
        Section("coefficients", "Coefficients", coefficients_html(tables["baseline_coefficients"])),
        Section("tables", "Tables", _downloads(tables)),
    )
    notes = "".join(f'<p class="mind">{text(n)}</p>' for n in training.get("notes") or ())
    lede = f"The {kind} model {model}, fitted on {training.get('n_fitted', '?')} cases of {training.get('n_patients', '?')} patients."
    overview = f'<p class="lede">{text(lede)}</p>{notes}'
    parts = PageParts(TITLE, f"{model}: {TITLE}", overview, sections, [figure], tables)
    return assembled(parts, is_simulated=is_simulated)


def _downloads(tables: Mapping[str, Any]) -> str:
    buttons = "".join(
        f'<button type="button" data-table="{text(n)}">{text(n)}.csv <small>{len(t)} rows</small></button>'
        for n, t in tables.items()
    )
    return f'<p class="caption">Every number of this page.</p><p class="downloads">{buttons}</p>'
