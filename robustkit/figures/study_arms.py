"""study_arms: every arm of a study by cohort, with published figures beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from robustkit.figures._base import (
    DARK_GREY,
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
    plain,
    rounded,
    rows_axis,
    whiskers,
)
from robustkit.figures._words import cohort_name, metric_words, number, p_text, with_interval
from robustkit.results.schema import STUDY_ARMS_COLUMNS

HEAD = ("Arm", "Value (95 % interval)", "Minus reference", "Adjusted p", "Published", "Cases", "Patients")
ROW_PX = 38
CHANCE = 0.5


class StudyArms:
    """A row for each arm; menus for metric and cohort."""

    name = "study_arms"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw the arms of every cohort."""
        found = known(tables.get("study_arms"), STUDY_ARMS_COLUMNS)
        rows = found[found["value"].notna() | found["published"].notna()]
        drawings = [
            _draw(part, str(metric), str(cohort), facts)
            for (metric, cohort), part in rows.groupby(["metric", "cohort"], sort=False)
        ]
        caption = (
            "Points are estimates at the boxes as given, lines 95 % intervals by patient; hollow diamonds are published figures of "
            "other cases, shown beside ours and no target. The reference arm was chosen on validation rows."
        )
        return FigureSet(self.name, "Arms of the study", caption, "study", 0, ("Metric", "Cohort"), tuple(drawings))


def _draw(rows: pd.DataFrame, metric: str, cohort: str, facts: RunFacts) -> Drawing:
    words, arms = metric_words(metric), list(dict.fromkeys(rows["model"].astype(str)))
    height = TOP_PX + FOOT_PX + ROW_PX * max(3, len(arms))
    title = f"{words.name} of every arm"
    sheet = blank(title, f"{cohort_name(cohort)}; boxes as given", axes=(words.axis, ""), facts=facts, height_px=height)
    said = [_said(r, is_share=words.is_share) for r in rows.to_dict("records")]
    for arm in arms:
        _arm(sheet, rows[rows["model"] == arm], arms.index(arm), facts=facts, is_share=words.is_share)
    if metric == "auc":
        sheet.line("x", CHANCE, color=GREY, width=1)
    rows_axis(sheet, [plain(a, 34) for a in arms], "arms")
    if words.is_share:
        sheet.axis("x", tickformat=".0%")
    return Drawing((words.name, cohort_name(cohort)), sheet, Numbers(HEAD, tuple(said)))


def _arm(sheet: Sheet, own: pd.DataFrame, row: int, *, facts: RunFacts, is_share: bool) -> None:
    arm = str(own["model"].iloc[0])
    ours, published = own[own["value"].notna()], own[own["published"].notna()]
    if len(ours):
        colour = facts.colour(arm)
        hover = [
            f"<b>{plain(arm)}</b><br>{with_interval(r['value'], r['low'], r['high'], is_share=is_share)}<br>"
            f"n = {r['n_cases']:g} cases, {r['n_patients']:g} patients"
            for r in ours.to_dict("records")
        ]
        sheet.add(
            x=rounded(ours["value"]), y=[row] * len(ours), mode="markers", name=plain(arm), showlegend=False, hovertext=hover,
            hovertemplate="%{hovertext}<extra></extra>", marker={"color": colour, "symbol": facts.symbol(arm), "size": 11},
            error_x=whiskers(ours, ours["value"], colour=colour, thickness_px=2.5),
        )  # fmt: skip
    if len(published):
        beside = published.assign(low=published["published_low"], high=published["published_high"])
        hover = [
            f"published: {with_interval(r['published'], r['low'], r['high'])} of {plain(r['source'], 80)}"
            for r in beside.to_dict("records")
        ]
        sheet.add(
            x=rounded(beside["published"]), y=[row + 0.22] * len(beside), mode="markers", name="published", showlegend=False,
            hovertext=hover, hovertemplate="%{hovertext}<extra></extra>",
            marker={"color": DARK_GREY, "symbol": "diamond-open", "size": 9},
            error_x=whiskers(beside, beside["published"], colour=DARK_GREY, thickness_px=1),
        )  # fmt: skip


def _said(r: Mapping[Any, Any], *, is_share: bool) -> tuple[str, ...]:
    own = with_interval(r["value"], r["low"], r["high"], is_share=is_share)
    published = with_interval(r["published"], r["published_low"], r["published_high"], is_share=is_share)
    counts = [f"{r[c]:g}" if r[c] == r[c] else "" for c in ("n_cases", "n_patients")]
    return (
        str(r["model"]), own, number(r["diff"]), p_text(r["p_adjusted"]), published if r["published"] == r["published"] else "",
        *counts,
    )  # fmt: skip


PLUGIN = StudyArms()
