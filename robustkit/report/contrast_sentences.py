"""Sentences about differences that were tested: between cohorts within a stratum, and between strata in stability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from robustkit.figures._words import number, with_interval
from robustkit.report.rows import as_mappings

SURE = 0.05
"""Adjusted p from which a difference is called one (estimands, section 7)."""

MOST_NAMED = 2
_SAID = {"missed": "missed", "false_alarm": "called non-benign", "flip_rate": "decision changed"}


def where_it_does_not_carry(transfer: pd.DataFrame, model: str) -> str:
    """Say in which strata errors are more frequent outside: ``giant cell tumour: missed 8 % internal, 41 % external``."""
    if transfer.empty:
        return ""
    keep = (transfer["model"] == model) & (transfer["perturbation"] == "nominal") & (transfer["by"] != "all")
    rows = transfer[keep & transfer["metric"].isin(["missed", "false_alarm"]) & (transfer["p_adjusted"] < SURE)]
    rows = rows[rows["diff"] > 0].sort_values(["p_adjusted", "diff"], ascending=[True, False], kind="stable")
    # the same cases may be outside by one cohort and by all together: each stratum is named once
    rows = rows.drop_duplicates(["by", "stratum", "metric"]).head(MOST_NAMED)
    if rows.empty:
        return ""
    return "More errors outside (adjusted p < .05): " + "; ".join(_pair(r) for r in as_mappings(rows)) + "."


def _pair(r: Mapping[str, Any]) -> str:
    def of(side: str) -> str:
        n = r[f"n_cases_{side}"]
        return f"{number(r[f'value_{side}'], is_share=True)} of {n:g} {r[f'cohort_{side}']}"

    difference = with_interval(r["diff"], r["low"], r["high"], is_share=True)
    return f"{r['by']} {r['stratum']}: {_SAID[r['metric']]} {of('b')}, {of('a')} (difference {difference})"


def who_flips_more(strata: pd.DataFrame, model: str, *, condition: tuple[str, float] | None) -> str:
    """Say which strata change their decision more often than the rest, and whether they move more or sit closer."""
    if strata.empty or condition is None:
        return ""
    keep = (strata["model"] == model) & (strata["perturbation"] == condition[0]) & (strata["level"] == condition[1])
    rows = strata[keep]
    rows = rows[rows["cohort"] == _widest(rows)]
    flips = rows[(rows["metric"] == "flip_rate") & (rows["p_adjusted"] < SURE) & ~rows["stratum"].str.startswith("(")]
    whole = rows.loc[(rows["by"] == "all") & (rows["metric"] == "flip_rate"), "value"]
    more = flips[flips["value"] > whole.max()].sort_values(
        ["p_adjusted", "value"], ascending=[True, False], kind="stable"
    )
    named = [_flipping(r, rows) for r in as_mappings(more.head(MOST_NAMED))]
    return "Decisions change more often (adjusted p < .05) in " + "; ".join(named) + "." if named else ""


def _widest(rows: pd.DataFrame) -> str:
    names = set(rows["cohort"].unique())
    return "all" if "all" in names or not names else sorted(names)[0]


def _flipping(r: Mapping[str, Any], rows: pd.DataFrame) -> str:
    share = with_interval(r["value"], r["low"], r["high"], is_share=True)
    return f"{r['by']} {r['stratum']}: {share}; {_why(r, rows)}"


def _why(r: Mapping[str, Any], rows: pd.DataFrame) -> str:
    """Split a difference in flip rate (estimands, section 3)."""
    found = []
    for metric, is_more, said in (
        ("rank_sd", 1, "the scores move more"),
        ("cut_distance", -1, "they sit closer to the threshold"),
    ):
        of = rows[(rows["by"] == r["by"]) & (rows["metric"] == metric)]
        own = of[of["stratum"] == r["stratum"]]
        rest = rows.loc[(rows["by"] == "all") & (rows["metric"] == metric), "value"]
        if (
            len(own)
            and len(rest)
            and own["p_adjusted"].iloc[0] < SURE
            and is_more * (own["value"].iloc[0] - rest.iloc[0]) > 0
        ):
            found.append(said)
    return " and ".join(found) if found else "neither a larger spread nor a smaller distance to the threshold is shown"
