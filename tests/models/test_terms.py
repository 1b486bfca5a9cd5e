"""Columns of facts: splines beside patsy's, levels, what is missing and what was never seen."""

from __future__ import annotations

import numpy as np
import patsy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustkit.models.terms import Category, Design, Number, spline

KNOTS = (-10.0, -3.0, 2.0, 9.0)


def test_a_spline_by_hand() -> None:
    # Harrell's equation 2.25, knots 0, 1, 2, x = 4: (64 - 27 * 2 + 8 * 1) / 2^2 = 4.5
    assert spline(np.array([-1.0, 0.0, 1.0, 4.0]), (0.0, 1.0, 2.0)).ravel().tolist() == [0.0, 0.0, 0.25, 4.5]


def test_the_columns_span_the_natural_splines_of_patsy() -> None:
    x = np.linspace(-15, 15, 61)
    ours = np.c_[np.ones(61), x, spline(x, KNOTS)]
    inside = (x >= -10) & (x <= 9)
    formula = "cr(x, knots=(-3, 2), lower_bound=-10, upper_bound=9) - 1"
    theirs = np.asarray(patsy.dmatrix(formula, {"x": x[inside]}))
    answers = theirs @ [1.0, -2.0, 0.5, 3.0]
    weights = np.linalg.lstsq(ours[inside], answers, rcond=None)[0]
    np.testing.assert_allclose(ours[inside] @ weights, answers, atol=1e-10)


@given(st.floats(-100, -11), st.floats(10, 100))
def test_beyond_the_outer_knots_it_is_straight(left: float, right: float) -> None:
    for x in (left, right):
        y = spline(np.array([x - 0.5, x, x + 0.5]), KNOTS)
        np.testing.assert_allclose(y[0] - 2 * y[1] + y[2], 0, atol=1e-9)


def test_a_number_that_is_missing_is_the_median_and_its_column_says_so() -> None:
    plain, marked = Number("age", 30.0, 1.0, 80.0), Number("age", 30.0, 1.0, 80.0, has_missing_column=True)
    assert marked.columns == ("age", "age missing")
    assert plain.rows({"age": "12.5"}, 2).tolist() == [[12.5], [12.5]]
    assert plain.rows({"age": ""}, 1).tolist() == plain.rows({}, 1).tolist() == [[30.0]]
    assert marked.rows({"age": "nan"}, 1).tolist() == [[30.0, 1.0]]
    assert marked.rows({"age": np.array([1.0, np.nan])}, 2).tolist() == [[1.0, 0.0], [30.0, 1.0]]


def test_names_of_spline_columns() -> None:
    assert Number("age", 0, 0, 0, KNOTS).columns == ("age", "age'", "age''")
    assert Number("age", 0, 0, 0, KNOTS).rows({"age": "1"}, 3).shape == (3, 3)


@pytest.mark.parametrize(
    ("site", "row"),
    [
        ("femur", [0, 0]), ("tibia", [1, 0]), ("rib", [0, 1]), ("toe", [0, 1]), ("skull", [0, 0]),
        ("", [0, 0]), (" tibia ", [1, 0]),
    ],
)  # fmt: skip
def test_levels(site: str, row: list[float]) -> None:
    term = Category("site", "femur", ("tibia",), ("rib", "toe"))
    assert term.columns == ("site=tibia", "site=other")
    assert term.rows({"site": site}, 2).tolist() == [row, row]
    assert term.knows(site.strip()) is (site.strip() not in ("skull", ""))


def test_unknown_is_a_level_of_its_own_where_the_training_had_it() -> None:
    term = Category("sex", "M", ("F", "unknown"))
    assert term.rows({"sex": ""}, 1).tolist() == term.rows({"sex": "Unknown"}, 1).tolist() == [[0, 1]]


def test_a_design_puts_them_side_by_side() -> None:
    design = Design((Number("size_mm", 1.0, 0.0, 9.0), Category("sex", "M", ("F",))))
    assert design.columns == ("size_mm", "sex=F")
    rows = design.rows({"size_mm": np.array([2.0, 3.0]), "sex": "F"}, 2)
    assert rows.tolist() == [[2.0, 1.0], [3.0, 1.0]]
    assert Design(()).rows({}, 3).shape == (3, 0)
