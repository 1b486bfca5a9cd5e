"""Bins of the user: edges, and quantiles of the development cases that are used again elsewhere."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from robustkit.api.compare import compare
from robustkit.api.stratify import stratify
from robustkit.errors import InputError
from robustkit.strata._base import UNKNOWN, Bins

from factories import Answers, cohort, scores_of, write_run


def test_edges_open_their_bin() -> None:
    cases = pd.DataFrame({"age_years": [10, 30.0, 59.9, 60, None]})
    found = Bins.read("age_years:30,60").assign(cases, development=pd.Series([False] * 5))
    assert found.tolist() == ["<30", "30-60", "30-60", ">=60", UNKNOWN]


def test_quantiles_are_those_of_the_development_cases_alone() -> None:
    cases = pd.DataFrame({"size_mm": [1.0, 2, 3, 4, 100, 200, 300]})
    development = pd.Series([True] * 4 + [False] * 3)
    found = Bins.read("size_mm:q2").assign(cases, development=development)
    assert found.tolist() == ["<2.5", "<2.5", ">=2.5", ">=2.5", ">=2.5", ">=2.5", ">=2.5"]


@pytest.mark.parametrize("text", ["a:", "a:q1", "a:q", "a:3,2", "a:x", "a:nan", "a:1,inf", "a:q99"])
def test_what_is_no_bin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither rising edges nor q2 to q20"):
        Bins.read(text)


def test_every_table_lists_bins_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    cases = cohort(60, 40)
    folder = write_run(tmp_path / "run", cases, {m: Answers(scores_of(cases, seed=s)) for s, m in enumerate("ab")})
    stratify(run=folder.path, by=["age_years:30,60"], draws=100, threshold=0.5)
    compare(runs=[folder.path], by=["age_years:30,60"], draws=100)
    for name in ("strata", "errors", "transfer", "comparisons"):
        table = folder.table(name)
        found = list(dict.fromkeys(table.loc[table["by"] == "age_years:30,60", "stratum"]))
        assert [s for s in found if not s.startswith("(")] == ["<30", "30-60", ">=60"], name


def test_they_are_strata_like_any_other(tmp_path: Path) -> None:
    cases = cohort(60, 40)
    folder = write_run(tmp_path / "run", cases, {"m": Answers(scores_of(cases))})
    stratify(run=folder.path, by=["age_years:30,60", "age_years:q2*region"], draws=100, threshold=0.5)
    strata = folder.table("strata")
    assert {"<30", "30-60", ">=60"} <= set(strata.loc[strata["by"] == "age_years:30,60", "stratum"])
    crossed = strata.loc[strata["by"] == "age_years:q2*region", "stratum"]
    assert crossed.str.contains(r" \* limb").any()
    with pytest.raises(InputError, match="expected rising edges or q2 to q20"):
        stratify(run=folder.path, by=["age_years:60,30"])
