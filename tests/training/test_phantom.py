"""The default training learns the phantom: a stand-in for a network, nothing more is claimed of it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from robustkit.api.evaluate import evaluate
from robustkit.api.train import train
from robustkit.results.folder import RunFolder
from sklearn.metrics import roc_auc_score


@pytest.mark.slow
def test_the_default_network_ranks_simulated_test_cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = train(device="cpu")
    assert made.path == Path("ckpt.pt")
    run = evaluate(model=["ckpt.pt"], device="cpu").run
    assert run is not None
    folder = RunFolder(run)
    cases = folder.cases().set_index("case_id").query("split == 'test'")
    scores = folder.predictions().set_index("case_id").loc[cases.index, "score"]
    assert set(cases["label"]) == {"benign", "non-benign"}
    truth = cases["label"] == "non-benign"
    auc = pd.Series({c: roc_auc_score(truth[rows], scores[rows]) for c, rows in cases.groupby("cohort").groups.items()})
    assert auc["internal"] > 0.7
    assert auc["external"] > 0.6
