"""Nested cross-validation finds nothing in noise, however many features; folds keep patients whole."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.baselines.nested import Tuning, cross_validate, deal_folds, tune
from robustkit.baselines.selection import Limits, Selection, feature_table
from robustkit.errors import InputError
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

TUNING = Tuning(Limits(0.0, 2, 0.95), folds=3)


def drawn(n: int, k: int, *, seed: int = 0, signal: float = 0.0):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, k))
    labels = rng.random(n) < 1 / (1 + np.exp(-signal * (x[:, 0] - x[:, 1])))
    return feature_table(x, None), labels, np.arange(n) // 2


def test_noise_gives_one_half_where_selection_outside_the_fold_would_not() -> None:
    found = [cross_validate(*drawn(80, 100, seed=s), tuning=TUNING).auc.value for s in range(3)]
    # three AUCs of 80 cases each: standard error about .04
    assert abs(np.mean(found) - 0.5) < 0.11
    table, labels, groups = drawn(80, 100)
    best = SelectKBest(k=8).fit(table[:, :, 0], labels).get_support()
    leaked = cross_validate(table[:, best], labels, groups, tuning=TUNING).auc.value
    assert leaked > 0.7


def test_a_planted_signal_is_found_with_an_interval_above_one_half() -> None:
    found = cross_validate(*drawn(150, 20, signal=2.0), tuning=TUNING)
    assert found.auc.value > 0.8
    assert found.auc.low > 0.7
    assert all(n >= 2 for n in found.n_features)
    assert found.n_unsettled == 0


def test_labels_of_a_fold_change_nothing_of_its_own_answers() -> None:
    table, labels, groups = drawn(60, 5, signal=2.0)
    first = cross_validate(table, labels, groups, tuning=TUNING)
    held = first.folds == 0
    # the same folds, with two labels of the held-out fold exchanged
    swapped = labels.copy()
    a, b = np.flatnonzero(held & labels)[0], np.flatnonzero(held & ~labels)[0]
    swapped[[a, b]] = swapped[[b, a]]
    fitted = [tune(table[~held], y[~held], groups[~held], tuning=TUNING, purpose="inner 0") for y in (labels, swapped)]
    np.testing.assert_array_equal(*(f.pipeline.decision_function(table[held]) for f in fitted))
    np.testing.assert_array_equal(fitted[0].pipeline.decision_function(table[held]), first.scores[held])


def test_the_final_model_is_scikit_learns_at_the_penalty_that_was_found() -> None:
    table, labels, groups = drawn(150, 6, signal=2.0)
    found = tune(table, labels, groups, tuning=TUNING)
    x = table[:, :, 0]
    net = LogisticRegression(solver="saga", C=found.penalty, l1_ratio=found.mixture, max_iter=10_000, tol=1e-7)
    theirs = make_pipeline(StandardScaler(), net).fit(x, labels).decision_function(x)
    np.testing.assert_allclose(found.pipeline.decision_function(table), theirs, atol=2e-3)
    assert found.inner_auc <= roc_auc_score(labels, theirs)


def test_same_seed_same_answers() -> None:
    runs = [cross_validate(*drawn(60, 4, signal=1.0), tuning=TUNING).scores for _ in range(2)]
    np.testing.assert_array_equal(*runs)


def test_folds_keep_patients_whole_and_have_both_classes() -> None:
    _, labels, groups = drawn(80, 2)
    folds = deal_folds(labels, groups, 4, seed=0, purpose="x")
    assert all(len(set(folds[groups == g])) == 1 for g in set(groups))
    assert all(0 < labels[folds == k].sum() < (folds == k).sum() for k in range(4))


def test_too_few_patients_for_the_folds() -> None:
    labels = np.array([True] * 6 + [False] * 20)
    groups = np.r_[[0, 0, 0, 1, 1, 1], np.arange(2, 22)]
    with pytest.raises(InputError, match="expected at least 3 patients with positives for 3 folds, got 2"):
        deal_folds(labels, groups, 3, seed=0, purpose="x")


def test_a_fold_without_positives_is_said() -> None:
    # four patients have positives, one of them 20 of 23; the dealing evens out classes and puts two of the others together
    labels = np.r_[np.ones(20, bool), np.zeros(5, bool), np.ones(3, bool), np.zeros(3, bool)]
    groups = np.r_[np.zeros(20, int), [0, 1, 2, 3, 4], [1, 2, 3], [5, 6, 7]]
    with pytest.raises(InputError, match=r"fold \d of 4 has no positive case \(4 patients with positives\)"):
        deal_folds(labels, groups, 4, seed=0, purpose="x")


def test_selection_is_a_step_that_scikit_learn_can_copy() -> None:
    from sklearn.base import clone

    assert clone(Selection(Limits(0.5, 3, 0.9))).limits == Limits(0.5, 3, 0.9)
