"""A network, radiomics, clinical and combined model through perturb, stratify and report: one run, the same boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import robustkit.baselines.nested as nested_file
from robustkit.api.baseline_clinical import baseline_clinical
from robustkit.api.baseline_combined import baseline_combined
from robustkit.api.baseline_radiomics import baseline_radiomics
from robustkit.api.perturb import perturb
from robustkit.api.report import report
from robustkit.api.stratify import stratify
from robustkit.api.train import train
from robustkit.results.folder import RunFolder

from made_baselines import write_lesions
from small_world import write_network

NAMES = ["net", "radiomics", "clinical", "combined"]


def judged(folder: Path, network: Path, *, repeats: int, **manifest: Any) -> RunFolder:
    files = {n: folder / f"{n}.json" for n in NAMES[1:]}
    baseline_radiomics(**manifest, output=files["radiomics"], families=["first_order"], icc_repeats=3, folds=3)
    baseline_clinical(**manifest, output=files["clinical"])
    baseline_combined(
        **manifest, output=files["combined"], model=[f"net={network}"], facts=["age_years,sex"], device="cpu"
    )
    models = [f"net={network}", *(str(f) for f in files.values())]
    run = perturb(**manifest, model=models, shifts=["0.1"], repeats=repeats, device="cpu", out=folder / "run").run
    assert run is not None
    stratify(run=run, draws=200)
    report(runs=[run])
    return RunFolder(run)


def check(folder: RunFolder) -> None:
    rows = folder.predictions().sort_values(["case_id", "perturbation", "repeat"])
    assert set(rows["status"]) == {"ok"}
    boxes = [
        rows.loc[rows["model"] == m, ["case_id", "repeat", "x0", "y0", "x1", "y1"]].to_numpy().tolist() for m in NAMES
    ]
    assert all(b == boxes[0] for b in boxes)
    strata = folder.table("strata").query("by == 'all' and cohort == 'all'")
    aucs = strata.query("metric == 'auc' and perturbation == 'nominal'").set_index("model")["value"]
    flips = strata.query("metric == 'flip_rate' and perturbation == 'shift'").set_index("model")["value"]
    assert list(aucs.index) == NAMES
    assert np.isfinite(aucs).all()
    # a shifted box has the size that it had
    assert flips["clinical"] == 0
    assert flips["net"] > 0
    assert set(folder.table("baselines")["model"]) == set(NAMES[1:])
    assert len(folder.table("comparisons")[["model_a", "model_b"]].drop_duplicates()) == 7
    page = (folder.path / "report.html").read_text(encoding="utf-8")
    for said in ("Models without a network", "How facts become a score", "score of net"):
        assert said in page


def test_on_made_films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nested_file, "PENALTIES", (0.03, 0.3))
    manifest = write_lesions(tmp_path / "world", n=120)
    check(judged(tmp_path, write_network(tmp_path / "a.pt", seed=1), repeats=3, manifest=[manifest]))


@pytest.mark.slow
def test_on_the_phantom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    net = train(output=tmp_path / "a.pt", arch="test_resnet", input_size=32, epochs=3, device="cpu")
    check(judged(tmp_path, net.path, repeats=5))
