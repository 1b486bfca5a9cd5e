"""reader_differences: what every reader, and all of them together, gained; beside the model alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from robustkit.figures._base import (
    FOOT_PX,
    GREY,
    PALETTE,
    TOP_PX,
    Drawing,
    FigureSet,
    Numbers,
    RunFacts,
    blank,
    known,
    plain,
    rounded,
    rows_axis,
    spread_out,
    whiskers,
)
from robustkit.figures._reader_words import ANALYSES, reader_words, said_count, said_difference, said_number
from robustkit.figures._words import cohort_name, p_text
from robustkit.results.schema import READERS_COLUMNS
from robustkit.strata._order import in_order

HEAD = ("Cases", "Reader", "First", "Second", "Difference (95 % interval)", "p", "Cases", "Patients", "")
WHOLE = "all cases"
ROW_PX = 46
SHOWN = "random readers and cases, jackknife"
"""The analysis of all readers that is drawn; the table below the figure has the others."""


class ReaderDifferences:
    """A point for each reader; menus for comparison, metric and variable."""

    name = "reader_differences"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw all readers side by side, whole cohorts and strata."""
        found = known(tables.get("readers"), READERS_COLUMNS)
        is_group = (found["analysis"] == "all readers") & found["method"].astype(str).str.endswith(SHOWN)
        rows = found[
            found["diff"].notna() & (found["analysis"].isin(["per reader", "reader against model"]) | is_group)
        ]
        rows = rows.assign(comparison=_comparisons(rows))
        drawings = [
            _draw(part, (str(comparison), str(metric), str(by)), facts)
            for (comparison, metric, by), part in rows.groupby(["comparison", "metric", "by"], sort=False)
        ]
        caption = (
            "Points are differences, first minus second; lines are 95 % intervals by patient: DeLong for AUC, bootstrap otherwise. "
            "All readers: random readers and cases (Obuchowski and Rockette), which speaks of other readers only where there are "
            "more than a few. Many differences are shown: some intervals leave 0 out by chance."
        )
        menus = ("Compared", "Metric", "Variable")
        return FigureSet(self.name, "What readers gained", caption, "readers", 0, menus, tuple(drawings))


def _comparisons(rows: pd.DataFrame) -> list[str]:
    return [
        f"{ANALYSES[str(r['analysis'])]} ({r['arm_a']} minus {r['arm_b']})"
        for r in rows[["analysis", "arm_a", "arm_b"]].to_dict("records")
    ]


def _draw(rows: pd.DataFrame, of: tuple[str, str, str], facts: RunFacts) -> Drawing:
    comparison, metric, by = of
    words = reader_words(metric)
    groups = [
        cohort_name(str(c)) if by == "all" else str(s) for c, s in zip(rows["cohort"], rows["stratum"], strict=True)
    ]
    names = list(dict.fromkeys(groups)) if by == "all" else in_order(set(groups))
    readers = list(dict.fromkeys(rows["reader_id"]))
    height = TOP_PX + FOOT_PX + max(ROW_PX, 15 * len(readers)) * max(3, len(names))
    title = f"{words.name}, by {'cohort' if by == 'all' else by}"
    axes = (f"difference in {words.axis}", "")
    figure = blank(title, f"{comparison}; lines: 95 % intervals", axes=axes, facts=facts, height_px=height)
    numbers: list[tuple[str, ...]] = []
    for k, (reader, offset) in enumerate(
        zip(readers, spread_out(len(readers), 0.7 / max(1, len(readers))), strict=True)
    ):
        keep = (rows["reader_id"] == reader).to_numpy()
        own, group = rows[keep], [g for g, is_own in zip(groups, keep, strict=True) if is_own]
        said = [_said(r, g) for r, g in zip(own.to_dict("records"), group, strict=True)]
        hover = [
            f"<b>{plain(s[0])}</b><br>{s[4]}<br>{s[2]} and {s[3]}, p {s[5]}<br>n = {s[6]} cases, {s[7]} patients"
            for s in said
        ]
        everyone = str(reader).startswith("all readers")
        colour = GREY if everyone else PALETTE[k % len(PALETTE)]
        figure.add(
            x=rounded(own["diff"]), y=[names.index(g) + offset for g in group], mode="markers", name=plain(reader), hovertext=hover,
            hovertemplate="%{hovertext}<extra>%{fullData.name}</extra>",
            marker={"color": colour, "symbol": "diamond" if everyone else "circle", "size": 11},
            error_x=whiskers(own, own["diff"], colour=colour, thickness_px=2.5),
        )  # fmt: skip
        numbers += said
    figure.line("x", 0.0, color=GREY, width=1)
    rows_axis(figure, [plain(n, 30) for n in names], by)
    if words.is_share:
        figure.axis("x", tickformat="+.0%")
    return Drawing((comparison, words.name, "cohort" if by == "all" else by), figure, Numbers(HEAD, tuple(numbers)))


def _said(r: Mapping[Any, Any], group: str) -> tuple[str, ...]:
    metric = str(r["metric"])
    return (
        group, str(r["reader_id"]), said_number(metric, r["value_a"]), said_number(metric, r["value_b"]),
        said_difference(metric, r["diff"], r["low"], r["high"]), p_text(r["p"]), said_count(r["n_cases"]), said_count(r["n_patients"]),
        str(r["reason"]),
    )  # fmt: skip


PLUGIN = ReaderDifferences()
