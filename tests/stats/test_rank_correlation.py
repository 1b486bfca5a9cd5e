"""Spearman's correlation of resampled patients: scipy's, on the sample written out."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.stats.bootstrap import PatientDraws, patient_draws
from robustkit.stats.rank_correlation import clustered_spearman, weighted_spearman
from scipy.stats import spearmanr


def test_weights_are_repeats() -> None:
    random = np.random.default_rng(0)
    x, y = random.integers(0, 6, 40).astype(float), random.integers(0, 6, 40).astype(float)
    weights = random.integers(0, 4, (70, 40)).astype(float)
    found = weighted_spearman(x, y, weights)
    for w, value in zip(weights, found, strict=True):
        n = w.astype(int)
        assert value == pytest.approx(spearmanr(np.repeat(x, n), np.repeat(y, n)).statistic, abs=1e-12)


def test_what_does_not_vary_has_none() -> None:
    assert np.isnan(weighted_spearman(np.ones(5), np.arange(5.0), np.ones((1, 5))))[0]
    draws = patient_draws(np.zeros(12, dtype=np.intp), draws=100, seed=0, purpose="t")
    found = clustered_spearman(np.ones(12), np.arange(12.0), np.arange(12), draws)
    assert np.isnan(found.value)
    assert found.reason == "one of the two does not vary"


def test_few_patients_have_none() -> None:
    found = clustered_spearman(
        np.arange(30.0), np.arange(30.0), np.repeat(np.arange(3), 10), PatientDraws(np.ones((3, 9)))
    )
    assert np.isnan(found.value)
    assert "3" in found.reason


@pytest.mark.slow
def test_intervals_cover() -> None:
    """Two normals of correlation .5: Spearman's is 6 / pi asin(rho / 2) (Kruskal 1958); 400 samples of 80 patients."""
    rho, hits, n = 0.5, 0, 400
    truth = 6 / np.pi * np.arcsin(rho / 2)
    random = np.random.default_rng(5)
    draws = patient_draws(np.zeros(80, dtype=np.intp), draws=600, seed=0, purpose="t")
    for _ in range(n):
        x = random.standard_normal(80)
        y = rho * x + np.sqrt(1 - rho**2) * random.standard_normal(80)
        e = clustered_spearman(x, y, np.arange(80), draws)
        hits += e.low <= truth <= e.high
    margin = 2.576 * np.sqrt(0.95 * 0.05 / n)
    assert hits / n >= 0.93 - margin
