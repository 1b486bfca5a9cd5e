"""Grids of boxes: steps, order, rounding and the edge of the film."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustkit.dashboard.lesion.grids import SHIFT, SIZE, Grid, filled, judged_box
from robustkit.perturbations._base import BoxRules

FILM = (400.0, 300.0)
BOX = np.array([100.0, 50.0, 140.0, 130.0])
FREE = BoxRules("none", "pad")


def test_steps_are_even_and_begin_in_the_middle() -> None:
    assert SHIFT.steps[8] == 0.0
    assert np.allclose(np.diff(SHIFT.steps), 0.025)
    assert SHIFT.steps[[0, -1]].tolist() == pytest.approx([-0.2, 0.2])
    assert SIZE.steps.tolist() == pytest.approx([-0.2, -0.15, -0.1, -0.05, 0, 0.05, 0.1, 0.15, 0.2])


def test_shift_moves_columns_sideways_and_rows_down() -> None:
    # 40 wide, 80 high: 20 % are 8 px sideways, 16 px down
    boxes = SHIFT.boxes(BOX, rules=FREE, film=FILM)
    assert boxes[8, 8].tolist() == BOX.tolist()
    assert boxes[8, 16].tolist() == pytest.approx([108.0, 50.0, 148.0, 130.0])
    assert boxes[0, 8].tolist() == pytest.approx([100.0, 34.0, 140.0, 114.0])


def test_size_changes_about_the_centre() -> None:
    # width + 20 % = 48 about x = 120; height - 10 % = 72 about y = 90
    boxes = SIZE.boxes(BOX, rules=FREE, film=FILM)
    assert boxes[2, 8].tolist() == pytest.approx([96.0, 54.0, 144.0, 126.0])
    assert boxes[4, 4].tolist() == BOX.tolist()


def test_whole_pixels_keep_the_size_of_a_moved_box() -> None:
    box = np.array([100.3, 50.6, 140.2, 130.9])
    boxes = SHIFT.boxes(box, rules=BoxRules("whole", "inside"), film=FILM)
    assert np.array_equal(boxes, np.floor(boxes))
    # 39.9 x 80.3 px round to 40 x 80
    assert set((boxes[..., 2] - boxes[..., 0]).ravel()) == {40.0}
    assert set((boxes[..., 3] - boxes[..., 1]).ravel()) == {80.0}


def test_at_the_edge_the_box_stays_inside() -> None:
    box = np.array([0.0, 0.0, 40.0, 80.0])
    boxes = SHIFT.boxes(box, rules=BoxRules("none", "inside"), film=FILM)
    assert boxes.min() == 0.0
    assert boxes[0, 0].tolist() == box.tolist()


def test_the_judged_box_is_rounded_and_kept_inside() -> None:
    drawn = np.array([-3.0, 10.4, 36.6, 50.4])
    # width 39.6 -> 40; x0 = floor(-3 + .5) = -3 -> moved to 0; y0 = floor(10.9) = 10, height 40
    assert judged_box(drawn, rules=BoxRules("whole", "inside"), film=FILM).tolist() == [0.0, 10.0, 40.0, 50.0]
    assert judged_box(drawn, rules=FREE, film=FILM).tolist() == drawn.tolist()


@given(st.sampled_from([5, 9, 13, 17, 21]))
def test_stages_cover_the_grid_once_coarse_first(n: int) -> None:
    stages = Grid("shift", 0.2, n).stages()
    together = np.concatenate(stages)
    assert sorted(together.tolist()) == list(range(n * n))
    assert len(stages[0]) == ((n - 1) // 4 + 1) ** 2
    assert n * n // 2 in stages[0].tolist() or (n - 1) % 8


def test_rings() -> None:
    assert SIZE.rings[4, 4] == 0.0
    assert SIZE.rings[0, 4] == pytest.approx(0.2)
    assert SIZE.rings[3, 6] == pytest.approx(0.1)


def test_filled_takes_the_nearest_coarse_answer() -> None:
    scores = np.full((9, 9), np.nan)
    scores[::4, ::4] = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    shown = filled(scores)
    assert np.isfinite(shown).all()
    assert shown[0, 1] == 1
    assert shown[0, 3] == 2
    assert shown[8, 8] == 9
    scores[2, 2] = 0.5
    assert filled(scores)[2, 2] == 0.5
    assert np.isnan(scores[1, 1])
