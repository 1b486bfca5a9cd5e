"""k AUCs at once: DeLong's chi-square, against the plain double sum of pairs and against pROC's pairwise z."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.stats.auc import equal_aucs, paired_auc_difference
from robustkit.stats.placements import placements
from scipy.stats import chi2


def _scores(n: int, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.arange(n) % 3 == 0
    base = random.normal(size=n) + labels
    # one decimal: many ties
    return labels, np.stack([np.round(base + 0.3 * j * random.normal(size=n), 1) for j in range(1, k + 1)])


def _plainly(labels: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """DeLong 1988 by the double sum over pairs, without ranks."""
    kernel = [
        np.where(s[labels][:, None] > s[~labels], 1.0, 0.0) + 0.5 * (s[labels][:, None] == s[~labels]) for s in scores
    ]
    v10, v01 = np.array([k.mean(axis=1) for k in kernel]), np.array([k.mean(axis=0) for k in kernel])
    covariance = np.cov(v10) / v10.shape[1] + np.cov(v01) / v01.shape[1]
    contrast = np.eye(len(scores))[:-1] - np.eye(len(scores))[1:]
    diff = contrast @ v10.mean(axis=1)
    value = diff @ np.linalg.solve(contrast @ covariance @ contrast.T, diff)
    return float(value), float(chi2.sf(value, len(contrast)))


@pytest.mark.parametrize("k", [2, 3, 5])
def test_it_is_delongs_chi_square(k: int) -> None:
    labels, scores = _scores(90, k, seed=k)
    found = equal_aucs(labels, [placements(labels, s[None]) for s in scores], patients=np.arange(90))
    assert (found.statistic, found.p) == pytest.approx(_plainly(labels, scores), rel=1e-9)
    assert f"{k - 1} df" in found.method


def test_of_two_models_it_is_the_square_of_z_also_in_clusters() -> None:
    labels, scores = _scores(120, 2, seed=8)
    patients = np.arange(120) // 3
    found = equal_aucs(labels, [placements(labels, s[None]) for s in scores], patients=patients)
    pair = paired_auc_difference(labels, scores[:1], scores[1:], patients=patients)
    assert found.statistic == pytest.approx(pair.statistic**2, rel=1e-9)
    assert found.p == pytest.approx(pair.p, rel=1e-9)


def test_models_that_rank_alike_take_no_degree_of_freedom() -> None:
    labels, scores = _scores(90, 2, seed=1)
    with_copy = [placements(labels, s[None]) for s in (*scores, scores[0] / 2)]
    found = equal_aucs(labels, with_copy, patients=np.arange(90))
    assert found.p == pytest.approx(equal_aucs(labels, with_copy[:2], patients=np.arange(90)).p, rel=1e-6)
    alike = equal_aucs(labels, [with_copy[0]] * 3, patients=np.arange(90))
    assert (alike.statistic, alike.p) == (0.0, 1.0)


def test_what_is_not_estimable_has_a_reason_and_no_p() -> None:
    labels, _ = _scores(20, 2, seed=0)
    found = equal_aucs(labels[:5], [], patients=np.arange(5))
    assert np.isnan(found.p)
    assert "fewer than 10 patients" in found.reason
    one = equal_aucs(
        np.arange(40) % 2 == 0, [placements(np.arange(40) % 2 == 0, np.ones((1, 40)))], patients=np.arange(40)
    )
    assert one.reason == "fewer than two models"
