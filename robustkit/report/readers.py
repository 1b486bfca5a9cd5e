"""The section on readers: what each gained, all of them together, how they agree, and whether steady answers help more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from robustkit.analysis.reader_pairs import PER_READER
from robustkit.figures._base import FigureSet, known
from robustkit.figures._reader_words import GAINS, reader_words, said_difference, said_number
from robustkit.figures._words import cohort_name, p_text
from robustkit.report.markup import figure_block, name, table, text
from robustkit.report.view import RunView, Section
from robustkit.results.schema import READERS_COLUMNS

ANCHOR = "readers"
MOST_ROWS = 200
"""Rows about single readers on the page; the table itself, whole, is among the downloads."""

_HOW = (
    "Differences are first minus second. What is said of single readers holds for them alone. All readers together: "
    "Obuchowski and Rockette's analysis; random readers and cases speaks of other readers and other cases, fixed readers of "
    "these readers and other cases. Beside it: how often that test rejects at 5 % where nothing differs, found by simulation."
)
_GAIN = (
    "A case's gain is how much better its readers were with the model: the share of them put right, and how far their ratings "
    "moved towards the truth (share of the scale). Its instability is the spread of the model's score over redrawn boxes. "
    "Below 0: the steadier the model, the more it helps. A model that wavers is wrong more often, so the same is asked among "
    "the cases where it is right, and where it is wrong."
)


def readers_section(view: RunView) -> Section | None:
    """Give the section; None where nobody read."""
    found = view.table("readers")
    if found.empty:
        return None
    return Section(ANCHOR, "Readers with and without the model", readers_html(found, view.figures_of("readers")))


def readers_html(found: pd.DataFrame, figures: Sequence[FigureSet]) -> str:
    """Give what stands below the heading.

    Args:
        found: readers.csv.
        figures: Of the section.
    """
    rows = known(found, READERS_COLUMNS)
    whole = rows[rows["by"] == "all"]
    blocks = "".join(figure_block(f) for f in figures)
    parts = (_each(whole), _together(whole), _agreement(whole), _gains(rows))
    return f'<p class="caption">{text(_HOW)}</p>{blocks}{"".join(parts)}'


def _each(whole: pd.DataFrame) -> str:
    """Give every reader aided and unaided, on whole cohorts."""
    rows = whole[whole["analysis"] == PER_READER]
    body = [
        [
            name(r["reader_id"]), name(cohort_name(str(r["cohort"]))), text(reader_words(str(r["metric"])).name), _value(r, "value_a"),
            _value(r, "value_b"), _difference(r), text(p_text(r["p"])), _count(r["n_cases"]), text(r["reason"]),
        ]
        for r in rows.head(MOST_ROWS).to_dict("records")
    ]  # fmt: skip
    if not body:
        return ""
    first = rows.iloc[0]
    head = [
        "Reader",
        "Cohort",
        "Metric",
        first["arm_a"],
        first["arm_b"],
        "Difference (95 % interval)",
        "p",
        "Cases",
        "Mind",
    ]
    rest = len(rows) - len(body)
    more = f"<p>{rest} further rows are in the table readers.csv below.</p>" if rest else ""
    return f"<h3>Each reader</h3>{table([str(h) for h in head], body, numeric_from=3)}{more}"


def _together(whole: pd.DataFrame) -> str:
    rows = whole[whole["analysis"] == "all readers"]
    body = [
        [
            name(cohort_name(str(r["cohort"]))), text(str(r["method"]).removeprefix("Obuchowski-Rockette, ")), _value(r, "value_a"),
            _value(r, "value_b"), _difference(r), text(p_text(r["p"])), _share(r["null_rate"]), _count(r["n_cases"]),
            text(r["reason"]),
        ]
        for r in rows.to_dict("records")
    ]  # fmt: skip
    head = [
        "Cohort", "Taken as", "First", "Second", "Difference of mean AUCs (95 % interval)", "p", "Rejects where nothing differs",
        "Cases", "Mind",
    ]  # fmt: skip
    return f"<h3>All readers together</h3>{table(head, body, numeric_from=2)}" if body else ""


def _agreement(whole: pd.DataFrame) -> str:
    rows = whole[whole["analysis"] == "agreement"]
    words = {"weighted_kappa": "Weighted kappa", "icc": "ICC (agreement of single ratings)"}
    body = [
        [
            name(cohort_name(str(r["cohort"]))), name(r["reader_id"]), text(r["arm_a"]), text(words[str(r["metric"])]),
            _value(r, "value_a") or f'<small class="none">{text(r["reason"])}</small>', _count(r["n_cases"]),
        ]
        for r in rows.to_dict("records")
    ]  # fmt: skip
    head = ["Cohort", "Readers", "Arm", "Agreement", "Value", "Cases"]
    return f"<h3>Do readers agree?</h3>{table(head, body, numeric_from=4)}" if body else ""


def _gains(found: pd.DataFrame) -> str:
    rows = found[found["analysis"] == "gain by stability"]
    if rows.empty:
        return ""
    among = {"all": "all cases", "right": "the model is right", "wrong": "the model is wrong"}
    body = [
        [
            name(cohort_name(str(r["cohort"]))), text(among.get(str(r["stratum"]), str(r["stratum"]))),
            text(GAINS.get(str(r["metric"]), str(r["metric"]))), _gain(r), text(p_text(r["p"])), _count(r["n_cases"]),
        ]
        for r in rows.to_dict("records")
    ]  # fmt: skip
    head = ["Cohort", "Among", "Question", "Answer (95 % interval)", "p", "Cases"]
    return (
        f'<h3>Does help depend on the model being stable?</h3><p class="caption">{text(_GAIN)}</p>'
        f"{table(head, body, numeric_from=3)}"
    )


def _gain(r: Mapping[Any, Any]) -> str:
    is_correlation = str(r["metric"]).endswith("by_instability")
    value = r["value_a"] if is_correlation else r["diff"]
    if value != value:
        return f'<small class="none">not estimable: {text(r["reason"])}</small>'
    scale, unit = (1.0, "") if is_correlation else (100.0, " points")
    digits = 2 if is_correlation else 1
    said = [f"{scale * v:+.{digits}f}".replace("-", "\N{MINUS SIGN}") for v in (value, r["low"], r["high"])]
    bounds = f"<small>{said[1]} to {said[2]}</small>" if r["low"] == r["low"] else "<small>no interval</small>"
    return f"<b>{said[0]}{unit}</b>{bounds}"


def _value(r: Mapping[Any, Any], column: str) -> str:
    return text(said_number(str(r["metric"]), r[column]))


def _difference(r: Mapping[Any, Any]) -> str:
    return f"<b>{text(said_difference(str(r['metric']), r['diff'], r['low'], r['high']))}</b>"


def _share(value: float) -> str:
    return f"{100 * value:.1f} %" if value == value else ""


def _count(value: float) -> str:
    return f"{value:.0f}" if value == value else ""
