"""The tables of a study: counts by hand, signs of differences, limitations that follow from the data alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from robustkit.analysis.cohort import judged_cases
from robustkit.analysis.study_arms import study_arms
from robustkit.analysis.study_cohorts import study_cohorts
from robustkit.analysis.study_limitations import StudyFacts, study_limitations
from robustkit.analysis.study_seeds import study_seeds
from robustkit.cohort.vocabulary import read_vocabulary

from factories import Answers, cohort, scores_of, write_run
from made_rows import NAN

CASES = pd.DataFrame({
    "case_id": list("abcdef"), "image": ["1", "1", "2", "3", "4", "5"], "patient_id": ["p", "p", "q", "r", "s", "t"],
    "cohort": ["internal"] * 4 + ["external"] * 2, "split": ["train", "train", "val", "test", "", ""],
    "label": ["benign", "malignant", "benign", "benign", "malignant", "malignant"],
    "sex": ["F", "F", "", "M", "F", "unknown"], "age_years": [10.0, 20.0, NAN, 60.0, 33.0, 35.0],
    "centre": ["A", "A", "A", "A", "B", "C"], "subtype": ["", "osteosarcoma", "", "", "osteosarcoma", ""],
    "reference": ["histology", "histology", "imaging", "", "histology", "histology"],
    "size_source": ["none", "none", "calibrated", "calibrated", "calibrated", "calibrated"],
})  # fmt: skip


def _row(table: pd.DataFrame, **where: str) -> dict[str, Any]:
    keep = np.logical_and.reduce([table[k] == v for k, v in where.items()])
    rows = table[keep]
    assert len(rows) == 1
    return dict(rows.iloc[0])


def test_cohorts_are_counted_whole_and_by_split() -> None:
    table = study_cohorts(CASES)
    assert list(dict.fromkeys(zip(table["cohort"], table["split"], strict=True))) == [
        ("internal", "all"), ("internal", "train"), ("internal", "val"), ("internal", "test"), ("external", "all"),
    ]  # fmt: skip
    whole = {"cohort": "internal", "split": "all"}
    assert _row(table, fact="cases", **whole)["n"] == 4
    assert _row(table, fact="patients", **whole)["n"] == 3
    assert _row(table, fact="films", **whole)["n"] == 3
    women = _row(table, fact="sex", category="F", **whole)
    assert (women["n"], women["of"], women["share"], women["n_missing"]) == (2, 4, 0.5, 1)
    age = _row(table, fact="age_years", **whole)
    # 10, 20, 60: mean 30, deviations -20, -10, 30: sd sqrt(1400 / 2)
    assert (age["mean"], age["sd"], age["median"], age["n_missing"]) == (30, pytest.approx(700**0.5), 20, 1)
    assert (age["low_quartile"], age["high_quartile"]) == (15, 40)


def test_a_fact_that_nobody_has_is_no_row() -> None:
    table = study_cohorts(CASES.assign(subtype=""))
    assert "subtype" not in set(table["fact"])


def _strata(models: dict[str, float]) -> pd.DataFrame:
    fixed = {
        "by": "all", "perturbation": "nominal", "metric": "auc", "cohort": "external", "split": "test", "low": 0.5,
        "high": 0.9, "operating_point": "", "method": "DeLong", "n_cases": 9, "n_patients": 9, "n_positive": 4, "reason": "",
    }  # fmt: skip
    return pd.DataFrame([{"model": m, "value": v, **fixed} for m, v in models.items()])


def _comparisons() -> pd.DataFrame:
    fixed = {"by": "all", "perturbation": "nominal", "metric": "auc", "cohort": "external", "method": "DeLong"}
    return pd.DataFrame([
        {"model_a": "ref", "model_b": "x", "diff": 0.1, "low": 0.02, "high": 0.18, "p": 0.01, "p_adjusted": 0.02, **fixed},
        {"model_a": "y", "model_b": "ref", "diff": -0.2, "low": -0.3, "high": -0.1, "p": 0.001, "p_adjusted": 0.003, **fixed},
        {"model_a": "x", "model_b": "y", "diff": 0.3, "low": 0.1, "high": 0.5, "p": 0.001, "p_adjusted": 0.003, **fixed},
    ])  # fmt: skip


def test_differences_are_arm_minus_reference_whichever_way_they_were_tested() -> None:
    arms = [
        {"model": m, "kind": "network", "weights": "", "val_auc": 0.8, "is_reference": m == "ref"}
        for m in ("ref", "x", "y")
    ]
    published = [
        {
            "model": "x",
            "cohort": "external",
            "metric": "auc",
            "value": 0.669,
            "low": 0.639,
            "high": 0.699,
            "source": "paper",
        },
        {
            "model": "y",
            "cohort": "elsewhere",
            "metric": "auc",
            "value": 0.5,
            "low": NAN,
            "high": NAN,
            "source": "paper",
        },
    ]
    table = study_arms(
        {"strata": _strata({"ref": 0.8, "x": 0.7, "y": 0.6}), "comparisons": _comparisons()}, arms, published
    )
    assert np.isnan(_row(table, model="ref")["diff"])
    x = _row(table, model="x")
    assert (x["diff"], x["diff_low"], x["diff_high"], x["p_adjusted"]) == (-0.1, -0.18, -0.02, 0.02)
    assert (x["published"], x["source"]) == (0.669, "paper")
    y = _row(table, model="y", cohort="external")
    assert (y["diff"], y["diff_low"], y["diff_high"]) == (-0.2, -0.3, -0.1)
    alone = _row(table, model="y", cohort="elsewhere")
    assert (alone["published"], alone["reason"]) == (0.5, "published alone: this study has no such cohort")
    assert np.isnan(alone["value"])


def test_seeds_are_read_from_a_run(tmp_path: Path) -> None:
    cases = cohort(60, 40)
    answers = {m: Answers(scores_of(cases, seed=i)) for i, m in enumerate(("a1", "a2", "b1", "b2"))}
    folder = write_run(tmp_path / "run", cases, answers, repeats=1)
    own = judged_cases(folder, folder.record(), read_vocabulary())
    table = study_seeds(folder, own, {"a": ["a1", "a2"], "b": ["b1", "b2"]})
    means = table[table["analysis"] == "mean"]
    assert set(zip(means["arm"], means["cohort"], strict=True)) == {(m, c) for m in "ab" for c in own.cohorts}
    assert (means["n_seeds"] == 2).all()
    assert (means["low"] < means["value"]).all()
    differences = table[table["analysis"] == "difference"]
    assert set(zip(differences["arm"], differences["arm_b"], strict=True)) == {("a", "b")}
    one = _row(means, arm="a", cohort="external")["value"] - _row(means, arm="b", cohort="external")["value"]
    assert _row(differences, cohort="external")["value"] == pytest.approx(one)


def _facts(**more: Any) -> StudyFacts:
    usual: dict[str, Any] = {
        "cases": CASES, "has_patients": True, "is_simulated": False, "stand_ins": (), "one_seed": (), "readers": 0,
        "simulated_readers": False, "notes": (),
    }  # fmt: skip
    return StudyFacts(**{**usual, **more})


def test_limitations_follow_from_the_cases() -> None:
    table = study_limitations(_facts(), {})
    said = {(r["kind"], r["cohort"]): r["sentence"] for r in table.to_dict("records")}
    assert said["spacing", "internal"] == "Pixel spacing is unknown for 2 of 4 cases: their size in mm is unknown."
    assert ("spacing", "external") not in said
    assert said["reference", "internal"] == "The reference standard is not named for 1 of 4 cases."
    assert said["subtype", "internal"] == "The tumour subtype is unknown for 3 of 4 cases."
    assert said["centres", ""] == "3 centres: no interval here speaks of a further centre."
    assert "1 validation cases chose" in said["validation", ""]
    assert "patients" not in {k for k, _ in said}


def test_what_is_made_up_or_trained_once_is_said_first() -> None:
    facts = _facts(is_simulated=True, stand_ins=["A"], one_seed=["B"], readers=2, simulated_readers=True, has_patients=False,
                   notes=["Films of one vendor."])  # fmt: skip
    table = study_limitations(facts, {})
    assert table["kind"].tolist()[:3] == ["films", "weights", "seeds"]
    assert {"patients", "readers", "said by the study"} <= set(table["kind"])
    said = " ".join(table["sentence"])
    for part in (
        "All films are simulated",
        "Nothing follows about pretraining",
        "Trained once: B",
        "Films of one vendor.",
    ):
        assert part in said


def test_limitations_follow_from_the_tables() -> None:
    strata = pd.DataFrame({
        "by": "subtype", "stratum": ["rare", "common"], "perturbation": "nominal", "metric": "sensitivity",
        "cohort": "external", "value": [NAN, 0.5], "reason": ["fewer than 5 patients (2)", ""],
    })  # fmt: skip
    flow = pd.DataFrame({
        "step": ["to be judged", "failed", "failed"], "cohort": "external", "split": "", "model": ["", "a", "b"],
        "n_cases": [9, 2, 2], "n_patients": 2, "reason": "truncated",
    })  # fmt: skip
    drift = pd.DataFrame({
        "part": "facts", "measure": "smd", "name": ["age", "sex", "site"], "value": [-0.8, 0.2, 0.9],
        "p_adjusted": [0.01, 0.01, 0.3], "cohort_a": "external",
    })  # fmt: skip
    table = study_limitations(_facts(), {"strata": strata, "flow": flow, "drift": drift})
    said = {r["kind"]: r["sentence"] for r in table.to_dict("records")}
    assert said["small strata"] == "1 of 2 strata have too few patients for a sensitivity or a specificity."
    assert said["failed cases"] == "2 cases failed and are in no estimate."
    assert said["cohorts differ"].endswith("half a standard deviation or more in: age (-0.80).")
