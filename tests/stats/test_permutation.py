"""Sign-flip permutation of paired differences by patient."""

from __future__ import annotations

import math

import numpy as np
import pytest
from robustkit.seeds import generator
from robustkit.stats.permutation import sign_flip, sign_flips, swap_test
from scipy.stats import kstest, permutation_test, ttest_1samp

HOW = {"draws": 4000, "seed": 1, "purpose": "test"}


def test_three_equal_signs_by_hand() -> None:
    # of 8 patterns two, all plus and all minus, reach the sum of 6
    assert sign_flip(np.array([1.0, 2.0, 3.0]), **HOW) == 2 / 8


@pytest.mark.parametrize("seed", range(5))
def test_all_patterns_beside_scipy(seed: int) -> None:
    values = np.round(np.random.default_rng(seed).standard_normal(9) + 0.4, 1)
    beside = permutation_test((values, np.zeros(9)), lambda a, b: np.mean(a - b), permutation_type="samples")
    assert sign_flip(values, **HOW) == pytest.approx(beside.pvalue, abs=1e-12)


def test_random_patterns_beside_a_t_test() -> None:
    values = np.random.default_rng(2).standard_normal(80) + 0.2
    assert sign_flip(values, **HOW) == pytest.approx(ttest_1samp(values, 0).pvalue, abs=0.02)


def test_patients_that_do_not_differ_change_nothing() -> None:
    values = np.array([0.3, 0.5, -0.1, 0.4, 0.2])
    assert sign_flip(np.concatenate([values, np.zeros(500)]), **HOW) == sign_flip(values, **HOW)


def test_scale_and_sign_change_nothing() -> None:
    values = np.random.default_rng(3).standard_normal(30)
    assert sign_flip(values, **HOW) == sign_flip(-1e-9 * values, **HOW)


@pytest.mark.parametrize(
    ("values", "p"),
    [([], math.nan), ([0.0, 0.0, 0.0], 1.0), ([0.5], 1.0), ([0.1, math.nan], math.nan), ([1.0, -1.0], 1.0)],
)
def test_edges(values: list[float], p: float) -> None:
    assert sign_flip(np.array(values), **HOW) == pytest.approx(p, nan_ok=True)


def test_p_is_never_zero() -> None:
    assert sign_flip(np.full(50, 1.0), draws=99, seed=1, purpose="test") == 0.01


def test_many_patients_are_drawn_in_parts() -> None:
    values = np.random.default_rng(4).standard_normal(3000)
    assert 0.0 < sign_flip(values, **HOW) <= 1.0


def test_p_is_uniform_where_nothing_differs() -> None:
    random = np.random.default_rng(5)
    found = [sign_flip(random.exponential(size=20) * random.choice([-1, 1], 20), **HOW) for _ in range(200)]
    assert kstest(found, "uniform").pvalue > 0.01


def test_swapping_models_gives_the_share_of_all_swaps() -> None:
    random = np.random.default_rng(4)
    labels = np.arange(10) % 2 == 0
    a, b = random.random(10), random.random(10)
    patients = np.arange(10) // 2

    def metric(y: np.ndarray, s: np.ndarray) -> float:
        return float(s[y].mean() - s[~y].mean())

    observed = abs(metric(labels, a) - metric(labels, b))
    swaps = [(np.arange(2**5)[i] >> np.arange(5) & 1 == 1)[patients] for i in range(2**5)]
    every = [abs(metric(labels, np.where(s, b, a)) - metric(labels, np.where(s, a, b))) for s in swaps]
    exact = np.mean(np.array(every) >= observed - 1e-12)
    found = swap_test(metric, labels, (a, b), patients=patients, draws=20_000, seed=1)
    assert found == pytest.approx(exact, abs=0.012)


def test_a_metric_that_is_not_defined_gives_no_p() -> None:
    labels, scores = np.arange(6) % 2 == 0, np.arange(6.0)

    def undefined(y: np.ndarray, s: np.ndarray) -> float:
        return float("nan")

    assert math.isnan(swap_test(undefined, labels, (scores, scores[::-1]), patients=np.arange(6), draws=50, seed=0))


@pytest.mark.slow
def test_equal_models_are_called_different_in_five_per_cent() -> None:
    p = []
    for seed in range(600):
        random = np.random.default_rng(seed)
        labels = random.random(60) < 0.5
        base = labels + random.normal(size=60)
        pair = (base + random.normal(size=60), base + random.normal(size=60))
        p.append(
            swap_test(
                lambda y, s: float(s[y].mean() - s[~y].mean()),
                labels,
                pair,
                patients=np.arange(60),
                draws=199,
                seed=seed,
            )
        )
    assert 0.03 <= np.mean(np.array(p) <= 0.05) <= 0.075


@pytest.mark.parametrize(("m", "draws"), [(13, 200), (101, 99), (999, 1501), (400_001, 5)])
def test_signs_are_those_that_numpy_draws(m: int, draws: int) -> None:
    # the documented draw, in blocks of a million signs; a row of fewer differing patients begins the same stream anew
    values = np.random.default_rng(6).standard_normal((2, m))
    values[1, :-13] = 0.0
    random, hits, size = generator(3, "sign-flip", "blocks"), 1, 1_000_000 // m + 1
    for start in range(0, draws, size):
        signs = 2.0 * random.integers(0, 2, (min(size, draws - start), m), dtype=np.int8) - 1.0
        hits += int((np.abs(signs @ values[0]) >= abs(values[0].sum()) * (1 - 1e-9)).sum())
    found = sign_flips(values, draws=draws, seed=3, purpose="blocks")
    assert found[0] == hits / (draws + 1)
    assert found[1] == sign_flip(values[1, -13:], draws=draws, seed=3, purpose="blocks")


def test_rows_of_as_many_differing_patients_are_each_as_if_alone() -> None:
    random = np.random.default_rng(7)
    rows = np.stack(
        [random.permutation(np.where(np.arange(60) < n, random.standard_normal(60), 0.0)) for n in (9, 40, 40, 21)]
    )
    together = sign_flips(rows, draws=500, seed=1, purpose="test")
    assert together.tolist() == [sign_flip(row, draws=500, seed=1, purpose="test") for row in rows]
