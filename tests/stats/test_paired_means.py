"""Means of paired differences: against values by hand, and each as if it were alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robustkit.stats.bootstrap import patient_draws
from robustkit.stats.paired_means import EQUAL, minus, paired_means

PATIENTS = np.repeat(np.arange(6), 2)
DRAWS = patient_draws(np.zeros(6, dtype=np.intp), draws=400, seed=3, purpose="test")
HOW = {"permutations": 500, "seed": 1, "purpose": "test"}


def test_mean_and_p_by_hand() -> None:
    # patients' means are 1 to 6: only the patterns of equal signs reach their sum, 2 of 2^6
    values = np.repeat(np.arange(1.0, 7.0), 2)
    (found,) = paired_means([values], PATIENTS, DRAWS, **HOW)
    assert found.diff == pytest.approx(21 / 6)
    assert found.p == 2 / 64
    assert found.low < found.diff < found.high
    assert (found.n_cases, found.n_patients) == (12, 6)


def test_why_there_is_no_mean() -> None:
    gone = np.full(12, np.nan)
    text, nan, equal = paired_means(["no rows to choose on", gone, np.zeros(12)], PATIENTS, DRAWS, **HOW)
    assert (text.reason, nan.reason, equal.reason) == ("no rows to choose on", "fewer than two repeats", EQUAL)
    assert np.isnan([text.diff, text.p, nan.diff, nan.p]).all()
    assert (equal.diff, equal.se, equal.p) == (0.0, 0.0, 1.0)


def test_few_patients_have_no_mean() -> None:
    draws = patient_draws(np.zeros(4, dtype=np.intp), draws=100, seed=3, purpose="test")
    (found,) = paired_means([np.arange(4.0)], np.arange(4), draws, **HOW)
    assert found.reason == "fewer than 5 patients (4)"
    assert np.isnan([found.diff, found.p]).all()


def test_no_cases_have_no_mean() -> None:
    nobody = np.zeros(0, dtype=np.intp)
    text, empty = paired_means(["no rows to choose on", np.zeros(0)], nobody, DRAWS, **HOW)
    assert (text.reason, empty.reason) == ("no rows to choose on", "no cases")
    assert (empty.n_cases, empty.n_patients) == (0, 0)
    assert np.isnan([empty.diff, empty.low, empty.high, empty.se, empty.p]).all()


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from([-1.0, 0.0, 0.0, 0.25, 2.0]), min_size=60, max_size=60), min_size=1, max_size=4)
)
def test_company_changes_nothing(rows: list[list[float]]) -> None:
    patients = np.repeat(np.arange(20), 3)
    draws = patient_draws(np.zeros(20, dtype=np.intp), draws=200, seed=3, purpose="test")
    differences = [np.array(r) for r in rows]
    together = paired_means(["none", *differences], patients, draws, **HOW)[1:]
    alone = [paired_means([d], patients, draws, **HOW)[0] for d in differences]
    for a, b in zip(together, alone, strict=True):
        assert (a.reason, a.method, a.n_cases, a.n_patients) == (b.reason, b.method, b.n_cases, b.n_patients)
        numbers = [[d.diff, d.low, d.high, d.se, d.p] for d in (a, b)]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-12, abs=1e-12, nan_ok=True)


def test_minus_keeps_the_first_reason() -> None:
    assert minus("a has none", "b has none") == "a has none"
    assert minus(np.ones(2), "b has none") == "b has none"
    assert np.array_equal(minus(np.array([3.0, 1.0]), np.array([1.0, 1.0])), [2.0, 0.0])
