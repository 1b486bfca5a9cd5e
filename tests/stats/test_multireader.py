"""Multi-reader analysis: published numbers of VanDyke's study, a plain jackknife, one case left out at a time."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.stats.multireader import (
    Components,
    components,
    mean_squares,
    obuchowski_rockette,
    power,
    reader_aucs,
)
from scipy.stats import norm, ttest_rel
from sklearn.metrics import roc_auc_score

CINE = (0.91964573, 0.85877617, 0.90386473, 0.97310789, 0.82979066)
SE = (0.94782609, 0.90531401, 0.92173913, 0.99935588, 0.92995169)
AUCS = np.array([CINE, SE])
JACKKNIFE = Components(0.0008022883, 0.0003466137, 0.0003440748, 0.0002390284)
DELONG = Components(0.0007921325, 0.0003420090, 0.0003395265, 0.0002358497)
"""VanDyke: 45 diseased, 69 normal, five readers; constants of MRMCaov and of Iowa's OR-DBM."""

FRANKEN = np.array([[0.85345997, 0.86499322, 0.85730439, 0.81524197], [0.84961556, 0.84350972, 0.84011759, 0.81433740]])
FRANKEN_ERRORS = Components(1.5257762e-3, 7.9168215e-4, 4.8363767e-4, 5.1250915e-4)
"""Franken: 67 abnormal, 33 normal, four readers; Iowa's OR-DBM 2.51, trapezoidal areas, jackknife. Cov2 is below Cov3."""


def test_mean_squares_of_van_dyke() -> None:
    ms_t, ms_tr = mean_squares(AUCS)
    assert ms_t == pytest.approx(0.00479617, abs=5e-9)
    assert ms_tr == pytest.approx(0.00055103, abs=5e-9)


def test_van_dyke_with_jackknife_covariances() -> None:
    both, readers, cases = obuchowski_rockette(AUCS, JACKKNIFE)
    assert both.diff == pytest.approx(-0.04380032, abs=5e-9)
    assert both.statistic == pytest.approx(4.45631869, abs=2e-5)
    assert both.df2 == pytest.approx(15.259675, abs=5e-5)
    assert both.p == pytest.approx(0.0516657, abs=5e-7)
    assert (both.low, both.high) == pytest.approx((-0.0879595, 0.0003589), abs=5e-7)
    assert readers.statistic == pytest.approx(5.475953, abs=5e-6)
    assert readers.p == pytest.approx(0.01927984, abs=5e-8)
    assert cases.statistic == pytest.approx(8.704, abs=5e-4)
    assert (cases.df1, cases.df2) == (1, 4)
    assert cases.p == pytest.approx(0.04195875, abs=5e-7)


def test_van_dyke_with_delong_covariances() -> None:
    both = obuchowski_rockette(AUCS, DELONG)[0]
    assert both.statistic == pytest.approx(4.484854, abs=5e-6)
    assert both.df2 == pytest.approx(15.06611, abs=5e-5)
    assert both.p == pytest.approx(0.05123303, abs=5e-8)


def test_fixed_cases_are_the_paired_t_test_of_the_readers_aucs() -> None:
    cases = obuchowski_rockette(AUCS, JACKKNIFE)[2]
    t_test = ttest_rel(CINE, SE)
    assert cases.statistic == pytest.approx(t_test.statistic**2)
    assert cases.p == pytest.approx(t_test.pvalue)


def test_franken_whose_readers_share_less_within_an_arm() -> None:
    both, readers, cases = obuchowski_rockette(FRANKEN, FRANKEN_ERRORS)
    assert both.diff == pytest.approx(0.01085482, abs=1e-8)
    assert (both.statistic, both.df2) == pytest.approx((4.6940577, 3.0), abs=5e-5)
    assert both.p == pytest.approx(0.11883786, abs=1e-6)
    assert (both.low, both.high) == pytest.approx((-0.0050896, 0.0267993), abs=5e-8)
    assert (readers.statistic, readers.p) == pytest.approx((0.32101, 0.5710), abs=5e-6)
    assert (readers.low, readers.high) == pytest.approx((-0.026695, 0.048405), abs=5e-7)
    assert (cases.statistic, cases.p) == pytest.approx((both.statistic, both.p))


def _study(n: int = 60, readers: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.arange(n) % 3 == 0
    shown = random.standard_normal(n) + 1.2 * labels
    scores = shown + random.standard_normal((2, readers, n))
    return labels, np.round(20 * scores) / 20


def test_jackknife_is_one_case_left_out_at_a_time() -> None:
    labels, scores = _study()
    aucs, covariances = reader_aucs(labels, scores, np.arange(60), covariance="jackknife")
    flat = scores.reshape(6, -1)
    assert aucs.ravel() == pytest.approx([roc_auc_score(labels, s) for s in flat])
    left = np.array([[roc_auc_score(np.delete(labels, k), np.delete(s, k)) for k in range(60)] for s in flat])
    away = left - left.mean(axis=1, keepdims=True)
    assert np.allclose(covariances, 59 / 60 * away @ away.T, atol=1e-12)


def test_jackknife_of_patients_leaves_all_their_cases_out() -> None:
    labels, scores = _study()
    patients = np.arange(60) // 2
    _, covariances = reader_aucs(labels, scores, patients, covariance="jackknife")
    s = scores[0, 0]
    left = np.array([roc_auc_score(labels[patients != k], s[patients != k]) for k in range(30)])
    assert covariances[0, 0] == pytest.approx(29 / 30 * ((left - left.mean()) ** 2).sum(), abs=1e-12)


def test_delong_is_near_the_jackknife_and_exact_for_the_variance() -> None:
    labels, scores = _study(n=150)
    _, delong = reader_aucs(labels, scores, np.arange(150), covariance="DeLong")
    _, jackknife = reader_aucs(labels, scores, np.arange(150), covariance="jackknife")
    assert np.allclose(delong, jackknife, rtol=0.03, atol=2e-6)
    y, x = scores[0, 0][labels], scores[0, 0][~labels]
    wins = (y[:, None] > x[None]) + 0.5 * (y[:, None] == x[None])
    wanted = wins.mean(axis=1).var(ddof=1) / len(y) + wins.mean(axis=0).var(ddof=1) / len(x)
    assert delong[0, 0] == pytest.approx(wanted)


def test_components_are_means_by_what_is_shared() -> None:
    a = np.arange(16.0).reshape(4, 4)
    a = a + a.T
    # two arms, two readers: 0 and 1 are the first arm
    found = components(a, arms=2, readers=2)
    assert found.var == pytest.approx(np.diag(a).mean())
    assert found.cov1 == pytest.approx((a[0, 2] + a[1, 3]) / 2)
    assert found.cov2 == pytest.approx((a[0, 1] + a[2, 3]) / 2)
    assert found.cov3 == pytest.approx((a[0, 3] + a[1, 2]) / 2)


def test_one_reader_has_the_paired_test_alone() -> None:
    labels, scores = _study(readers=1)
    aucs, covariances = reader_aucs(labels, scores, np.arange(60), covariance="DeLong")
    both, readers, cases = obuchowski_rockette(aucs, components(covariances, arms=2, readers=1))
    z = (aucs[0, 0] - aucs[1, 0]) / np.sqrt(covariances[0, 0] + covariances[1, 1] - 2 * covariances[0, 1])
    assert readers.p == pytest.approx(2 * norm.sf(abs(z)))
    assert both.reason
    assert cases.reason
    assert np.isnan(both.p)


def test_arms_that_are_one_have_no_difference() -> None:
    labels, scores = _study()
    scores[1] = scores[0]
    aucs, covariances = reader_aucs(labels, scores, np.arange(60), covariance="jackknife")
    for found in obuchowski_rockette(aucs, components(covariances, arms=2, readers=3)):
        assert found.diff == 0.0
        assert found.reason or found.p == 1.0


def test_power_grows_with_readers_cases_and_difference() -> None:
    _, ms_tr = mean_squares(AUCS)

    def of(difference: float = 0.044, readers: int = 5, case_ratio: float = 1.0) -> float:
        return power(difference, JACKKNIFE, ms_tr, pilot_readers=5, readers=readers, case_ratio=case_ratio)

    assert of(difference=0.0) == pytest.approx(0.05, abs=1e-6)
    assert of() < of(readers=8) < of(readers=20)
    assert of() < of(case_ratio=2) < of(case_ratio=5)
    assert of() < of(difference=0.06)


def test_power_of_studies_planned_from_van_dyke() -> None:
    """Powers that RJafroc's own tests keep, for the observed difference and random readers and cases."""
    for readers, cases, published in ((6, 111, 0.5526116), (6, 251, 0.801), (10, 165, 0.80541995)):
        found = power(
            0.043800322, JACKKNIFE, mean_squares(AUCS)[1], pilot_readers=5, readers=readers, case_ratio=cases / 114
        )
        assert found == pytest.approx(published, abs=5e-4 if published == 0.801 else 1e-6)


@pytest.mark.slow
def test_power_is_the_share_of_simulated_studies_that_find_it() -> None:
    """Normal AUCs with the errors' covariances: what the analysis assumes, so that its power must come out."""
    random = np.random.default_rng(0)
    readers, own, n, difference = 6, 0.0004, 20_000, 0.05
    e = JACKKNIFE
    base = np.full((2 * readers, 2 * readers), 0.0)
    for i in range(2 * readers):
        for j in range(2 * readers):
            arm, reader = i // readers == j // readers, i % readers == j % readers
            base[i, j] = (e.var if reader else e.cov2) if arm else (e.cov1 if reader else e.cov3)
    noise = random.multivariate_normal(np.zeros(2 * readers), base, size=n).reshape(n, 2, readers)
    aucs = 0.85 + noise + np.sqrt(own) * random.standard_normal((n, 2, readers)) + np.array([difference, 0])[:, None]
    found = np.mean([obuchowski_rockette(a, e)[0].p < 0.05 for a in aucs])
    ms_tr = own + e.var - e.cov1 - e.between_readers
    wanted = power(difference, e, ms_tr, pilot_readers=5, readers=readers, case_ratio=1.0)
    assert found == pytest.approx(wanted, abs=0.02)
