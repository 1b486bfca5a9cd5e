"""The sections of a study: numbers of the tables in words, the reference named, hostile names as text."""

from __future__ import annotations

import pytest
from robustkit.report.page import build_page

from made_tables import HOSTILE, all_tables
from made_view import Page, view


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(build_page(view()))


def test_arms_beside_the_reference_and_the_published(page: Page) -> None:
    said = page.texts["arms"]
    # arm a, all cohorts: 0.70; arm b, external, the sixth row: 0.75
    for part in (
        "a reference", "0.7000.670 to 0.730", "0.7500.720 to 0.780", "+0.050+0.030 to +0.070", "0.040", "0.7100.680 to 0.740a paper",
    ):  # fmt: skip
        assert part in said
    assert "nothing follows about pretraining" in said
    assert "nan" not in said


def test_cohorts_seeds_and_limits(page: Page) -> None:
    assert "31.5 (12.2) years" in page.texts["cohorts"]
    assert "30 (75 %)" in page.texts["cohorts"]
    assert HOSTILE in page.texts["cohorts"]
    assert "0.7200.600 to 0.820" in page.texts["seeds"]
    assert "+0.060" in page.texts["seeds"]
    assert HOSTILE in page.texts["limitations"]
    assert "CLAIM 202430robustnesscurves" in page.texts["limitations"]


def test_a_run_that_is_no_study_has_none_of_them() -> None:
    tables = {k: t for k, t in all_tables().items() if not k.startswith("study_")}
    ids = Page(build_page(view(tables))).ids()
    assert not {"arms", "cohorts", "seeds", "limitations"} & set(ids)
