"""agreement.csv, repeats.csv, transfer.csv from run folders made by hand, against plain loops over their rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from robustkit.api.stratify import stratify
from robustkit.errors import InputError
from robustkit.results.folder import RunFolder
from robustkit.results.schema import AGREEMENT_COLUMNS, REPEATS_COLUMNS, TRANSFER_COLUMNS
from scipy.special import logit
from sklearn.metrics import average_precision_score, roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from factories import Answers, cohort, redrawn, scores_of, write_run

SHIFT = ("shift", 0.1)
THRESHOLD = 0.5


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    return cohort(120, 90)


@pytest.fixture(scope="module")
def models(cases: pd.DataFrame) -> dict[str, Answers]:
    found = {}
    for seed, name in enumerate(("first", "second")):
        nominal = scores_of(cases, seed=seed)
        found[name] = Answers(nominal, {SHIFT: redrawn(cases, nominal, sd=0.6, seed=seed)})
    return found


@pytest.fixture(scope="module")
def run(cases: pd.DataFrame, models: dict[str, Answers], tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = write_run(tmp_path_factory.mktemp("world") / "run", cases, models)
    stratify(run=folder.path, draws=300, threshold=THRESHOLD)
    return folder


def _judged(cases: pd.DataFrame) -> np.ndarray:
    return (cases["split"] != "val").to_numpy()


def test_agreement_is_on_logits_of_the_judged_cases(
    run: RunFolder, cases: pd.DataFrame, models: dict[str, Answers]
) -> None:
    found = run.table("agreement")
    assert tuple(found.columns) == AGREEMENT_COLUMNS
    keep = _judged(cases)
    values, nominal = logit(models["first"].perturbed[SHIFT][keep]), logit(models["first"].nominal[keep])
    n, k = values.shape
    between = k * values.mean(axis=1).var(ddof=1)
    within = values.var(axis=1, ddof=1).mean()
    away = values.mean(axis=1) - nominal
    expected = {
        "icc": (between - within) / (between + (k - 1) * within), "repeatability": 1.959963984540054 * np.sqrt(2 * within),
        "bias": away.mean(), "share_box": 1 - (between - within) / (between + (k - 1) * within),
        "limit_high": away.mean() + 1.959963984540054 * np.sqrt(away.var(ddof=1) + (1 - 1 / k) * within),
    }  # fmt: skip
    own = found.query("model == 'first' and by == 'all' and cohort == 'all'").set_index("measure")
    for name, value in expected.items():
        assert own.loc[name, "value"] == pytest.approx(value, rel=1e-9), name
        assert own.loc[name, "n_cases"] == n
    assert (own.loc[["icc", "bias"], "low"] < own.loc[["icc", "bias"], "value"]).all()


def test_the_variance_of_several_models_is_split_on_one_scale(run: RunFolder) -> None:
    shares = run.table("agreement").query("model == 'all' and cohort == 'all'")
    assert set(shares["measure"]) == {"share_case", "share_model", "share_disagreement", "share_box", "share_rest"}
    assert shares["value"].sum() == pytest.approx(1.0)
    assert (shares["method"].str.contains("reference rank")).all()


def test_a_small_stratum_has_a_reason_instead_of_an_icc(run: RunFolder) -> None:
    rows = run.table("agreement").query("measure == 'icc' and by == 'subtype'")
    assert rows.loc[rows["n_cases"] < 100, "value"].isna().all()
    assert rows.loc[rows["n_cases"] < 100, "reason"].str.startswith("fewer than").all()


def test_single_repeats_are_quantiles_without_smallest_or_worst(
    run: RunFolder, cases: pd.DataFrame, models: dict[str, Answers]
) -> None:
    found = run.table("repeats")
    assert tuple(found.columns) == REPEATS_COLUMNS
    keep = _judged(cases)
    y, moved = cases["label"].eq("non-benign").to_numpy()[keep], models["second"].perturbed[SHIFT][keep]
    aucs = [roc_auc_score(y, s) for s in moved.T]
    own = found.query("model == 'second' and by == 'all' and cohort == 'all'").set_index("metric")
    assert own.loc["auc", "mean"] == pytest.approx(np.mean(aucs))
    assert own.loc["auc", "sd"] == pytest.approx(np.std(aucs, ddof=1))
    assert own.loc["auc", "q05"] == pytest.approx(np.quantile(aucs, 0.05))
    assert own.loc["sensitivity", "median"] == pytest.approx(np.median((moved[y] >= THRESHOLD).mean(axis=0)))
    one_class = found.query("by == 'subtype' and metric == 'auc'")
    assert one_class["mean"].isna().all()
    assert (one_class["reason"] != "").all()


def test_external_stands_against_internal_within_a_stratum(
    run: RunFolder, cases: pd.DataFrame, models: dict[str, Answers]
) -> None:
    found = run.table("transfer")
    assert tuple(found.columns) == TRANSFER_COLUMNS
    keep = _judged(cases) & cases["subtype"].eq("giant cell tumour").to_numpy()
    external = cases["cohort"].eq("external").to_numpy()
    missed = models["first"].nominal < THRESHOLD
    row = found.query("model == 'first' and stratum == 'giant cell tumour' and metric == 'missed' and level == 0").iloc[
        0
    ]
    assert row["value_a"] == pytest.approx(missed[keep & external].mean())
    assert row["value_b"] == pytest.approx(missed[keep & ~external].mean())
    assert row["diff"] == pytest.approx(row["value_a"] - row["value_b"])
    assert row["low"] < row["diff"] < row["high"]
    assert row["n_cases_a"] + row["n_cases_b"] == keep.sum()
    assert row["p_adjusted"] >= row["p"]
    # where each patient has one case, the bounds are Wilson's of the counts
    one = found.query("by == 'all' and metric == 'missed' and level == 0 and model == 'first'").iloc[0]
    assert (one["cohort_a"], one["cohort_b"]) == ("external", "internal")
    assert (
        one["low_a"]
        <= proportion_confint(one["value_a"] * one["n_cases_a"], one["n_cases_a"], method="wilson")[0] + 1e-9
    )
    assert not ((found["metric"] == "auc") & (found["by"] == "subtype")).any()


def test_nothing_is_transferred_where_nothing_is_internal(tmp_path: Path) -> None:
    cases = cohort(0, 60)
    nominal = scores_of(cases)
    folder = write_run(tmp_path / "run", cases, {"m": Answers(nominal, {SHIFT: redrawn(cases, nominal)})})
    stratify(run=folder.path, draws=100, threshold=THRESHOLD)
    assert folder.table("transfer").empty
    assert not folder.table("agreement").empty


def test_operating_points_are_chosen_on_development_rows_and_carried(
    run: RunFolder, cases: pd.DataFrame, models: dict[str, Answers]
) -> None:
    found = run.table("operating_points").query("model == 'first' and cohort == 'external'")
    y, own = cases["label"].eq("non-benign").to_numpy(), models["first"].nominal
    development, external = cases["split"].eq("val").to_numpy(), cases["cohort"].eq("external").to_numpy()
    ordered = np.sort(own[development & y])[::-1]
    cut = ordered[int(np.ceil(0.95 * len(ordered))) - 1]
    row = found.query("operating_point == 'rule out (sensitivity=0.95)' and metric == 'sensitivity'").iloc[0]
    assert row["threshold"] == cut
    assert row["value"] == pytest.approx((own[external & y] >= cut).mean())
    assert row["n_development"] == development.sum()
    assert found["operating_point"].nunique() == 6


def test_a_named_operating_point_is_what_is_judged_at(run: RunFolder) -> None:
    stratify(run=run.path, draws=100, operating_point="specificity=0.8")
    row = run.table("thresholds").iloc[0]
    assert (row["operating_point"], row["source"]) == ("specificity=0.8", "development")
    # the recipe is chosen anew by the same rule: about its specificity, not about that of Youden's threshold
    found = (
        run.table("strata")
        .query("model == 'first' and cohort == 'internal' and by == 'all' and level == 0")
        .set_index("metric")
    )
    low, high = found.loc["specificity", ["low_threshold", "high_threshold"]]
    assert low < 0.8 < high
    assert low > 0.8 - 0.3
    with pytest.raises(InputError, match="no operating point is called 'best'"):
        stratify(run=run.path, draws=100, operating_point="best")
    stratify(run=run.path, draws=300, threshold=THRESHOLD)


def test_the_flip_curve_counts_cases_by_their_smallest_displacement(
    run: RunFolder, cases: pd.DataFrame, models: dict[str, Answers]
) -> None:
    found = run.table("flip_curve").query("model == 'first' and cohort == 'all'").set_index("x")
    keep = _judged(cases)
    own = models["first"]
    flips = (own.perturbed[SHIFT][keep] >= THRESHOLD) != (own.nominal[keep] >= THRESHOLD)[:, None]
    # boxes of the factory move in equal steps from -0.1 to 0.1 of the width; all cases are tested to 0.1
    smallest = np.where(flips, np.abs(np.linspace(-0.1, 0.1, 12)), np.inf).min(axis=1)
    for x in (0.0, 0.05, 0.0975):
        assert found.loc[found.index[np.abs(found.index - x).argmin()], "value"] == pytest.approx(
            (smallest <= x).mean()
        )
    assert (found["low"].dropna() <= found.loc[found["low"].notna(), "value"]).all()
    assert found["n_changed"].iloc[0] == np.isfinite(smallest).sum()


def test_whole_cohorts_have_calibration_and_average_precision(
    run: RunFolder, cases: pd.DataFrame, models: dict[str, Answers]
) -> None:
    strata = run.table("strata").query("model == 'first' and cohort == 'external' and level == 0").set_index("metric")
    keep = cases["cohort"].eq("external").to_numpy()
    y, scores = cases["label"].eq("non-benign").to_numpy()[keep], models["first"].nominal[keep]
    assert strata.loc["average_precision", "value"] == pytest.approx(average_precision_score(y, scores))
    fit = sm.Logit(y.astype(float), sm.add_constant(logit(scores))).fit(disp=0)
    assert strata.loc["calibration_slope", "value"] == pytest.approx(fit.params[1], rel=1e-6)
    assert strata.loc["calibration_slope", "low"] < strata.loc["calibration_slope", "value"]
    assert np.isnan(strata.loc["ece", "low"])
    assert "calibrated scores would give" in strata.loc["ece", "method"]
    bins = run.table("calibration").query("model == 'first' and cohort == 'external'")
    assert bins["n_cases"].sum() == keep.sum()
    first = scores <= bins["score_high"].iloc[0]
    assert bins["value"].iloc[0] == pytest.approx(y[first].mean())


def test_net_benefit_by_hand(run: RunFolder, cases: pd.DataFrame, models: dict[str, Answers]) -> None:
    stratify(run=run.path, draws=100, threshold=0.2, prevalence=0.3)
    row = (
        run.table("strata")
        .query("model == 'first' and cohort == 'external' and level == 0 and by == 'all'")
        .set_index("metric")
    )
    sensitivity, specificity = row.loc["sensitivity", "value"], row.loc["specificity", "value"]
    assert row.loc["net_benefit", "value"] == pytest.approx(0.3 * sensitivity - 0.7 * (1 - specificity) * 0.2 / 0.8)
    stratify(run=run.path, draws=300, threshold=THRESHOLD)
