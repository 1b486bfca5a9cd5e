"""stratify, curves, compare as a user calls them: tables on disk, run.json, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from robustkit.api.compare import compare
from robustkit.api.curves import curves
from robustkit.api.stratify import stratify
from robustkit.cli.main import app
from robustkit.errors import InputError, RunError
from robustkit.results.folder import RunFolder
from typer.testing import CliRunner

from factories import Answers, cohort, moved_boxes, redrawn, scores_of, write_run

SHIFT = ("shift", 0.1)
FEW = {"draws": 200, "by": ["region"]}


def answers(cases: pd.DataFrame, *, seed: int = 0) -> Answers:
    nominal = scores_of(cases, seed=seed)
    return Answers(nominal, {SHIFT: redrawn(cases, nominal, seed=seed)})


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    return cohort(60, 40)


@pytest.fixture
def run(cases: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.chdir(tmp_path)
    return write_run(tmp_path / "runs" / "20260101T000000Z-aaaa0000", cases, {"m": answers(cases)})


def test_the_newest_complete_run_is_taken_and_all_tables_are_written(run: RunFolder, cases: pd.DataFrame) -> None:
    write_run(run.path.parent / "20250101T000000Z-bbbb0000", cases, {"old": answers(cases)})
    newer = run.path.parent / "20270101T000000Z-cccc0000"
    write_run(newer, cases, {"half": answers(cases)}, status="partial")
    found = stratify(**FEW)  # type: ignore[arg-type]
    assert found.run.resolve() == run.path.resolve()
    assert found.warnings[0] == f"the newest run, {newer.name}, is not complete; this is the one before it."
    names = {p.name for p in (run.path / "tables").iterdir()}
    made = ("strata", "curves", "errors", "stability", "thresholds", "flow", "agreement", "transfer", "repeats",
            "size_curve", "operating_points", "flip_curve", "calibration", "roc", "decision_curve", "sweep")  # fmt: skip
    assert names == {f"{t}.csv" for t in made}
    assert len(found.sentences) == 3
    assert found.sentences[0].startswith("m, how good: ")
    assert {h.metric for h in found.headlines} == {"auc", "sensitivity", "specificity", "flip_rate"}


def test_run_json_holds_the_thresholds_and_stays_json(run: RunFolder) -> None:
    stratify(run=run.path, threshold=0.4, **FEW)  # type: ignore[arg-type]
    text = (run.path / "run.json").read_text(encoding="utf-8")
    record = json.loads(text, parse_constant=lambda c: pytest.fail(f"{c} is no JSON"))
    assert record["thresholds"] == [
        {"model": "m", "operating_point": "given", "value": 0.4, "source": "flag", "n": 0, "n_positive": 0, "low": None,
         "high": None}
    ]  # fmt: skip
    # what was asked once does not stick
    stratify(run=run.path, **FEW)  # type: ignore[arg-type]
    assert run.record()["thresholds"][0]["source"] == "development"


def test_stratify_twice_gives_the_same_bytes(run: RunFolder) -> None:
    first = stratify(run=run.path, **FEW)  # type: ignore[arg-type]
    before = {p.name: p.read_bytes() for p in first.tables}
    stratify(run=run.path, **FEW)  # type: ignore[arg-type]
    assert {p.name: p.read_bytes() for p in first.tables} == before


@pytest.mark.parametrize(
    ("flags", "match"),
    [
        ({"threshold": 1.5}, r"--threshold: expected a score in 0\.\.1, got 1\.5"),
        ({"prevalence": 0.0}, "--prevalence: expected a share between 0 and 1, got 0"),
        ({"draws": 10}, "--draws: expected at least 100 draws, got 10"),
        ({"by": ["regoin"]}, "--by: no case has the fact 'regoin'.*Known: region"),
        ({"positive": ["mailgnant"]}, "--positive: no case has the label 'mailgnant'"),
    ],
)
def test_wrong_input_writes_nothing(run: RunFolder, flags: dict[str, object], match: str) -> None:
    with pytest.raises(InputError, match=match):
        stratify(run=run.path, **flags)  # type: ignore[arg-type]
    assert not (run.path / "tables").exists()


def test_folders_that_are_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cases: pd.DataFrame) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="there is no complete run yet"):
        stratify()
    with pytest.raises(RunError, match=r"this is not a run folder \(no run.json\)"):
        stratify(run=tmp_path)
    write_run(tmp_path / "half", cases, {"m": answers(cases)}, status="partial")
    with pytest.raises(RunError, match="the run is not complete"):
        stratify(run=tmp_path / "half")


def test_curves_make_the_tables_where_they_are_missing(run: RunFolder) -> None:
    found = curves(run=run.path, metric="flip_rate")
    assert {(p.level, p.metric) for p in found.points} == {(0.0, "flip_rate"), (0.1, "flip_rate")}
    assert {p.cohort for p in found.points} == {"all", "internal", "external"}
    one = curves(run=run.path, metric="auc", by="region", stratum="axial")
    assert len(one.points) == 6
    with pytest.raises(InputError, match="no curve of any metric for region=leg.*Strata: .*region=axial"):
        curves(run=run.path, by="region", stratum="leg")


def test_compare_runs_of_the_same_cases(run: RunFolder, cases: pd.DataFrame, tmp_path: Path) -> None:
    other = write_run(tmp_path / "other", cases, {"n": answers(cases, seed=4)})
    found = compare(runs=[run.path, other.path], draws=200)
    assert found.table == run.path / "tables" / "comparisons.csv"
    assert {(r.model_a, r.model_b) for r in found.rows} == {("m", "n")}
    both = write_run(tmp_path / "both", cases, {"m": answers(cases), "n": answers(cases, seed=4)})
    stratify(run=both.path, **FEW)  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(both.table("comparisons"), run.table("comparisons"), check_exact=True)


def test_a_run_against_itself(run: RunFolder, tmp_path: Path) -> None:
    found = compare(runs=[run.path, run.path], draws=200, output=tmp_path / "mine.csv")
    name = f"{run.path.name}/m"
    assert {(r.model_a, r.model_b) for r in found.rows} == {(name, f"{name} (2)")}
    assert all(r.diff == 0.0 and r.p == 1.0 for r in found.rows)
    assert (tmp_path / "mine.csv").is_file()
    assert not (run.path / "tables").exists()


def test_compare_refuses_runs_that_differ_and_says_where(run: RunFolder, cases: pd.DataFrame, tmp_path: Path) -> None:
    one = {"m": answers(cases)}
    with pytest.raises(InputError, match="a comparison needs two models"):
        compare(runs=[run.path])
    few = cases.iloc[2:].reset_index(drop=True)
    first = write_run(tmp_path / "few", few, {"m": answers(few)}).path
    with pytest.raises(InputError, match=r"the runs differ in 2 cases \(p000-0, p000-1\)"):
        compare(runs=[run.path, first])
    relabelled = cases.assign(label=cases["label"].where(cases.index != 5, "intermediate"))
    with pytest.raises(InputError, match=f"the label differs for 1 cases \\({cases['case_id'][5]}: "):
        compare(runs=[run.path, write_run(tmp_path / "label", relabelled, one).path])
    boxes = moved_boxes(cases, 0.1, 12)
    at = int(np.flatnonzero(cases["cohort"] == "external")[0])
    boxes[at, 7, 0] += 1
    with pytest.raises(
        InputError, match=f"1 boxes differ, first that of the case {cases['case_id'][at]} at shift 0.1, repeat 7"
    ):
        compare(runs=[run.path, write_run(tmp_path / "boxes", cases, one, boxes={SHIFT: boxes}).path])
    levels = {"m": Answers(one["m"].nominal, {("shift", 0.2): one["m"].perturbed[SHIFT]})}
    with pytest.raises(InputError, match="the runs differ in perturbations"):
        compare(runs=[run.path, write_run(tmp_path / "levels", cases, levels).path])


def test_what_the_commands_print(run: RunFolder) -> None:
    shown = CliRunner().invoke(app, ["stratify", str(run.path), "--by", "region", "--draws", "200"])
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("m, how good: ")
    assert lines[-1] == str(run.path)
    assert "Where it fails" in shown.stdout
    machine = CliRunner().invoke(app, ["curves", str(run.path), "--metric", "auc", "--json"])
    points = json.loads(machine.stdout)["points"]
    assert [p["level"] for p in points[:2]] == [0.0, 0.1]
