"""A stratum against the rest, heterogeneity, and differences of independent estimates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from robustkit.stats.contrast import (
    heterogeneity,
    score_contrast_p,
    score_contrasts_p,
    score_heterogeneity_p,
    two_sample_z,
)
from robustkit.stats.estimate import Estimate
from robustkit.stats.groups import groups_of
from scipy.stats import chi2, chi2_contingency, fisher_exact, kstest, norm
from statsmodels.stats.meta_analysis import combine_effects


def _estimate(value: float, se: float) -> Estimate:
    return Estimate(value, se=se, mc_se=0.01, n_cases=20, n_patients=10)


def test_two_sample_z_by_hand() -> None:
    # .41 - .08 = .33; sqrt(.06^2 + .08^2) = .1; z 3.3
    found = two_sample_z(_estimate(0.41, 0.08), _estimate(0.08, 0.06))
    assert found.diff == pytest.approx(0.33)
    assert found.se == pytest.approx(0.1)
    assert (found.low, found.high) == pytest.approx((0.33 - 0.195996, 0.33 + 0.195996), abs=1e-6)
    assert found.statistic == pytest.approx(3.3)
    assert found.p == pytest.approx(0.000966848, rel=1e-5)
    assert (found.n_cases, found.n_patients) == (40, 20)
    assert found.mc_se == pytest.approx(0.0141421, abs=1e-6)


@pytest.mark.parametrize(
    ("a", "b", "diff", "reason"),
    [
        (_estimate(0.4, 0.1), Estimate(0.0), 0.4, "no standard error: nothing varies on one side"),
        (_estimate(0.4, 0.1), Estimate(reason="no cases"), math.nan, "no cases"),
        (_estimate(0.4, 0.0), _estimate(0.4, 0.0), 0.0, "no standard error: nothing varies on one side"),
    ],
)
def test_two_sample_z_edges(a: Estimate, b: Estimate, diff: float, reason: str) -> None:
    found = two_sample_z(a, b)
    assert found.diff == pytest.approx(diff, nan_ok=True)
    assert math.isnan(found.p)
    assert math.isnan(found.low)
    assert found.reason == reason


def test_heterogeneity_beside_statsmodels() -> None:
    values, errors = [0.1, 0.3, 0.25, 0.6], [0.05, 0.1, 0.08, 0.2]
    found = heterogeneity([*map(_estimate, values, errors), Estimate(reason="no cases"), Estimate(0.0)])
    beside = combine_effects(np.array(values), np.array(errors) ** 2).test_homogeneity()
    assert (found.statistic, found.df) == (pytest.approx(beside.statistic), 3)
    assert found.p == pytest.approx(beside.pvalue)


def test_heterogeneity_of_two_is_their_z() -> None:
    a, b = _estimate(0.4, 0.1), _estimate(0.1, 0.05)
    assert heterogeneity([a, b]).statistic == pytest.approx(two_sample_z(a, b).statistic ** 2)
    assert heterogeneity([a, b]).p == pytest.approx(two_sample_z(a, b).p)


def test_heterogeneity_needs_two() -> None:
    found = heterogeneity([_estimate(0.4, 0.1), Estimate(0.2)])
    assert math.isnan(found.p)
    assert found.reason == "fewer than two strata with an error"


def test_score_contrast_by_hand() -> None:
    # one case per patient: inside 1 1 0, outside 0 0 0 1 0; mean 3/8, diff 2/3 - 1/5 = .466667
    # variance that both share: (3 x .390625 + 5 x .140625) / 7 = .267857; x (1/3 + 1/5) = .142857
    # z = .466667 / .377964 = 1.234684
    values = np.array([1.0, 1, 0, 0, 0, 0, 1, 0])
    found = score_contrast_p(values, np.arange(8), np.arange(8) < 3)
    assert found == pytest.approx(2 * norm.sf(1.234684), abs=1e-6)


def test_one_case_per_patient_is_pearsons_chi_square() -> None:
    random = np.random.default_rng(4)
    groups = random.choice(["a", "b", "c", "d"], 90).astype(object)
    values = (random.random(90) < 0.3).astype(np.float64)
    table = [[values[groups == g].sum(), (1 - values[groups == g]).sum()] for g in "abcd"]
    beside = chi2_contingency(table, correction=False)
    # n - 1 in the place of n: Pearson's divides the variance by n
    wanted = chi2.sf(beside.statistic * 89 / 90, 3)
    assert score_heterogeneity_p(values, np.arange(90), groups) == pytest.approx(wanted, rel=1e-9)


def test_a_stratum_without_an_error_is_no_proof_of_a_difference() -> None:
    # 13 of 13 against 152 of 176: Fisher's exact p is .38
    values = np.concatenate([np.ones(13), np.ones(152), np.zeros(24)])
    assert score_contrast_p(values, np.arange(189), np.arange(189) < 13) > 0.1
    table = [[13, 0], [152, 24]]
    assert fisher_exact(table).pvalue == pytest.approx(0.379, abs=0.001)


def test_correlation_within_patients_by_hand() -> None:
    # patients 0..3 with two alike cases each, values 1 1 0 0; the stratum holds patients 0 and 1
    # residuals +-.5: variance 8 x .25 / 8 x 4/3 = 1/3, covariance the same (8 ordered pairs of product .25)
    # diff 1; weights of a patient's two cases +-1/4 + 1/4 = +-1/2: variance 1/3 x 4 x 1/4 = 1/3; z = sqrt(3)
    values = np.repeat([1.0, 1, 0, 0], 2)
    patients = np.repeat(np.arange(4), 2)
    assert score_contrast_p(values, patients, patients < 2) == pytest.approx(2 * norm.sf(np.sqrt(3)))


def test_two_strata_have_one_test() -> None:
    random = np.random.default_rng(0)
    patients = np.repeat(np.arange(40), 2)
    values = random.random(80)
    inside = random.random(80) < 0.4
    names = np.where(inside, "axial", "limb").astype(object)
    overall = score_heterogeneity_p(values, patients, names)
    assert score_contrast_p(values, patients, inside) == pytest.approx(overall, rel=1e-9)


def test_large_sample_agrees_with_chi_square() -> None:
    random = np.random.default_rng(1)
    groups = np.repeat(["a", "b", "c"], 2000).astype(object)
    values = (random.random(6000) < np.repeat([0.3, 0.32, 0.33], 2000)).astype(np.float64)
    table = [[values[groups == g].sum(), (1 - values[groups == g]).sum()] for g in "abc"]
    beside = chi2_contingency(table, correction=False).pvalue
    assert score_heterogeneity_p(values, np.arange(6000), groups) == pytest.approx(beside, abs=0.005)


def test_stratum_without_events_is_tested_too() -> None:
    values = np.concatenate([np.zeros(20), np.tile([0.0, 1.0], 20)])
    assert score_contrast_p(values, np.arange(60), np.arange(60) < 20) < 0.01


def test_every_row_twice_is_no_more_evidence() -> None:
    random = np.random.default_rng(2)
    values, inside, patients = random.random(30), np.arange(30) < 12, np.arange(30)
    groups = np.where(inside, "a", "b").astype(object)
    once = score_contrast_p(values, patients, inside)
    assert score_contrast_p(np.tile(values, 2), np.tile(patients, 2), np.tile(inside, 2)) == pytest.approx(once)
    twice = score_heterogeneity_p(np.tile(values, 2), np.tile(patients, 2), np.tile(groups, 2))
    assert twice == pytest.approx(score_heterogeneity_p(values, patients, groups))


@pytest.mark.parametrize(
    ("values", "inside", "p"),
    [
        (np.zeros(10), np.arange(10) < 4, 1.0),
        (np.full(10, 0.3), np.arange(10) < 4, 1.0),
        (np.arange(10.0), np.zeros(10, dtype=bool), math.nan),
        (np.arange(10.0), np.ones(10, dtype=bool), math.nan),
        (np.where(np.arange(10) == 3, np.nan, 1.0), np.arange(10) < 4, math.nan),
        (np.zeros(0), np.zeros(0, dtype=bool), math.nan),
    ],
)
def test_edges(values: np.ndarray, inside: np.ndarray, p: float) -> None:
    patients = np.arange(len(values))
    assert score_contrast_p(values, patients, inside) == pytest.approx(p, nan_ok=True)
    groups = np.where(inside, "a", "b").astype(object)
    assert score_heterogeneity_p(values, patients, groups) == pytest.approx(p, nan_ok=True)


def test_one_patient_is_no_test() -> None:
    values, inside = np.array([0.0, 1.0, 1.0]), np.array([True, False, False])
    assert math.isnan(score_contrast_p(values, np.zeros(3, dtype=np.intp), inside))
    assert math.isnan(
        score_heterogeneity_p(values, np.zeros(3, dtype=np.intp), np.array(["a", "b", "b"], dtype=object))
    )


def test_p_is_uniform_where_strata_are_equal() -> None:
    """200 cohorts of 60 patients of two alike lesions; a test that counts rows would reject in about 17 %."""
    random = np.random.default_rng(3)
    patients = np.repeat(np.arange(60), 2)
    found = []
    for _ in range(200):
        values = (random.random(60) < 0.4).astype(np.float64)[patients]
        found.append(score_contrast_p(values, patients, (np.arange(60) < 25)[patients]))
    assert np.mean(np.array(found) < 0.05) < 0.12
    assert kstest(found, "uniform").statistic < 0.2


def test_many_strata_at_once_are_each_as_alone() -> None:
    random = np.random.default_rng(3)
    values, patients, codes = random.normal(size=90), random.integers(0, 40, 90), random.integers(0, 4, 90)
    # a stratum of all cases has no rest, an empty one no case
    groups = groups_of([codes, np.zeros(90, dtype=np.intp)], patients, sizes=[5, 1])
    found = score_contrasts_p(values, patients, groups)
    # the test of two strata is that of heterogeneity between them
    alone = [score_heterogeneity_p(values, patients, (codes == g).astype(object)) for g in range(4)]
    np.testing.assert_allclose(found[:4], alone, rtol=1e-10)
    assert np.isnan(found[4:]).all()
    assert score_contrasts_p(np.ones(90), patients, groups)[:4].tolist() == [1.0] * 4
