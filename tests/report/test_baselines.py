"""The section on models without a network, and the page about one of them."""

from __future__ import annotations

from typing import Any

import pytest
from robustkit.report.nomogram_page import nomogram_page
from robustkit.report.page import build_page

from made_rows import HOSTILE
from made_tables import all_tables
from made_view import Page, view


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(build_page(view(all_tables())))


def test_a_row_for_each_model_and_group_of_cases(page: Page) -> None:
    said = page.texts["baselines"]
    for part in ("Models without a network", "development", "validation", "0.7000.600 to 0.800", "0.6000.500 to 0.700"):
        assert part in said
    assert "not estimable: fewer than 5 patients (3)" in said
    assert "nan" not in said


def test_coefficients_as_odds_ratios(page: Page) -> None:
    said = page.texts["baselines"]
    for part in ("+0.693+0.000 to +1.386", "21 to 4", "follows from the other columns", "maximum likelihood.", HOSTILE):
        assert part in said


def test_the_nomogram_stands_in_the_section(page: Page) -> None:
    assert "nomogram" in page.figures()
    assert page.ids().index("baselines") < page.ids().index("nomogram")


TRAINING: dict[str, Any] = {
    "n_fitted": 40, "n_patients": 31, "simulated": True, "notes": ["site: rare levels (toe) are taken as femur."],
    "choices": {"method": "maximum likelihood"},
    "coefficients": [
        {"fact": "intercept", "column": "intercept", "value": -1.0, "low": None, "high": None, "reason": "too few patients"},
        {"fact": "sex", "column": "sex=F", "value": 0.0, "low": -1.0, "high": None, "reason": ""},
    ],
    "nomogram": [
        {"fact": "sex", "label": "M", "x": None, "log_odds": 0.0, "points": 0.0, "n_cases": 20},
        {"fact": "sex", "label": "F", "x": None, "log_odds": 1.0, "points": 100.0, "n_cases": 20},
        {"fact": "score", "label": "0.5", "x": 0.5, "log_odds": 0.0, "points": 50.0, "n_cases": 40},
    ],
}  # fmt: skip


def test_a_page_of_its_own() -> None:
    html = nomogram_page("clinical", HOSTILE, TRAINING)
    page = Page(html)
    assert '<span class="tag">simulated films</span>' in html
    assert "fitted on 40 cases of 31 patients" in page.texts["first"]
    assert "rare levels (toe)" in page.texts["first"]
    assert "maximum likelihood." in page.texts["coefficients"]
    assert "too few patients" in page.texts["coefficients"]
    assert "+0.000\N{MINUS SIGN}1.000 to no bound" in page.texts["coefficients"]
    assert set(page.figures()) == {"nomogram"}
    assert {"data-table-baseline_coefficients", "data-table-nomogram"} <= set(page.ids())
    assert "nan" not in page.texts["coefficients"]


def test_a_model_that_says_nothing_has_a_page_too() -> None:
    page = Page(nomogram_page("clinical", "m", {**TRAINING, "nomogram": []}))
    assert "there is nothing to draw" in page.texts["nomogram-section"]
