"""slices as a user calls it: the table on disk, the summary, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from robustkit.api.slices import SlicesResult, slices
from robustkit.cli.main import app
from robustkit.errors import InputError, RunError, UnknownNameError
from robustkit.results.folder import RunFolder
from robustkit.results.schema import SLICES_COLUMNS
from typer.testing import CliRunner

from factories import Answers, cohort, redrawn, scores_of, write_run

SHIFT = ("shift", 0.1)
FEW: dict[str, Any] = {"draws": 200, "by": ["region", "sex", "group"]}


def missing_in_women(cases: pd.DataFrame) -> Answers:
    """Miss what is non-benign in women, and is sure elsewhere."""
    nominal = scores_of(cases, signal=4.0)
    missed = (cases["sex"].eq("F") & cases["label"].eq("non-benign")).to_numpy()
    nominal = np.where(missed, 1 - nominal, nominal)
    return Answers(nominal, {SHIFT: redrawn(cases, nominal), ("shift", 0.2): redrawn(cases, nominal, sd=1.0)})


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    return cohort(150, 120)


@pytest.fixture
def run(cases: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.chdir(tmp_path)
    return write_run(tmp_path / "runs" / "20260101T000000Z-aaaa0000", cases, {"m": missing_in_women(cases)})


def search_of(result: SlicesResult, metric: str) -> Any:
    return next(s for s in result.searches if s.metric == metric)


def test_the_planted_fact_is_confirmed_and_every_slice_is_in_the_table(run: RunFolder) -> None:
    result = slices(threshold=0.5, **FEW)
    assert result.table.resolve() == run.path.resolve() / "tables" / "slices.csv"
    table = run.table("slices")
    assert tuple(table.columns) == SLICES_COLUMNS
    assert list(dict.fromkeys(table["metric"])) == ["missed", "false_alarm", "wrong", "flip_rate"]
    missed = search_of(result, "missed")
    first = missed.tested[0]
    assert (first.slice, first.verdict, first.parent) == ("sex=F", "confirmed", "all")
    own = table[table["metric"] == "missed"]
    assert missed.n_tried == len(own) - 1 == own["n_tried"].iloc[0]
    assert missed.n_confirmed == (own["verdict"] == "confirmed").sum()
    assert first.folded == (own["under"] == "sex=F").sum() > 0
    # the first level of the first perturbation is the primary one
    assert set(table.loc[table["metric"] == "flip_rate", "level"]) == {0.1}


def test_the_halves_are_all_judged_patients(run: RunFolder, cases: pd.DataFrame) -> None:
    result = slices(threshold=0.5, metric=["wrong"], **FEW)
    judged = cases[cases["split"] != "val"]
    a, b = result.searched, result.confirmed_on
    assert a.patients + b.patients == judged["patient_id"].nunique()
    assert a.cases + b.cases == len(judged)
    assert abs(a.patients - b.patients) <= 1
    own = slices(threshold=0.5, metric=["wrong"], cohort="external", **FEW)
    inside = judged[judged["cohort"] == "external"]
    assert own.searched.cases + own.confirmed_on.cases == len(inside)
    assert {s.cohort for s in own.searches} == {"external"}


def test_the_cohort_is_a_fact_where_there_are_several(run: RunFolder) -> None:
    slices(threshold=0.5, metric=["wrong"], draws=200, depth=1)
    table = run.table("slices").set_index("slice")
    names = set(table.index)
    assert {"cohort=internal", "cohort=external", "sex=F", "region=axial"} <= names
    # centre A is the internal cohort: one slice
    assert table.loc["cohort=internal", "also"] == "centre=A"
    assert "centre=A" not in names
    assert table.loc["centre=B", "parent"] in ("cohort=external", "all")
    assert set(table["depth"]) == {0, 1}


def test_twice_gives_the_same_bytes_and_another_seed_another_split(run: RunFolder) -> None:
    first = slices(**FEW).table.read_bytes()
    assert slices(**FEW).table.read_bytes() == first
    assert slices(seed=1, **FEW).table.read_bytes() != first


def test_larger_slices_only(run: RunFolder) -> None:
    slices(min_cases=60, min_patients=40, metric=["wrong"], **FEW)
    table = run.table("slices")
    assert table[["n_cases", "search_n_cases"]].min(axis=None) >= 30
    assert table[["n_patients", "search_n_patients"]].min(axis=None) >= 20


def test_without_a_threshold_it_is_that_of_the_development_rows(run: RunFolder) -> None:
    slices(metric=["missed"], **FEW)
    assert set(run.table("slices")["operating_point"]) == {"youden"}


def test_a_run_that_moved_no_box_says_so(cases: pd.DataFrame, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", cases, {"m": Answers(missing_in_women(cases).nominal)})
    result = slices(run=folder.path, **FEW)
    assert [s.reason for s in result.searches] == ["", "", "", "the run moved no box"]
    assert search_of(result, "flip_rate").n_tried == 0


def test_two_models_are_two_families(cases: pd.DataFrame, tmp_path: Path) -> None:
    own = missing_in_women(cases)
    folder = write_run(tmp_path / "run", cases, {"a": own, "b": own})
    slices(run=folder.path, metric=["missed"], threshold=0.5, **FEW)
    table = folder.table("slices").drop(columns="family")
    a, b = (table[table["model"] == m].drop(columns="model").reset_index(drop=True) for m in "ab")
    pd.testing.assert_frame_equal(a, b)


@pytest.mark.parametrize(
    ("flags", "error", "match"),
    [
        ({"depth": 4}, InputError, "--depth: expected 1 to 3 facts, got 4"),
        ({"depth": 0}, InputError, "--depth: expected 1 to 3 facts, got 0"),
        ({"min_cases": 0}, InputError, "--min-cases: expected at least 1, got 0"),
        ({"min_patients": -1}, InputError, "--min-patients: expected at least 1, got -1"),
        ({"threshold": 2.0}, InputError, r"--threshold: expected a score in 0\.\.1, got 2"),
        ({"draws": 9}, InputError, "--draws: expected at least 100 draws, got 9"),
        ({"metric": ["auc"]}, InputError, "--metric: unknown metric 'auc'.*missed, false_alarm"),
        ({"cohort": "elsewhere"}, InputError, "--cohort: no judged case is of the cohort 'elsewhere'.*internal"),
        ({"by": ["colour"]}, UnknownNameError, "--by: no case has the fact 'colour'"),
    ],
)
def test_refusals(run: RunFolder, flags: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        slices(**{**FEW, **flags})
    assert not (run.path / "tables" / "slices.csv").exists()


def test_a_run_that_is_not_complete_is_refused(cases: pd.DataFrame, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", cases, {"m": missing_in_women(cases)}, status="partial")
    with pytest.raises(RunError, match="not complete"):
        slices(run=folder.path)


def test_what_is_printed(run: RunFolder) -> None:
    flags = ["--threshold", "0.5", "--draws", "200", "--by", "sex", "--by", "region"]
    done = CliRunner().invoke(app, ["slices", str(run.path), *flags])
    assert done.exit_code == 0, done.output
    assert "Searched on " in done.output
    assert "sex=F" in done.output
    assert "Exploratory: " in done.output
    assert "m, missed, cohort all: " in done.output
    data = json.loads(CliRunner().invoke(app, ["slices", str(run.path), *flags, "--json"]).output)
    assert data["searches"][0]["tested"][0]["slice"] == "sex=F"


def test_what_is_printed_where_nothing_was_searched(cases: pd.DataFrame, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", cases, {"m": Answers(missing_in_women(cases).nominal)})
    done = CliRunner().invoke(app, ["slices", str(folder.path), "--metric", "flip_rate"])
    assert "m, flip rate, cohort all: not searched: the run moved no box" in done.output
