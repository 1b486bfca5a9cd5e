"""Mean AUC over seeds: by hand from covariances, covers what it claims, and says nothing with one seed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from robustkit.stats.auc import auc, clustered_auc
from robustkit.stats.seeds import ONE_SEED, over_seeds, seeds_difference
from scipy.stats import t

Floats = NDArray[np.float64]


def _world(
    rng: np.random.Generator, *, n: int = 80, seeds: int = 3, gap: float = 1.0, own: float = 0.0
) -> tuple[NDArray[np.bool_], Floats, NDArray[np.intp]]:
    """Cases with a part that all seeds see, a part of each seed, and a gap between classes that differs by seed."""
    labels = np.arange(n) % 2 == 1
    seen = rng.normal(size=n)
    scores = np.array([
        labels * (gap + own * rng.normal()) + 0.8 * seen + 0.6 * rng.normal(size=n) for _ in range(seeds)
    ])  # fmt: skip
    return labels, scores, np.arange(n)


def _delong(labels: NDArray[np.bool_], scores: Floats) -> Floats:
    """DeLong's covariances, pair by pair."""
    y, x = scores[:, labels], scores[:, ~labels]
    wins = (y[:, :, None] > x[:, None, :]) + 0.5 * (y[:, :, None] == x[:, None, :])
    return np.atleast_2d(np.cov(wins.mean(axis=2)) / y.shape[1] + np.cov(wins.mean(axis=1)) / x.shape[1])


def test_the_mean_has_the_variance_of_seeds_and_patients() -> None:
    labels, scores, patients = _world(np.random.default_rng(1), own=0.3)
    found = over_seeds(labels, scores, patients)
    aucs = np.array([auc(labels, s) for s in scores])
    assert found.aucs == pytest.approx(aucs, abs=1e-12)
    assert found.mean.value == pytest.approx(aucs.mean(), abs=1e-12)
    assert found.sd == pytest.approx(aucs.std(ddof=1), abs=1e-12)
    covariances = _delong(labels, scores)
    cov2 = (covariances.sum() - np.trace(covariances)) / 6
    between = aucs.var(ddof=1) / 3
    assert found.mean.se == pytest.approx(np.sqrt(between + cov2), rel=1e-9)
    # Satterthwaite: (between + cov2)^2 / (between^2 / 2)
    df = (between + cov2) ** 2 / (between**2 / 2)
    value = aucs.mean()
    half = t.ppf(0.975, df) * np.sqrt(between + cov2) / (value * (1 - value))
    assert np.log(found.mean.high / (1 - found.mean.high)) == pytest.approx(
        np.log(value / (1 - value)) + half, rel=1e-9
    )


def test_a_difference_has_seeds_nested_in_arms() -> None:
    rng = np.random.default_rng(2)
    labels, scores, patients = _world(rng, seeds=5, own=0.2)
    a, b = scores[:3], scores[3:]
    found = seeds_difference(labels, a, b, patients)
    aucs, c = np.array([auc(labels, s) for s in scores]), _delong(labels, scores)
    off_a = (c[:3, :3].sum() - np.trace(c[:3, :3])) / 6
    off_b = c[3, 4]
    shared = off_a + off_b - 2 * c[:3, 3:].mean()
    variance = aucs[:3].var(ddof=1) / 3 + aucs[3:].var(ddof=1) / 2 + max(shared, 0)
    assert found.diff == pytest.approx(aucs[:3].mean() - aucs[3:].mean(), abs=1e-12)
    assert found.se == pytest.approx(np.sqrt(variance), rel=1e-9)
    turned = seeds_difference(labels, b, a, patients)
    assert (turned.diff, turned.p) == pytest.approx((-found.diff, found.p))


def test_one_seed_says_nothing_about_the_way_of_training() -> None:
    labels, scores, patients = _world(np.random.default_rng(3))
    found = over_seeds(labels, scores[:1], patients)
    alone = clustered_auc(labels, scores[:1], patients)
    assert (found.mean.value, found.mean.low, found.mean.high) == (alone.value, alone.low, alone.high)
    assert found.mean.reason == ONE_SEED
    assert np.isnan(found.sd)
    assert seeds_difference(labels, scores[:1], scores[1:], patients).reason == ONE_SEED


def test_an_arm_against_itself_differs_by_nothing() -> None:
    labels, scores, patients = _world(np.random.default_rng(4))
    found = seeds_difference(labels, scores, scores, patients)
    assert (found.diff, found.p) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda y, s: (y, np.where(np.arange(s.shape[1]) == 3, np.nan, s)), "a score is missing"),
        (lambda y, s: (np.zeros_like(y), s), "one class only"),
    ],
)
def test_what_cannot_be_estimated_says_why(change: object, reason: str) -> None:
    labels, scores, patients = _world(np.random.default_rng(5))
    y, s = change(labels, scores)  # type: ignore[operator]
    found = over_seeds(y, s, patients)
    assert np.isnan(found.mean.value)
    assert reason in found.mean.reason
    assert reason in seeds_difference(y, s, s + 1, patients).reason


def test_equal_seeds_leave_the_interval_of_one() -> None:
    labels, scores, patients = _world(np.random.default_rng(6), seeds=1)
    same = np.repeat(scores, 3, axis=0)
    found = over_seeds(labels, same, patients)
    alone = _delong(labels, scores[[0, 0]])[0, 0]
    assert found.mean.se == pytest.approx(np.sqrt(alone), rel=1e-9)


@pytest.mark.slow
def test_intervals_cover_and_tests_hold_their_level() -> None:
    """2,000 studies of 80 patients and 3 seeds; the true mean comes from 400 trainings on 4,000 patients."""
    rng = np.random.default_rng(7)
    labels, scores, _ = _world(rng, n=4000, seeds=400, own=0.15)
    truth = float(np.mean([auc(labels, s) for s in scores]))
    covered, rejected = 0, 0
    for _ in range(2000):
        labels, scores, patients = _world(rng, seeds=6, own=0.15)
        mean = over_seeds(labels, scores[:3], patients).mean
        covered += mean.low <= truth <= mean.high
        rejected += seeds_difference(labels, scores[:3], scores[3:], patients).p < 0.05
    assert 0.93 <= covered / 2000 <= 0.98
    assert rejected / 2000 <= 0.07
