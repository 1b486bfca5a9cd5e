"""readers analyse as a user calls it: with a run, with a manifest, with readings alone; bad input is a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from robustkit.api.readers_analyse import ReaderResult, readers_analyse
from robustkit.api.report import report
from robustkit.api.stratify import stratify
from robustkit.cli.main import app
from robustkit.errors import InputError, ReadingsError
from robustkit.results.folder import RunFolder
from typer.testing import CliRunner

from factories import Answers, cohort, redrawn, scores_of, write_run
from made_readings import made_readings, write_readings
from made_view import Page

FEW: dict[str, Any] = {"draws": 200, "by": ["region"]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    """A run and readings of its cases."""
    folder = tmp_path_factory.mktemp("study")
    cases = cohort(60, 40)
    nominal = scores_of(cases)
    run = write_run(folder / "run", cases, {"m": Answers(nominal, {("shift", 0.1): redrawn(cases, nominal)})})
    stratify(run=run.path, draws=100, threshold=0.5)
    positive = cases["label"].eq("non-benign").to_numpy()
    told = cases.assign(positive=positive, above=nominal >= 0.5)
    return run.path, made_readings(told[told["split"] != "val"], readers=2)


@pytest.fixture
def run(made: tuple[Path, pd.DataFrame]) -> Path:
    return made[0]


@pytest.fixture
def readings(made: tuple[Path, pd.DataFrame], tmp_path: Path) -> Path:
    return write_readings(tmp_path / "readings.csv", made[1])


def _auc(rows: tuple[ReaderResult, ...], cohort_name: str) -> list[ReaderResult]:
    return [r for r in rows if (r.analysis, r.metric, r.cohort) == ("per reader", "auc", cohort_name)]


def test_with_a_run(run: Path, readings: Path, tmp_path: Path) -> None:
    found = readers_analyse(readings=[readings], run=run, out=tmp_path / "out", **FEW)
    assert (found.readers, found.arms, found.model) == (("reader-1", "reader-2"), ("aided", "unaided"), "m")
    table = pd.read_csv(found.table)
    assert set(table["cohort"]) == {"all", "internal", "external"}
    assert set(table["by"]) == {"all", "region", "model"}
    assert len(_auc(found.rows, "external")) == 2
    assert any(w.startswith("2 readers support conclusions about these readers only") for w in found.warnings)
    assert "instead of 5 %" in " ".join(found.warnings)
    assert "All readers together" in found.page.read_text(encoding="utf-8")


def test_default_place_is_the_run_and_its_report(run: Path, readings: Path) -> None:
    found = readers_analyse(readings=[readings], run=run, **FEW)
    assert found.table == run / "tables" / "readers.csv"
    assert len(RunFolder(run).table("readers")) > 100
    page = Page(report(runs=[run]).path.read_text(encoding="utf-8"))
    sections = [a["id"] for tag, a in page.elements if tag == "section"]
    assert "readers" in sections
    found.table.unlink()


def test_with_a_manifest_as_with_a_run(run: Path, readings: Path, tmp_path: Path) -> None:
    cases = RunFolder(run).cases()
    manifest = tmp_path / "manifest.csv"
    cases.to_csv(manifest, index=False)
    one = readers_analyse(readings=[readings], run=run, out=tmp_path / "a", **FEW)
    two = readers_analyse(readings=[readings], manifest=[manifest], out=tmp_path / "b", **FEW)
    for cohort_name in ("internal", "external", "all"):
        numbers = [[v for r in _auc(found.rows, cohort_name) for v in (r.diff, r.low, r.p)] for found in (one, two)]
        assert numbers[0] == pytest.approx(numbers[1])
    assert two.model == ""
    assert any("no run was given" in w for w in two.warnings)


def test_with_labels_in_the_readings_alone(run: Path, made: tuple[Path, pd.DataFrame], tmp_path: Path) -> None:
    cases = RunFolder(run).cases().set_index("case_id")
    labelled = made[1].assign(label=cases["label"].reindex(made[1]["case_id"]).to_numpy())
    file = write_readings(tmp_path / "labelled.csv", labelled)
    found = readers_analyse(readings=[file], draws=200)
    assert found.table == tmp_path / "readers.csv"
    assert found.page == tmp_path / "readers.html"
    assert any("patients are unknown" in w for w in found.warnings)
    with_run = readers_analyse(readings=[file], run=run, out=tmp_path / "out", **FEW)
    assert [r.value_a for r in _auc(found.rows, "cohort")] == pytest.approx(
        [r.value_a for r in _auc(with_run.rows, "all")]
    )
    other = readers_analyse(readings=[file], positive=["benign"], out=tmp_path / "turned", draws=200)
    assert [r.value_a for r in _auc(other.rows, "cohort")] == pytest.approx(
        [1 - r.value_a for r in _auc(found.rows, "cohort")]
    )


@pytest.mark.parametrize(
    ("flags", "match"),
    [
        ({"readings": []}, "no readings"),
        ({"cut": 0}, "above 0 and up to 100"),
        ({"cut": 101}, "above 0 and up to 100"),
        ({"scale": "5"}, "rising"),
        ({"washout_days": -1.0}, "0 or more"),
        ({"washout_days": float("nan")}, "0 or more"),
        ({"model": "other"}, "no model 'other'"),
        ({"by": ["shoe_size"]}, "shoe_size"),
        ({"draws": 5}, "at least 100"),
        ({"positive": ["purple"]}, "purple"),
        ({"manifest": [Path("m.csv")]}, "not both"),
        ({"scale": "1-5"}, "faults in the readings"),
        ({"washout_days": 60.0}, "the washout is 60"),
    ],
)
def test_refusals(run: Path, readings: Path, tmp_path: Path, flags: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        readers_analyse(**{"readings": [readings], "run": run, "out": tmp_path / "out", "draws": 200, **flags})
    assert not (tmp_path / "out").exists()


def test_without_any_label(readings: Path) -> None:
    with pytest.raises(InputError, match="--run, --manifest"):
        readers_analyse(readings=[readings])


def test_strata_need_facts(made: tuple[Path, pd.DataFrame], tmp_path: Path) -> None:
    file = write_readings(tmp_path / "r.csv", made[1].assign(label="benign"))
    with pytest.raises(InputError, match="labels alone"):
        readers_analyse(readings=[file], by=["region"])


def test_as_a_command(run: Path, readings: Path, tmp_path: Path) -> None:
    flags = ["readers", "analyse", str(readings), "--run", str(run), "--out", str(tmp_path / "out"), "--draws", "200"]
    said = CliRunner().invoke(app, flags)
    assert said.exit_code == 0
    assert "random readers and cases, jackknife" in said.output
    assert "2 readers support conclusions about these readers only" in said.output
    told = json.loads(CliRunner().invoke(app, [*flags, "--json"]).stdout)
    assert told["readers"] == ["reader-1", "reader-2"]
    assert {r["analysis"] for r in told["rows"]} >= {"per reader", "all readers", "agreement", "gain by stability"}


def test_faults_are_listed_by_the_command(run: Path, made: tuple[Path, pd.DataFrame], tmp_path: Path) -> None:
    broken = made[1].copy()
    broken["score"] = broken["score"].astype(float)
    broken.loc[[3, 40], "score"] = 400
    broken.loc[7, "case_id"] = "nobody"
    file = write_readings(tmp_path / "broken.csv", broken)
    said = CliRunner().invoke(app, ["readers", "analyse", str(file), "--run", str(run)])
    assert isinstance(said.exception, ReadingsError)
    for line in ("row 4, score = '400.0'", "row 41, score = '400.0'", "row 8, case_id = 'nobody'"):
        assert line in str(said.exception)


def test_the_model_s_answers_are_the_run_s(run: Path, readings: Path, tmp_path: Path) -> None:
    found = readers_analyse(readings=[readings], run=run, out=tmp_path / "out", **FEW)
    rows = RunFolder(run).predictions(filters=[("perturbation", "==", "nominal")]).set_index("case_id")
    cases = RunFolder(run).cases().set_index("case_id")
    external = cases.index[cases["cohort"] == "external"]
    y, score = cases.loc[external, "label"].eq("non-benign").to_numpy(), rows.loc[external, "score"].to_numpy()
    wins = (score[y][:, None] > score[~y][None]).mean() + 0.5 * (score[y][:, None] == score[~y][None]).mean()
    against = [r for r in found.rows if (r.analysis, r.metric, r.cohort) == ("reader against model", "auc", "external")]
    assert {round(r.value_b, 9) for r in against} == {round(float(np.float64(wins)), 9)}
