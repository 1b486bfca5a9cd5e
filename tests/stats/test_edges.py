"""The answers at the edges, method by method: a value or NaN with a reason, never a made-up 0 (warnings are errors here)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from robustkit.stats.auc import auc_contrast, clustered_auc, equal_aucs, paired_auc_difference
from robustkit.stats.average_precision import weighted_average_precision
from robustkit.stats.bootstrap import clustered_mean, patient_draws
from robustkit.stats.calibration import in_the_large_draws, recalibrate_draws
from robustkit.stats.placements import placements
from robustkit.stats.proportion import clustered_proportion
from robustkit.stats.threshold import logit, target_sensitivity, target_specificity, youden

N = 40
LABELS = np.arange(N) % 2 == 0
EVERYONE = np.arange(N)
RISING = np.linspace(0.0, 1.0, N)
NAN = float("nan")

# name: labels, scores, then value and reason of the AUC (NaN: not defined), and whether it has an interval
CASES = {
    "empty": (LABELS[:0], RISING[:0], NAN, "no cases", False),
    "one case": (LABELS[:1], RISING[:1], NAN, "one class only (no negative case)", False),
    "positives alone": (np.ones(N, dtype=bool), RISING, NAN, "one class only (no negative case)", False),
    "negatives alone": (np.zeros(N, dtype=bool), RISING, NAN, "one class only (no positive case)", False),
    "one positive": (
        EVERYONE == 3,
        RISING,
        NAN,
        "fewer than 10 patients of either class (1 with positives, 39 with negatives)",
        False,
    ),
    "all tied": (LABELS, np.full(N, 0.5), 0.5, "no variation between patients: the error cannot be estimated", False),
    "perfect": (LABELS, LABELS.astype(float), 1.0, "", True),
    "upside down": (LABELS, 1.0 - LABELS, 0.0, "", True),
    "infinite scores": (LABELS, np.where(LABELS, np.inf, -np.inf), 1.0, "", True),
    "a NaN score": (LABELS, np.where(EVERYONE == 7, np.nan, RISING), NAN, "a score is missing (NaN)", False),
}


@pytest.fixture(params=CASES)
def edge(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray, float, str, bool]:
    return CASES[request.param]  # type: ignore[return-value]


def test_auc(edge: tuple[np.ndarray, np.ndarray, float, str, bool]) -> None:
    labels, scores, value, reason, has_interval = edge
    found = clustered_auc(labels, scores[None], EVERYONE[: len(labels)])
    assert found.value == value or (math.isnan(found.value) and math.isnan(value))
    assert found.reason == reason
    assert math.isfinite(found.low) == math.isfinite(found.high) == has_interval
    assert found.n_cases == len(labels)


def test_a_model_against_itself(edge: tuple[np.ndarray, np.ndarray, float, str, bool]) -> None:
    labels, scores, value, reason, _ = edge
    found = paired_auc_difference(labels, scores[None], scores[None], patients=EVERYONE[: len(labels)])
    if math.isnan(value):
        assert math.isnan(found.diff)
        assert math.isnan(found.p)
        assert found.reason == reason
    else:
        assert (found.diff, found.p) == (0.0, 1.0)
        assert math.isnan(found.low)
        assert found.reason


def test_several_models_that_are_one(edge: tuple[np.ndarray, np.ndarray, float, str, bool]) -> None:
    labels, scores, value, _, _ = edge
    placed = [] if math.isnan(value) and not np.isnan(scores).any() else [placements(labels, scores[None])] * 3
    found = equal_aucs(labels, placed, patients=EVERYONE[: len(labels)])
    assert (found.statistic, found.p) == (0.0, 1.0) if not math.isnan(value) else math.isnan(found.p)
    assert found.reason


@pytest.mark.parametrize(
    ("events", "value", "reason"),
    [
        (np.empty(0), NAN, "no cases"),
        (np.ones(1), NAN, "fewer than 5 patients (1)"),
        (np.ones(4), NAN, "fewer than 5 patients (4)"),
        (np.zeros(12), 0.0, ""),
        (np.ones(12), 1.0, ""),
        (np.r_[np.nan, np.ones(11)], NAN, "an event is not defined (NaN)"),
    ],
)
def test_proportions(events: np.ndarray, value: float, reason: str) -> None:
    found = clustered_proportion(events, np.arange(len(events)))
    assert found.value == value or (math.isnan(found.value) and math.isnan(value))
    assert found.reason == reason
    if math.isfinite(value):
        assert 0.0 <= found.low < found.high <= 1.0  # never of zero width


def test_one_patient_with_all_cases_is_one_patient() -> None:
    found = clustered_proportion(np.ones(50), np.zeros(50, dtype=np.intp))
    assert math.isnan(found.value)
    assert found.reason == "fewer than 5 patients (1)"


@pytest.mark.parametrize(
    ("values", "value", "reason"),
    [
        (np.empty(0), NAN, "no cases"),
        (np.ones(3), NAN, "fewer than 5 patients (3)"),
        (np.ones(20), 1.0, "no variation between patients"),
        (np.r_[np.nan, np.ones(19)], NAN, "a value is not defined (NaN)"),
    ],
)
def test_means(values: np.ndarray, value: float, reason: str) -> None:
    draws = patient_draws(np.zeros(20, dtype=np.intp), draws=200, seed=0, purpose="edges")
    found = clustered_mean(values, np.arange(len(values)), draws)
    assert found.value == value or (math.isnan(found.value) and math.isnan(value))
    assert found.reason == reason
    assert math.isnan(found.low)


@pytest.mark.parametrize(
    ("labels", "name"), [(np.ones(N, dtype=bool), "negative"), (np.zeros(N, dtype=bool), "positive")]
)
def test_thresholds_of_one_class(labels: np.ndarray, name: str) -> None:
    chosen = (target_specificity if name == "negative" else target_sensitivity)(labels, RISING, 0.9)
    assert math.isnan(chosen.value)
    assert chosen.reason == f"no {name} development case"
    assert math.isnan(youden(labels, RISING).value)


def test_calibration_of_scores_of_0_and_1() -> None:
    z = logit(LABELS.astype(float))
    assert np.isfinite(z).all()
    weights = np.ones((1, N))
    assert np.isnan(recalibrate_draws(LABELS, z, weights)).all()  # the classes are separated
    one = np.ones(N, dtype=bool)
    assert np.isnan(in_the_large_draws(one, z, weights)).all()
    assert np.isnan(weighted_average_precision(~one, RISING, weights)).all()


def test_a_contrast_of_nothing_has_a_reason() -> None:
    found = auc_contrast(LABELS[:4], (), patients=EVERYONE[:4])
    assert math.isnan(found.diff)
    assert found.reason == "fewer than 10 patients of either class (2 with positives, 2 with negatives)"
