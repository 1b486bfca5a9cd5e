"""Slices and drift on the page: absent where nobody asked, words and numbers of the tables where somebody did."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from robustkit.report.searches import drift_section, slices_section
from robustkit.results.schema import DRIFT_COLUMNS, SLICES_COLUMNS, TEXT_COLUMNS

from made_tables import HOSTILE
from made_view import view

NAN = float("nan")


def _row(columns: tuple[str, ...], **given: object) -> dict[str, object]:
    return {c: given.get(c, "" if c in TEXT_COLUMNS else NAN) for c in columns}


def _view(**tables: pd.DataFrame):  # type: ignore[no-untyped-def]
    usual = view()
    return replace(usual, tables={**usual.tables, **tables})


def test_nobody_asked_nothing_is_shown() -> None:
    assert slices_section(_view()) is None
    assert drift_section(_view()) is None


def test_slices_show_what_was_tested_and_how_many_were_tried() -> None:
    common = {
        "model": "a",
        "metric": "missed",
        "n_tried": 235.0,
        "value": 0.58,
        "low": 0.42,
        "high": 0.73,
        "n_cases": 36.0,
        "n_patients": 33.0,
    }
    rows = [
        _row(SLICES_COLUMNS, **common, slice="group=intermediate", verdict="confirmed", parent="all", parent_value=0.36, diff=0.22,
             diff_low=0.1, diff_high=0.35, p_adjusted=0.002),
        _row(SLICES_COLUMNS, **common, slice=HOSTILE, verdict="not confirmed", under="group=intermediate", parent="all",
             parent_value=0.36, diff=0.1, p_adjusted=0.3),
        _row(SLICES_COLUMNS, **common, slice="sex=F", verdict="not proposed"),
    ]  # fmt: skip
    found = slices_section(_view(slices=pd.DataFrame(rows, columns=list(SLICES_COLUMNS))))
    assert found is not None
    assert "235 slices tried, 2 put to the test." in found.html
    assert "<b>confirmed</b>" in found.html
    assert "22.0% (10.0% to 35.0%)" in found.html
    assert "sex=F" not in found.html
    assert "<script" not in found.html


def test_drift_shows_facts_films_and_what_an_error_would_change_by() -> None:
    both = {"cohort_a": "external", "cohort_b": "internal"}
    rows = [
        _row(DRIFT_COLUMNS, **both, part="facts", name="age", measure="smd", unit="years", value_a=32.4, value_b=30.6, value=0.1,
             low=-0.16, high=0.35, p_adjusted=1.0),
        _row(DRIFT_COLUMNS, **both, part="films", name="sd", place="film", measure="smd", value_a=68.7, value_b=56.1, value=1.81,
             low=1.6, high=2.0),
        _row(DRIFT_COLUMNS, **both, part="error", name="size", measure="change", model="a", metric="missed", value_a=0.41,
             value_b=0.3, reason="34.4 effective cases, under 50"),
    ]  # fmt: skip
    found = drift_section(_view(drift=pd.DataFrame(rows, columns=list(DRIFT_COLUMNS))))
    assert found is not None
    assert "32.4 / 30.6 years" in found.html
    assert "<b>1.81</b><small>1.60 to 2.00</small>" in found.html
    assert "not estimable: 34.4 effective cases, under 50" in found.html
    assert "explained by" in found.html
