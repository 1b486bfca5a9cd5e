"""agreement.csv, repeats.csv, transfer.csv from run folders made by hand, against plain loops over their rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from robustkit.api.stratify import stratify
from robustkit.results.folder import RunFolder
from robustkit.results.schema import AGREEMENT_COLUMNS, REPEATS_COLUMNS, TRANSFER_COLUMNS
from scipy.special import logit
from sklearn.metrics import roc_auc_score
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
