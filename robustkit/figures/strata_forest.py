"""strata_forest: a metric in every stratum of a variable, with intervals; what is not estimable is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from robustkit.figures._base import (
    FOOT_PX,
    GREY,
    TOP_PX,
    Drawing,
    FigureSet,
    Numbers,
    RunFacts,
    Sheet,
    blank,
    known,
    percent_axis,
    plain,
    rounded,
    rows_axis,
    spread_out,
    whiskers,
)
from robustkit.figures._words import (
    cohort_name,
    level_text,
    metric_words,
    p_text,
    with_interval,
)
from robustkit.results.schema import STRATA_COLUMNS
from robustkit.strata._order import in_order, is_range

METRICS = ("sensitivity", "specificity", "auc", "flip_rate", "rank_sd")
_SHOWS = {"auc": ("auc", "auc_against")}
TEST = "(heterogeneity)"
_ABOUT = ("metric", "by", "cohort", "perturbation", "level")
Tests = Mapping[tuple[Any, ...], list[dict[str, Any]]]
"""Rows of tests by metric, variable, cohort and condition."""
HEAD = ("Stratum", "Model", "Value (95 % interval)", "Cases", "Patients", "Adjusted p against the rest")


class StrataForest:
    """Point and interval per stratum and model; menus for variable, metric and cohort."""

    name = "strata_forest"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw nominal metrics, and stability at the primary level."""
        strata = known(tables.get("strata"), STRATA_COLUMNS)
        rows = _primary(strata, facts)
        tests = _tests(strata)
        rows = rows.assign(n=_counts(rows, "n_cases"), patients=_counts(rows, "n_patients"))
        drawings = []
        for by in dict.fromkeys(rows.loc[rows["by"] != "all", "by"]):
            for metric in METRICS:
                shown = rows["metric"].isin(_SHOWS.get(metric, (metric,)))
                for cohort in dict.fromkeys(rows["cohort"]):
                    here = rows[shown & (rows["cohort"] == cohort)]
                    part = here[here["by"] == by]
                    if len(part):
                        drawings.append(_draw(part, here[here["by"] == "all"], facts, metric=metric, tests=tests))
        caption = (
            "Points are estimates, lines 95 % intervals by patient, dotted lines the whole cohort. A mark is filled "
            "where the adjusted p against the rest of the cohort is below .05; a stratum with a hollow mark is not called "
            "worse or better. A stratum of one class (every subtype is one) has its AUC against the other class of the "
            "whole cohort. n counts the cases that the metric is about."
        )
        menus = ("Variable", "Metric", "Cohort")
        return FigureSet(self.name, "By stratum", caption, "strata", 0, menus, tuple(drawings))


def _primary(strata: pd.DataFrame, facts: RunFacts) -> pd.DataFrame:
    """Keep nominal rows, and stability metrics at the primary level; tests are kept apart by their name."""
    nominal = strata["perturbation"] == "nominal"
    keep = nominal
    if facts.primary:
        moved = (strata["perturbation"] == facts.primary[0]) & (strata["level"] == facts.primary[1])
        keep = nominal | (moved & strata["metric"].isin(["flip_rate", "rank_sd"]))
    return strata[keep & ~strata["stratum"].astype(str).str.startswith("(")]


def _counts(rows: pd.DataFrame, column: str) -> pd.Series:
    """Give cases or patients of each row's stratum: ``auc_against`` rows count the other class of the cohort too."""
    own = rows[column].where(~rows["metric"].isin(["auc_against", "sensitivity", "specificity"]))
    whole = own.groupby([rows[c] for c in ("by", "stratum", "cohort")]).transform("max")
    return whole.where(rows["metric"] == "auc_against", rows[column]).fillna(rows[column])


def _tests(strata: pd.DataFrame) -> Tests:
    """Give the rows of the tests that all strata are one, by what they are about."""
    found: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in strata[strata["stratum"] == TEST].to_dict("records"):
        found.setdefault(tuple(row[c] for c in _ABOUT), []).append({str(c): v for c, v in row.items()})
    return found


def _draw(rows: pd.DataFrame, whole: pd.DataFrame, facts: RunFacts, *, metric: str, tests: Tests) -> Drawing:
    words = metric_words(metric)
    by, cohort = str(rows.iloc[0]["by"]), str(rows.iloc[0]["cohort"])
    strata = _order(rows, worst_is_high=words.from_zero)
    models = [m for m in facts.models if m in set(rows["model"])]
    condition = "boxes as given"
    if metric in ("flip_rate", "rank_sd") and facts.primary:
        condition = f"{facts.primary[0]} {level_text(facts.primary[1], facts.unit(facts.primary[0]))}"
    figure = blank(
        f"{words.name} by {by}", f"{cohort_name(cohort)}, {condition}", axes=(words.axis, ""), facts=facts,
        height_px=TOP_PX + FOOT_PX + (26 + 10 * len(models)) * len(strata),
    )  # fmt: skip
    at = {s: i for i, s in enumerate(strata)}
    for model, offset in zip(models, spread_out(len(models), 0.2), strict=True):
        own = rows[(rows["model"] == model) & rows["value"].notna()]
        _marks(figure, own, [at[s] + offset for s in own["stratum"]], facts, is_share=words.is_share)
        for value in whole.loc[(whole["model"] == model) & whole["value"].notna(), "value"]:
            figure.line("x", round(float(value), 5), dash="dot", width=1.5, color=facts.colour(model))
    _say_not_estimable(figure, rows, at)
    n = rows.groupby("stratum")["n"].max()
    rows_axis(figure, [f"{plain(s)}  <i>n={n[s]:g}</i>" for s in strata], by)
    percent_axis(figure, "x", is_share=words.is_share, from_zero=words.from_zero)
    if words.is_share and not words.from_zero:
        figure.axis("x", range=[-0.03, 1.03])
    choice = (by, words.name, cohort_name(cohort))
    numbers = (*_numbers(rows, strata, models, is_share=words.is_share), *_heterogeneity(rows, tests))
    return Drawing(choice, figure, Numbers(HEAD, numbers))


def _order(rows: pd.DataFrame, *, worst_is_high: bool) -> list[str]:
    """Order ranges by their numbers and names by value, the worst first; what is not estimable comes last."""
    strata = in_order(set(rows["stratum"]))
    if any(is_range(s) for s in strata):
        return strata
    value = rows.groupby("stratum")["value"].mean() * (-1 if worst_is_high else 1)
    return sorted(strata, key=lambda s: (value[s] != value[s], s == "unknown", value[s], s))


def _marks(figure: Sheet, own: pd.DataFrame, y: list[float], facts: RunFacts, *, is_share: bool) -> None:
    if own.empty:
        return
    model = str(own.iloc[0]["model"])
    symbol = facts.symbol(model)
    marks = [symbol if p < 0.05 else f"{symbol}-open" for p in own["p_adjusted"].fillna(1.0)]
    hover = []
    for r in own.to_dict("records"):
        said = with_interval(r["value"], r["low"], r["high"], is_share=is_share)
        p = f"<br>adjusted p against the rest: {p_text(r['p_adjusted'])}" if r["p_adjusted"] == r["p_adjusted"] else ""
        against = (
            "<br>" + r["method"].split("; ")[-1] if r["metric"] == "auc_against" and "against" in r["method"] else ""
        )
        hover.append(
            f"{plain(r['stratum'])}<br><b>{said}</b><br>n = {r['n']:g} cases, {r['patients']:g} patients{p}{against}"
        )
    colour = facts.colour(model)
    figure.add(
        x=rounded(own["value"]), y=y, mode="markers", name=plain(model), hovertext=hover,
        marker={"color": colour, "size": 10, "symbol": marks, "line": {"width": 2, "color": colour}},
        error_x=whiskers(own, own["value"], colour=colour, thickness_px=2),
        hovertemplate="%{hovertext}<extra>%{fullData.name}</extra>",
    )  # fmt: skip


def _say_not_estimable(figure: Sheet, rows: pd.DataFrame, at: Mapping[str, int]) -> None:
    lost = rows.groupby("stratum")["value"].apply(lambda v: v.isna().all())
    for stratum in lost.index[lost]:
        reason = str(rows.loc[rows["stratum"] == stratum, "reason"].iloc[0]).split(" (")[0]
        figure.note(
            x=0, xref="paper", xshift=6, y=at[stratum], text=f"not estimable: {plain(reason, 60)}", xanchor="left",
            font={"size": 11, "color": GREY},
        )  # fmt: skip


def _numbers(
    rows: pd.DataFrame, strata: list[str], models: list[str], *, is_share: bool
) -> tuple[tuple[str, ...], ...]:
    found = []
    for r in rows.to_dict("records"):
        said = with_interval(r["value"], r["low"], r["high"], is_share=is_share)
        said += f": {r['reason']}" if r["value"] != r["value"] and r["reason"] else ""
        place = strata.index(r["stratum"]), models.index(r["model"])
        counts = f"{r['n']:g}", f"{r['patients']:g}"
        found.append((place, (r["stratum"], r["model"], said, *counts, p_text(r["p_adjusted"]))))
    return tuple(cells for _, cells in sorted(found))


def _heterogeneity(rows: pd.DataFrame, tests: Tests) -> list[tuple[str, ...]]:
    """Give the test of all strata of the variable together, one row per model."""
    first = rows.iloc[0]
    own = tests.get(tuple(first[c] for c in _ABOUT), [])
    return [
        (
            "all strata together",
            r["model"],
            "test of any difference",
            f"{r['n_cases']:g}",
            f"{r['n_patients']:g}",
            p_text(r["p"]),
        )
        for r in own
    ]


PLUGIN = StrataForest()
