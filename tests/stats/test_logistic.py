"""Logistic regression beside scikit-learn and statsmodels; separated classes; Firth beside what is known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from robustkit.stats.firth import fit_firth
from robustkit.stats.logistic import BY_PATIENT, FIRTH, dependent_columns, fit_logistic
from robustkit.stats.separation import is_separated
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

Floats = NDArray[np.float64]


def drawn(n: int = 300, *, seed: int = 1) -> tuple[Floats, NDArray[np.bool_], NDArray[np.intp]]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)) * [1.0, 20.0, 0.1]
    patients = np.arange(n) // 2
    own = rng.normal(size=n // 2 + 1)[patients]
    labels = rng.random(n) < expit(0.3 + x @ [0.8, 0.02, -5.0] + own)
    return np.c_[np.ones(n), x], labels, patients


def test_coefficients_are_those_of_scikit_learn() -> None:
    design, labels, patients = drawn()
    ours = fit_logistic(design, labels, patients)
    theirs = LogisticRegression(C=np.inf, tol=1e-12, max_iter=5000, solver="newton-cholesky").fit(design[:, 1:], labels)
    assert ours.method == BY_PATIENT
    np.testing.assert_allclose(ours.coefficients, [*theirs.intercept_, *theirs.coef_[0]], rtol=1e-6)


def test_the_variance_is_the_sandwich_by_patient_written_out() -> None:
    design, labels, patients = drawn()
    ours = fit_logistic(design, labels, patients)
    p = expit(design @ ours.coefficients)
    bread = np.linalg.inv((design.T * (p * (1 - p))) @ design)
    scores = np.array([((labels - p)[:, None] * design)[patients == g].sum(axis=0) for g in np.unique(patients)])
    m, n, k = len(scores), *design.shape
    # Liang and Zeger's sandwich with the small-sample factor of Stata and statsmodels
    variance = m / (m - 1) * (n - 1) / (n - k) * bread @ (scores.T @ scores) @ bread
    from scipy.stats import t

    half = t.ppf(0.975, m - 1) * np.sqrt(np.diag(variance))
    np.testing.assert_allclose(ours.high - ours.coefficients, half, rtol=1e-6)
    np.testing.assert_allclose(ours.coefficients - ours.low, half, rtol=1e-6)


def test_two_cases_of_each_patient_that_are_the_same_do_not_narrow_the_interval() -> None:
    design, labels, _ = drawn()
    once = fit_logistic(design, labels, np.arange(300))
    twice = fit_logistic(np.r_[design, design], np.r_[labels, labels], np.r_[np.arange(300), np.arange(300)])
    np.testing.assert_allclose(twice.coefficients, once.coefficients, rtol=1e-6)
    np.testing.assert_allclose(twice.high - twice.low, once.high - once.low, rtol=0.01)


def test_a_column_that_follows_from_others_is_left_out_and_said() -> None:
    design, labels, patients = drawn()
    more = np.c_[design, design[:, 1] - 2 * design[:, 2], design[:, 3] * 0 + 7]
    ours = fit_logistic(more, labels, patients)
    assert ours.follows.tolist() == [False] * 4 + [True] * 2
    assert ours.coefficients[4:].tolist() == [0.0, 0.0]
    assert np.isnan(ours.low[4:]).all()
    np.testing.assert_allclose(ours.coefficients[:4], fit_logistic(design, labels, patients).coefficients)


def test_dependent_columns_whatever_their_units() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 3)) * [1e-6, 1.0, 1e6]
    assert dependent_columns(np.c_[x, x @ [1.0, 2.0, 3.0]]).tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("x", "y", "separated"),
    [
        ([1, 2, 3, 4], [0, 0, 1, 1], True),  # complete
        ([1, 2, 2, 3], [0, 0, 1, 1], True),  # quasi-complete: they meet at 2
        ([1, 3, 2, 4], [0, 0, 1, 1], False),
        ([0, 0, 0, 1], [0, 1, 0, 1], True),  # a level that only positives have
    ],
)
def test_separation(x: list[float], y: list[int], separated: bool) -> None:
    assert is_separated(np.c_[np.ones(4), x], np.array(y, dtype=bool)) is separated


def test_firth_of_a_two_by_two_table_adds_one_half_to_each_cell() -> None:
    # Firth 1993, section 3: in a saturated model Jeffreys' prior adds 1/2 to each cell. Cells 7, 3 | 0, 5.
    x = np.r_[np.zeros(10), np.ones(5)]
    y = np.r_[np.ones(7), np.zeros(3), np.zeros(5)].astype(bool)
    found = fit_firth(np.c_[np.ones(15), x], y)
    expected = [np.log(7.5 / 3.5), np.log((0.5 / 5.5) / (7.5 / 3.5))]
    np.testing.assert_allclose(found.coefficients, expected, rtol=1e-8)
    assert found.low[1] < expected[1] < found.high[1]
    assert np.isfinite(found.low).all()


def test_firth_is_the_maximum_of_the_penalised_likelihood_and_its_ends_lie_where_that_has_fallen() -> None:
    rng = np.random.default_rng(3)
    design = np.c_[np.ones(30), rng.normal(size=(30, 2))]
    labels = design @ [0.2, 2.0, 0.5] > 0

    def minus(beta: Floats) -> float:
        z = design @ beta
        p = expit(z)
        plain = -np.logaddexp(0, np.where(labels, -z, z)).sum()
        return -float(plain + 0.5 * np.linalg.slogdet((design.T * (p * (1 - p))) @ design)[1])

    found = fit_firth(design, labels)
    best = minimize(minus, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 9999})
    np.testing.assert_allclose(found.coefficients, best.x, atol=1e-6)
    np.testing.assert_allclose(found.likelihood, -best.fun, atol=1e-9)
    for end in (found.low[1], found.high[1]):

        def at_end(rest: Floats, *, value: float = float(end)) -> float:
            return minus(np.array([rest[0], value, rest[1]]))

        # the likelihood of so few rows has several hills: the highest counts
        starts = [[a, b] for a in (0.0, 2.0, 8.0) for b in (0.0, 4.0, 20.0)]
        options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 9999}
        lowest = min(minimize(at_end, s, method="Nelder-Mead", options=options).fun for s in starts)
        # chi-squared with one degree of freedom, 95 %: 3.841459
        assert 2 * (lowest - best.fun) == pytest.approx(3.841459, abs=1e-4)


def test_firth_where_a_step_goes_to_infinity_says_nothing_of_it() -> None:
    # 14 rows, one column of wide range: a step too far makes every case sure, and the penalty infinite
    for seed in range(8):
        random = np.random.default_rng(seed)
        group, value = random.integers(0, 4, 14), 50 * random.normal(size=14)
        labels = random.random(14) < 1 / (1 + np.exp(-3 * value / value.std()))
        design = np.c_[np.ones(14), group == 1, group == 2, group == 3, value].astype(float)
        if np.linalg.matrix_rank(design) < 5 or labels.all() or not labels.any():
            continue
        found = fit_firth(design, labels)
        assert np.isfinite(found.coefficients).all()
        assert np.isfinite(found.likelihood)
        assert (found.low < found.coefficients).all()
        assert (found.coefficients < found.high).all()


def test_separated_classes_get_firth_and_it_is_said() -> None:
    x = np.arange(20.0)
    found = fit_logistic(np.c_[np.ones(20), x], x > 9, np.arange(20))
    assert found.method == FIRTH
    assert found.is_separated
    assert 0 < found.low[1] < found.coefficients[1] < found.high[1] < np.inf


def test_too_few_patients_give_no_interval() -> None:
    found = fit_logistic(np.c_[np.ones(4), [1.0, 3.0, 2.0, 4.0]], np.array([0, 0, 1, 1], dtype=bool), np.zeros(4, int))
    assert np.isfinite(found.coefficients).all()
    assert np.isnan(found.low).all()
