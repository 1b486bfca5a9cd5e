"""Every stratifier: one stratum per case, unknown for a missing fact, order of rows and input left alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from robustkit.registry import load, names
from robustkit.strata._base import UNKNOWN, Fact, Stratifier, binned, tertiles


def _cases(n: int = 12) -> pd.DataFrame:
    """Facts of n cases; the last one has none."""
    text = {c: [f"{c}-{i % 3}" for i in range(n - 1)] + [""] for c in
            ("subtype", "group", "region", "site", "centre", "view", "sex")}  # fmt: skip
    numbers = {c: [*np.linspace(5, 95, n - 1), np.nan] for c in ("age_years", "size_mm", "size_frac", "size_px")}
    return pd.DataFrame({"case_id": [f"c{i}" for i in range(n)], **text, **numbers})


@pytest.fixture(params=names("strata"))
def plugin(request: pytest.FixtureRequest) -> Stratifier:
    found = load("strata", request.param)
    assert isinstance(found.name, str)  # type: ignore[attr-defined]
    assert found.name == request.param  # type: ignore[attr-defined]
    return found  # type: ignore[return-value]


def _none(cases: pd.DataFrame) -> pd.Series:
    return pd.Series(False, index=cases.index)


def test_every_case_has_one_stratum_and_a_missing_fact_is_unknown(plugin: Stratifier) -> None:
    cases = _cases()
    found = plugin.assign(cases, development=_none(cases))
    assert found.index.equals(cases.index)
    assert all(isinstance(v, str) and v for v in found)
    assert found.iloc[-1] == UNKNOWN
    assert UNKNOWN not in set(found.iloc[:-1])
    assert found.nunique() > 1


def test_order_of_rows_does_not_matter_and_input_is_left_alone(plugin: Stratifier) -> None:
    cases = _cases()
    before = cases.copy()
    first = plugin.assign(cases, development=_none(cases))
    pd.testing.assert_frame_equal(cases, before)
    mixed = cases.sample(frac=1, random_state=1)
    second = plugin.assign(mixed, development=_none(mixed))
    pd.testing.assert_series_equal(second.sort_index(), first)


def test_a_case_does_not_depend_on_cases_outside_of_development(plugin: Stratifier) -> None:
    cases = _cases()
    development = pd.Series([i < 8 for i in range(12)])
    whole = plugin.assign(cases, development=development)
    few = plugin.assign(cases.iloc[:10], development=development.iloc[:10])
    assert few.tolist() == whole.iloc[:10].tolist()


def test_size_edges_by_hand() -> None:
    # a cut point opens its stratum: 20 mm is no longer "<20 mm"
    cases = pd.DataFrame({"size_mm": [19.99, 20.0, 49.9, 50.0, 80.0, np.nan], "size_frac": 0.1})
    found = load("strata", "size").assign(cases, development=_none(cases))  # type: ignore[attr-defined]
    assert found.tolist() == ["<20 mm", "20-50 mm", "20-50 mm", "50-80 mm", ">=80 mm", UNKNOWN]


def test_size_without_spacing_takes_tertiles_of_the_development_cases() -> None:
    # development shares 10, 20, 30, 40 %: thirds at 20 and 30 (linear: 1/3 of the way through 3 gaps = the 2nd value)
    cases = pd.DataFrame({"size_mm": np.nan, "size_frac": [0.1, 0.2, 0.3, 0.4, 0.9, 0.25]})
    development = pd.Series([True] * 4 + [False] * 2)
    found = load("strata", "size").assign(cases, development=development)  # type: ignore[attr-defined]
    low, middle, high = "<20 % of film", "20-30 % of film", ">=30 % of film"
    assert found.tolist() == [low, middle, high, high, high, middle]


def test_size_uses_one_scale_for_all_cases() -> None:
    cases = pd.DataFrame({"size_mm": [10.0, np.nan, np.nan], "size_frac": [0.1, 0.2, 0.6]})
    found = load("strata", "size").assign(cases, development=_none(cases))  # type: ignore[attr-defined]
    assert all("film" in v for v in found)


def test_bins_of_one_edge_and_of_no_value() -> None:
    assert binned(pd.Series([1.0, 2.0, np.nan]), (2.0,), "mm").tolist() == ["<2 mm", ">=2 mm", UNKNOWN]
    nothing = pd.Series([np.nan, np.nan])
    assert tertiles(nothing, pd.Series([True, True]), "mm").tolist() == [UNKNOWN, UNKNOWN]
    assert tertiles(pd.Series([3.0, 3.0]), pd.Series([True, True]), "").tolist() == [">=3", ">=3"]


def test_a_fact_of_many_numbers_is_cut_and_one_of_few_is_not() -> None:
    few = pd.DataFrame({"grade": ["1", "2", "3", ""]})
    assert Fact("grade").assign(few, development=_none(few)).tolist() == ["1", "2", "3", UNKNOWN]
    many = pd.DataFrame({"weight_kg": [str(v) for v in range(40, 70)]})
    # thirds of 40..69 lie at 40 + 29/3 = 49.67 and 40 + 58/3 = 59.33, to three digits 49.7 and 59.3
    found = Fact("weight_kg").assign(many, development=_none(many))
    assert found.value_counts().to_dict() == {"<49.7": 10, "49.7-59.3": 10, ">=59.3": 10}
    words = pd.DataFrame({"note": [f"n{v}" for v in range(30)]})
    assert Fact("note").assign(words, development=_none(words)).nunique() == 30
