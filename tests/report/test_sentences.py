"""Sentences compared with what a reader would write from the tables by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd
from robustkit.report.sentences import about_films, how_good, how_stable, missed_most, where_it_fails, worse_strata

from made_tables import all_tables

RECORD: dict[str, Any] = {
    "models": [{"name": "a", "arch": "resnet18"}],
    "perturbations": [{"kind": "shift", "levels": [0.1, 0.05], "units": "side"}],
    "repeats": 12,
}


def _strata(**given: Any) -> pd.DataFrame:
    base = {
        "by": "all", "stratum": "all", "cohort": "internal", "model": "a", "perturbation": "nominal", "level": 0.0, "metric": "auc",
        "value": 0.8, "low": 0.7, "high": 0.9, "n_cases": 40, "n_patients": 30, "p_adjusted": float("nan"), "reason": "",
    }  # fmt: skip
    n = max((len(v) for v in given.values() if isinstance(v, list)), default=1)
    return pd.DataFrame({k: v if isinstance(v, list) else [v] * n for k, v in {**base, **given}.items()})


def test_how_good_says_each_cohort_with_interval() -> None:
    strata = _strata(
        cohort=["all", "internal", "external"], value=[0.75, 0.8, 0.7], low=[0.7, 0.72, 0.6], high=[0.8, 0.88, 0.79]
    )
    said = "AUC 0.800 (0.720 to 0.880) on 40 internal cases of 30 patients; 0.700 (0.600 to 0.790) on 40 external cases of 30 patients."
    assert how_good(strata, "a") == said


def test_how_good_says_why_not() -> None:
    nan = float("nan")
    strata = _strata(value=[nan], low=[nan], high=[nan], reason="fewer than 10 patients of either class")
    assert how_good(strata, "a") == (
        "AUC not estimable (fewer than 10 patients of either class) on 40 internal cases of 30 patients."
    )
    assert how_good(strata, "b") == "No AUC can be estimated."


def test_how_stable_takes_the_primary_level() -> None:
    strata = _strata(
        metric="flip_rate",
        perturbation="shift",
        level=[0.05, 0.1],
        value=[0.01, 0.104],
        low=[0.0, 0.08],
        high=[0.02, 0.13],
    )
    assert how_stable(RECORD, strata, "a") == (
        "With every box redrawn (shift up to 10%), the decision changes in 10.4% (8.0% to 13.0%) on 40 internal cases of 30 patients."
    )
    assert how_stable({**RECORD, "perturbations": []}, strata, "a") == "No box was redrawn in this run."


def test_a_stratum_is_worse_only_below_5_percent_and_below_the_cohort() -> None:
    strata = _strata(
        by=["all", "size", "size", "size"], stratum=["all", "<20 mm", "20-50 mm", ">=50 mm"], metric="sensitivity",
        value=[0.7, 0.3, 0.5, 0.9], low=[0.6, 0.2, 0.3, 0.8], high=[0.8, 0.4, 0.7, 0.95], p_adjusted=[float("nan"), 0.01, 0.05, 0.001],
    )  # fmt: skip
    assert worse_strata(strata, "a") == (
        "Below the rest of the cohort (adjusted p < .05): size <20 mm, internal: sensitivity 30.0% (20.0% to 40.0%)."
    )


def test_no_difference_says_what_could_not_have_been_seen() -> None:
    strata = _strata(
        by="size", stratum=["<20 mm", ">=20 mm"], metric="sensitivity", value=[0.5, 0.6], low=[0.4, 0.4], high=[0.6, 0.8], p_adjusted=0.3
    )  # fmt: skip
    # half widths 0.1 and 0.2, median 0.15
    assert "one smaller than 15.0% could not have been seen" in worse_strata(strata, "a")
    assert "worse" not in worse_strata(strata, "a")
    assert worse_strata(strata.assign(p_adjusted=float("nan")), "a") == "No stratum has enough patients for a test."


def test_the_malignant_subtype_missed_most_is_named() -> None:
    errors = all_tables()["errors"]
    assert missed_most(errors, "a") == "The malignant subtype missed most is osteosarcoma: 7 of 10 (60.0% to 80.0%)."
    assert missed_most(errors[errors["kind"] != "missed_malignant"], "a") == ""


def test_a_subtype_without_a_rate_is_named_only_where_no_other_is() -> None:
    errors = all_tables()["errors"]
    tiny = errors[errors["stratum"] == "tiny"]
    assert missed_most(tiny, "a") == "The malignant subtype missed most is tiny: 1 of 2."


def test_simulated_films_come_first() -> None:
    assert about_films(RECORD) == ""
    said = about_films({**RECORD, "simulated": True})
    assert said == "a: judged on simulated films. Nothing on this page says anything about radiographs."


def test_no_tables_no_claims() -> None:
    assert where_it_fails({}, "a") == "No stratum can be estimated."
