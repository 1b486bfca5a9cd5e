"""Outputs that are NaN or infinite: the case failed with the reason, is counted, and is in no mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from robustkit.api.heatmaps import heatmaps
from robustkit.api.perturb import perturb
from robustkit.api.stratify import stratify
from robustkit.api.train import train
from robustkit.backends import eager
from robustkit.engine.heatmaps import MapMaker
from robustkit.engine.rows import NOT_FINITE
from robustkit.errors import CheckpointError, InputError
from robustkit.models.native import read_native, save_native
from robustkit.results.folder import RunFolder

from bright_spots import write_cohort
from small_world import write_films, write_network
from trust_rows import TrustRows

N, REPEATS = 40, 6


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logits")
    write_films(folder, n=N)
    write_network(folder / "a.pt", seed=1)
    return folder


def _run(world: Path, out: Path, model: str = "a.pt") -> Any:
    return perturb(
        model=[str(world / model)], manifest=[world / "cases.csv"], out=out, shifts=["0.1"], repeats=REPEATS, device="cpu",
        backend="eager", workers=1,
    )  # fmt: skip


def _is_odd(crops: Any) -> np.ndarray:
    """Choose some crops by their pixels, the same ones in any batch."""
    return np.asarray(crops).reshape(len(crops), -1).astype(np.int64).sum(axis=1) % 7 == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_some_answers(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float, trust: TrustRows
) -> None:
    _run(world, tmp_path / "plain")
    whole = eager._EagerForward.__call__

    def forward(self: Any, crops: Any, filled: int | None = None) -> torch.Tensor:
        out = whole(self, crops, filled).clone()
        out[torch.from_numpy(_is_odd(crops))] = value
        return out

    monkeypatch.setattr(eager._EagerForward, "__call__", forward)
    result = _run(world, tmp_path / "run")
    rows, plain = (
        RunFolder(tmp_path / n).predictions().sort_values(["case_id", "perturbation", "repeat"], ignore_index=True)
        for n in ("run", "plain")
    )
    lost = rows["status"] == "failed"
    assert 0 < lost.sum() < len(rows) / 2
    assert rows.loc[lost, "score"].isna().all()
    assert (rows.loc[lost, "reason"] == NOT_FINITE).all()
    pd.testing.assert_frame_equal(rows[~lost], plain[~lost])
    failed = set(rows.loc[lost, "case_id"])
    assert (result.n_ok, result.n_failed) == (N - len(failed), len(failed))
    assert set(result.failures) == {f"{c}: {NOT_FINITE}" for c in failed}
    _check_tables(tmp_path / "run", rows[rows["perturbation"] == "shift"], judged=rows["case_id"].nunique())
    trust.row(f"answers of {value:g} in perturb", tried=int(lost.sum()), found=0)


def _check_tables(run: Path, shifted: pd.DataFrame, *, judged: int) -> None:
    """A case with a lost repeat has no mean; the others' are theirs; the cases that failed are counted."""
    stratify(run=run, draws=100)
    folder = RunFolder(run)
    table = folder.table("stability").set_index("case_id")
    for case, own in shifted.groupby("case_id"):
        lost = int((own["status"] == "failed").sum())
        if case not in table.index:
            continue
        assert table.loc[case, "n_failed"] == lost
        if lost:
            assert np.isnan(table.loc[case, ["mean", "sd", "flip_rate"]].astype(float)).all()
        else:
            assert table.loc[case, "mean"] == pytest.approx(own["score"].mean(), abs=1e-9)
    strata = folder.table("strata")
    own = strata[(strata["by"] == "all") & (strata["metric"] == "auc") & (strata["perturbation"] == "nominal")]
    assert (own["n_cases"] < judged).all()
    assert folder.table("flow")["step"].str.contains("failed").any()


def test_weights(world: Path, tmp_path: Path, trust: TrustRows) -> None:
    held = read_native(world / "a.pt")
    assert held is not None
    weights = {k: torch.full_like(v, torch.nan) if v.is_floating_point() else v for k, v in held.state_dict.items()}
    save_native(
        world / "nan.pt", weights, arch=held.arch, input=held.input, output=held.output, classes=held.classes,
        positive=held.positive, lineage="", operating_points={}, seen={}, training={},
    )  # fmt: skip
    with pytest.raises(CheckpointError, match="tensors hold NaN or infinity"):
        _run(world, tmp_path / "run", "nan.pt")
    trust.row("weights that are NaN", tried=1, found=0)


def test_all_answers(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trust: TrustRows) -> None:
    monkeypatch.setattr(
        eager._EagerForward, "__call__", lambda self, crops, filled=None: torch.full((len(crops), 1), torch.nan)
    )
    result = _run(world, tmp_path / "run")
    assert (result.n_ok, result.n_failed) == (0, N)
    assert RunFolder(tmp_path / "run").predictions()["score"].isna().all()
    stratify(run=tmp_path / "run", draws=100)
    strata = RunFolder(tmp_path / "run").table("strata")
    assert strata["value"].isna().all()
    assert (strata["reason"] != "").all()
    trust.row("a network that answers nothing", tried=1, found=0)


def test_heatmaps(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trust: TrustRows) -> None:
    _run(world, tmp_path / "run")
    whole = MapMaker.maps

    def maps(self: MapMaker, crops: Any) -> Any:
        values, scores = whole(self, crops)
        odd = _is_odd(crops)
        values[odd], scores[odd] = np.nan, np.nan
        lost.append(int(odd.sum()))
        return values, scores

    lost: list[int] = []
    monkeypatch.setattr(MapMaker, "maps", maps)
    result = heatmaps(run=tmp_path / "run", repeats=2, draws=100, check_cases=0, device="cpu", workers=1)
    assert sum(lost)
    for row in result.measures:
        assert np.isfinite(row.value) or row.reason
        assert row.n_cases + row.n_undefined <= N
    cases = RunFolder(tmp_path / "run").table("heatmap_cases")
    undefined = cases[cases["reason"].str.contains("map", na=False)]
    assert undefined["value"].isna().all()
    trust.row("heatmaps of NaN", tried=sum(lost), found=0)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_train_stops_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float, trust: TrustRows
) -> None:
    from robustkit.training.learner import Learner

    write_cohort(tmp_path / "world")
    whole = Learner.run
    monkeypatch.setattr(Learner, "run", lambda s, e, r: whole(s, e, r) if e < 1 else value)
    with pytest.raises(InputError, match=r"the training diverged in epoch 2 \(loss (nan|inf)\)\. Lower it"):
        train(manifest=[tmp_path / "world" / "cases.csv"], output=tmp_path / "a.pt", arch="test_resnet", input_size=32, epochs=3,
              batch_size=8, device="cpu", workers=1)  # fmt: skip
    assert not (tmp_path / "a.pt").exists()
    trust.row(f"a loss of {value:g} in train", tried=1, found=0)
