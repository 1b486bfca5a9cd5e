"""heatmaps from a run to tables: planted models told apart, values of a plain loop, going on, and bad flags."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from robustkit.api.heatmaps import heatmaps
from robustkit.api.perturb import perturb
from robustkit.api.stratify import stratify
from robustkit.backends._graph import Graph
from robustkit.crops.pillow import PLUGIN as PILLOW
from robustkit.errors import CheckpointError, InputError, RunError
from robustkit.heatmaps._base import find_layer
from robustkit.heatmaps._target import positive_logit
from robustkit.heatmaps.grad_cam import PLUGIN as GRAD_CAM
from robustkit.images.film import read_film
from robustkit.models.reopen import reopened
from robustkit.results.folder import RunFolder
from robustkit.results.heatmaps import HeatmapFolder, grid

from made_lookers import LAYER, MARGIN, write_cohort, write_lookers

REPEATS = 3


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lookers")
    lesion, marker = write_lookers(folder)
    out = folder / "run"
    perturb(
        model=[f"lesion={lesion}", f"marker={marker}"], manifest=[write_cohort(folder)], shifts=["0.05", "0.2"],
        repeats=4, out=out, device="cpu", backend="eager", command=["robustkit"],
    )  # fmt: skip
    stratify(run=out, draws=200, threshold=0.5)
    heatmaps(run=out, layer=LAYER, repeats=REPEATS, draws=400, check_cases=16, device="cpu")
    return out


def _measure(run: Path, **wanted: Any) -> pd.Series:
    table = RunFolder(run).table("heatmap_measures")
    for column, value in {"by": "all", "cohort": "cohort", **wanted}.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_planted_models_are_told_apart(run: Path) -> None:
    positive = {"by": "class", "stratum": "positive"}
    lesion = _measure(run, model="lesion", measure="inside", **positive)
    marker = _measure(run, model="marker", measure="inside", **positive)
    # discs of 0.7 to 1 of a square that is a ninth of the crop
    assert 0.49 * np.pi / 4 / 9 < lesion["uniform"] < np.pi / 4 / 9
    assert lesion["low"] > 0.6
    assert 0 < marker["low"] < marker["high"] < 0.2
    hit, miss = (_measure(run, model=m, measure="pointing", **positive) for m in ("lesion", "marker"))
    # in a fifth of the films the marker lies on the lesion's edge
    assert hit["value"] == 1.0
    assert miss["high"] <= 0.5
    table = RunFolder(run).table("heatmap_contrasts")
    against = table[
        (table["b"] == "uniform map") & (table["measure"] == "inside") & (table["perturbation"] == "nominal")
    ]
    by_model = against.set_index("model")
    assert by_model.loc["lesion", "low"] > 0
    assert by_model.loc["marker", "high"] < by_model.loc["lesion", "low"]


def test_a_map_of_nothing_is_undefined_with_its_reason(run: Path) -> None:
    """Without a blob nothing speaks for the positive class in the eyes of the first network."""
    cases = RunFolder(run).table("heatmap_cases")
    own = cases[(cases["model"] == "lesion") & (cases["measure"] == "inside")].set_index("case_id")
    assert own.loc["case-00", "reason"].startswith("the map is empty")
    assert np.isnan(own.loc["case-00", "value"])
    row = _measure(run, model="lesion", measure="inside", by="all")
    assert row["n_cases"] == 20
    assert row["n_undefined"] == 20


def test_maps_are_those_of_a_plain_loop(run: Path) -> None:
    record = RunFolder(run).record()
    rows = pd.concat(HeatmapFolder.of(run, "grad_cam").parts(1), ignore_index=True)
    assert len(rows) == 40 * (1 + 2 * REPEATS)
    facts = RunFolder(run).cases().set_index("case_id")
    answers = (
        RunFolder(run)
        .predictions(filters=[("model", "==", "marker")])
        .set_index(["case_id", "perturbation", "level", "repeat"])
    )
    model = reopened(record["models"][1])
    graph = Graph(model.runner, model.input).eval()
    for row in rows.sample(12, random_state=0).to_dict("records"):
        answer = answers.loc[(row["case_id"], row["perturbation"], row["level"], row["repeat"])]
        box = answer[["x0", "y0", "x1", "y1"]].to_numpy(dtype=float)
        film = read_film(Path(facts.loc[row["case_id"], "image_path"])).pixels
        crop = torch.from_numpy(PILLOW.crops(film, box[None], model.input, snapping=record["snap"]).copy())
        layer = find_layer(graph, crop, name=f"network.{LAYER}")
        wanted = GRAD_CAM.maps(graph, crop, positive_logit(model), layer)[0].numpy()
        assert np.allclose(grid(row), wanted, atol=1e-5)
        assert row["score"] == pytest.approx(answer["score"], abs=1e-5)
        # the crop shows the box and as much again on each side
        side = box[2:] - box[:2]
        assert np.allclose([row[c] for c in ("x0", "y0", "x1", "y1")], [*(box[:2] - side), *(box[2:] + side)])


def test_a_map_that_follows_the_film_holds_still(run: Path) -> None:
    table = RunFolder(run).table("heatmap_stability")
    own = table[(table["model"] == "lesion") & table["correlation"].notna()]
    assert (own["n_compared"] == REPEATS).all()
    small, large = (own.loc[own["level"] == v, "correlation"] for v in (0.05, 0.2))
    assert small.mean() > 0.95
    assert small.mean() >= large.mean() > 0.9
    # what all crops have in common is less
    assert own["mean_map_correlation"].mean() < small.mean()


def test_checks_know_a_map_of_the_model(run: Path) -> None:
    checks = RunFolder(run).table("heatmap_checks")
    deletion = checks[(checks["model"] == "lesion") & (checks["check"] == "deletion")].iloc[0]
    insertion = checks[(checks["model"] == "lesion") & (checks["check"] == "insertion")].iloc[0]
    assert deletion["diff_high"] < 0
    assert insertion["diff_low"] > 0
    random = checks[(checks["model"] == "marker") & (checks["check"] == "randomised weights")]
    assert list(random["stage"]) == ["fc3", "fc2", "fc1", "conv2", "conv1"]
    # most weights of this network are 0: dealt out anew, nothing is left of its answer
    assert random["value"].isna().all()
    assert random["reason"].str.contains("16 of 16 maps became empty").all()


def test_the_same_command_makes_nothing_again(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from robustkit.engine import heatmaps as engine

    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    before = (copy / "tables" / "heatmap_measures.csv").read_bytes()

    def none(*_: object) -> None:
        raise AssertionError("a map was made again")

    monkeypatch.setattr(engine.MapMaker, "maps", none)
    heatmaps(run=copy, layer=LAYER, repeats=REPEATS, draws=400, check_cases=0, device="cpu")
    assert (copy / "tables" / "heatmap_measures.csv").read_bytes() == before


def test_what_is_missing_is_made(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    part = copy / "heatmaps" / "grad_cam" / "001-00000.parquet"
    whole = pd.read_parquet(part)
    whole[whole["case_id"] < "case-17"].to_parquet(part)
    heatmaps(run=copy, layer=LAYER, repeats=REPEATS, draws=400, check_cases=0, device="cpu", batch_size="5")
    for name in ("heatmap_cases", "heatmap_stability"):
        pd.testing.assert_frame_equal(RunFolder(copy).table(name), RunFolder(run).table(name), rtol=1e-4, atol=1e-5)


def test_other_settings_are_named_and_new_replaces(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    with pytest.raises(InputError, match="margin"):
        heatmaps(run=copy, layer=LAYER, repeats=REPEATS, margin=0.5, device="cpu")
    found = heatmaps(
        run=copy, layer=LAYER, repeats=0, margin=0.5, new=True, model=["lesion"], check_cases=0, draws=200, device="cpu",
        png=tmp_path / "png", npz=tmp_path / "maps.npz",
    )  # fmt: skip
    assert found.models[0].margin == 0.5
    row = _measure(copy, model="lesion", measure="inside", by="all")
    assert 0.49 * np.pi / 4 / 4 < row["uniform"] < np.pi / 4 / 4
    with np.load(tmp_path / "maps.npz") as arrays:
        assert arrays["values"].shape == (40, 28, 28)
        assert set(arrays["perturbation"]) == {"nominal"}
    pictures = sorted((tmp_path / "png").glob("*.png"))
    assert {p.name.rsplit("-", 3)[0] for p in pictures} >= {"correct", "most-stable", "least-stable"}
    with Image.open(pictures[0]) as picture:
        assert picture.size == (3 * 320 + 32, 320 + 50)


def test_without_margin_and_mask_the_box_is_all_there_is(tmp_path: Path) -> None:
    lesion, _ = write_lookers(tmp_path)
    out = tmp_path / "run"
    perturb(
        model=[f"lesion={lesion}"], manifest=[write_cohort(tmp_path, n=12, masks=False)], shifts=["0.1"], repeats=2, out=out,
        device="cpu", backend="eager", command=["robustkit"],
    )  # fmt: skip
    found = heatmaps(run=out, layer=LAYER, margin=0.0, repeats=0, check_cases=0, draws=200, device="cpu")
    assert any("--margin" in w for w in found.warnings)
    assert all(np.isnan(m.value) for m in found.measures if m.measure in ("inside", "elsewhere", "pointing"))


def test_levels_of_a_run_without_redrawn_boxes_are_refused(tmp_path: Path) -> None:
    lesion, _ = write_lookers(tmp_path)
    out = tmp_path / "run"
    perturb(
        model=[f"lesion={lesion}"], manifest=[write_cohort(tmp_path, n=4)], out=out, device="cpu",
        backend="eager", command=["robustkit"],
    )  # fmt: skip
    with pytest.raises(InputError, match="no redrawn boxes") as caught:
        heatmaps(run=out, layer=LAYER, levels=[0.1], device="cpu")
    assert "Leave --levels out" in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "match"),
    [
        ({"method": "gradcam"}, "grad_cam"),
        ({"model": ["other"]}, "lesion, marker"),
        ({"layer": "layer9"}, "conv2"),
        ({"border": "wide"}, "--border"),
        ({"margin": -1.0}, "--margin"),
        ({"repeats": -1}, "--repeats"),
        ({"levels": [0.3]}, "0.05, 0.2"),
        ({"method": "occlusion", "layer": "conv1"}, "looks at no layer"),
        ({"device": "warp"}, "warp"),
        ({"draws": 10}, "--draws"),
    ],
)
def test_bad_flags_are_refused(run: Path, flags: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        heatmaps(run=run, **{"device": "cpu", **flags})


def test_another_checkpoint_is_refused(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    record = RunFolder(copy).record()
    record["models"][0]["path"] = record["models"][1]["path"]
    RunFolder(copy).write_record(record)
    with pytest.raises(CheckpointError, match="another file"):
        heatmaps(run=copy, layer=LAYER, device="cpu")


def test_a_film_that_went_away_is_a_case_without_map(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    shutil.rmtree(copy / "heatmaps")
    cases = pd.read_parquet(copy / "cases.parquet")
    cases.loc[3, "image_path"] = str(tmp_path / "gone.png")
    cases.to_parquet(copy / "cases.parquet")
    found = heatmaps(run=copy, layer=LAYER, repeats=1, check_cases=0, draws=200, device="cpu")
    assert [m.n_failed for m in found.models] == [1, 1]
    table = RunFolder(copy).table("heatmap_cases")
    gone = table[table["case_id"] == cases.loc[3, "case_id"]]
    assert gone["value"].isna().all()
    assert gone["reason"].str.contains("film|file").all()


def test_going_on_counts_the_cases_without_a_map_again(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    shutil.rmtree(copy / "heatmaps")
    cases = pd.read_parquet(copy / "cases.parquet")
    cases.loc[3, "image_path"] = str(tmp_path / "gone.png")
    cases.to_parquet(copy / "cases.parquet")
    flags: dict[str, Any] = {"layer": LAYER, "repeats": 0, "check_cases": 0, "draws": 200, "device": "cpu"}
    first = heatmaps(run=copy, **flags)
    again = heatmaps(run=copy, **flags)
    assert first.models == again.models
    assert [(m.n_cases, m.n_failed) for m in again.models] == [(39, 1), (39, 1)]


def test_new_leaves_no_row_of_the_maps_that_it_replaced(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    heatmaps(run=copy, layer=LAYER, repeats=0, new=True, model=["lesion"], check_cases=0, draws=200, device="cpu")
    for name in ("heatmap_cases", "heatmap_stability", "heatmap_measures", "heatmap_contrasts", "heatmap_checks"):
        table = RunFolder(copy).table(name)
        assert set(table["model"]) <= {"lesion"}, name
        assert not table.get("perturbation", pd.Series(dtype=str)).eq("shift").any(), name
    assert RunFolder(copy).table("heatmap_checks").empty


def test_tables_made_anew_keep_the_checks_that_were_made(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    heatmaps(run=copy, layer=LAYER, repeats=REPEATS, model=["marker"], check_cases=0, draws=400, device="cpu")
    for name in ("heatmap_cases", "heatmap_checks"):
        before, after = (RunFolder(r).table(name).sort_values(["model"], kind="stable") for r in (run, copy))
        pd.testing.assert_frame_equal(before.reset_index(drop=True), after.reset_index(drop=True))


def test_a_damaged_record_is_said_and_new_replaces_it(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    (copy / "heatmaps" / "grad_cam" / "heatmaps.json").write_text("{", encoding="utf-8")
    flags: dict[str, Any] = {"layer": LAYER, "repeats": 0, "check_cases": 0, "draws": 200, "device": "cpu"}
    with pytest.raises(RunError, match="--new"):
        heatmaps(run=copy, **flags)
    assert len(heatmaps(run=copy, new=True, **flags).models) == 2


def test_the_margin_that_a_model_has_anyhow_is_no_other_setting(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    found = heatmaps(run=copy, layer=LAYER, repeats=REPEATS, margin=MARGIN, check_cases=0, draws=200, device="cpu")
    assert {m.margin for m in found.models} == {MARGIN}
