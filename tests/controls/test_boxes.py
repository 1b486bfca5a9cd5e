"""Control boxes: on their film, seeded, equal in number, and nearer in grey when matched."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from robustkit.baselines.summaries import cross_validated_auc, summarise
from robustkit.controls.boxes import Controls, _candidates, _describe, add_controls, facts_of_both
from robustkit.controls.pairing import Group, tasks
from robustkit.geometry import overlap


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Path]:
    """Films: a bright bone on dark ground; lesions lie on the bone, in the middle of the film."""
    root = tmp_path_factory.mktemp("films")
    rng = np.random.default_rng(5)
    rows = []
    for i in range(80):
        film = rng.normal(15, 4, (120, 100))
        at = int(rng.integers(10, 60))
        film[:, at : at + 22] += 130
        Image.fromarray(np.clip(film, 0, 255).astype(np.uint8)).save(root / f"{i}.png")
        row = {
            "case_id": f"f{i}",
            "image": f"{i}.png",
            "site": "hand" if i % 4 else "leg",
            "view": "frontal",
            "label": "x",
        }
        box = dict.fromkeys(("x0", "y0", "x1", "y1"), np.nan)
        if i < 40:
            y = float(rng.integers(20, 80))
            box = {"x0": at + 2.0, "y0": y, "x1": at + 20.0, "y1": y + 18.0}
        rows.append({**row, **box})
    return pd.DataFrame(rows), root


def _add(world: tuple[pd.DataFrame, Path], kind: str, seed: int = 0) -> Controls:
    frame, root = world
    return add_controls(frame, root, kind=kind, seed=seed, workers=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["matched", "placed"])
def test_controls_lie_on_their_film_in_equal_numbers(world: tuple[pd.DataFrame, Path], kind: str) -> None:
    frame = _add(world, kind).frame
    counts = frame.groupby(["site", "view", "box_source"]).size().unstack()
    assert (counts["lesion"] == counts["control"]).all()
    boxes = frame[["x0", "y0", "x1", "y1"]]
    assert boxes.notna().all(axis=None)
    assert (boxes[["x0", "y0"]] >= 0).all(axis=None)
    assert (boxes["x1"] <= 100).all()
    assert (boxes["y1"] <= 120).all()
    assert (boxes["x1"] > boxes["x0"]).all()
    assert frame["case_id"].is_unique


def test_controls_are_seeded(world: tuple[pd.DataFrame, Path]) -> None:
    pd.testing.assert_frame_equal(_add(world, "matched").frame, _add(world, "matched").frame)
    assert not _add(world, "matched").frame["x0"].equals(_add(world, "matched", seed=1).frame["x0"])


def test_matched_controls_look_more_like_lesions_than_placed_ones(world: tuple[pd.DataFrame, Path]) -> None:
    _, root = world
    reached, apart = {}, {}
    for kind in ("matched", "placed"):
        frame = _add(world, kind).frame
        seen = summarise(frame, [root / i for i in frame["image"]], workers=1)
        is_lesion = (frame["box_source"] == "lesion").to_numpy()
        reached[kind] = cross_validated_auc(seen, is_lesion, frame["image"].to_numpy(dtype=object))
        apart[kind] = seen.numbers[is_lesion, 0].mean() - seen.numbers[~is_lesion, 0].mean()
    # bone is 130 levels brighter than the ground, on which placed boxes often lie
    assert apart["placed"] > 30
    assert abs(apart["matched"]) < apart["placed"] / 2
    assert reached["placed"] > reached["matched"]


def test_lesions_of_equal_size_do_not_drown_the_greys(world: tuple[pd.DataFrame, Path]) -> None:
    """All lesions here are 18 x 18 px: their sd is rounding (1e-17) and must not be taken as a unit."""
    frame, root = world
    with ThreadPoolExecutor(1) as pool:
        like = _describe(frame[frame["x0"].notna()].reset_index(drop=True), root, pool)
    assert like.grey[:, 0].mean() == pytest.approx(145, abs=2)
    assert (like.spread[2:4] == 0.01).all()
    assert (like.spread >= [0.01] * 4 + [1] * 3).all()


def test_films_that_cannot_be_read_are_replaced(world: tuple[pd.DataFrame, Path], tmp_path: Path) -> None:
    frame, root = world
    for film in root.iterdir():
        (tmp_path / film.name).write_bytes(film.read_bytes())
    for i in (40, 41, 43, 3):
        (tmp_path / f"{i}.png").write_bytes(b"junk")
    done = add_controls(frame, tmp_path, kind="placed", seed=0, workers=1)
    counts = done.frame["box_source"].value_counts()
    assert counts["lesion"] == counts["control"] == 40
    assert not {"40.png", "41.png", "43.png"} & set(done.frame.loc[done.frame["box_source"] == "control", "image"])
    assert "3 films without a lesion cannot be read; others stand in where there are any" in done.notes
    assert "1 lesions cannot be read; no control is matched to them" in done.notes


def test_few_films_have_up_to_three_boxes_that_do_not_overlap(world: tuple[pd.DataFrame, Path]) -> None:
    frame, root = world
    few = frame[(frame["x0"].notna()) | (frame.index < 44)]
    done = add_controls(few, root, kind="placed", seed=0, workers=1)
    controls = done.frame[done.frame["box_source"] == "control"]
    # film 40 is a leg, 41 to 43 are hands; 10 lesions of legs, 30 of hands
    assert controls["image"].value_counts().to_dict() == dict.fromkeys(["40.png", "41.png", "42.png", "43.png"], 3)
    assert "28 lesions have no control: too few films without a lesion of their site and view" in done.notes
    for _, own in controls.groupby("image"):
        boxes = own[["x0", "y0", "x1", "y1"]].to_numpy(dtype=float)
        apart = overlap(boxes[:, None], boxes[None])
        assert apart[~np.eye(len(boxes), dtype=bool)].max() < 0.001


def test_films_without_a_site_serve_lesions_of_their_view_centre_and_aspect(world: tuple[pd.DataFrame, Path]) -> None:
    frame, root = world
    is_free = frame["x0"].isna()
    wide = frame.assign(site=frame["site"].where(~is_free, ""), centre=["1" if i % 2 else "2" for i in frame.index])
    done = add_controls(wide, root, kind="placed", seed=0, workers=1).frame
    controls = done[done["box_source"] == "control"]
    assert (controls["site"] == "").all()
    assert controls["centre"].value_counts().to_dict() == {"1": 20, "2": 20}
    assert facts_of_both(done, ["site", "view", "hardware"]) == {"site": False, "view": True, "hardware": False}
    other = wide.assign(view=wide["view"].where(~is_free, "lateral"))
    assert (add_controls(other, root, kind="placed", seed=0, workers=1).frame["box_source"] == "lesion").all()


def test_controls_stay_in_the_split_of_their_lesions(world: tuple[pd.DataFrame, Path]) -> None:
    frame, root = world
    split = frame.assign(split=np.where(frame.index % 8 < 6, "train", "test"))
    done = add_controls(split, root, kind="placed", seed=0, workers=1).frame
    counts = done.groupby(["split", "site", "box_source"]).size().unstack()
    assert (counts["lesion"] == counts["control"]).all()


@given(
    width=st.integers(3, 400), height=st.integers(3, 400), seed=st.integers(0, 99), w=st.floats(0.001, 1), h=st.floats(0.001, 1)
)  # fmt: skip
def test_candidates_lie_on_any_film(width: int, height: int, seed: int, w: float, h: float) -> None:
    places = np.array([[0.5, 0.5, w, h], [0.01, 0.99, w, h]])
    boxes = _candidates(places, np.random.default_rng(seed), width, height)
    assert boxes.shape == (200, 4)
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2] <= width + 1e-9).all()
    assert (boxes[:, 3] <= height + 1e-9).all()
    assert (boxes[:, 2:] - boxes[:, :2] >= 2 - 1e-9).all()


@given(films=st.integers(0, 9), lesions=st.integers(0, 40), broken=st.sets(st.integers(0, 9)))
def test_every_lesion_is_handed_out_once(films: int, lesions: int, broken: set[int]) -> None:
    group = Group(tuple({"case_id": str(i)} for i in range(films)), np.arange(lesions))
    plan = tasks(group, without=broken)
    usable = set(range(films)) - broken
    targets = [t for task in plan for t in task.targets]
    assert sorted(targets) == list(range(min(lesions, 3 * len(usable))))
    assert {task.film for task in plan} <= usable
    assert max([len(task.targets) for task in plan] or [0]) <= 3
    assert len(plan) == min(lesions, len(usable))


def test_no_lesion_free_film_at_all(world: tuple[pd.DataFrame, Path]) -> None:
    frame, root = world
    done = add_controls(frame[frame["x0"].notna()], root, kind="matched", seed=0, workers=1)
    assert len(done.frame) == 40
    assert "0 control boxes (matched) beside 40 lesion boxes" in done.notes
