"""Do 95 % intervals cover 95 % of the time? Small simulations; the full ones belong to the statistics' benchmarks.

2,000 data sets each: the 99 % Monte-Carlo interval of a coverage of .95 is .937 to .963. A coverage fails here
when that interval about it misses [.93, .97].
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from robustkit.stats.auc import clustered_auc, paired_auc_difference
from robustkit.stats.bootstrap import clustered_mean, patient_draws
from robustkit.stats.proportion import clustered_proportion, wilson
from scipy.stats import norm

SETS = 2000
CASES = 3
"""Lesions of every patient."""


def _holds(coverage: float, sets: int = SETS) -> bool:
    margin = 2.576 * math.sqrt(max(coverage * (1 - coverage), 0.01) / sets)
    return coverage + margin >= 0.93 and coverage - margin <= 0.97


def _latent(random: np.random.Generator, m: int, *, within: float, repeats: int = 1) -> np.ndarray:
    """Give ``(repeats, 3 m)`` standard normals with correlation ``within`` inside a patient."""
    own = np.repeat(random.standard_normal(m), CASES)
    case = random.standard_normal(CASES * m)
    centre = math.sqrt(within) * own + math.sqrt(1 - within) * case
    return centre + 0.3 * random.standard_normal((repeats, CASES * m))


@pytest.mark.slow
@pytest.mark.parametrize("within", [0.0, 0.3, 0.7])
@pytest.mark.parametrize(("m", "repeats"), [(100, 1), (100, 5), (400, 1)])
def test_auc_covers(m: int, repeats: int, within: float) -> None:
    random = np.random.default_rng(int(1000 * within) + m + repeats)
    patients = np.repeat(np.arange(m), CASES)
    true = norm.cdf(1.2 / math.sqrt(2 * (1 + 0.3**2)))
    hits = 0
    for _ in range(SETS):
        labels = random.random(CASES * m) < 0.4
        found = clustered_auc(labels, 1.2 * labels + _latent(random, m, within=within, repeats=repeats), patients)
        hits += found.low <= true <= found.high
    assert _holds(hits / SETS), hits / SETS


@pytest.mark.slow
def test_paired_difference_covers_and_rejects_as_often_as_it_says() -> None:
    random = np.random.default_rng(11)
    patients = np.repeat(np.arange(100), CASES)
    hits = rejected = 0
    for _ in range(SETS):
        labels = random.random(300) < 0.4
        shared = 1.2 * labels + _latent(random, 100, within=0.5)
        a, b = (shared + 0.5 * random.standard_normal((1, 300)) for _ in range(2))
        found = paired_auc_difference(labels, a, b, patients=patients)
        hits += found.low <= 0 <= found.high
        rejected += found.p < 0.05
    assert _holds(hits / SETS), hits / SETS
    assert _holds(1 - rejected / SETS), rejected / SETS


@pytest.mark.slow
@pytest.mark.parametrize("within", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("p", [0.1, 0.5])
def test_proportion_covers_where_rows_do_not(p: float, within: float) -> None:
    random = np.random.default_rng(int(1000 * within) + int(100 * p))
    patients = np.repeat(np.arange(100), CASES)
    hits = naive = 0
    for _ in range(SETS):
        events = _latent(random, 100, within=within)[0] < norm.ppf(p) * math.sqrt(1.09)
        found = clustered_proportion(events, patients)
        hits += found.low <= p <= found.high
        low, high = wilson(float(events.mean()), 300.0)
        naive += low <= p <= high
    assert _holds(hits / SETS), hits / SETS
    if within == 0.7:
        assert naive / SETS < 0.9, "an interval that counts rows is too narrow: the simulation must show it"


@pytest.mark.slow
def test_mean_covers() -> None:
    random = np.random.default_rng(12)
    patients = np.repeat(np.arange(100), CASES)
    draws = patient_draws(np.zeros(100, dtype=np.intp), draws=2000, seed=1, purpose="coverage")
    hits = 0
    for _ in range(SETS):
        found = clustered_mean(np.exp(0.5 * _latent(random, 100, within=0.5)[0]), patients, draws)
        hits += found.low <= math.exp(0.125 * 1.09) <= found.high
    assert _holds(hits / SETS), hits / SETS
