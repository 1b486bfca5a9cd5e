"""Written models beyond their predictions: tables, report, heatmaps, replay, inspect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from robustkit.api.box_average import box_average
from robustkit.api.ensemble import ensemble
from robustkit.api.heatmaps import heatmaps
from robustkit.api.inspect_checkpoint import inspect_checkpoint
from robustkit.api.perturb import perturb
from robustkit.api.replay import replay
from robustkit.api.report import report
from robustkit.api.stratify import stratify
from robustkit.crops.pillow import PLUGIN as PILLOW
from robustkit.errors import CheckpointError, InputError
from robustkit.inputs import InputSpec
from robustkit.models.reopen import reopened
from robustkit.results.folder import RunFolder

import made_kinds
from small_world import write_films, write_network

MODELS = ("a", "mean", "averaged", "grey")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunFolder]:
    folder = tmp_path_factory.mktemp("world")
    a, b = write_network(folder / "a.pt", seed=1), write_network(folder / "b.pt", seed=2, margin=0.25)
    ensemble([str(a), str(b)], output=folder / "mean.json")
    box_average(str(folder / "mean.json"), output=folder / "averaged.json", k=2)
    with pytest.MonkeyPatch.context() as patch:
        made_kinds.install(patch)
        made_kinds.write(folder / "grey.json", "grey")
        paths = [str(a), *(str(folder / f"{m}.json") for m in MODELS[1:])]
        perturb(
            model=paths, manifest=[write_films(folder, n=24)], shifts=["0.1"], repeats=3, out=folder / "run",
            device="cpu", command=["robustkit"], snap="whole",
        )  # fmt: skip
        stratify(run=folder / "run", draws=100)
        yield RunFolder(folder / "run")


def test_tables_and_report_have_every_model(run: RunFolder, tmp_path: Path) -> None:
    assert set(run.table("strata")["model"]) == set(MODELS)
    page = report(runs=[run.path], output=tmp_path / "page.html").path.read_text(encoding="utf-8")
    for model in MODELS:
        assert f"Model {model}" in page
    assert "ensemble; mean of a, b; sha256" in page
    assert (
        "Member b: test_resnet; 32 x 32 px, bilinear, scaling imagenet, margin 0.25, stretch; seeded stand-in;" in page
    )
    assert "box-average; mean of mean over 2 boxes (shift 0.1);" in page
    assert "grey; the box on the whole film; lineage unknown" in page


def test_heatmaps_are_of_networks(run: RunFolder) -> None:
    made = heatmaps(run=run.path, repeats=0, check_cases=0, draws=100, device="cpu")
    assert [m.model for m in made.models] == ["a"]
    said = " ".join(made.warnings)
    assert "mean has no heatmaps: it is made of other models (a, b), and a heatmap is of one network." in said
    assert "grey has no heatmaps: it measures the box on the film, and is no network." in said
    with pytest.raises(InputError, match=r"model averaged: it has no heatmaps: it is made of other models \(mean\)"):
        heatmaps(run=run.path, model=["averaged"], repeats=0, check_cases=0, draws=100, device="cpu")


def test_a_run_without_a_network_says_why_there_is_no_map(run: RunFolder, tmp_path: Path) -> None:
    grey = run.path.parent / "grey.json"
    perturb(model=[str(grey)], manifest=[run.path.parent / "cases.csv"], shifts=["0.1"], repeats=2, out=tmp_path / "r")
    with pytest.raises(
        InputError, match=r"none of the run's models is a PyTorch network \(grey has no heatmaps: it mea"
    ):
        heatmaps(run=tmp_path / "r", device="cpu")


@pytest.mark.parametrize(
    ("model", "member", "margin", "note"),
    [
        ("a", None, 0.0, ""),
        ("mean", None, 0.0, "mean is made of a, b: the picture is the box as a sees it."),
        ("mean", "b", 0.25, "mean is made of a, b: the picture is the box as b sees it."),
        ("averaged", "b", 0.25, "averaged is made of mean: the picture is the box as b sees it."),
    ],
)
def test_replay_shows_the_crop_of_a_member(
    run: RunFolder, tmp_path: Path, model: str, member: str | None, margin: float, note: str
) -> None:
    shown = replay(run=run.path, case="case-1", repeat=1, model=model, member=member, output=tmp_path / "c.png")
    assert shown.note == note
    film = np.asarray(Image.open(run.path.parent / "films" / "f1.png"))
    expected = PILLOW.crops(film, np.array([shown.box]), InputSpec(32, 32, margin=margin), snapping="whole")[0]
    assert np.array_equal(np.asarray(Image.open(shown.crop)), expected)


def test_replay_of_what_sees_no_crop_says_so(run: RunFolder, tmp_path: Path) -> None:
    shown = replay(run=run.path, case="case-1", model="grey", output=tmp_path / "c.png")
    assert "grey is shown no crop: the picture is the box on the film." in shown.lines()
    with pytest.raises(InputError, match="mean has no network 'c' among its members; it has a, b"):
        replay(run=run.path, case="case-1", model="mean", member="c", output=tmp_path / "c.png")
    with pytest.raises(InputError, match="a has no network 'a' among its members; it has none"):
        replay(run=run.path, case="case-1", model="a", member="a", output=tmp_path / "c.png")


def test_models_are_opened_again_from_the_record(run: RunFolder) -> None:
    for entry in run.record()["models"]:
        model = reopened(entry)
        assert (model.name, model.sha256, model.arch) == (entry["name"], entry["sha256"], entry["arch"])
        assert [m.name for m in model.members] == [m["name"] for m in entry.get("members", ())]
    entry = next(e for e in run.record()["models"] if e["name"] == "averaged")
    entry["members"][0]["members"][1]["input"]["margin"] = 0.5
    with pytest.raises(CheckpointError, match="the member b of mean is read otherwise now than in the run"):
        reopened(entry)


def test_inspect_tells_the_members(run: RunFolder) -> None:
    folder = run.path.parent
    found = inspect_checkpoint(str(folder / "averaged.json"))
    assert (found.kind, found.arch, found.wants) == ("written model", "box-average", "what its members look at")
    assert [line.split(":")[0] for line in found.members] == ["mean", "  a", "  b"]
    assert any(line.startswith("member         b: test_resnet, 32 x 32 px") for line in found.lines())
    grey = inspect_checkpoint(str(folder / "grey.json")).lines()
    assert "input        the box on the whole film" in grey
    with pytest.raises(CheckpointError, match="it takes no sidecar"):
        inspect_checkpoint(str(folder / "mean.json"), write_sidecar=True)


def test_a_flag_that_would_reach_no_model_is_refused(run: RunFolder, tmp_path: Path) -> None:
    given = {"manifest": [run.path.parent / "cases.csv"], "out": tmp_path / "run", "device": "cpu"}
    mean = str(run.path.parent / "mean.json")
    with pytest.raises(InputError, match="mean: no model here takes --input-size: a written model says itself how"):
        perturb(model=[mean], input_size=64, **given)
    perturb(model=[mean, str(run.path.parent / "a.pt")], margin=0.0, **given)
