from __future__ import annotations

import pandas as pd
import pytest
from robustkit.figures._base import Drawing, RunFacts
from robustkit.figures.strata_forest import PLUGIN

from made_tables import all_tables

FACTS = RunFacts(("a", "b"), units={"shift": "side"}, primary=("shift", 0.1))


def _drawing(*choice: str) -> Drawing:
    return next(d for d in PLUGIN.draw(all_tables(), FACTS).drawings if d.choice == choice)


def test_values_and_intervals_are_the_tables() -> None:
    strata = all_tables()["strata"]
    keep = (strata["by"] == "size") & (strata["cohort"] == "external") & (strata["metric"] == "sensitivity")
    own = strata[keep & (strata["model"] == "a") & (strata["perturbation"] == "nominal")]
    trace = _drawing("size", "Sensitivity", "external").sheet.data[0]
    assert trace["x"] == pytest.approx(own["value"].tolist(), abs=1e-5)
    assert trace["error_x"]["array"] == pytest.approx([0.05] * 3)
    assert trace["error_x"]["arrayminus"] == pytest.approx([0.05] * 3)


def test_sizes_are_in_order_and_small_strata_last() -> None:
    sizes = _drawing("size", "Sensitivity", "all cohorts").sheet.layout["yaxis"]["ticktext"]
    assert [s.split("  ")[0] for s in sizes] == ["&lt;20 mm", "20-50 mm", "&gt;=50 mm"]
    subtypes = _drawing("subtype", "Sensitivity", "all cohorts").sheet.layout["yaxis"]["ticktext"]
    assert [s.split("  ")[0] for s in subtypes] == ["osteosarcoma", "tiny"]


def test_only_an_adjusted_p_below_5_percent_fills_the_mark() -> None:
    assert _drawing("subtype", "Sensitivity", "all cohorts").sheet.data[0]["marker"]["symbol"] == ["circle"]
    assert set(_drawing("size", "Sensitivity", "all cohorts").sheet.data[0]["marker"]["symbol"]) == {"circle-open"}


def test_not_estimable_is_said_with_its_reason() -> None:
    drawing = _drawing("subtype", "Sensitivity", "all cohorts")
    words = [a["text"] for a in drawing.sheet.layout["annotations"] if "name" not in a]
    assert words == ["not estimable: fewer than 5 patients"]
    row = next(r for r in drawing.numbers.rows if r[0] == "tiny")
    assert row[2] == "not estimable: fewer than 5 patients (3)"


def test_stability_is_at_the_primary_level() -> None:
    strata = all_tables()["strata"]
    keep = (
        (strata["by"] == "subtype")
        & (strata["cohort"] == "all")
        & (strata["metric"] == "flip_rate")
        & (strata["level"] == 0.1)
    )
    value = strata[keep & (strata["model"] == "a") & (strata["stratum"] == "osteosarcoma")]["value"].item()
    drawing = _drawing("subtype", "Decisions that change", "all cohorts")
    assert drawing.sheet.data[0]["x"] == pytest.approx([value])
    assert drawing.sheet.layout["title"]["subtitle"]["text"] == "all cohorts, shift 10%"


def test_the_test_of_all_strata_together_stands_last() -> None:
    tables = all_tables()
    strata = tables["strata"]
    row = strata[
        (strata["by"] == "size") & (strata["metric"] == "sensitivity") & (strata["perturbation"] == "nominal")
    ].iloc[[0]]
    tables["strata"] = pd.concat(
        [strata, row.assign(stratum="(heterogeneity)", value=float("nan"), p=0.031, n_cases=77)]
    )
    drawing = next(d for d in PLUGIN.draw(tables, FACTS).drawings if d.choice == ("size", "Sensitivity", "all cohorts"))
    assert drawing.numbers.rows[-1][:4] == ("all strata together", "a", "test of any difference", "77")
    assert drawing.numbers.rows[-1][5] == "0.031"
    assert len(drawing.sheet.layout["yaxis"]["ticktext"]) == 3


def test_auc_against_counts_the_stratum_alone() -> None:
    tables = all_tables()
    strata = tables["strata"]
    own = (strata["stratum"] == "osteosarcoma") & (strata["perturbation"] == "nominal") & (strata["metric"] == "auc")
    changed = {
        "metric": "auc_against",
        "n_cases": 900,
        "n_patients": 800,
        "method": "clustered DeLong; against all negatives of the cohort",
    }
    for column, value in changed.items():
        strata.loc[own, column] = value
    brier = strata[(strata["stratum"] == "osteosarcoma") & (strata["cohort"] == "all") & (strata["metric"] == "brier")]
    drawing = next(d for d in PLUGIN.draw(tables, FACTS).drawings if d.choice == ("subtype", "AUC", "all cohorts"))
    # the counts of a stratum are the largest of its models' rows
    n, patients = brier["n_cases"].max(), brier["n_patients"].max()
    assert drawing.numbers.rows[0][3:5] == (f"{n:g}", f"{patients:g}")
    hover = drawing.sheet.data[0]["hovertext"][0]
    assert "against all negatives of the cohort" in hover
    assert f"n = {n:g} cases, {patients:g} patients" in hover
