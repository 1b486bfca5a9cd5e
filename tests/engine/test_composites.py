"""Models made of models, and models that measure films: equal to a plain loop, run once, and the same however they are run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from robustkit.api.box_average import box_average
from robustkit.api.ensemble import ensemble
from robustkit.api.perturb import perturb
from robustkit.engine import looking
from robustkit.engine.packing import Packer
from robustkit.errors import CheckpointError, InputError, RunError
from robustkit.results.folder import RunFolder

import made_kinds
from plain_boxes import draws, shifted
from small_world import SIDE, build, write_films, write_network

KEYS = ["model", "case_id", "perturbation", "level", "repeat"]
BOX = ["x0", "y0", "x1", "y1"]
STREAM = 2**31 + 2**16
K, LEVEL = 4, 0.15


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_films(folder, n=6)
    a = write_network(folder / "a.pt", seed=1)
    b = write_network(folder / "b.pt", seed=2, margin=0.25)
    ensemble([str(a), str(b)], output=folder / "mean.json")
    box_average(str(a), output=folder / "averaged.json", k=K, level=LEVEL)
    return folder


def _run(world: Path, out: Path, *models: str, manifest: str = "cases.csv", **flags: Any) -> RunFolder:
    given = {"shifts": ["0.1"], "repeats": 5, "device": "cpu", "batch_size": "7", "backend": "eager", **flags}
    result = perturb(model=[str(world / m) for m in models], manifest=[world / manifest], out=out, **given)
    assert result.run is not None
    return RunFolder(result.run)


def _rows(folder: RunFolder, model: str | None = None) -> pd.DataFrame:
    rows = folder.predictions().sort_values(KEYS, ignore_index=True)
    rows["logits"] = rows["logits"].map(lambda v: tuple(v.tolist()))
    return rows if model is None else rows[rows["model"] == model].reset_index(drop=True)


ALL = ("a.pt", "b.pt", "mean.json", "averaged.json")


@pytest.fixture(scope="module")
def plain(world: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return _run(world, tmp_path_factory.mktemp("plain") / "run", *ALL)


def test_an_ensemble_is_the_mean_of_the_scores_of_its_members(plain: RunFolder) -> None:
    a, b, mean = (_rows(plain, name) for name in ("a", "b", "mean"))
    assert np.abs(mean["score"] - (a["score"] + b["score"]) / 2).max() < 1e-6
    assert (a["score"] - b["score"]).abs().max() > 0.1
    assert (mean["status"] == "ok").all()
    pd.testing.assert_frame_equal(mean[BOX], a[BOX])


def test_an_ensemble_of_logits_is_their_mean(world: Path, tmp_path: Path) -> None:
    ensemble([str(world / "a.pt"), str(world / "b.pt")], output=tmp_path / "logits.json", mean="logits")
    run = _run(world, tmp_path / "run", "a.pt", "b.pt", str(tmp_path / "logits.json"))
    a, b, mean = (_rows(run, name)["logits"].map(lambda v: v[0]) for name in ("a", "b", "logits"))
    assert np.abs(mean - (a + b) / 2).max() < 1e-5


@pytest.mark.parametrize("snap", ["none", "whole"])
def test_a_box_average_equals_a_plain_loop_over_its_boxes(world: Path, tmp_path: Path, snap: str) -> None:
    import torch

    network = build(1)
    manifest = pd.read_csv(world / "cases.csv").set_index("case_id")
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    rows = _rows(_run(world, tmp_path / "run", "averaged.json", snap=snap), "averaged")
    for row in rows.itertuples():
        film = Image.open(world / manifest.loc[row.case_id, "image"])
        scores = []
        for repeat in range(K):
            u = draws(0, row.case_id, repeat=repeat, stream=STREAM)
            box = shifted((row.x0, row.y0, row.x1, row.y1), (150, 130), u=u, level=LEVEL, snap=snap)
            crop = film.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box)
            if snap == "whole":
                crop = film.crop(tuple(map(int, box))).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
            pixels = torch.from_numpy(np.asarray(crop, dtype=np.float32) / 255).expand(3, -1, -1)
            with torch.inference_mode():
                scores.append(1 / (1 + np.exp(-network(((pixels - mean) / std)[None]).item())))
        assert row.score == pytest.approx(np.mean(scores), abs=1e-4)
    assert rows["score"].std() > 0.01


def test_a_box_average_with_level_0_is_the_network_to_the_last_bit(world: Path, tmp_path: Path) -> None:
    box_average(str(world / "a.pt"), output=tmp_path / "still.json", level=0.0)
    run = _run(world, tmp_path / "run", "a.pt", str(tmp_path / "still.json"))
    still, a = _rows(run, "still"), _rows(run, "a")
    pd.testing.assert_frame_equal(still.drop(columns="model"), a.drop(columns="model"))


def test_its_own_boxes_are_none_of_the_tested_ones(world: Path, tmp_path: Path) -> None:
    # with the same seed and level, a stream of its own draws other boxes
    assert draws(0, "case-1", repeat=0, stream=STREAM) != draws(0, "case-1", repeat=0, stream=0)
    box_average(str(world / "a.pt"), output=tmp_path / "other.json", k=K, level=LEVEL, seed=1)
    run = _run(world, tmp_path / "run", "averaged.json", str(tmp_path / "other.json"))
    assert (_rows(run, "averaged")["score"] - _rows(run, "other")["score"]).abs().max() > 1e-4


def test_composites_may_be_members(world: Path, tmp_path: Path) -> None:
    box_average(str(world / "mean.json"), output=tmp_path / "both.json", k=K, level=LEVEL)
    box_average(str(world / "b.pt"), output=tmp_path / "b-averaged.json", k=K, level=LEVEL)
    models = ("averaged.json", str(tmp_path / "b-averaged.json"), str(tmp_path / "both.json"))
    run = _run(world, tmp_path / "run", *models)
    a, b, both = (_rows(run, name)["score"] for name in ("averaged", "b-averaged", "both"))
    assert np.abs(both - (a + b) / 2).max() < 1e-6


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Crops that any network was shown."""
    found: list[int] = []
    add = Packer.add

    def counted(self: Packer, crops: Any) -> None:
        found.append(len(crops))
        add(self, crops)

    monkeypatch.setattr(Packer, "add", counted)
    return found


def test_a_member_that_is_a_model_of_the_run_is_run_once(world: Path, tmp_path: Path, shown: list[int]) -> None:
    _run(world, tmp_path / "two", "a.pt", "b.pt")
    two = sum(shown)
    shown.clear()
    run = _run(world, tmp_path / "three", "a.pt", "mean.json")
    assert sum(shown) == two
    assert run.record()["backend"] == {"a": "eager", "mean/b": "eager", "mean": "composite"}
    shown.clear()
    again = ["first=" + str(world / "a.pt"), "second=" + str(world / "a.pt")]
    perturb(model=again, manifest=[world / "cases.csv"], out=tmp_path / "one", shifts=["0.1"], repeats=5, device="cpu",
            backend="eager", batch_size="7")  # fmt: skip
    assert 2 * sum(shown) == two
    first, second = (_rows(RunFolder(tmp_path / "one"), name).drop(columns="model") for name in ("first", "second"))
    pd.testing.assert_frame_equal(first, second)


def test_boxes_that_two_questions_share_are_shown_once(world: Path, tmp_path: Path, shown: list[int]) -> None:
    n_val = int((pd.read_csv(world / "cases.csv")["split"] == "val").sum())
    rows = (6 - n_val) * 6 + n_val
    _run(world, tmp_path / "run", "a.pt", "averaged.json", snap="none")
    assert sum(shown) == rows * (1 + K)


def test_plan_counts_the_crops_of_members(world: Path, tmp_path: Path, shown: list[int]) -> None:
    given: dict[str, Any] = {"shifts": ["0.1"], "repeats": 5, "device": "cpu", "batch_size": "7", "backend": "eager"}
    models = [str(world / m) for m in ("mean.json", "averaged.json")]
    told = perturb(model=models, manifest=[world / "cases.csv"], plan=True, **given).expectation
    assert told is not None
    _run(world, tmp_path / "run", "mean.json", "averaged.json")
    assert set(told.crops) == {"mean/a", "mean/b"}
    assert sum(told.crops.values()) == sum(shown)


def test_a_part_is_shorter_where_a_row_asks_for_more(world: Path, tmp_path: Path) -> None:
    box_average(str(world / "a.pt"), output=tmp_path / "wide.json", k=64)
    models = {"plain": "a.pt", "wide": str(tmp_path / "wide.json")}
    found = {n: _run(world, tmp_path / n, m, snap="none", repeats=2).record()["part_rows"] for n, m in models.items()}
    assert found == {"plain": 4096, "wide": 64}


def test_run_json_names_the_members(world: Path, plain: RunFolder) -> None:
    entry = {m["name"]: m for m in plain.record()["models"]}["mean"]
    assert (entry["arch"], entry["backend"], entry["output"]) == ("ensemble", "composite", "sigmoid-logit")
    assert [(m["name"], m["path"], m["input"]["margin"], m["backend"]) for m in entry["members"]] == [
        ("a", str(world / "a.pt"), 0.0, "eager"),
        ("b", str(world / "b.pt"), 0.25, "eager"),
    ]
    fields = {m["name"]: m for m in plain.record()["identity_fields"]["models"]}
    assert [m["sha256"] for m in fields["mean"]["members"]] == [m["sha256"] for m in entry["members"]]
    assert "members" not in fields["a"]


def test_members_are_tried_like_models(
    world: Path, plain: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino", reason="openvino is not installed")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    run = _run(world, tmp_path / "run", "a.pt", "mean.json", backend="openvino")
    record = run.record()
    assert [(t["model"], t["backend"]) for t in record["trials"]] == [("a", "openvino"), ("mean/b", "openvino")]
    assert record["backend"] == {"a": "openvino", "mean/b": "openvino", "mean": "composite"}
    assert np.abs(_rows(run, "mean")["score"] - _rows(plain, "mean")["score"]).max() < 1e-4


def test_order_workers_and_company_change_no_value(world: Path, plain: RunFolder, tmp_path: Path) -> None:
    shuffled = pd.read_csv(world / "cases.csv").sample(frac=1, random_state=4)
    shuffled.to_csv(world / "shuffled.csv", index=False)
    other = _run(world, tmp_path / "run", *reversed(ALL), manifest="shuffled.csv", workers=3)
    pd.testing.assert_frame_equal(_rows(other), _rows(plain))
    alone = _run(world, tmp_path / "alone", "mean.json", workers=1, part_rows=7)
    pd.testing.assert_frame_equal(_rows(alone), _rows(plain, "mean"))
    batch = _run(world, tmp_path / "batch", *ALL, batch_size="64")
    assert np.abs(_rows(batch)["score"] - _rows(plain)["score"]).max() < 1e-4


def test_fewer_films_are_read_ahead_where_a_case_needs_many_crops(
    world: Path, plain: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[int] = []
    ahead = looking.films_ahead
    monkeypatch.setattr(looking, "films_ahead", lambda *given: found.append(ahead(*given)) or found[-1])
    # 6 rows of 32 x 32 px each: 4 boxes of averaged.json make 24 crops, 24576 bytes
    monkeypatch.setattr(looking, "CROPS_BYTES", 3 * 24576)
    few = _run(world, tmp_path / "few", "averaged.json", workers=8)
    monkeypatch.setattr(looking, "CROPS_BYTES", 2**30)
    _run(world, tmp_path / "many", "averaged.json", workers=8)
    monkeypatch.setattr(looking, "CROPS_BYTES", 1)
    one = _run(world, tmp_path / "one", "averaged.json", workers=8)
    assert found == [3, 16, 1]
    for run in (few, one):
        pd.testing.assert_frame_equal(_rows(run), _rows(plain, "averaged"))


KILLED = """
import sys, time
from pathlib import Path
import robustkit.engine.runner as runner
slow = runner.part_file
def part_file(*a):
    time.sleep(0.15)
    return slow(*a)
runner.part_file = part_file
from robustkit.api.perturb import perturb
world = Path(sys.argv[1])
perturb(model=[str(world / m) for m in ("mean.json", "averaged.json")], manifest=[world / "cases.csv"], out=Path(sys.argv[2]),
        shifts=["0.1"], repeats=5, device="cpu", batch_size="7", backend="eager", part_rows=7)
"""


def test_a_killed_run_goes_on_to_the_same_rows(world: Path, plain: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "run"
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(world), str(out)])
    deadline = time.monotonic() + 60
    while not list(out.glob("predictions/part-*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert RunFolder(out).record()["status"] == "partial"
    found = _rows(_run(world, out, "mean.json", "averaged.json"))
    expected = _rows(plain)
    pd.testing.assert_frame_equal(found, expected[expected["model"].isin(["mean", "averaged"])].reset_index(drop=True))


def test_a_member_that_changed_is_refused(tmp_path: Path) -> None:
    write_films(tmp_path, n=2)
    for name, seed in (("a.pt", 1), ("b.pt", 2)):
        write_network(tmp_path / name, seed=seed)
    ensemble([str(tmp_path / "a.pt"), str(tmp_path / "b.pt")], output=tmp_path / "mean.json")
    _run(tmp_path, tmp_path / "run", "mean.json")
    write_network(tmp_path / "b.pt", seed=3)
    with pytest.raises(CheckpointError, match="mean.json: the member b.pt is another file now than when"):
        _run(tmp_path, tmp_path / "run", "mean.json")
    # written anew it is another model, and another run
    ensemble([str(tmp_path / "a.pt"), str(tmp_path / "b.pt")], output=tmp_path / "mean.json")
    with pytest.raises(RunError, match="differs in models"):
        _run(tmp_path, tmp_path / "run", "mean.json")


def test_what_a_member_was_trained_on_is_not_judged(tmp_path: Path) -> None:
    from robustkit.models.native import read_native, save_native
    from robustkit.provenance import file_digest

    write_films(tmp_path, n=4)
    native = read_native(write_network(tmp_path / "b.pt", seed=2))
    write_network(tmp_path / "a.pt", seed=1)
    assert native is not None
    save_native(
        tmp_path / "b.pt", native.state_dict, arch=native.arch, input=native.input, output=native.output,
        classes=native.classes, positive=native.positive, lineage="", operating_points={}, training={},
        seen={"films": [file_digest(tmp_path / "films" / "f1.png")], "patients": [], "salt": "s"},
    )  # fmt: skip
    ensemble([str(tmp_path / "a.pt"), str(tmp_path / "b.pt")], output=tmp_path / "mean.json")
    with pytest.raises(InputError, match="1 cases to be judged were seen in the training of mean .case-1"):
        _run(tmp_path, tmp_path / "run", "mean.json")


def test_other_processes_answer_the_same(world: Path, plain: RunFolder, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    run = _run(world, tmp_path / "run", *ALL, executor="dask", scheduler="local:1", part_rows=7)
    pd.testing.assert_frame_equal(_rows(run), _rows(plain))


def test_film_and_facts_models_answer_as_by_hand(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_kinds.install(monkeypatch)
    made_kinds.write(tmp_path / "grey.json", "grey")
    made_kinds.write(tmp_path / "site.json", "fact", site="pelvis")
    models = [str(tmp_path / m) for m in ("grey.json", "site.json")]
    ensemble(models, output=tmp_path / "both.json")
    run = _run(world, tmp_path / "run", "a.pt", *models, str(tmp_path / "both.json"), snap="whole")
    manifest = pd.read_csv(world / "cases.csv").set_index("case_id")
    grey, site, both = (_rows(run, name) for name in ("grey", "site", "both"))
    for row in grey.itertuples():
        film = np.asarray(Image.open(world / manifest.loc[row.case_id, "image"]))
        part = film[int(row.y0) : int(row.y1), int(row.x0) : int(row.x1)]
        assert row.logits[0] == pytest.approx((part.mean() - 128) / 4, abs=1e-4)
    at = manifest.loc[site["case_id"], "site"].to_numpy() == "pelvis"
    expected = np.where(at, 1, -1) + (site["x1"] - site["x0"]) / 100
    assert site["logits"].map(lambda v: v[0]).to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-6)
    assert np.abs(both["score"] - (grey["score"] + site["score"]) / 2).max() < 1e-6
    assert run.record()["backend"] == {"a": "eager", "grey": "film", "site": "facts", "both": "composite"}


def test_a_case_that_a_film_model_refuses_fails_for_it_and_what_it_is_in(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_kinds.install(monkeypatch)
    made_kinds.write(tmp_path / "grey.json", "grey", refused="case-2")
    models = [str(world / "a.pt"), str(tmp_path / "grey.json")]
    ensemble(models, output=tmp_path / "both.json")
    run = _run(world, tmp_path / "run", *models, str(tmp_path / "both.json"))
    rows = _rows(run)
    failed = rows[rows["status"] == "failed"]
    assert failed.groupby("model").size().to_dict() == {"both": 6, "grey": 6}
    assert set(failed["case_id"]) == {"case-2"}
    assert failed.groupby("model")["reason"].first().to_dict() == {
        "both": "grey: there is too little of it",
        "grey": "there is too little of it",
    }
    assert run.record()["counts"] == {"ok": 5, "failed": 1}


def test_a_film_model_is_asked_once_for_all_its_boxes(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Any] = []
    made_kinds.install(monkeypatch)
    made = made_kinds.KINDS["grey"].made
    monkeypatch.setattr(made_kinds.KINDS["grey"], "made", lambda body: kept.append(made(body)) or kept[-1])
    made_kinds.write(tmp_path / "grey.json", "grey")
    box_average(str(tmp_path / "grey.json"), output=tmp_path / "averaged.json", k=2)
    _run(world, tmp_path / "run", *(str(tmp_path / m) for m in ("grey.json", "averaged.json")), snap="none")
    asked = {name: n for one in kept for name, n, _ in one.asked}
    is_val = pd.read_csv(world / "cases.csv").set_index("case_id")["split"] == "val"
    assert sum(len(one.asked) for one in kept) == 6
    assert asked == {name: 3 if val else 18 for name, val in is_val.items()}


TORCH_FREE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
import made_kinds
made_kinds.install()
from robustkit.api.ensemble import ensemble
from robustkit.api.perturb import perturb
world, out = Path(sys.argv[1]), Path(sys.argv[2])
models = [str(made_kinds.write(out / "grey.json", "grey")), str(made_kinds.write(out / "site.json", "fact", site="pelvis"))]
ensemble(models, output=out / "both.json")
perturb(model=[*models, str(out / "both.json")], manifest=[world / "cases.csv"], out=out / "run", shifts=["0.1"], repeats=2)
print([m for m in ("torch", "timm") if m in sys.modules])
"""


def test_without_a_network_torch_is_not_needed(world: Path, tmp_path: Path) -> None:
    tests = str(Path(__file__).parents[1])
    given = [sys.executable, "-c", TORCH_FREE, str(world), str(tmp_path), tests]
    done = subprocess.run(given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    assert RunFolder(tmp_path / "run").record()["counts"] == {"ok": 6, "failed": 0}
