"""Rows of the tables that sentences and headlines speak of."""

from __future__ import annotations

from typing import Any

import pandas as pd


def of_model(table: pd.DataFrame, model: str) -> pd.DataFrame:
    """Give the rows of one model; a table that the run lacks stays as it is."""
    return table if table.empty else table[table["model"] == model]


def whole_rows(strata: pd.DataFrame, model: str, metric: str, *, condition: tuple[str, float]) -> pd.DataFrame:
    """Give the rows of whole cohorts for one model, metric and condition (perturbation, level)."""
    if strata.empty:
        return strata
    keep = (strata["by"] == "all") & (strata["model"] == model) & (strata["metric"] == metric)
    return strata[keep & (strata["perturbation"] == condition[0]) & (strata["level"] == condition[1])]


def cohorts_apart(rows: pd.DataFrame) -> pd.DataFrame:
    """Leave the row of all cohorts together out where there are several."""
    if rows.empty:
        return rows
    apart = rows["cohort"] != "all"
    return rows[apart] if apart.any() else rows


def as_mappings(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Give rows as plain values by column: ``DataFrame.to_dict`` takes milliseconds for a few rows of many columns."""
    columns = {str(c): rows[c].tolist() for c in rows}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
