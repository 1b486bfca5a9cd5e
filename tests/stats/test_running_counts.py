"""Running counts: numpy's own sums, and draws that are counted one by one."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.stats.running_counts import counted_in_draws, running_sums


@pytest.mark.parametrize("c", [1, 2, 3, 4, 9, 10, 95, 500])
@pytest.mark.parametrize("b", [0, 1, 7])
def test_running_sums_are_those_of_numpy_and_made_in_place(c: int, b: int) -> None:
    rows = np.random.default_rng(c).integers(0, 9, (c, b)).astype(float)
    expected = np.cumsum(rows, axis=0)
    assert running_sums(rows) is rows
    assert (rows == expected).all()


@pytest.mark.parametrize("n_patients", [40, 400])
def test_counts_are_those_of_every_draw_written_out(n_patients: int) -> None:
    random = np.random.default_rng(2)
    positive, scores = random.random(300) < 0.4, np.round(random.random(300), 2)
    patients, cuts = random.integers(0, n_patients, 300), np.array([0.9, 0.5, 0.33, 0.2])
    by_patient = random.integers(0, 4, (n_patients, 600)).astype(float)
    found = counted_in_draws(
        lambda hits, alarms: np.stack([running_sums(hits), running_sums(alarms)]),
        positive, scores, patients, by_patient=by_patient, cuts=cuts,
    )  # fmt: skip
    for own, counted in zip((positive, ~positive), found, strict=True):
        for cut, row in zip(cuts, counted, strict=True):
            assert (row == by_patient[patients[own & (scores >= cut)]].sum(axis=0)).all()


def test_cuts_over_every_score_count_nobody() -> None:
    found = counted_in_draws(
        lambda hits, alarms: hits + alarms,
        np.array([True, False]), np.array([0.1, 0.2]), np.arange(2), by_patient=np.ones((2, 5)), cuts=np.array([0.9, 0.8]),
    )  # fmt: skip
    assert (found == np.zeros((2, 5))).all()
