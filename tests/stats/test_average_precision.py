"""Average precision in every draw against scikit-learn, weight by weight."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from robustkit.stats.average_precision import weighted_average_precision
from sklearn.metrics import average_precision_score


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 60), digits=st.integers(0, 3), draws=st.sampled_from([1, 20]))
def test_it_is_scikit_learns_with_ties_patients_and_weights(seed: int, n: int, digits: int, draws: int) -> None:
    random = np.random.default_rng(seed)
    labels, scores = random.random(n) < 0.4, np.round(random.random(n), digits)
    patients, counts = random.integers(0, n, n), random.integers(0, 3, (draws, n + 2)).astype(float)
    found = weighted_average_precision(labels, scores, counts, patients)
    for value, w in zip(found, counts[:, patients], strict=True):
        if (w * labels).any():
            expected = average_precision_score(labels, scores, sample_weight=w)
            np.testing.assert_allclose(value, expected, rtol=1e-12)
        else:
            assert np.isnan(value)


def test_each_case_is_its_own_patient_unless_told() -> None:
    random = np.random.default_rng(1)
    labels, scores, counts = random.random(50) < 0.4, random.random(50), random.integers(0, 3, (9, 50)).astype(float)
    alone = weighted_average_precision(labels, scores, counts)
    assert (alone == weighted_average_precision(labels, scores, counts, np.arange(50))).all()


def test_draws_without_positives_are_not_defined() -> None:
    labels, scores = np.array([True, False, False]), np.array([0.5, 0.5, 0.1])
    found = weighted_average_precision(labels, scores, np.array([[0.0, 1.0, 1.0], [1.0, 1.0, 0.0]]))
    assert np.isnan(found[0])
    assert found[1] == 0.5
    assert np.isnan(weighted_average_precision(np.zeros(3, dtype=bool), scores, np.ones((2, 3)))).all()
