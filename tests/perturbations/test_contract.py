"""What every box perturbation must do, asked of all that are registered."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robustkit.engine.conditions import perturbation
from robustkit.geometry import overlap
from robustkit.perturbations._base import keep_in_film, reach_px, snap_edges, snap_moved
from robustkit.registry import names
from robustkit.seeds import uniforms

ALL = names("perturbations")
BOXES = np.array([[10.0, 20.0, 50.0, 100.0], [0.0, 0.0, 33.0, 21.0]])
SPACING = np.array([0.2, 0.5])


def _moved(name: str, level: float, boxes: np.ndarray = BOXES) -> np.ndarray:
    plugin = perturbation(name)
    draws = uniforms(7, [f"c{i}" for i in range(len(boxes))], repeats=range(200), stream=plugin.stream)
    return plugin.move(boxes, reach_px(boxes, level, units="side", spacing_mm=SPACING), level, draws)


def test_streams_are_those_of_the_contract() -> None:
    assert {n: perturbation(n).stream for n in ("shift", "scale", "aspect", "edges")} == {
        "shift": 0,
        "scale": 1,
        "aspect": 2,
        "edges": 3,
    }
    assert len({perturbation(n).stream for n in ALL}) == len(ALL)


@pytest.mark.parametrize("name", ALL)
def test_the_middle_draw_changes_nothing(name: str) -> None:
    draws = np.full((2, 3, 4), 0.5)
    reach = reach_px(BOXES, 0.3, units="side", spacing_mm=SPACING)
    np.testing.assert_allclose(perturbation(name).move(BOXES, reach, 0.3, draws), np.repeat(BOXES[:, None], 3, axis=1))


@pytest.mark.parametrize("name", ALL)
def test_shape_dtype_and_input_are_kept(name: str) -> None:
    before = BOXES.copy()
    moved = _moved(name, 0.2)
    assert moved.shape == (2, 200, 4)
    assert moved.dtype == np.float64
    np.testing.assert_array_equal(before, BOXES)
    assert (moved[..., 2:] > moved[..., :2]).all()


@pytest.mark.parametrize("name", ALL)
def test_the_effect_grows_with_the_level(name: str) -> None:
    agreement = [overlap(_moved(name, level), BOXES[:, None]).mean() for level in (0.05, 0.1, 0.2, 0.4)]
    assert all(a > b for a, b in pairwise(agreement))


@pytest.mark.parametrize("name", ALL)
def test_a_batch_equals_one_by_one(name: str) -> None:
    plugin = perturbation(name)
    draws = uniforms(7, ["c0", "c1"], repeats=range(5), stream=plugin.stream)
    reach = reach_px(BOXES, 0.2, units="side", spacing_mm=SPACING)
    both = plugin.move(BOXES, reach, 0.2, draws)
    for i in range(2):
        np.testing.assert_array_equal(
            plugin.move(BOXES[i : i + 1], reach[i : i + 1], 0.2, draws[i : i + 1])[0], both[i]
        )


def test_units_by_hand() -> None:
    # 2 mm at 0.2 and 0.5 mm per px are 10 and 4 px
    np.testing.assert_allclose(reach_px(BOXES, 2.0, units="mm", spacing_mm=SPACING), [[10, 10], [4, 4]])
    np.testing.assert_allclose(reach_px(BOXES, 3.0, units="px", spacing_mm=SPACING), [[3, 3], [3, 3]])
    np.testing.assert_allclose(reach_px(BOXES, 0.1, units="side", spacing_mm=SPACING), [[4, 8], [3.3, 2.1]])


def test_snapping_a_moved_box_keeps_its_size() -> None:
    nominal = np.array([[0.2, 0.2, 10.6, 5.7]])  # 10.4 x 5.5 px: 10 and 6 whole ones
    moved = nominal[:, None] + np.array([[0.0, 0.0, 0.0, 0.0], [0.31, -0.8, 0.31, -0.8]])[None]
    # 0.2 -> 0, 0.51 -> 1; 0.2 -> 0, -0.6 -> -1
    assert snap_moved(moved, nominal)[0].tolist() == [[0, 0, 10, 6], [1, -1, 11, 5]]


def test_snapping_edges_keeps_a_pixel() -> None:
    assert snap_edges(np.array([[3.2, 3.2, 3.4, 9.9]])).tolist() == [[3, 3, 4, 10]]


box = st.tuples(st.floats(-50, 150), st.floats(-50, 150), st.floats(1, 300), st.floats(1, 300))


@settings(max_examples=60)
@given(box, st.sampled_from(["inside", "clip"]))
def test_a_kept_box_lies_in_its_film(corner: tuple[float, float, float, float], border: str) -> None:
    x, y, w, h = corner
    film = np.array([[120.0, 90.0]])
    kept = keep_in_film(np.array([[[x, y, x + w, y + h]]]), film, border)[0, 0]  # type: ignore[arg-type]
    assert kept[0] >= 0
    assert kept[1] >= 0
    assert kept[2] <= 120 + 1e-9
    assert kept[3] <= 90 + 1e-9
    if border == "inside":
        assert kept[2] - kept[0] == pytest.approx(min(w, 120))


def test_border_rules_by_hand() -> None:
    film = np.array([[100.0, 100.0]])
    out = np.array([[[-10.0, 90.0, 10.0, 110.0]]])
    assert keep_in_film(out, film, "inside")[0, 0].tolist() == [0, 80, 20, 100]
    assert keep_in_film(out, film, "clip")[0, 0].tolist() == [0, 90, 10, 100]
    assert keep_in_film(out, film, "pad")[0, 0].tolist() == [-10, 90, 10, 110]
