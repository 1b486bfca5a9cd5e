"""Readers' disagreement: by hand, and found again from readers who scatter as a perturbation does."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.geometry import Boxes
from robustkit.perturbations.aspect import PLUGIN as ASPECT
from robustkit.perturbations.scale import PLUGIN as SCALE
from robustkit.perturbations.shift import PLUGIN as SHIFT
from robustkit.seeds import uniforms
from robustkit.stats.box_noise import MEASURES, estimate, pairs

N = 4000


def _true_boxes() -> Boxes:
    random = np.random.default_rng(0)
    corner, side = random.uniform(0, 500, (N, 2)), random.uniform(40, 300, (N, 2))
    return np.concatenate([corner, corner + side], axis=1)


@pytest.mark.parametrize(("name", "plugin"), [("shift", SHIFT), ("scale", SCALE), ("aspect", ASPECT)])
@pytest.mark.parametrize("level", [0.05, 0.2])
def test_two_readers_who_draw_as_a_perturbation_have_its_level(name: str, plugin, level: float) -> None:  # type: ignore[no-untyped-def]
    boxes = _true_boxes()
    reach = level * (boxes[:, 2:] - boxes[:, :2])
    readers = [
        plugin.move(
            boxes, reach, level, uniforms(seed, [f"c{i}" for i in range(N)], repeats=range(1), stream=plugin.stream)
        )[:, 0]
        for seed in (1, 2)
    ]
    found = pairs(readers[0], readers[1], np.arange(N))
    assert MEASURES[name](found) == pytest.approx(level, rel=0.05)
    others = {"shift", "scale", "aspect"} - {name}
    assert all(MEASURES[o](found) == pytest.approx(0.0, abs=1e-6) for o in others)


def test_differences_by_hand() -> None:
    # the second box is 20 to the right and half as high; mean sides 100 and 75
    found = pairs(np.array([[0.0, 0.0, 100.0, 100.0]]), np.array([[20.0, 25.0, 120.0, 75.0]]), np.array([0]))
    assert found.dx[0] == pytest.approx(-0.2)
    assert found.dy[0] == 0.0
    assert found.log_size[0] == pytest.approx(np.log(2) / 2)
    assert found.log_aspect[0] == pytest.approx(-np.log(2))
    assert found.iou[0] == pytest.approx(80 * 50 / (10_000 + 5_000 - 4_000))


def test_intervals_are_by_patient_and_need_five() -> None:
    random = np.random.default_rng(3)
    boxes = _true_boxes()[:200]
    moved = boxes + np.tile(random.normal(0, 5, (200, 2)), 2)
    one_each = estimate("shift", pairs(boxes, moved, np.arange(200)), draws=300, seed=0)
    shared = estimate("shift", pairs(boxes, moved, np.arange(200) // 20), draws=300, seed=0)
    assert one_each.low < one_each.value < one_each.high
    assert (one_each.n_patients, shared.n_patients) == (200, 10)
    few = estimate("iou", pairs(boxes, moved, np.arange(200) // 60), draws=10, seed=0)
    assert np.isnan(few.value)
    assert few.reason == "fewer than 5 patients (4)"
    same = estimate("shift", pairs(boxes, boxes, np.arange(200)), draws=50, seed=0)
    assert (same.value, np.isnan(same.low), same.reason) == (0.0, True, "no variation between patients")
