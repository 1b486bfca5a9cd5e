"""How far a decision holds: grids made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from robustkit.dashboard.lesion.answers import GridScores
from robustkit.dashboard.lesion.grids import Grid
from robustkit.dashboard.lesion.words import counts, decision, hold, is_followed, percent, shift_sentence, size_sentence
from robustkit.perturbations._base import BoxRules

GRID = Grid("shift", 0.2, 9)
"""Rings at 5, 10, 15 and 20 %: 8, 16, 24 and 32 boxes."""

CUT = 0.5


def _found(scores: NDArray[np.float64]) -> GridScores:
    boxes = GRID.boxes(np.array([100.0, 100.0, 140.0, 180.0]), rules=BoxRules("none", "pad"), film=(400.0, 400.0))
    return GridScores(GRID, boxes, scores, np.ones((9, 9), dtype=bool), np.zeros((9, 9), dtype=bool))


def _high() -> NDArray[np.float64]:
    return np.full((9, 9), 0.8)


def test_nothing_changes() -> None:
    found = hold(_found(_high()), 0.8, CUT)
    assert (found.held, found.n_changed, found.n_boxes) == (pytest.approx(0.2), 0, 80)
    assert np.isnan(found.first)
    said = "Holds for every displacement in the whole grid tested, up to 20 % (8 mm sideways, 16 mm up or down)."
    assert shift_sentence(found, (40.0, 80.0)) == said
    assert counts(found) == "The decision changes at 0 of 80 boxes."


def test_one_box_of_the_third_ring_changes() -> None:
    scores = _high()
    scores[4 + 3, 4 - 1] = 0.2
    found = hold(_found(scores), 0.8, CUT)
    assert (found.held, found.first, found.n_changed) == (pytest.approx(0.1), pytest.approx(0.15), 1)
    assert shift_sentence(found, (40.0, 40.0)) == "Holds for every displacement up to 10 % (4 mm) in the grid tested."
    assert shift_sentence(found, None) == "Holds for every displacement up to 10 % in the grid tested."
    assert counts(found) == "The decision changes at 1 of 80 boxes, first at 15 %."


def test_the_smallest_ring_changes() -> None:
    scores = _high()
    scores[3, 3] = 0.2
    found = hold(_found(scores), 0.8, CUT)
    assert found.held == 0.0
    assert (
        shift_sentence(found, None) == "Does not hold: the decision changes at the smallest displacement tested, 5 %."
    )


def test_changes_from_below_count_as_well() -> None:
    scores = np.full((9, 9), 0.3)
    scores[4, 8] = 0.5
    # a score that is the threshold is at or above it
    assert hold(_found(scores), 0.3, CUT).held == pytest.approx(0.15)


def test_a_ring_without_a_number_is_not_said_to_hold() -> None:
    scores = _high()
    scores[4, 4 + 2] = np.nan
    found = hold(_found(scores), 0.8, CUT)
    assert (found.held, found.n_unanswered, found.n_changed) == (pytest.approx(0.05), 1, 0)
    assert "gave no number for 1" in counts(found)
    scores[4, 4 + 1] = np.nan
    said = size_sentence(hold(_found(scores), 0.8, CUT))
    assert said == "Not shown to hold: the model gave no number at the smallest change of width and height tested, 5 %."


def test_boxes_that_rounding_left_in_place_are_counted() -> None:
    # 4 px wide and high: 5 % are 0.2 px, 10 % are 0.4 px: both round to no move; 15 % are 0.6 px
    boxes = GRID.boxes(np.array([100.0, 100.0, 104.0, 104.0]), rules=BoxRules("whole", "pad"), film=(400.0, 400.0))
    everywhere, nowhere = np.ones((9, 9), dtype=bool), np.zeros((9, 9), dtype=bool)
    nowhere[0, 0] = True
    found = hold(GridScores(GRID, boxes, _high(), everywhere, nowhere), 0.8, CUT)
    assert (found.n_same, found.n_bounded) == (24, 1)
    assert "24 are the box itself again" in counts(found)
    assert "the film's edge moves or shortens 1" in counts(found)


def test_the_middle_box_is_no_displacement() -> None:
    scores = _high()
    scores[4, 4] = 0.1
    assert hold(_found(scores), 0.8, CUT).n_changed == 0


@pytest.mark.parametrize(
    ("score", "said"),
    [(0.5, "at or above the threshold: follow"), (0.49999, "below the threshold: do not follow")],
)
def test_decision(score: float, said: str) -> None:
    assert decision(score, CUT) == said
    assert is_followed(score, CUT) == said.startswith("at")


def test_percent() -> None:
    assert [percent(v) for v in (0.2, 0.075, 1 / 30)] == ["20 %", "7.5 %", "3.3 %"]
