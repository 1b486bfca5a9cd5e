"""Operating points on resampled patients: the spread of the choice, and each resample as if it were alone."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.stats.threshold import choose_point, logit, smoothing_form, youden
from robustkit.stats.threshold_draws import point_draws, youden_draws, youden_interval
from scipy.special import expit
from scipy.stats import norm


def test_interval_of_the_choice_beside_fresh_samples() -> None:
    """The sd of the threshold over resamples of one sample is about its sd over fresh samples."""
    random = np.random.default_rng(7)

    def fresh() -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(94) < 40
        return labels, expit(1.5 * labels + random.standard_normal(94))

    chosen = [logit(np.array([youden(*fresh(), method="normal").value]))[0] for _ in range(150)]
    spreads = []
    for _ in range(4):
        labels, scores = fresh()
        drawn = youden_draws(labels, scores, np.arange(94), draws=100, random=random, method="normal")
        spreads.append(np.std(logit(drawn)))
    assert np.mean(spreads) == pytest.approx(np.std(chosen), rel=0.4)
    low, high = youden_interval(labels, scores, np.arange(94), draws=100, seed=3)
    assert low < youden(labels, scores).value < high
    assert (low, high) == youden_interval(labels, scores, np.arange(94), draws=100, seed=3)


def test_resamples_keep_the_form_of_the_sample() -> None:
    """Duplicates make Shapiro-Wilk reject normal scores; the form must not change for that."""
    random = np.random.default_rng(8)
    labels = np.arange(94) >= 47
    scores = expit(2.0 * labels + random.standard_normal(94))
    assert smoothing_form(labels, scores) == "normal"
    rows = [random.integers(0, 94, 94) for _ in range(60)]
    assert any(smoothing_form(labels[r], scores[r]) == "kernel" for r in rows)
    drawn = youden_draws(labels, scores, np.arange(94), draws=60, random=np.random.default_rng(9))
    asked = youden_draws(labels, scores, np.arange(94), draws=60, random=np.random.default_rng(9), method="normal")
    assert (drawn == asked).all()


def test_patients_are_resampled_with_all_their_cases() -> None:
    z = norm.ppf((np.arange(40) + 0.5) / 40)
    labels, scores = np.arange(80) >= 40, expit(np.concatenate([z, 2.0 + z]))
    # each patient holds four neighbouring cases, all of one class
    random = np.random.default_rng(1)
    drawn = youden_draws(labels, scores, np.arange(80) // 4, draws=80, random=random)
    alone = youden_draws(labels, scores, np.arange(80), draws=80, random=random)
    assert np.std(logit(drawn)) > 1.3 * np.std(logit(alone))


@pytest.mark.parametrize(
    ("n_positive", "shift", "sd"),
    [
        (11, 2.0, 1.0),
        (30, 2.0, 1.0),
        (30, 1.0, 3.0),
        (30, 1.0, 0.2),
        (30, 0.0, 1.0),
        (30, -2.0, 1.0),
        (30, 25.0, 1.0),
        (30, 20.0, 0.01),
        (52, 0.3, 8.0),
    ],
)
def test_thresholds_of_two_normals_are_those_chosen_one_by_one(n_positive: int, shift: float, sd: float) -> None:
    # classes that overlap, of one and of unequal variance, the wrong way round, and so far apart that many are as good
    random = np.random.default_rng(2)
    labels, patients = np.arange(60) < n_positive, np.arange(60) // 2
    scores = expit(np.where(labels, random.normal(shift, sd, 60), random.normal(0.0, 1.0, 60)))
    found = youden_draws(labels, scores, patients, draws=150, random=np.random.default_rng(9), method="normal")
    again, forms = np.random.default_rng(9), set()
    for value in found:
        rows = np.concatenate([np.flatnonzero(patients == p) for p in again.integers(0, 30, 30)])
        alone = youden(labels[rows], scores[rows], method="normal")
        forms.add(alone.method)
        assert value == pytest.approx(alone.value, rel=1e-12, nan_ok=True)
    # few enough of a class that some draws are not smoothed
    assert "two normals on the logit" in forms
    assert ("empirical" in forms) == (n_positive in (11, 52))


@pytest.mark.parametrize("point", ["sensitivity=0.9", "specificity=0.8"])
def test_other_points_are_chosen_resample_by_resample(point: str) -> None:
    random = np.random.default_rng(3)
    labels, patients = np.arange(40) % 3 == 0, np.arange(40) // 4
    scores = random.random(40)
    found = point_draws(point, labels, scores, patients, draws=30, random=np.random.default_rng(9))
    again = np.random.default_rng(9)
    for value in found:
        rows = np.concatenate([np.flatnonzero(patients == p) for p in again.integers(0, 10, 10)])
        assert value == choose_point(point, labels[rows], scores[rows]).value
