"""Models of facts beside statsmodels and scikit-learn; what is said of few cases; combined models and their folds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from numpy.typing import NDArray
from robustkit.baselines.clinical import fit_facts
from robustkit.baselines.combined import best_of, combined_estimates, cross_fitted, fit_combined
from robustkit.baselines.terms import learn_design
from robustkit.errors import InputError
from robustkit.stats.logistic import FIRTH
from scipy.special import expit
from sklearn.linear_model import LogisticRegression


def cohort(
    n: int = 400, *, seed: int = 2
) -> tuple[list[dict[str, Any]], NDArray[np.bool_], NDArray[np.intp], pd.DataFrame]:
    rng = np.random.default_rng(seed)
    age, sex, patients = rng.uniform(1, 80, n).round(), rng.choice(["F", "M", "M"], n), np.arange(n) // 2
    labels = rng.random(n) < expit(-2 + 0.002 * (age - 30) ** 2 + (sex == "F"))
    cases = [{"age_years": str(a), "sex": str(s)} for a, s in zip(age, sex, strict=True)]
    return cases, labels, patients, pd.DataFrame({"y": labels.astype(int), "age": age, "sex": sex, "patient": patients})


def test_coefficients_and_intervals_are_those_of_statsmodels() -> None:
    cases, labels, patients, table = cohort()
    ours = fit_facts(cases, ["age_years", "sex"], labels, patients=patients, knots=0)
    theirs = smf.logit("y ~ age + C(sex, Treatment('M'))", table).fit(
        disp=False, cov_type="cluster", cov_kwds={"groups": table["patient"]}, use_t=True, tol=1e-12
    )
    found = {c.column: c for c in ours.table()}
    names = {"intercept": "Intercept", "age_years": "age", "sex=F": "C(sex, Treatment('M'))[T.F]"}
    assert set(found) == set(names)
    for our, their in names.items():
        assert found[our].value == pytest.approx(theirs.params[their], abs=1e-6)
        np.testing.assert_allclose([found[our].low, found[our].high], theirs.conf_int().loc[their], atol=1e-5)


def test_fitted_curves_are_those_of_patsys_natural_splines() -> None:
    cases, labels, patients, table = cohort()
    # a tenth of the ages at either end: there the outer knots lie
    table["age"] = table["age"].clip(*table["age"].quantile([0.1, 0.9]))
    cases = [{"age_years": str(a)} for a in table["age"]]
    ours = fit_facts(cases, ["age_years"], labels, patients=patients, knots=4)
    low, *inner, high = np.quantile(table["age"], [0.05, 0.35, 0.65, 0.95])
    assert (low, high) == (table["age"].min(), table["age"].max())
    formula = f"y ~ cr(age, knots={tuple(map(float, inner))}, lower_bound={low}, upper_bound={high}) - 1"
    theirs = smf.logit(formula, table).fit(disp=False, tol=1e-12)
    rows = np.concatenate([ours.design.rows(f, 1) for f in cases])
    np.testing.assert_allclose(ours.intercept + rows @ ours.coefficients, theirs.fittedvalues, atol=1e-6)


def test_probabilities_are_those_of_scikit_learn() -> None:
    cases, labels, patients, _ = cohort()
    ours = fit_facts(cases, ["age_years", "sex"], labels, patients=patients, knots=4)
    rows = np.concatenate([ours.design.rows(f, 1) for f in cases])
    scale = rows.std(axis=0)
    theirs = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-13, max_iter=1000).fit(rows / scale, labels)
    np.testing.assert_allclose(
        expit(ours.intercept + rows @ ours.coefficients), theirs.predict_proba(rows / scale)[:, 1], atol=1e-9
    )


def test_separation_is_said_and_fitted_by_firth() -> None:
    cases = [{"sex": "X" if i % 2 else "M"} for i in range(60)]
    labels = np.array([i % 2 == 1 or i % 10 == 0 for i in range(60)])
    found = fit_facts(cases, ["sex"], labels, patients=np.arange(60), knots=0)
    assert found.fit.method == FIRTH
    assert found.said[0].startswith("some facts divide the classes without a mistake")
    # all 30 X positive, 6 of 30 M: log odds ratio with half a case in each cell
    assert found.coefficients[0] == pytest.approx(np.log((30.5 / 0.5) / (6.5 / 24.5)), abs=1e-6)


def test_few_cases_and_columns_that_follow_are_said() -> None:
    cases, labels, patients, _ = cohort(42)
    twice = [{**f, "years": f["age_years"]} for f in cases]
    found = fit_facts(twice, ["age_years", "years", "sex"], labels, patients=patients, knots=0)
    assert "years follows from the other columns: its coefficient is 0." in found.said
    assert any("2 coefficients from" in s and "fewer than 10" in s for s in found.said)
    assert [c.reason for c in found.table()] == ["", "", "follows from the other columns", ""]


def test_no_fact_left_is_refused() -> None:
    cases = [{"sex": "F"} for _ in range(20)]
    with pytest.raises(InputError, match="no fact is left to learn from: sex is F in all training cases"):
        fit_facts(cases, ["sex"], np.arange(20) % 2 == 0, patients=np.arange(20), knots=0)


def test_a_combined_model_finds_what_the_score_lacks() -> None:
    cases, labels, patients, table = cohort()
    logits = np.random.default_rng(0).normal(size=400) + 1.5 * labels
    found = fit_combined(logits, cases, ["sex"], labels, patients=patients, knots=0)
    theirs = smf.logit("y ~ z + C(sex, Treatment('M'))", table.assign(z=logits)).fit(disp=False, tol=1e-12)
    expected = [found.intercept, *found.given, *found.coefficients]
    np.testing.assert_allclose(expected, theirs.params[["Intercept", "z", "C(sex, Treatment('M'))[T.F]"]], atol=1e-6)
    assert [c.fact for c in found.table([("score of net", "logit of the score")])] == [
        "intercept",
        "score of net",
        "sex",
    ]


def test_cross_fitted_answers_come_from_fits_without_the_patient() -> None:
    cases, labels, patients, _ = cohort(100)
    logits = np.random.default_rng(0).normal(size=100) + labels
    names = ["age_years", "sex"]
    answers, folds = cross_fitted(logits, cases, names, labels, patients=patients, knots=3, seed=4)
    assert all(len(set(folds[patients == p])) == 1 for p in set(patients))
    held = folds == folds[0]
    own = [f for f, out in zip(cases, held, strict=True) if not out]
    found = fit_combined(logits[~held], own, names, labels[~held], patients=patients[~held], knots=3)
    assert found.design == learn_design(own, names, knots=3).design
    row = found.design.rows(cases[0], 1)[0]
    assert answers[0] == pytest.approx(found.intercept + found.given[0] * logits[0] + row @ found.coefficients)
    auc, slope, _ = combined_estimates(labels, answers, patients, folds=folds, seed=0)
    assert (auc.metric, auc.rows, slope.metric) == ("auc", "cross-validated on validation", "calibration_slope")
    assert auc.estimate.low < auc.estimate.value < auc.estimate.high


def test_a_score_of_noise_has_a_cross_fitted_auc_about_one_half() -> None:
    # in sample, 8 columns of noise on 60 cases would seem to know something
    rng = np.random.default_rng(1)
    found = []
    for _ in range(6):
        cases = [{f"f{k}": str(v) for k, v in enumerate(row)} for row in rng.normal(size=(60, 6))]
        labels, patients, logits = rng.random(60) < 0.5, np.arange(60), rng.normal(size=60)
        names = [f"f{k}" for k in range(6)]
        answers, folds = cross_fitted(logits, cases, names, labels, patients=patients, knots=0, seed=0)
        found.append(combined_estimates(labels, answers, patients, folds=folds, seed=0)[0].estimate.value)
    assert abs(np.mean(found) - 0.5) < 0.1


def test_the_best_of_several_models() -> None:
    labels = np.array([True, True, False, False])
    logits = [np.array([0.0, 1, 2, 3]), np.array([3.0, 2, 1, 0]), np.array([9.0, 8, 1, 0])]
    assert best_of(labels, logits) == (1, (0.0, 1.0, 1.0))


def test_one_patient_of_a_class_is_too_few() -> None:
    labels = np.array([True, True, False, False, False])
    with pytest.raises(InputError, match="expected at least two patients of either class with split=val, got 1 of one"):
        cross_fitted(np.arange(5.0), [{}] * 5, [], labels, patients=np.array([0, 0, 1, 2, 3]), knots=0, seed=0)
