"""Every case of the chosen runs in one table that sorts and filters; a row leads to its lesion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from dash import dcc, html
from dash_ag_grid import AgGrid

from robustkit.analysis.cohort import positive_labels
from robustkit.dashboard.shelf import Choice, Shelf, ShelvedRun
from robustkit.figures._base import facts_of

if TYPE_CHECKING:
    from dash import Dash

FACTS = ("label", "subtype", "site", "cohort")
PRESETS: Mapping[str, str] = {
    "": "all cases",
    "unstable": "least stable first",
    "missed": "missed, furthest below the threshold first",
    "split": "models disagree",
}
"""Ready filters by name, with their rule in words."""


class Cases:
    """One row for each case and model."""

    path, title, has_filters = "/cases", "Cases", True

    def __init__(self, shelf: Shelf, link: Callable[[str, str, str], str] | None = None) -> None:
        """Show the cases of these runs; ``link(run, model, case_id)`` gives where a row leads."""
        self._shelf, self._link = shelf, link

    def layout(self, choice: Choice, query: dict[str, str]) -> Any:
        """Give the page; ``?show=missed`` begins with a ready filter."""
        wanted = query.get("show", "")
        frame = case_rows(self._shelf, choice, wanted)
        links = [
            dcc.Link(words, href=f"{self.path}{f'?show={name}' if name else ''}", className="chosen" if name == wanted else "")
            for name, words in PRESETS.items()
        ]  # fmt: skip
        has_models = frame["model"].nunique() > 1
        grid = AgGrid(
            rowData=self._records(frame), columnDefs=_columns(has_link=self._link is not None, has_models=has_models),
            defaultColDef={"sortable": True, "filter": True, "resizable": True, "minWidth": 104}, columnSize="sizeToFit",
            dashGridOptions={"animateRows": False, "suppressCellFocus": False, "ensureDomOrder": True},
            dangerously_allow_code=False, style={"height": "68vh"}, id="case-grid",
        )  # fmt: skip
        said = f"{len(frame)} rows, one for each case and model; {frame['case_id'].nunique()} cases."
        return [html.H1("Cases"), html.P(links, className="presets"), html.P(said, className="caption"), grid]

    def register(self, app: Dash) -> None:
        """The grid sorts and filters by itself."""

    def _records(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = frame.astype(object).where(frame.notna(), None).to_dict("records")
        if self._link is None:
            return rows
        return [{**r, "open": f"[open]({self._link(r['run'], r['model_name'], r['case_id'])})"} for r in rows]


def case_rows(shelf: Shelf, choice: Choice, preset: str = "") -> pd.DataFrame:
    """Give one row for each judged case and model.

    Args:
        shelf: The runs.
        choice: Of runs, models, cohorts.
        preset: Of ``PRESETS``; one that is not known is "".
    """
    runs = shelf.chosen(choice)
    frame = pd.concat([_rows(run, n=len(runs)) for run in runs], ignore_index=True)
    if choice.models:
        frame = frame[frame["model"].isin(choice.models)]
    named = [c for c in choice.cohorts if c != "all"]
    if named and "all" not in choice.cohorts:
        frame = frame[frame["cohort"].isin(named)]
    if preset == "missed":
        return frame[frame["decision"] == "missed"].sort_values("distance", kind="stable")
    if preset == "split":
        differs = frame.groupby(["run", "case_id"])["is_positive"].transform("nunique") > 1
        return frame[differs].sort_values("case_id", kind="stable")
    return frame.sort_values(["flip_rate", "sd"], ascending=False, kind="stable") if preset == "unstable" else frame


def _rows(run: ShelvedRun, *, n: int) -> pd.DataFrame:
    stability = run.tables.get("stability", pd.DataFrame())
    columns = [
        "run",
        "model_name",
        "model",
        "case_id",
        *FACTS,
        "nominal",
        "decision",
        "flip_rate",
        "sd",
        "distance",
        "is_positive",
    ]
    if stability.empty:
        return pd.DataFrame(columns=columns)
    primary = facts_of(run.record).primary
    if primary:
        stability = stability[(stability["perturbation"] == primary[0]) & (stability["level"] == primary[1])]
    facts = run.cases.reindex(columns=["case_id", *FACTS]).astype("string").fillna("")
    rows = stability[["model", "case_id", "nominal", "flip_rate", "sd"]].merge(facts, on="case_id", how="left")
    thresholds = run.tables.get("thresholds", pd.DataFrame({"model": [], "value": []}))
    cut = rows["model"].map(thresholds.set_index("model")["value"]).astype(float)
    labels = positive_labels(run.record)
    is_true, is_positive = rows["label"].isin(labels), rows["nominal"] >= cut
    kinds = [~rows["nominal"].notna() | cut.isna(), is_true & ~is_positive, ~is_true & is_positive]
    decision = np.select(kinds, ["not answered", "missed", "false alarm"], default="right")
    return rows.assign(
        run=run.name, model_name=rows["model"], model=rows["model"] if n == 1 else rows["model"] + f" ({run.name})",
        decision=decision, distance=rows["nominal"] - cut, is_positive=is_positive,
    )[columns]  # fmt: skip


def _columns(*, has_link: bool, has_models: bool) -> list[dict[str, Any]]:
    number = {"filter": "agNumberColumnFilter", "type": "rightAligned"}
    three, share = "d3.format('.3f')(params.value)", "d3.format('.0%')(params.value)"
    link = {
        "field": "open",
        "headerName": "",
        "cellRenderer": "markdown",
        "sortable": False,
        "filter": False,
        "maxWidth": 80,
    }
    facts = [{"field": f, "headerName": f.capitalize()} for f in FACTS]
    return [
        *([link] if has_link else []),
        {"field": "case_id", "headerName": "Case"},
        *([{"field": "model", "headerName": "Model"}] if has_models else []),
        *facts,
        {"field": "nominal", "headerName": "Score", **number, "valueFormatter": {"function": three}},
        {"field": "decision", "headerName": "Decision"},
        {"field": "flip_rate", "headerName": "Changed", **number, "valueFormatter": {"function": share}},
        {"field": "sd", "headerName": "Spread", **number, "valueFormatter": {"function": three}},
    ]
