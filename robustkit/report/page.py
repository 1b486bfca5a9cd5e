"""Puts one offline HTML page together: text is escaped, numbers come from tables, nothing is fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Any

import pandas as pd
from plotly.offline import get_plotlyjs

from robustkit.figures._base import FigureSet, fitting_script
from robustkit.figures._operating import operating_asset
from robustkit.figures._words import DISCLAIMER, SIMULATED
from robustkit.report.baselines import baselines_section
from robustkit.report.case_cards import cases_section
from robustkit.report.case_table import case_table_section
from robustkit.report.comparisons import comparisons_section
from robustkit.report.heatmaps import heatmaps_section
from robustkit.report.markup import as_json, packed, packed_table, text
from robustkit.report.method import method_section
from robustkit.report.operating import operating_section
from robustkit.report.overview import overview
from robustkit.report.readers import readers_section
from robustkit.report.searches import drift_section, slices_section
from robustkit.report.sections import (
    counted_section,
    errors_section,
    more_section,
    stability_section,
    strata_section,
)
from robustkit.report.study import arms_section, cohorts_section, limitations_section, seeds_section
from robustkit.report.view import RunView, Section

SECTIONS = (
    arms_section,
    cohorts_section,
    seeds_section,
    stability_section,
    strata_section,
    errors_section,
    operating_section,
    slices_section,
    comparisons_section,
    drift_section,
    heatmaps_section,
    readers_section,
    baselines_section,
    more_section,
    cases_section,
    case_table_section,
    counted_section,
    limitations_section,
    method_section,
)
"""In the order of the page; one that gives None is absent."""


def asset(name: str) -> str:
    """Give a file of the folder ``assets``."""
    return files("robustkit.report").joinpath("assets", name).read_text(encoding="utf-8")


def _script(source: str) -> str:
    return f"<script>{source}</script>\n"


@dataclass(frozen=True, slots=True)
class PageParts:
    """What a page is put together from.

    Attributes:
        title: Its heading.
        document_title: Of the window.
        overview: HTML of the first screen.
        sections: In order.
        figures: Those with something to show are packed into it.
        tables: By name, packed for download.
    """

    title: str
    document_title: str
    overview: str
    sections: Sequence[Section]
    figures: Sequence[FigureSet]
    tables: Mapping[str, pd.DataFrame]


def build_page(view: RunView) -> str:
    """Give the whole page of a run as text."""
    title = "Can this classifier be trusted?" if len(view.models) == 1 else "Can these classifiers be trusted?"
    sections = [s for s in (make(view) for make in SECTIONS) if s]
    parts = PageParts(title, f"{', '.join(view.models)}: {title}", overview(view), sections, view.figures, view.tables)
    return assembled(parts, is_simulated=view.is_simulated)


def assembled(parts: PageParts, *, is_simulated: bool) -> str:
    """Give a page as text: one file that needs no network."""
    sections = parts.sections
    data = {f"figure-{f.name}": _figure_data(f) for f in parts.figures if f.drawings}
    for section in sections:
        data |= section.data
    scripts = ("page.js", *dict.fromkeys(s.script for s in sections if s.script), "figures.js")
    return Template(asset("page.html")).substitute(
        title=text(parts.title),
        document_title=text(parts.document_title),
        css=asset("page.css") + operating_asset("css"),
        disclaimer=text(DISCLAIMER),
        simulated=f'<span class="tag">{text(SIMULATED)}</span>' if is_simulated else "",
        nav="".join(f'<a href="#{s.anchor}">{text(s.title)}</a>' for s in sections),
        overview=parts.overview,
        sections="".join(_section(s) for s in sections),
        data="".join(_block(f"table-{n}", packed_table(t)) for n, t in parts.tables.items())
        + "".join(_block(n, packed(as_json(d))) for n, d in data.items())
        + _block("plotly", packed(get_plotlyjs())),
        scripts="".join(
            _script(source) for source in (fitting_script(), operating_asset("js"), *(asset(n) for n in scripts))
        ),
    )


def _section(s: Section) -> str:
    return f'<section id="{s.anchor}" aria-labelledby="{s.anchor}-title"><h2 id="{s.anchor}-title">{text(s.title)}</h2>{s.html}</section>'


def _block(anchor: str, content: str) -> str:
    return f'<script type="application/gzip" id="data-{text(anchor)}">{content}</script>\n'


def _figure_data(figures: FigureSet) -> dict[str, Any]:
    drawings = [
        {
            "choice": d.choice,
            "data": d.sheet.data,
            "layout": d.sheet.layout,
            "head": d.numbers.head,
            "rows": d.numbers.rows,
        }
        for d in figures.drawings
    ]
    return {"menus": figures.menus, "drawings": drawings}
