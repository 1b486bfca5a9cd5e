"""What training cases make of facts: knots, references, rare levels, missing values, constants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from robustkit.baselines.terms import KNOTS, learn_design
from robustkit.errors import InputError
from robustkit.models.terms import Category, Number


def cases(**columns: Any) -> list[dict[str, Any]]:
    n = len(next(iter(columns.values())))
    return [{k: v[i] for k, v in columns.items()} for i in range(n)]


def test_knots_are_harrells_quantiles() -> None:
    ages = np.arange(101.0)
    found = learn_design(cases(age_years=[str(a) for a in ages]), ["age_years"], knots=4).design.terms[0]
    assert isinstance(found, Number)
    assert found.knots == (5.0, 35.0, 65.0, 95.0)
    assert (found.median, found.low, found.high, found.has_missing_column) == (50.0, 0.0, 100.0, False)
    assert {k: len(v) for k, v in KNOTS.items()} == {k: k for k in KNOTS}


def test_fewer_knots_where_quantiles_coincide_and_lines_where_asked() -> None:
    halves = cases(age_years=["1"] * 40 + ["2"] * 21 + ["3"] * 39)
    assert learn_design(halves, ["age_years"], knots=5).design.columns == ("age_years", "age_years'")
    two = cases(age_years=["1"] * 50 + ["2"] * 50)
    assert learn_design(two, ["age_years"], knots=5).design.columns == ("age_years",)
    assert learn_design(halves, ["age_years"], knots=0).design.columns == ("age_years",)


def test_ten_missing_numbers_have_a_column() -> None:
    nine = cases(age_years=[""] * 9 + [str(i) for i in range(50)])
    ten = cases(age_years=[""] * 10 + [str(i) for i in range(50)])
    assert learn_design(nine, ["age_years"], knots=0).design.columns == ("age_years",)
    assert learn_design(ten, ["age_years"], knots=0).design.columns == ("age_years", "age_years missing")


def test_levels_by_number_of_cases() -> None:
    sites = ["femur"] * 30 + ["tibia"] * 20 + ["rib"] * 6 + ["toe"] * 5 + [""] * 12
    found = learn_design(cases(site=sites), ["site"], knots=4)
    assert found.design.terms == (Category("site", "femur", ("tibia", "unknown"), ("rib", "toe")),)
    assert found.said == ("site: rare levels (rib, toe) share one column.",)


def test_too_few_even_together_are_the_reference() -> None:
    sites = ["femur"] * 30 + ["tibia"] * 20 + ["rib"] * 3 + ["toe"] * 2 + [""] * 2
    found = learn_design(cases(site=sites), ["site"], knots=4)
    assert found.design.terms == (Category("site", "femur", ("tibia",), (), ("rib", "toe", "unknown")),)
    assert found.said == ("site: rare levels (rib, toe) are taken as femur.",)


def test_constants_are_left_out_and_named() -> None:
    found = learn_design(cases(sex=["F"] * 20, age_years=["7"] * 20, site=["a"] * 18 + ["b"] * 2),
                         ["sex", "age_years", "site"], knots=4)  # fmt: skip
    assert found.design.terms == ()
    assert found.said == (
        "sex is F in all training cases: left out.",
        "age_years is 7 in all training cases: left out.",
        "site is a in 18 of 20 training cases: left out.",
    )


def test_numbers_of_other_facts_are_told_by_their_values() -> None:
    many = cases(weight=[str(i) for i in range(30)], grade=[str(i % 3) for i in range(30)])
    weight, grade = learn_design(many, ["weight", "grade"], knots=0).design.terms
    assert isinstance(weight, Number)
    assert isinstance(grade, Category)
    assert grade.levels == ("1", "2")


def test_a_fact_that_nobody_has_is_refused() -> None:
    with pytest.raises(InputError, match="no training case has the fact age_years"):
        learn_design(cases(age_years=["", "nan"]), ["age_years"], knots=4)
    with pytest.raises(InputError, match="no training case has the fact sex"):
        learn_design(cases(sex=["", "unknown"]), ["sex"], knots=4)
