"""Groups at once against one group at a time, whose AUC, interval and Monte-Carlo error are held to published values."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.stats.auc import clustered_auc, paired_auc_difference
from robustkit.stats.estimate import Estimate
from robustkit.stats.group_placements import ClassedGroups
from robustkit.stats.grouped_auc import aucs_lost, clustered_aucs
from robustkit.stats.groups import Groups, groups_of, one_group

NUMBERS = ("value", "low", "high", "se", "mc_se")
SAID = ("method", "reason", "n_cases", "n_patients", "n_positive", "n_positive_patients")


def _world(seed: int = 0, n: int = 400, repeats: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray, Groups]:
    random = np.random.default_rng(seed)
    labels, patients = random.random(n) < 0.4, random.integers(0, n // 2, n)
    scores = random.normal(labels, 1.0) + 0.3 * random.normal(size=(repeats, n))
    # a whole, small strata, strata of one class, a perfect one and an empty one
    one_class = 2 * random.integers(0, 3, n) + labels
    scores[:, :30] += 20.0 * labels[:30]
    perfect = np.where(np.arange(n) < 30, 0, 1)
    codes = [np.zeros(n, dtype=np.intp), random.integers(0, 12, n), one_class, perfect]
    return labels, patients, scores, groups_of(codes, patients, sizes=[1, 13, 6, 2])


def _same(found: Estimate, alone: Estimate) -> None:
    assert [getattr(found, f) for f in SAID] == [getattr(alone, f) for f in SAID]
    ours, theirs = ([getattr(e, f) for f in NUMBERS] for e in (found, alone))
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("digits", [9, 1])
@pytest.mark.parametrize("set_size", [1, 5, 8, 3])
def test_every_group_is_as_it_is_alone(digits: int, set_size: int) -> None:
    labels, patients, scores, groups = _world()
    scores = np.round(scores, digits)
    found = clustered_aucs(ClassedGroups(labels, groups).placements(scores, set_size=set_size))
    for g in range(groups.k):
        own = groups.case[groups.group == g]
        _same(found.one(g), clustered_auc(labels[own], scores[:, own], patients[own], set_size=set_size))


@pytest.mark.parametrize("n", [2_000, 20_000])
def test_counts_of_many_cases_do_not_overflow(n: int) -> None:
    random, repeats = np.random.default_rng(2), 50
    labels = np.arange(n) % 2 == 0
    scores = random.normal(1.5 * labels, 1.0) + 0.3 * random.normal(size=(repeats, n))
    placed = ClassedGroups(labels, one_group(np.arange(n))).placements(scores)
    # the other way: each case's share of the other class below it, by looking it up among their sorted scores
    share = np.empty((repeats, n))
    for row, own in zip(share, scores, strict=True):
        for mine in (labels, ~labels):
            row[mine] = np.searchsorted(np.sort(own[~mine]), own[mine]) / (~mine).sum()
    share[:, ~labels] = 1 - share[:, ~labels]
    np.testing.assert_allclose(placed.mean, share.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(placed.variance, share.var(axis=0, ddof=1), rtol=1e-8, atol=1e-15)


def test_groups_are_counted_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    labels, _, scores, groups = _world()
    whole = ClassedGroups(labels, groups).placements(np.round(scores, 1), set_size=3)
    # three groups at a time
    monkeypatch.setattr("robustkit.stats.group_placements._TABLE", 3 * len(labels) + 1)
    some = ClassedGroups(labels, groups).placements(np.round(scores, 1), set_size=3)
    for field in ("mean", "variance", "aucs"):
        np.testing.assert_array_equal(getattr(some, field), getattr(whole, field))


def test_what_is_lost_is_a_paired_difference() -> None:
    labels, patients, scores, groups = _world(seed=1)
    nominal = scores[0] + 0.5 * np.random.default_rng(5).normal(size=len(labels))
    placed = ClassedGroups(labels, groups).placements(nominal[None])
    lost = aucs_lost(placed, ClassedGroups(labels, groups).placements(scores))
    for g in range(groups.k):
        own = groups.case[groups.group == g]
        alone = paired_auc_difference(labels[own], nominal[None, own], scores[:, own], patients=patients[own])
        found = lost.one(g)
        assert (found.method, found.reason, found.n_cases) == (alone.method, alone.reason, alone.n_cases)
        theirs = (alone.diff, alone.low, alone.high, alone.se)
        np.testing.assert_allclose((found.value, found.low, found.high, found.se), theirs, rtol=1e-9, atol=1e-15)
    # a model against itself
    nothing = aucs_lost(placed, placed)
    known = np.isfinite(nothing.value)
    assert known.any()
    assert not nothing.value[known].any()
    assert set(nothing.reason[known]) == {"both rank every case alike"}


def test_repeats_are_those_of_the_plain_pairs() -> None:
    labels, _, scores, groups = _world(n=60, repeats=3)
    found = ClassedGroups(labels, groups).placements(scores).aucs
    x, y = scores[:, labels], scores[:, ~labels]
    wins = (x[:, :, None] > y[:, None, :]) + 0.5 * (x[:, :, None] == y[:, None, :])
    np.testing.assert_allclose(found[:, 0], wins.mean(axis=(1, 2)), rtol=1e-12)
    assert np.isnan(found[:, 14:20]).all()


def test_a_missing_score_is_a_reason_where_it_stands() -> None:
    labels, _, scores, groups = _world()
    scores[2, 399] = np.nan
    found = clustered_aucs(ClassedGroups(labels, groups).placements(scores))
    has_it = np.isin(np.arange(groups.k), groups.group[groups.case == 399])
    assert found.reason[0] == "a score is missing (NaN)"
    assert np.isnan(found.value[has_it]).all()
    assert np.isfinite(found.value[groups.k - 2])
