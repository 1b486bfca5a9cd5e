"""The AUC of cross-validated answers: within folds, by patient."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.stats.auc import clustered_auc
from robustkit.stats.cross_validated import cross_validated_auc
from sklearn.metrics import roc_auc_score


def test_it_is_the_mean_of_the_folds_aucs() -> None:
    rng = np.random.default_rng(0)
    labels, folds, scores = rng.random(90) < 0.4, np.arange(90) % 3, rng.random(90)
    found = cross_validated_auc(labels, scores, np.arange(90), folds=folds)
    theirs = [roc_auc_score(labels[folds == k], scores[folds == k]) for k in range(3)]
    assert found.value == pytest.approx(np.mean(theirs), abs=1e-12)


def test_scores_of_folds_are_not_compared_with_each_other() -> None:
    rng = np.random.default_rng(0)
    labels, folds, scores = rng.random(90) < 0.4, np.arange(90) % 3, rng.random(90)
    found = cross_validated_auc(labels, scores, np.arange(90), folds=folds)
    moved = cross_validated_auc(labels, scores + 10 * folds, np.arange(90), folds=folds)
    assert (moved.value, moved.low, moved.high) == (found.value, found.low, found.high)


def test_with_one_fold_it_is_delong_but_for_small_sample_factors() -> None:
    rng = np.random.default_rng(1)
    labels = np.arange(400) % 2 == 0
    scores = rng.normal(size=400) + labels
    found = cross_validated_auc(labels, scores, np.arange(400), folds=np.zeros(400, dtype=np.intp))
    delong = clustered_auc(labels, scores[None], np.arange(400))
    assert found.value == delong.value
    assert found.se == pytest.approx(delong.se, rel=0.003)


def test_variance_by_hand() -> None:
    # LeDell 2015, with folds of equal size: infl_i = (placement_i - AUC) / n_class, here / 2 for two folds
    labels = np.tile([True, False], 20)
    scores = np.arange(40.0) % 7
    folds = np.arange(40) // 20
    pulls = []
    for k in range(2):
        y, s = labels[folds == k], scores[folds == k]
        above = (s[y][:, None] > s[~y]) + 0.5 * (s[y][:, None] == s[~y])
        pulls += [*(above.mean(axis=1) - above.mean()) / 10 / 2, *(above.mean(axis=0) - above.mean()) / 10 / 2]
    found = cross_validated_auc(labels, scores, np.arange(40), folds=folds)
    assert found.se == pytest.approx(np.sqrt(40 / 39 * np.sum(np.square(pulls))), rel=1e-12)


def test_not_estimable_is_said() -> None:
    labels = np.arange(16) % 2 == 0
    few = cross_validated_auc(labels, np.arange(16.0), np.arange(16), folds=np.arange(16) % 2)
    assert few.reason.startswith("fewer than 10 patients of either class")
    labels = np.arange(40) < 20
    assert cross_validated_auc(labels, np.arange(40.0), np.arange(40), folds=labels.astype(np.intp)).reason == (
        "a fold has one class only"
    )
    tied = cross_validated_auc(labels, np.zeros(40), np.arange(40), folds=np.arange(40) % 2)
    assert (tied.value, tied.reason[:12]) == (0.5, "no variation")
