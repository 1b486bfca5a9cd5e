"""ICC(1,1), limits of agreement and variance components: by hand, from the literature, and from simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from robustkit.stats.agreement import COUNT, MEASURES, case_columns, measure, not_estimable
from robustkit.stats.bootstrap import PatientDraws
from robustkit.stats.components import case_parts, components
from robustkit.stats.flip_curve import changed_share
from robustkit.stats.groups import one_group
from robustkit.stats.of_sums import Bounds, Question, Statistic, bounds_of_sums
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
)
"""Six targets, four judges: the table of Shrout and Fleiss 1979, whose ICC(1,1) is .17."""


def _value(name: str, redrawn: np.ndarray, nominal: np.ndarray) -> float:
    sums = {k: np.asarray(v.sum()) for k, v in case_columns(redrawn, nominal).items()}
    return float(MEASURES[name]({COUNT: np.asarray(float(len(redrawn))), **sums}, redrawn.shape[1]))


def test_icc_is_that_of_shrout_and_fleiss() -> None:
    assert round(_value("icc", SHROUT_FLEISS, SHROUT_FLEISS[:, 0]), 2) == 0.17


def test_limits_and_repeatability_by_hand() -> None:
    redrawn, nominal = np.array([[1.0, 3.0], [4.0, 4.0], [0.0, 2.0]]), np.array([1.0, 4.0, 2.0])
    # within: 2, 0, 2; mean minus nominal: 1, 0, -1, whose variance is 1
    assert _value("repeatability", redrawn, nominal) == pytest.approx(1.959964 * np.sqrt(2 * 4 / 3), rel=1e-6)
    assert _value("bias", redrawn, nominal) == 0.0
    half = 1.959964 * np.sqrt(1 + 0.5 * 4 / 3)
    assert _value("limit_high", redrawn, nominal) == pytest.approx(half, rel=1e-6)
    assert _value("limit_low", redrawn, nominal) == pytest.approx(-half, rel=1e-6)


def test_limits_hold_95_per_cent_of_new_answers() -> None:
    random = np.random.default_rng(3)
    truth = random.normal(size=(4000, 1))
    nominal = truth[:, 0] + 0.3 * random.normal(size=4000)
    redrawn = truth + 0.2 + 0.5 * random.normal(size=(4000, 5))
    low, high = (_value(f"limit_{side}", redrawn, nominal) for side in ("low", "high"))
    new = truth[:, 0] + 0.2 + 0.5 * random.normal(size=4000) - nominal
    assert ((new > low) & (new < high)).mean() == pytest.approx(0.95, abs=0.01)
    two = random.normal(size=(4000, 2)) * 0.5
    within = np.abs(two[:, 0] - two[:, 1]) < _value("repeatability", redrawn, nominal)
    assert within.mean() == pytest.approx(0.95, abs=0.01)


def _bounds(name: str, redrawn: np.ndarray, nominal: np.ndarray, patients: np.ndarray, draws: int = 400) -> Bounds:
    columns = {COUNT: np.ones(len(redrawn)), **case_columns(redrawn, nominal)}
    statistic = Statistic(measure(name, redrawn.shape[1]), np.array([True]), "nothing varies")
    question = Question({k: v[None] for k, v in columns.items()}, {name: statistic})
    m = int(patients.max()) + 1
    counts = np.random.default_rng(0).multinomial(m, np.full(m, 1 / m), size=draws)
    (found,) = bounds_of_sums(one_group(patients), PatientDraws(counts.T.astype(float)), [question])
    return found[name]


def test_what_is_not_estimable_has_a_reason() -> None:
    assert not_estimable("bias", 9, 9) == "fewer than 10 patients (9)"
    assert not_estimable("icc", 60, 60) == "fewer than 100 cases (60)"
    assert not_estimable("bias", 0, 0) == "no cases"
    assert not not_estimable("bias", 60, 60)
    still = np.zeros((120, 4))
    icc = _bounds("icc", still, still[:, 0], np.arange(120))
    assert (np.isnan(icc.value[0, 0]), icc.reason[0, 0]) == (True, "nothing varies")
    # every case exactly as it was: no interval of zero width
    found = _bounds("bias", still, still[:, 0], np.arange(120))
    assert (found.value[0, 0], np.isnan(found.low[0, 0])) == (0.0, True)


@pytest.mark.slow
def test_the_intervals_of_an_icc_cover_where_the_patient_is_the_unit() -> None:
    covered = []
    for seed in range(400):
        random = np.random.default_rng(seed)
        patients = np.repeat(np.arange(120), 2)
        # case variance 1 (half of it shared by a patient), box variance 1: ICC .5
        case = np.sqrt(0.5) * (random.normal(size=120)[patients] + random.normal(size=240))
        redrawn = case[:, None] + random.normal(size=(240, 6))
        found = _bounds("icc", redrawn, case, patients, draws=500)
        covered.append(found.low[0, 0] <= 0.5 <= found.high[0, 0])
    assert 0.915 <= np.mean(covered) <= 0.975


def test_components_are_found_again() -> None:
    random = np.random.default_rng(7)
    k, n, repeats = 4, 3000, 6
    parts = {"case": 1.0, "model": 0.25, "disagreement": 0.5, "box": 0.3, "rest": 0.2}
    values = (
        np.sqrt(parts["case"]) * random.normal(size=(1, n, 1))
        + np.array([-0.6, -0.2, 0.2, 0.6])[:, None, None]
        + np.sqrt(parts["disagreement"]) * random.normal(size=(k, n, 1))
        + np.sqrt(parts["box"]) * random.normal(size=(1, n, repeats))
        + np.sqrt(parts["rest"]) * random.normal(size=(k, n, repeats))
    )
    found = components(case_parts(values))
    # the variance of the four model effects, ddof 1, is .2667
    for name, value in {**parts, "model": 0.8 / 3}.items():
        assert getattr(found, name) == pytest.approx(value, rel=0.08), name
    assert sum(found.shares().values()) == pytest.approx(1.0)


def test_of_one_model_the_case_share_is_the_icc() -> None:
    random = np.random.default_rng(2)
    values = random.normal(size=(200, 1)) + 0.7 * random.normal(size=(200, 5))
    shares = components(case_parts(values[None])).shares()
    assert set(shares) == {"case", "box"}
    assert shares["case"] == pytest.approx(_value("icc", values, values[:, 0]), rel=1e-9)


@pytest.mark.parametrize("value", [27.63102111592855, 0.1, -1e-300, 0.0])
@pytest.mark.parametrize("models", [1, 3])
def test_rounding_is_no_variance(value: float, models: int) -> None:
    # 49 repeats of a number do not sum up to 49 times it
    parts = case_parts(np.full((models, 30, 49), value))
    assert not any(v > 0 for v in np.array(list(components(parts).shares().values())))
    # beside cases that differ
    other = case_parts(np.concatenate([np.full((models, 30, 49), value), np.ones((models, 9, 49))], axis=1))
    shares = components(other.only(np.arange(39) < 30)).shares()
    assert np.isnan(list(shares.values())).all()


def test_components_of_some_cases_are_those_of_the_mean_squares() -> None:
    random = np.random.default_rng(11)
    k, n, repeats = 3, 14, 5
    values = random.normal(size=(k, n, repeats)) + random.normal(size=(1, n, 1)) + random.normal(size=(k, 1, 1))
    keep = random.random(n) < 0.6
    found = components(case_parts(values).only(keep))
    # the sums of squares of Searle, Casella and McCulloch, by an analysis of variance of the long table
    own = values[:, keep]
    index = pd.MultiIndex.from_product([range(s) for s in own.shape], names=["model", "case", "box"])
    table = pd.DataFrame({"y": own.ravel()}, index=index).reset_index()
    mean_squares = anova_lm(ols("y ~ C(case) * C(model) + C(case):C(box)", table).fit())["mean_sq"]
    assert found.rest == pytest.approx(mean_squares["Residual"], rel=1e-9)
    assert found.box == pytest.approx((mean_squares["C(case):C(box)"] - mean_squares["Residual"]) / k, rel=1e-9)
    pair = mean_squares["C(case):C(model)"]
    assert found.disagreement == pytest.approx((pair - mean_squares["Residual"]) / repeats, rel=1e-9)
    assert found.model == pytest.approx((mean_squares["C(model)"] - pair) / (keep.sum() * repeats), rel=1e-9)


def test_the_curve_of_flips_is_kaplan_and_meiers() -> None:
    random = np.random.default_rng(5)
    at = np.round(random.random(80) * 0.2, 2) + 0.01
    changed = random.random(80) < 0.6
    grid = np.unique(at)
    expected = SurvfuncRight(at, changed.astype(int))
    found = changed_share(at, changed, np.ones((1, 80)), grid)[0]
    surv = np.array(
        [expected.surv_prob[expected.surv_times <= g][-1] if (expected.surv_times <= g).any() else 1.0 for g in grid]
    )
    np.testing.assert_allclose(found, 1 - surv, atol=1e-12)


def test_draws_are_cases_repeated() -> None:
    random = np.random.default_rng(8)
    at, changed = np.round(random.uniform(0, 1, 40), 1), random.random(40) < 0.5
    weights, grid = random.integers(0, 4, (6, 40)).astype(float), np.linspace(0, at.max(), 9)
    # a draw that has nobody left before the end
    weights[5, at > 0.4] = 0.0
    found = changed_share(at, changed, weights, grid)
    for row, w in zip(found, weights, strict=True):
        own = SurvfuncRight(np.repeat(at, w.astype(int)), np.repeat(changed, w.astype(int)).astype(int))
        surv = [np.prod((1 - own.n_events / own.n_risk)[own.surv_times <= g]) for g in grid]
        np.testing.assert_allclose(row, 1 - np.array(surv), atol=1e-12)
    nobody = changed_share(at, np.zeros(40, dtype=bool), weights, grid)
    np.testing.assert_array_equal(nobody, np.zeros((6, 9)))


def test_beyond_what_was_tested_nothing_is_said() -> None:
    found = changed_share(
        np.array([0.1, 0.2]), np.array([True, False]), np.ones((1, 2)), np.array([0.05, 0.1, 0.2, 0.3])
    )
    np.testing.assert_allclose(found[0, :3], [0.0, 0.5, 0.5])
    assert np.isnan(found[0, 3])
