"""Tables of models without a network, from run.json and strata.csv."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from robustkit.analysis.baselines import baseline_tables, model_tables
from robustkit.results.schema import BASELINES_COLUMNS

from made_tables import strata

ESTIMATE = {"metric": "auc", "rows": "nested CV", "value": 0.8, "low": 0.7, "high": None, "n_cases": 90, "n_patients": 80,
            "method": "m", "reason": "r"}  # fmt: skip


def entry(name: str, kind: str, **training: Any) -> dict[str, Any]:
    return {"name": name, "arch": kind, "training": {"n_features": 7, "estimates": [ESTIMATE], **training}}


def test_a_run_of_networks_has_none() -> None:
    assert (
        baseline_tables({"models": [{"name": "a"}, {"name": "b", "training": {}}]}, strata(("a", "b"), ("all",))) == {}
    )


def test_rows_of_the_fit_then_of_the_cohorts() -> None:
    table = strata(("a", "b"), ("all", "external"))
    found = baseline_tables({"models": [entry("b", "radiomics"), {"name": "a"}]}, table)
    assert list(found) == ["baselines"]
    rows = found["baselines"]
    assert tuple(rows.columns) == BASELINES_COLUMNS
    assert rows["model"].unique().tolist() == ["b"]
    assert rows[["cohort", "split", "metric", "value", "features"]].to_numpy().tolist()[0] == [
        "development", "nested CV", "auc", 0.8, 7,
    ]  # fmt: skip
    assert np.isnan(rows["high"].iloc[0])
    nominal = table[
        (table["model"] == "b")
        & (table["by"] == "all")
        & (table["perturbation"] == "nominal")
        & (table["metric"] == "auc")
    ]
    assert rows["value"].tolist()[1:] == nominal["value"].tolist()
    assert rows["cohort"].tolist()[1:] == ["all", "external"]


def test_odds_ratios_by_hand() -> None:
    coefficients = [
        {"fact": "intercept", "column": "intercept", "value": 1.0, "low": 0.0, "high": 2.0, "reason": ""},
        {"fact": "sex", "column": "sex=F", "value": float(np.log(2)), "low": None, "high": None, "reason": "few"},
    ]
    found = model_tables("m", "clinical", {"coefficients": coefficients, "choices": {"method": "ML"}})[
        "baseline_coefficients"
    ]
    assert np.isnan(found["odds_ratio"].iloc[0])
    assert found["odds_ratio"].iloc[1] == 2.0
    assert np.isnan(found["odds_low"].iloc[1])
    assert found["method"].tolist() == ["ML", "ML"]


def test_a_file_written_by_hand_needs_no_more_than_estimates() -> None:
    found = baseline_tables({"models": [entry("b", "clinical")]}, strata(("b",), ("all",)).iloc[:0])
    assert len(found["baselines"]) == 1
    assert isinstance(found["baselines"], pd.DataFrame)
