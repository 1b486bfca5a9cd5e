"""clinical: log-odds by hand, remarks on cases, bodies that are wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from robustkit.cohort.case import Case
from robustkit.errors import CheckpointError, InputError
from robustkit.geometry import Box
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions

from made_baselines import clinical_body, write_model

BOXES = np.array([[0.0, 0, 40, 20], [0, 0, 10, 60]])
SIZE = {"kind": "number", "fact": "size_mm", "median": 20.0, "low": 5.0, "high": 90.0}


def case(name: str = "c", cohort: str = "internal", **facts: str) -> Case:
    return Case(name, Path("c.png"), Box(0, 0, 40, 20), "benign", name, "test", 0.5, {"cohort": cohort, **facts})


def opened(folder: Path, body: dict[str, Any]) -> Any:
    return open_model(write_model(folder / "m.json", "clinical", body), ModelOptions())


def test_log_odds_by_hand(tmp_path: Path) -> None:
    model = opened(tmp_path, clinical_body())
    assert (model.engine, model.arch, model.n_outputs) == ("facts", "clinical", 1)
    # -1 + 0.05 x 20 + 2
    assert model.runner.logits(case(age_years="20", sex="F"), BOXES).tolist() == [[2.0], [2.0]]
    # the median of the training for a missing age; M for a missing sex
    assert model.runner.logits(case(age_years="", sex=""), BOXES).tolist() == [[0.5], [0.5]]


def test_sizes_are_those_of_each_box(tmp_path: Path) -> None:
    model = opened(tmp_path, {"facts": [SIZE], "intercept": 0.0, "coefficients": [1.0]})
    assert model.runner.logits(case(), BOXES).tolist() == [[20.0], [30.0]]
    unknown = replace(case(), spacing_mm=None)
    assert model.runner.logits(unknown, BOXES).tolist() == [[20.0], [20.0]]


def test_a_spline_of_the_file_is_evaluated(tmp_path: Path) -> None:
    age = {"kind": "number", "fact": "age_years", "median": 1.0, "low": 0.0, "high": 2.0, "knots": [0.0, 1.0, 2.0]}
    model = opened(tmp_path, {"facts": [age], "intercept": 1.0, "coefficients": [0.0, 2.0]})
    # Harrell's cubic column of knots 0, 1, 2 is 4.5 at 4
    assert model.runner.logits(case(age_years="4"), BOXES)[0, 0] == 10.0


def test_remarks_count_what_stands_in(tmp_path: Path) -> None:
    cases = [
        case("a", age_years="20", sex="F"), case("b", age_years="60", sex="X"), case("c", age_years="", sex=""),
        case("d", "external", age_years="30", sex="diverse"),
    ]  # fmt: skip
    assert opened(tmp_path, clinical_body()).remarks(cases) == (
        "age_years is missing in 1 of 4 cases: taken as 30, the median of the training cases.",
        "age_years of 1 of 4 cases lies beyond that of the training (10 to 50).",
        "sex is missing in 1 of 4 cases: taken as M.",
        "sex of 2 of 4 cases was not in the training ('X', 'diverse'): taken as M.",
    )
    assert opened(tmp_path, clinical_body()).remarks(cases[:1]) == ()


def test_a_fact_that_a_whole_cohort_lacks_is_refused_unless_allowed(tmp_path: Path) -> None:
    cases = [case("a", age_years="20", sex="F"), case("b", "external", age_years="nan", sex="F")]
    with pytest.raises(
        InputError, match=r"all 1 cases of the cohort 'external' lack the fact age_years.*--allow-missing"
    ):
        opened(tmp_path, clinical_body()).remarks(cases)
    assert opened(tmp_path, clinical_body(allow_missing=True)).remarks(cases) == (
        "age_years is missing in 1 of 2 cases: taken as 30, the median of the training cases.",
    )


AGE = clinical_body()["facts"][0]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (clinical_body(intercept="low"), "body.intercept: expected a number, got 'low'"),
        (clinical_body(coefficients=[1.0]), "body.coefficients: expected 2 numbers, one for each of age_years, sex=F"),
        (clinical_body(coefficients=[1.0, True]), "body.coefficients: expected a list of numbers"),
        (clinical_body(facts={}), "body.facts: expected a list such as"),
        (clinical_body(facts=[AGE, AGE]), "body.facts: expected each fact once"),
        (clinical_body(facts=[{**AGE, "kind": "date"}]), r"body.facts\[0\].kind: expected number or name, got 'date'"),
        (clinical_body(facts=[{**AGE, "knots": [1.0, 2.0]}]), r"body.facts\[0\].knots: expected no knots, or three or more"),
        (clinical_body(facts=[{**AGE, "knots": [1, 3, 2]}]), r"body.facts\[0\].knots: expected no knots, or three or more"),
        (clinical_body(facts=[{**AGE, "median": None}]), r"body.facts\[0\].median: expected a number, got nothing"),
        (clinical_body(facts=[{"kind": "name", "fact": "sex"}]), r"body.facts\[0\].reference: expected the name of a level"),
        (clinical_body(facts=[{"kind": "name", "fact": "sex", "reference": "M", "levels": [1]}]), "levels: expected a list"),
        (clinical_body(allow_missing="yes"), "body.allow_missing: expected true or false, got 'yes'"),
        (clinical_body(facts=[{**AGE, "has_missing_column": 1}]), "has_missing_column: expected true or false"),
        (clinical_body(threshold=0.5), "body: expected no other fields than facts, intercept, coefficients, allow_missing"),
    ],
)  # fmt: skip
def test_bodies_that_are_wrong(tmp_path: Path, body: dict[str, Any], said: str) -> None:
    with pytest.raises(CheckpointError, match=said):
        opened(tmp_path, body)
