"""Differences between two groups of cases: by hand, by statsmodels' formulas, under a planted confounder."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from robustkit.stats.bootstrap import PatientDraws, patient_draws
from robustkit.stats.group_difference import adjusted_difference, mean_difference


def _draws(m: int, n: int = 800) -> PatientDraws:
    return patient_draws(np.zeros(m, dtype=np.intp), draws=n, seed=0, purpose="t")


def test_the_difference_of_means() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0])
    inside = np.arange(10) >= 5
    found = mean_difference(values, np.arange(10), inside, _draws(10))
    assert found.diff == 5.0
    assert found.low < 5.0 < found.high
    assert found.p < 0.01
    # the usual standard error of two means of five, within what the bootstrap of so few gives
    assert found.se == pytest.approx(np.sqrt(2 * values[:5].var() / 5), rel=0.15)


def test_cases_of_one_patient_are_not_ten_patients() -> None:
    random = np.random.default_rng(1)
    own = np.repeat(random.standard_normal(30), 10)
    inside = np.repeat(np.arange(30) % 2 == 0, 10)
    many = mean_difference(own, np.repeat(np.arange(30), 10), inside, _draws(30))
    one = mean_difference(own[::10], np.arange(30), inside[::10], _draws(30))
    assert many.diff == pytest.approx(one.diff)
    assert many.se == pytest.approx(one.se)


def test_few_patients_on_one_side() -> None:
    found = mean_difference(np.arange(12.0), np.arange(12), np.arange(12) < 3, _draws(12))
    assert np.isnan(found.diff)
    assert "3 and 9" in found.reason


def test_adjusted_is_least_squares_with_clustered_errors() -> None:
    random = np.random.default_rng(2)
    n = 240
    frame = pd.DataFrame({
        "patient": np.arange(n) // 2, "inside": random.random(n) < 0.5, "size": random.random(n),
        "region": random.choice(["limb", "axial", "girdle"], n),
    })  # fmt: skip
    frame["value"] = 0.3 * frame["inside"] + frame["size"] + (frame["region"] == "limb") + random.standard_normal(n)
    fit = smf.ols("value ~ inside + size + C(region)", frame).fit(
        cov_type="cluster", cov_kwds={"groups": frame["patient"]}, use_t=True
    )
    found = adjusted_difference(
        frame["value"].to_numpy(), frame["patient"].to_numpy(), frame["inside"].to_numpy(),
        {"size": frame["size"], "region": frame["region"]},
    )  # fmt: skip
    assert found.diff == pytest.approx(fit.params["inside[T.True]"])
    assert found.se == pytest.approx(fit.bse["inside[T.True]"])
    assert found.p == pytest.approx(fit.pvalues["inside[T.True]"])


def test_a_confounder_is_taken_out() -> None:
    random = np.random.default_rng(3)
    n = 400
    size = random.random(n)
    inside = random.random(n) < size
    values = size + 0.01 * random.standard_normal(n)
    crude = mean_difference(values, np.arange(n), inside, _draws(n))
    adjusted = adjusted_difference(values, np.arange(n), inside, {"size": pd.Series(size)})
    assert crude.diff > 0.25
    assert abs(adjusted.diff) < 0.01


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"class": pd.Series(["a"] * 20 + ["b"] * 20)}, "no two cases with equal facts"),
        ({f"f{k}": pd.Series(np.random.default_rng(k).random(40)) for k in range(14)}, "too few"),
    ],
)
def test_no_adjusted_difference_where_facts_tell_all(facts: dict[str, pd.Series], reason: str) -> None:
    values = np.random.default_rng(4).random(40)
    found = adjusted_difference(values, np.arange(40), np.arange(40) < 20, facts)
    assert np.isnan(found.diff)
    assert reason in found.reason


def test_unknown_numbers_are_kept_and_told() -> None:
    random = np.random.default_rng(5)
    size = pd.Series(random.random(100)).where(random.random(100) < 0.7)
    inside = random.random(100) < 0.5
    found = adjusted_difference(2.0 * inside + 0.1 * random.random(100), np.arange(100), inside, {"size": size})
    assert found.n_cases == 100
    assert found.diff == pytest.approx(2.0, abs=0.1)
