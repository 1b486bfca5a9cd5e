"""Control boxes: on their film, seeded, equal in number, and nearer in grey when matched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from robustkit.baselines.summaries import cross_validated_auc, summarise
from robustkit.controls.boxes import Controls, add_controls


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
    assert (boxes["x1"] <= 100.01).all()
    assert (boxes["y1"] <= 120.01).all()
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
