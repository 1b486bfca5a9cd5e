"""Features that are left out, and that only the rows of the fit decide."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from robustkit.baselines.selection import Limits, Selection, counted, feature_table, stability
from robustkit.errors import InputError

ALL = Limits(0.0, 2, 1.0)


def icc_by_anova(rows: NDArray[np.float64]) -> float:
    """Shrout and Fleiss 1979, table 3 and equation for ICC(1,1): (BMS - WMS) / (BMS + (k - 1) WMS)."""
    n, k = rows.shape
    between = k * ((rows.mean(axis=1) - rows.mean()) ** 2).sum() / (n - 1)
    within = ((rows - rows.mean(axis=1, keepdims=True)) ** 2).sum() / (n * (k - 1))
    return float((between - within) / (between + (k - 1) * within))


def test_shrout_and_fleiss() -> None:
    # Shrout and Fleiss 1979, table 2: 6 targets, 4 judges; ICC(1,1) = .17 there
    judges = np.array(
        [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
    )
    found = stability(feature_table(judges[:, :1], judges[:, :, None]), 4)
    assert round(float(found[0]), 2) == 0.17
    assert found[0] == pytest.approx(icc_by_anova(judges))


def test_stability_of_many_features_and_of_those_that_are_undefined_somewhere() -> None:
    rng = np.random.default_rng(0)
    redrawn = rng.normal(size=(40, 1, 3)) + rng.normal(size=(40, 6, 3)) * [0.1, 1.0, 5.0]
    redrawn[3, 2, 1] = np.nan
    given = redrawn[:, 0]
    found = stability(feature_table(given, redrawn), 6)
    there = np.delete(redrawn[:, :, 1], 3, axis=0)
    np.testing.assert_allclose(
        found, [icc_by_anova(redrawn[:, :, 0]), icc_by_anova(there), icc_by_anova(redrawn[:, :, 2])]
    )


def test_each_reason() -> None:
    rng = np.random.default_rng(1)
    n = 100
    good, other = rng.normal(size=(2, n))
    given = np.stack(
        [good, np.full(n, 3.0), np.where(np.arange(n) < 11, np.nan, other), other, good**3, rng.normal(size=n)], 1
    )
    redrawn = given[:, None] + rng.normal(size=(n, 5, 6)) * [0.01, 0, 0, 0.1, 0.5, 9.0]
    found = Selection(Limits(0.75, 5, 0.95)).fit(feature_table(given, redrawn))
    assert found.kept_.tolist() == [0, 3]
    # the cube ranks as the feature itself; both are stable, the cube less so
    assert found.reasons_ == {1: "constant", 2: "undefined", 4: "correlated", 5: "unstable"}
    assert counted(found.reasons_) == "1 constant, 1 correlated, 1 undefined, 1 unstable"
    np.testing.assert_array_equal(found.transform(feature_table(given, redrawn)), given[:, [0, 3]])


def test_of_two_alike_the_more_stable_stays_and_without_icc_the_first() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=60)
    given = np.stack([x, 2 * x], axis=1)
    redrawn = given[:, None] + rng.normal(size=(60, 5, 2)) * [0.3, 0.02]
    assert Selection(Limits(0.5, 5, 0.9)).fit(feature_table(given, redrawn)).kept_.tolist() == [1]
    assert Selection(Limits(0.0, 5, 0.9)).fit(feature_table(given, None)).kept_.tolist() == [0]
    assert Selection(ALL).fit(feature_table(given, None)).kept_.tolist() == [0, 1]


def test_what_lies_outside_the_rows_of_the_fit_does_not_count() -> None:
    rng = np.random.default_rng(3)
    given = rng.normal(size=(50, 2))
    given[:30, 1] = 1.0
    redrawn = given[:, None] + np.zeros((50, 3, 2))
    table = feature_table(given, redrawn)
    assert Selection(Limits(0.5, 3, 1.0)).fit(table[:30]).kept_.tolist() == [0]
    assert Selection(Limits(0.5, 3, 1.0)).fit(table).kept_.tolist() == [0, 1]


def test_nothing_left_is_said() -> None:
    with pytest.raises(InputError, match=r"of 2 features none is left \(2 constant\)"):
        Selection(ALL).fit(feature_table(np.ones((20, 2)), None))
