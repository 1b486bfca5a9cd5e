"""Whole runs on made-up films: equal to a plain loop, and the same after a kill, a shuffle, another batch."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from robustkit.api.perturb import perturb
from robustkit.errors import InputError, RunError
from robustkit.results.folder import RunFolder
from robustkit.results.thumbnails import read_thumbnails

from plain_boxes import draws, shifted
from small_world import SIDE, build, write_films, write_network

KEYS = ["model", "case_id", "perturbation", "level", "repeat"]
BOX = ["x0", "y0", "x1", "y1"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_films(folder)
    write_network(folder / "a.pt", seed=1)
    write_network(folder / "b.pt", seed=2, margin=0.25)
    return folder


def _run(
    world: Path, out: Path, *, models: tuple[str, ...] = ("a.pt",), manifest: Path | None = None, **flags: object
) -> RunFolder:
    given = {"shifts": ["0.1,0.3"], "repeats": 6, "device": "cpu", "batch_size": "7", **flags}
    result = perturb(
        model=[str(world / m) for m in models],
        manifest=[manifest or world / "cases.csv"],
        out=out,
        **given,  # type: ignore[arg-type]
    )
    assert result.run is not None
    return RunFolder(result.run)


def _rows(folder: RunFolder, model: str | None = None) -> pd.DataFrame:
    rows = folder.predictions().sort_values(KEYS, ignore_index=True)
    rows["logits"] = rows["logits"].map(lambda v: tuple(v.tolist()))
    return rows if model is None else rows[rows["model"] == model].reset_index(drop=True)


@pytest.fixture(scope="module")
def plain(world: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return _run(world, tmp_path_factory.mktemp("plain") / "run")


def test_boxes_and_scores_equal_a_plain_loop(world: Path, plain: RunFolder) -> None:
    import torch

    record = plain.record()
    network = build(1)
    manifest = pd.read_csv(world / "cases.csv").set_index("case_id")
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    rows = _rows(plain)
    assert len(rows) == 7 * 13 + 2  # two of the nine cases are val: nominal only
    for row in rows.itertuples():
        case = manifest.loc[row.case_id]
        box = tuple(float(case[c]) for c in BOX)
        u = draws(record["seed"], row.case_id, repeat=row.repeat, stream=0)
        wanted = shifted(box, (150, 130), u=u, level=row.level, snap=record["snap"])
        np.testing.assert_allclose([row.x0, row.y0, row.x1, row.y1], wanted, rtol=0, atol=1e-12)
        film = Image.open(world / case["image"])
        crop = film.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=wanted)
        pixels = torch.from_numpy(np.asarray(crop, dtype=np.float32) / 255).expand(3, -1, -1)
        with torch.inference_mode():
            logit = network(((pixels - mean) / std)[None]).item()
        assert row.score == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-4)
        assert row.logits[0] == pytest.approx(logit, abs=1e-4 * max(1, abs(logit)))
    assert rows["score"].std() > 0.01
    assert record["status"] == "complete"
    assert record["counts"] == {"ok": 9, "failed": 0}


@pytest.mark.parametrize("batch", ["1", "64"])
def test_batch_sizes_give_the_same_boxes_and_nearly_the_same_logits(
    world: Path, plain: RunFolder, tmp_path: Path, batch: str
) -> None:
    other, first = _rows(_run(world, tmp_path / "run", batch_size=batch)), _rows(plain)
    pd.testing.assert_frame_equal(other[KEYS + BOX], first[KEYS + BOX])
    a, b = (np.array([v[0] for v in t["logits"]]) for t in (other, first))
    assert (np.abs(a - b) <= 1e-4 * np.maximum(1, np.abs(b))).all()


def test_shuffled_rows_and_a_second_model_change_no_value(world: Path, plain: RunFolder, tmp_path: Path) -> None:
    shuffled = pd.read_csv(world / "cases.csv").sample(frac=1, random_state=4)
    shuffled.to_csv(world / "shuffled.csv", index=False)
    both = _run(world, tmp_path / "run", models=("b.pt", "a.pt"), manifest=world / "shuffled.csv")
    pd.testing.assert_frame_equal(_rows(both, "a"), _rows(plain))
    boxes = [_rows(both, m)[BOX] for m in ("a", "b")]
    pd.testing.assert_frame_equal(*boxes)


KILLED = """
import sys, time
import robustkit.engine.runner as runner
slow = runner.part_file
def part_file(*a):
    time.sleep(0.15)
    return slow(*a)
runner.part_file = part_file
from robustkit.api.perturb import perturb
perturb(model=[sys.argv[1] + "/a.pt"], manifest=[sys.argv[1] + "/cases.csv"] and [__import__("pathlib").Path(sys.argv[1]) / "cases.csv"],
        out=__import__("pathlib").Path(sys.argv[2]), shifts=["0.1,0.3"], repeats=6, device="cpu", batch_size="7", part_rows=13)
"""


def test_a_killed_run_goes_on_to_the_same_rows(world: Path, plain: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "run"
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(world), str(out)])
    deadline = time.monotonic() + 60
    while not list(out.glob("predictions/part-*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    found = list(out.glob("predictions/part-*.parquet"))
    assert 0 < len(found) < 7
    assert RunFolder(out).record()["status"] == "partial"
    # parts are as they were begun, whatever is asked for now
    pd.testing.assert_frame_equal(_rows(_run(world, out)), _rows(plain))


def test_a_complete_run_is_not_run_again(world: Path, plain: RunFolder) -> None:
    before = {p: p.stat().st_mtime_ns for p in plain.path.rglob("*.parquet")}
    result = perturb(
        model=[str(world / "a.pt")], manifest=[world / "cases.csv"], out=plain.path, shifts=["0.1,0.3"], repeats=6,
        device="cpu", batch_size="7",
    )  # fmt: skip
    assert result.was_complete
    assert before == {p: p.stat().st_mtime_ns for p in plain.path.rglob("*.parquet")}
    with pytest.raises(RunError, match="it differs in repeats, seed"):
        _run(world, plain.path, repeats=7, seed=3)


def test_failed_films_do_not_stop_a_run(world: Path, tmp_path: Path) -> None:
    rows = pd.read_csv(world / "cases.csv").assign(image_root=str(world))
    rows.loc[0, "image"] = "films/missing.png"
    rows.loc[1, ["x0", "x1"]] = [500, 600]
    (world / "films" / "broken.png").write_bytes((world / "films" / "f2.png").read_bytes()[:300])
    (world / "films" / "text.png").write_text("no image")
    rows.loc[2, "image"] = "films/broken.png"
    rows.loc[4, "image"] = "films/text.png"
    rows.to_csv(tmp_path / "bad.csv", index=False)
    result = perturb(
        model=[str(world / "a.pt")],
        manifest=[tmp_path / "bad.csv"],
        out=tmp_path / "run",
        shifts=["0.1"],
        repeats=3,
        device="cpu",
    )
    assert (result.n_ok, result.n_failed) == (5, 4)
    failed = RunFolder(tmp_path / "run").predictions(filters=[("status", "==", "failed")])
    assert failed["score"].isna().all()
    assert failed[BOX].notna().all(axis=None)
    assert (failed["reason"] != "").all()
    assert failed.groupby("case_id").size().to_dict() == dict.fromkeys(["case-0", "case-1", "case-2", "case-4"], 4)
    assert "does not touch its film of 150 x 130 px" in "".join(result.failures)


@pytest.mark.parametrize(
    ("flags", "match"),
    [
        ({"shifts": ["-1"]}, "levels above 0"),
        ({"repeats": 0}, "at least 1 repeat"),
        ({"device": "cuda:7"}, "does not exist here"),
        ({"device": "tpu"}, "does not exist here"),
        ({"batch_size": "0"}, "whole number above 0"),
        ({"seed": -1}, "expected a seed"),
        ({"preset": "x"}, "unknown preset"),
        ({"perturb": ["shift=0.2"]}, "more than once"),
        ({"units": "mm"}, "needs the pixel spacing"),
        ({"splits": ["train"]}, "no row is left"),
        ({"backend": "openvin"}, "unknown backend"),
    ],
)
def test_bad_flags_are_refused_before_anything_is_written(
    world: Path, tmp_path: Path, flags: dict[str, object], match: str
) -> None:
    with pytest.raises(InputError, match=match):
        _run(world, tmp_path / "run", **flags)
    assert list(tmp_path.iterdir()) == []


def test_every_film_that_was_read_has_a_thumbnail_of_its_boxes(world: Path, plain: RunFolder, tmp_path: Path) -> None:
    found = read_thumbnails(plain.path).set_index("case_id")
    rows = plain.predictions()
    assert set(found.index) == set(rows["case_id"])
    for case, own in rows.groupby("case_id"):
        t = found.loc[case]
        assert (own[["x0", "y0"]].min() >= t[["x0", "y0"]].to_numpy()).all()
        assert (own[["x1", "y1"]].max() <= (t[["x0", "y0"]] + t["side_px"]).to_numpy()).all()
        assert Image.open(io.BytesIO(t["webp"])).size == (t["size_px"], t["size_px"])
    without = _run(world, tmp_path / "without", no_images=True)
    assert read_thumbnails(without.path).empty
    assert not (without.path / "thumbnails").exists()
    # pictures are no part of what a run is
    pd.testing.assert_frame_equal(_rows(without), _rows(plain))
    assert without.record()["identity"] == plain.record()["identity"]


def test_a_killed_run_has_every_thumbnail_once(world: Path, plain: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "run"
    _run(world, out, part_rows=13)
    lost = sorted(out.glob("predictions/*.parquet"))[0]
    lost.unlink()  # as after a kill between picture and answers
    record = RunFolder(out).record()
    RunFolder(out).write_record({**record, "status": "partial"})
    _run(world, out, part_rows=13)
    found = read_thumbnails(out)
    assert sorted(found["case_id"]) == sorted(read_thumbnails(plain.path)["case_id"])
