"""AUC, its clustered DeLong error, paired differences, and the answer at every edge."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robustkit.stats.auc import auc, auc_contrast, auc_contrasts, clustered_auc, paired_auc_difference
from robustkit.stats.placements import Placements, placements
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

import naive_auc as naive

SEEDS = st.integers(0, 2**32 - 1)


def _cohort(seed: int, *, m: int = 30, repeats: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, ``(R, n)`` tied scores and patients of 1 to 4 cases, classes mixed within patients."""
    random = np.random.default_rng(seed)
    patients = np.repeat(np.arange(m), random.integers(1, 5, m))
    labels = random.random(len(patients)) < np.where(patients % 3 == 0, 0.5, patients % 2)
    own = random.standard_normal(m)[patients]
    scores = labels + own + random.standard_normal((repeats, len(patients)))
    return labels, np.round(scores, 1), patients


def test_placements_by_hand() -> None:
    # positives 3, 1; negatives 0, 1, 2. 3 beats all; 1 beats 0 and ties 1: (1 + .5) / 3 = .5
    # 0 is beaten by both; 1 by 3, tied with 1: .75; 2 by 3 alone: .5
    labels = np.array([True, True, False, False, False])
    found = placements(labels, np.array([3.0, 1.0, 0.0, 1.0, 2.0]))
    assert found.v10.tolist() == [1.0, 0.5]
    assert found.v01.tolist() == [1.0, 0.75, 0.5]
    assert found.value == 0.75


def test_interval_by_hand() -> None:
    # 9 of 10 positives above all 10 negatives, one above 5 of them.
    # v10: nine 1, one .5; v01: five 1, five .9; AUC .95
    # S10 = (9 x .05^2 + .45^2) / 9 = .025, S01 = 10 x .05^2 / 9 = .0027778; variance (.025 + .0027778) / 10
    labels = np.array([True] * 10 + [False] * 10)
    scores = np.array([20.0] * 9 + [4.5] + list(range(10)))
    found = clustered_auc(labels, scores[None], np.arange(20))
    assert found.value == pytest.approx(0.95)
    assert found.se**2 == pytest.approx(0.00277778, abs=1e-8)
    # logit(.95) = 2.944439; 1.959964 x .0527046 / (.95 x .05) = 2.174720; expit(2.944439 -+ 2.174720)
    assert (found.low, found.high) == pytest.approx((0.683460, 0.994055), abs=1e-6)
    assert found.method == "clustered DeLong, logit scale"
    assert (found.n_cases, found.n_patients, found.n_positive, found.n_positive_patients) == (20, 20, 10, 10)
    assert math.isnan(found.mc_se)
    assert found.reason == ""


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS)
def test_value_agrees_with_scikit_learn_and_mann_whitney(seed: int) -> None:
    labels, scores, _ = _cohort(seed)
    u = mannwhitneyu(scores[0, labels], scores[0, ~labels]).statistic
    assert auc(labels, scores[0]) == pytest.approx(roc_auc_score(labels, scores[0]), abs=1e-12)
    assert auc(labels, scores[0]) == pytest.approx(u / labels.sum() / (~labels).sum(), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_clustered_error_is_obuchowskis(seed: int) -> None:
    labels, scores, patients = _cohort(seed, repeats=2)
    a, b = scores
    values, covariance = naive.obuchowski(labels, [a, b], patients)
    found = clustered_auc(labels, a[None], patients)
    assert found.value == pytest.approx(values[0], abs=1e-12)
    assert found.se**2 == pytest.approx(covariance[0, 0], rel=1e-10)
    apart = paired_auc_difference(labels, a[None], b[None], patients=patients)
    assert apart.diff == pytest.approx(values[0] - values[1], abs=1e-12)
    assert apart.se**2 == pytest.approx(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1], rel=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_one_case_per_patient_is_delong(seed: int) -> None:
    labels, scores, _ = _cohort(seed, repeats=2)
    a, b = scores
    covariance = naive.delong(labels, [a, b])
    everyone = np.arange(len(labels))
    assert clustered_auc(labels, a[None], everyone).se ** 2 == pytest.approx(covariance[0, 0], rel=1e-10)
    apart = paired_auc_difference(labels, a[None], b[None], patients=everyone)
    expected = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert apart.se**2 == pytest.approx(expected, rel=1e-10)
    assert apart.statistic == pytest.approx(apart.diff / math.sqrt(expected), rel=1e-9)


def test_repeats_are_averaged_before_the_variance() -> None:
    labels, scores, patients = _cohort(4, repeats=7)
    found = clustered_auc(labels, scores, patients)
    assert found.value == pytest.approx(np.mean([roc_auc_score(labels, row) for row in scores]), abs=1e-12)
    v10 = np.mean([list(naive.placements_of(labels, row)[0].values()) for row in scores], axis=0)
    assert placements(labels, scores).v10.mean(axis=0) == pytest.approx(v10, abs=1e-12)
    assert found.mc_se < found.se < clustered_auc(labels, scores[:1], patients).se


def test_monte_carlo_error_is_the_spread_of_redrawn_means() -> None:
    """2,000 sets of 5 repeats of the same cases: the sd of their mean AUC is what ``mc_se`` estimates."""
    random = np.random.default_rng(1)
    labels = np.arange(60) < 25
    centre = labels + random.standard_normal(60)

    def redrawn() -> np.ndarray:
        return centre + 0.8 * random.standard_normal((5, 60))

    means = [placements(labels, redrawn()).value.mean() for _ in range(2000)]
    squared = [clustered_auc(labels, redrawn(), np.arange(60)).mc_se ** 2 for _ in range(300)]
    ratio = np.mean(squared) / np.var(means, ddof=1)
    # 2,000 sets: sd of a variance sqrt(2 / 2000) = 3 %; too large by about 1/25 + 1/35 = 7 % (docstring)
    assert 0.93 < ratio < 1.2


def test_monte_carlo_error_falls_with_repeats() -> None:
    random = np.random.default_rng(2)
    labels = np.arange(60) < 25
    scores = labels + random.standard_normal(60) + random.standard_normal((400, 60))
    few, many = (clustered_auc(labels, scores[:r], np.arange(60)).mc_se for r in (4, 400))
    assert few / many == pytest.approx(10.0, rel=0.15)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_invariances(seed: int) -> None:
    labels, scores, patients = _cohort(seed)
    found = clustered_auc(labels, scores, patients)
    same = {"abs": 1e-10, "nan_ok": True}
    order = np.random.default_rng(seed).permutation(len(labels))
    shuffled = clustered_auc(labels[order], scores[:, order], patients[order])
    risen = clustered_auc(labels, np.exp(scores / 2), patients)
    renamed = clustered_auc(labels, scores, 1000 - 7 * patients)
    # every film read twice: more rows, no more patients
    twice = clustered_auc(np.tile(labels, 2), np.tile(scores, 2), np.tile(patients, 2))
    # called the other way round
    mirrored = clustered_auc(~labels, -scores, patients)
    for other in (shuffled, risen, renamed, twice, mirrored):
        assert (other.value, other.low, other.high) == pytest.approx((found.value, found.low, found.high), **same)
        assert other.se == pytest.approx(found.se, **same)


def test_more_patients_narrow_the_interval_and_more_rows_do_not() -> None:
    labels, scores, patients = _cohort(9)
    found = clustered_auc(labels, scores, patients)
    others = clustered_auc(
        np.tile(labels, 4), np.tile(scores, 4), np.concatenate([patients + 100 * k for k in range(4)])
    )
    assert others.se == pytest.approx(found.se / 2, rel=0.05)


def test_swapping_models_changes_the_sign_alone() -> None:
    labels, scores, patients = _cohort(6, repeats=2)
    one = paired_auc_difference(labels, scores[:1], scores[1:], patients=patients)
    two = paired_auc_difference(labels, scores[1:], scores[:1], patients=patients)
    assert (one.diff, one.low, one.high) == pytest.approx((-two.diff, -two.high, -two.low))
    assert (one.p, one.se) == pytest.approx((two.p, two.se))


@pytest.mark.parametrize("change", [lambda s: s, lambda s: s / 2, np.exp, lambda s: s**3])
def test_model_against_itself_on_any_rising_scale(change) -> None:
    labels, scores, patients = _cohort(7, repeats=3)
    found = paired_auc_difference(labels, scores, change(scores), patients=patients)
    assert (found.diff, found.se, found.statistic, found.p) == (0.0, 0.0, 0.0, 1.0)
    assert found.mc_se == 0.0
    assert math.isnan(found.low), "an interval of zero width is never shown"
    assert found.reason == "both rank every case alike"


def _scores(kind: str) -> np.ndarray:
    rising = np.arange(30.0)
    return {
        "perfect": rising,
        "inverted": -rising,
        "all tied": np.full(30, 0.4),
        "nan": np.where(rising == 3, np.nan, rising),
        "infinite": np.where(rising < 3, -np.inf, np.where(rising > 26, np.inf, rising % 10)),
    }[kind]


HALF = np.arange(30) >= 15


@pytest.mark.parametrize(
    ("labels", "scores", "patients", "value", "interval", "reason"),
    [
        # 15 positive and 15 negative patients: bound .025^(1/15) = .7820
        (HALF, "perfect", np.arange(30), 1.0, (0.025 ** (1 / 15), 1.0), ""),
        (HALF, "inverted", np.arange(30), 0.0, (0.0, 1 - 0.025 ** (1 / 15)), ""),
        # 15 patients, each with a positive and a negative: no more than 7 pairs share nobody
        (HALF, "perfect", np.arange(30) % 15, 1.0, (0.025 ** (1 / 7), 1.0), ""),
        (HALF, "all tied", np.arange(30), 0.5, None, "no variation between patients"),
        (HALF, "nan", np.arange(30), None, None, "a score is missing"),
        (HALF, "infinite", np.arange(30), "sklearn", "wide", ""),
        (np.ones(30, dtype=bool), "perfect", np.arange(30), None, None, "one class only (no negative case)"),
        (np.zeros(30, dtype=bool), "perfect", np.arange(30), None, None, "one class only (no positive case)"),
        (np.arange(30) == 29, "perfect", np.arange(30), None, None, "fewer than 10 patients of either class (1 with"),
        (HALF, "perfect", np.arange(30) // 2, None, None, "fewer than 10 patients of either class (8 with"),
    ],
)
def test_edges(labels, scores, patients, value, interval, reason) -> None:
    row = _scores(scores)
    found = clustered_auc(labels, row[None], patients)
    assert found.n_cases == 30
    assert found.n_patients == len(set(patients))
    assert found.n_positive == labels.sum()
    if value is None:
        assert math.isnan(found.value)
    else:
        by_rank = np.unique(row, return_inverse=True)[1]
        assert found.value == pytest.approx(roc_auc_score(labels, by_rank) if value == "sklearn" else value)
    if interval is None:
        assert math.isnan(found.low)
        assert math.isnan(found.high)
    elif interval == "wide":
        assert 0 < found.low < found.value < found.high < 1
    else:
        assert (found.low, found.high) == pytest.approx(interval)
    assert found.reason.startswith(reason)
    assert bool(found.reason) == bool(reason)


@pytest.mark.parametrize("n", [0, 1])
def test_nobody_and_one(n: int) -> None:
    labels, scores = np.ones(n, dtype=bool), np.ones((1, n))
    found = clustered_auc(labels, scores, np.arange(n))
    assert math.isnan(found.value)
    assert found.reason == ("no cases" if n == 0 else "one class only (no negative case)")
    apart = paired_auc_difference(labels, scores, scores, patients=np.arange(n))
    assert math.isnan(apart.diff)
    assert apart.reason == found.reason
    assert math.isnan(auc(labels, scores[0]))


def test_paired_edges() -> None:
    labels, everyone = HALF, np.arange(30)
    rising = np.arange(30.0)[None]
    both_ways = paired_auc_difference(labels, rising, -rising, patients=everyone)
    assert both_ways.diff == 1.0
    assert math.isnan(both_ways.p)
    assert both_ways.reason.startswith("no variation between patients")
    missing = paired_auc_difference(labels, rising, np.full((1, 30), np.nan), patients=everyone)
    assert math.isnan(missing.diff)
    assert missing.reason.startswith("a score is missing")


def test_paired_monte_carlo_error_uses_that_the_boxes_are_shared() -> None:
    labels, scores, patients = _cohort(8, repeats=6)
    other = scores + 0.1 * np.random.default_rng(0).standard_normal(scores.shape)
    shared = paired_auc_difference(labels, scores, other, patients=patients).mc_se
    apart = paired_auc_difference(labels, scores, other[::-1], patients=patients).mc_se
    assert shared < apart / 2
    assert math.isnan(paired_auc_difference(labels, scores, other[:3], patients=patients).mc_se)


def test_placements_take_any_leading_axes() -> None:
    labels, scores, _ = _cohort(3, repeats=6)
    found = placements(labels, scores.reshape(2, 3, -1))
    assert isinstance(found, Placements)
    assert found.value.shape == (2, 3)
    one = [placements(labels, row).v01 for row in scores]
    assert (found.v01.reshape(6, -1) == np.stack(one)).all()


def test_sums_of_aucs_are_each_as_if_alone() -> None:
    random = np.random.default_rng(12)
    labels, patients = np.arange(90) % 3 == 0, np.arange(90) // 2
    nominal = random.standard_normal((2, 1, 90)) + labels
    redrawn = nominal + 0.4 * random.standard_normal((2, 6, 90))
    redrawn[1, 2] = np.round(redrawn[1, 2])
    placed = [placements(labels, s) for s in (*nominal, *redrawn)]
    weights = np.array([[1, -1, 0, 0], [0, 0, 1, -1], [1, -1, -1, 1], [0, 0, -1, 1], [1, 0, -1, 0]], dtype=float)
    together = auc_contrasts(labels, placed, weights, patients=patients)
    for row, found in zip(weights, together, strict=True):
        terms = [(w, p) for w, p in zip(row, placed, strict=True) if w]
        assert found == auc_contrast(labels, terms, patients=patients)
    values = [np.mean([roc_auc_score(labels, s) for s in own]) for own in (*nominal, *redrawn)]
    assert [d.diff for d in together] == pytest.approx(weights @ values, abs=1e-12)
    # boxes alone: of what a model's repeats add, nominal scores add nothing
    by_case = [np.concatenate([p.v10 / 30, p.v01 / 60], axis=1) for p in placed[2:]]
    expected = np.sqrt((by_case[0] - by_case[1]).var(axis=0, ddof=1).sum() / 6)
    assert [together[i].mc_se for i in (1, 2, 3)] == pytest.approx([expected] * 3, rel=1e-12)
    assert math.isnan(together[0].mc_se)


def test_a_missing_score_is_missed_only_where_it_counts() -> None:
    labels = np.arange(60) % 2 == 0
    scores = np.random.default_rng(3).standard_normal((3, 1, 60))
    scores[2, 0, 5] = np.nan
    placed = [placements(labels, s) for s in scores]
    known, missing = auc_contrasts(labels, placed, np.array([[1.0, -1, 0], [1, 0, -1]]), patients=np.arange(60))
    assert np.isfinite(known.low)
    assert missing.reason == "a score is missing (NaN)"
