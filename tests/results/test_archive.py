"""Run folders of every format version keep opening; those in ``tests/archive`` are never written anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from robustkit.api.compare import compare
from robustkit.api.stratify import stratify
from robustkit.results.folder import RunFolder
from sklearn.metrics import roc_auc_score

ARCHIVE = Path(__file__).resolve().parents[1] / "archive"


@pytest.fixture(params=sorted(p.name for p in ARCHIVE.iterdir() if p.is_dir()))
def old(request: pytest.FixtureRequest, tmp_path: Path) -> RunFolder:
    shutil.copytree(ARCHIVE / request.param, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def test_it_still_gives_every_table(old: RunFolder) -> None:
    found = stratify(run=old.path, draws=200)
    assert {p.stem for p in found.tables} == {
        "strata", "curves", "errors", "stability", "thresholds", "flow", "comparisons", "agreement", "transfer", "repeats",
        "size_curve", "operating_points", "flip_curve", "calibration", "roc", "decision_curve", "sweep",
    }  # fmt: skip
    strata = old.table("strata")
    cases, rows = old.cases(), old.predictions(filters=[("perturbation", "==", "nominal")])
    for model in ("first", "second"):
        own = rows[(rows["model"] == model) & (rows["status"] == "ok")].merge(cases, on="case_id")
        own = own[(own["split"] == "test") | (own["cohort"] == "external")]
        value = strata.query("model == @model and by == 'all' and cohort == 'all' and metric == 'auc' and level == 0")
        assert value["value"].item() == pytest.approx(roc_auc_score(own["label"] == "non-benign", own["score"]))
    assert {"subtype", "group", "region", "size", "site", "centre", "sex", "age"} <= set(strata["by"])
    assert old.table("thresholds")["source"].tolist()[0] == "checkpoint"
    flow = old.table("flow")
    assert flow.loc[flow["step"] == "failed", "n_cases"].tolist() == [1, 1]


def test_columns_that_nobody_knows_are_ignored(old: RunFolder) -> None:
    stratify(run=old.path, draws=200)
    before = old.table("strata")
    for file in (old.path / "predictions").glob("*.parquet"):
        pd.read_parquet(file).assign(later="?").to_parquet(file)
    pd.read_parquet(old.path / "cases.parquet").assign(later=np.nan).to_parquet(old.path / "cases.parquet")
    stratify(run=old.path, draws=200)
    pd.testing.assert_frame_equal(old.table("strata"), before, check_exact=True)


def test_it_can_be_compared_with_itself(old: RunFolder, tmp_path: Path) -> None:
    found = compare(runs=[old.path, old.path], draws=200, output=tmp_path / "c.csv")
    own = [r for r in found.rows if r.model_b == f"{r.model_a} (2)"]
    assert own
    assert all(r.diff == 0.0 and r.p == 1.0 for r in own if not r.reason.startswith(("fewer", "not comparable")))
