"""error_rates: missed lesions and false alarms by stratum, internal against external side by side."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from robustkit.figures._base import (
    DARK_GREY,
    FOOT_PX,
    PALETTE,
    TOP_PX,
    Drawing,
    FigureSet,
    Numbers,
    RunFacts,
    Sheet,
    blank,
    known,
    plain,
    rounded,
    rows_axis,
    spread_out,
    whiskers,
)
from robustkit.figures._words import KINDS, with_interval
from robustkit.results.schema import ERRORS_COLUMNS
from robustkit.strata._order import in_order, is_range

HEAD = ("Stratum", "Cohort", "Errors", "Rate (95 % interval)", "Patients")
_OF = {
    "missed": "% of positives",
    "missed_malignant": "% of malignant",
    "missed_intermediate": "% of intermediate",
    "false_alarm": "% of negatives",
}


class ErrorRates:
    """Bars with intervals and counts, one colour per cohort; menus for variable, error and model."""

    name = "error_rates"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw nominal errors at the carried threshold."""
        errors = known(tables.get("errors"), ERRORS_COLUMNS)
        is_pair = errors["by"].astype(str).str.count(r"\*") == 1  # shown as a grid
        rows = errors[(errors["by"] != "all") & ~is_pair & (errors["perturbation"] == "nominal")]
        cohorts = _cohorts(rows)
        drawings = []
        for by in dict.fromkeys(rows["by"]):
            for kind in KINDS:
                for model in facts.models:
                    part = rows[(rows["by"] == by) & (rows["kind"] == kind) & (rows["model"] == model)]
                    part = part[part["cohort"].isin(cohorts)]
                    if len(part):
                        drawings.append(_draw(part, cohorts, facts))
        caption = (
            "Missed: positive lesions with a score below the carried threshold. False alarms: negative ones at or above it. "
            "Boxes as given; thin lines are 95 % intervals by patient; k of n stands beside each bar. A stratum of fewer "
            "than 5 patients shows its count alone."
        )
        menus = ("Variable", "Error", "Model")
        return FigureSet(self.name, "Errors by stratum", caption, "errors", 0, menus, tuple(drawings))


def _cohorts(rows: pd.DataFrame) -> list[str]:
    found = list(dict.fromkeys(rows["cohort"]))
    return [c for c in found if c != "all"] or found


def _draw(rows: pd.DataFrame, cohorts: list[str], facts: RunFacts) -> Drawing:
    by, kind, model = (str(rows.iloc[0][c]) for c in ("by", "kind", "model"))
    strata = _order(rows)
    title, subtitle = f"{KINDS[kind]} by {by}", f"{model}, boxes as given, carried threshold"
    height = TOP_PX + FOOT_PX + (16 + 16 * len(cohorts)) * len(strata)
    axes = (f"{KINDS[kind].lower()} ({_OF[kind]})", "")
    figure = blank(title, subtitle, axes=axes, facts=facts, height_px=height)
    at = {s: i for i, s in enumerate(strata)}
    step = 0.76 / max(1, len(cohorts))
    for i, (cohort, offset) in enumerate(zip(cohorts, spread_out(len(cohorts), step), strict=True)):
        own = rows[rows["cohort"] == cohort]
        _bars(figure, own, [at[s] + offset for s in own["stratum"]], PALETTE[i % len(PALETTE)], width=0.86 * step)
    figure.layout["barmode"] = "overlay"
    rows_axis(figure, [plain(s) for s in strata], by)
    figure.axis("x", range=[0, 1.12], tickformat=".0%", tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1.0])
    numbers = tuple(
        (r["stratum"], r["cohort"], f"{r['k']:g} of {r['n_cases']:g}", _rate(r), f"{r['n_patients']:g}")
        for s in strata
        for r in rows[rows["stratum"] == s].to_dict("records")
    )
    return Drawing((by, KINDS[kind], plain(model)), figure, Numbers(HEAD, numbers))


def _order(rows: pd.DataFrame) -> list[str]:
    strata = in_order(set(rows["stratum"]))
    if any(is_range(s) for s in strata):
        return strata
    rate = rows.groupby("stratum")["rate"].mean()
    return sorted(strata, key=lambda s: (rate[s] != rate[s], s == "unknown", -rate[s], s))


def _bars(figure: Sheet, own: pd.DataFrame, y: list[float], colour: str, *, width: float) -> None:
    if own.empty:
        return
    name = plain(own.iloc[0]["cohort"])
    sure = own["rate"].notna().to_numpy()
    rate = own["rate"].fillna(0.0)
    records = own.to_dict("records")
    hover = [
        f"{plain(r['stratum'])}<br><b>{r['k']:g} of {r['n_cases']:g}</b> cases, {r['n_patients']:g} patients<br>{plain(_rate(r), 90)}"
        for r in records
    ]
    figure.add(
        type="bar", orientation="h", name=name, legendgroup=name, y=y, x=rounded(rate), width=width, hovertext=hover,
        marker={"color": colour, "opacity": 0.82}, error_x=whiskers(own, rate, colour=DARK_GREY, thickness_px=1.5),
        hovertemplate="%{hovertext}<extra>%{fullData.name}</extra>",
    )  # fmt: skip
    words = [f"{r['k']:g} of {r['n_cases']:g}" + ("" if s else ", no rate") for r, s in zip(records, sure, strict=True)]
    figure.add(
        x=rounded(own["high"].fillna(rate) + 0.012), y=y, mode="text", text=words, textposition="middle right", hoverinfo="skip",
        textfont={"size": 11, "color": DARK_GREY}, showlegend=False, legendgroup=name, cliponaxis=False,
    )  # fmt: skip


def _rate(r: Mapping[str, float]) -> str:
    reason = f": {r['reason']}" if r["rate"] != r["rate"] and r["reason"] else ""
    return with_interval(r["rate"], r["low"], r["high"], is_share=True) + reason


PLUGIN = ErrorRates()
