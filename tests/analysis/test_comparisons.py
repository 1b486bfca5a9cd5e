"""Models against each other: by hand, against themselves, and what cannot be compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from robustkit.analysis.cohort import judged_cases
from robustkit.analysis.comparisons import Settings, comparisons_table, permutations_for
from robustkit.analysis.matrix import read_answers
from robustkit.analysis.tables import assign_strata
from robustkit.cohort.vocabulary import read_vocabulary
from robustkit.results.schema import COMPARISONS_COLUMNS
from robustkit.stats.bootstrap import patient_draws
from scipy.stats import binomtest, wilcoxon
from sklearn.metrics import roc_auc_score

from factories import Answers, cohort, redrawn, scores_of, write_run

SHIFT = ("shift", 0.1)
DECISIONS = {"sensitivity", "specificity"}
"""Of nominal boxes alone."""

SCALE_FREE = {"auc", "flip_rate", "rank_sd", "auc_lost"}


def answers(cases: pd.DataFrame, *, seed: int = 0, sd: float = 0.3, signal: float = 1.5) -> Answers:
    nominal = scores_of(cases, seed=seed, signal=signal)
    return Answers(nominal, {SHIFT: redrawn(cases, nominal, sd=sd, seed=seed)})


def changed(own: Answers, function: object) -> Answers:
    return Answers(function(own.nominal), {k: function(v) for k, v in own.perturbed.items()})  # type: ignore[operator]


def table(
    path: Path, cases: pd.DataFrame, models: dict[str, Answers], *, by: tuple[str, ...] = (), auc: str = "delong"
) -> pd.DataFrame:
    run = write_run(path / "run", cases, models)
    judged = judged_cases(run, run.record(), read_vocabulary())
    ids = judged.frame["case_id"].tolist()
    draws = patient_draws(judged.patient_strata(), draws=400, seed=0, purpose="tables")
    found = [read_answers(run, m, ids, [SHIFT]) for m in models]
    settings = Settings(draws, permutations_for(len(models), 2000), 0, auc)  # type: ignore[arg-type]
    return comparisons_table(judged, found, settings, strata=assign_strata(judged, by) if by else None)


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    return cohort(80, 50)


def test_values_equal_a_plain_loop(cases: pd.DataFrame, tmp_path: Path) -> None:
    a, b = answers(cases, sd=0.8), answers(cases, seed=2)
    found = table(tmp_path, cases, {"a": a, "b": b})
    assert tuple(found.columns) == COMPARISONS_COLUMNS
    keep = cases["cohort"].eq("external").to_numpy()
    val = cases["split"].eq("val").to_numpy()
    y = cases["label"].eq("non-benign").to_numpy()
    values = {}
    for name, own in (("a", a), ("b", b)):
        moved, nominal, dev = own.perturbed[SHIFT][keep], own.nominal[keep], own.nominal[val]
        positives = np.sort(own.nominal[val & y])[::-1]
        cut = positives[int(np.ceil(0.9 * len(positives))) - 1]
        ranks = np.array([[(dev < v).mean() for v in row] for row in moved])
        mean_auc = np.mean([roc_auc_score(y[keep], s) for s in moved.T])
        values[name] = {
            "auc": mean_auc, "rank_sd": ranks.std(axis=1, ddof=1).mean(),
            "flip_rate": ((moved >= cut) != (nominal >= cut)[:, None]).mean(),
            "auc_lost": roc_auc_score(y[keep], nominal) - mean_auc,
        }  # fmt: skip
    rows = found.query("cohort == 'external' and perturbation == 'shift'").set_index("metric")
    assert set(rows.index) == SCALE_FREE
    for metric in SCALE_FREE:
        row = rows.loc[metric]
        assert row["diff"] == pytest.approx(values["a"][metric] - values["b"][metric], abs=1e-12), metric
        assert row["low"] < row["diff"] < row["high"]
        assert 0 < row["p"] <= 1
        assert row["p_adjusted"] == row["p"]  # one pair: a family of one
        assert row["n_cases"] == keep.sum()
    assert rows.loc["rank_sd", "p"] < 0.01
    assert wilcoxon(a.perturbed[SHIFT][keep].std(axis=1), b.perturbed[SHIFT][keep].std(axis=1)).pvalue < 0.01
    assert rows.loc["flip_rate", "operating_point"] == "sensitivity=0.9 on development"


@pytest.mark.parametrize(
    "function",
    [lambda s: s, lambda s: 1 / (1 + np.sqrt((1 - s) / s)), lambda s: s**3],
    ids=["itself", "logits halved", "cubed"],
)
def test_a_model_against_itself_on_any_scale(cases: pd.DataFrame, tmp_path: Path, function: object) -> None:
    own = answers(cases)
    found = table(tmp_path, cases, {"a": own, "b": changed(own, function)})
    assert (found["diff"] == 0.0).all()
    assert (found["p"] == 1.0).all()
    assert (found["p_adjusted"] == 1.0).all()
    assert found["low"].isna().all()  # no interval of zero width
    assert (found["reason"] != "").all()
    assert set(found["metric"]) == SCALE_FREE | DECISIONS


def test_a_minus_b(cases: pd.DataFrame, tmp_path: Path) -> None:
    a, b = answers(cases, sd=0.8), answers(cases, seed=2)
    one = table(tmp_path / "1", cases, {"a": a, "b": b})
    two = table(tmp_path / "2", cases, {"b": b, "a": a})
    np.testing.assert_allclose(one["diff"], -two["diff"], atol=1e-12)
    np.testing.assert_allclose(one["p"], two["p"], atol=1e-12)


@pytest.mark.parametrize(
    ("useless", "said"),
    [("guess", "the interval of b's nominal AUC contains 0.5"), ("constant", "b's nominal AUC has no interval")],
)
def test_a_model_that_knows_nothing_is_not_comparable(
    cases: pd.DataFrame, tmp_path: Path, useless: str, said: str
) -> None:
    nothing = answers(cases, seed=6, signal=0.0, sd=0.01)
    if useless == "constant":
        nothing = changed(nothing, lambda s: np.full_like(s, 0.4))
    found = table(tmp_path, cases, {"a": answers(cases), "b": nothing}).query("perturbation == 'shift'")
    stability = found[found["metric"] != "auc"]
    assert stability[["diff", "low", "high", "p", "p_adjusted"]].isna().all().all()
    assert stability["reason"].str.startswith("not comparable: ").all()
    assert stability["reason"].str.contains(said).all()


def test_a_case_that_fails_for_one_model_leaves_it_for_all(cases: pd.DataFrame, tmp_path: Path) -> None:
    a, b, c = answers(cases), answers(cases, seed=1), answers(cases, seed=2)
    lost = np.flatnonzero(cases["cohort"].eq("external"))[:4]
    nominal, moved = c.nominal.copy(), c.perturbed[SHIFT].copy()
    nominal[lost[:3]] = np.nan
    moved[lost[:3]] = np.nan
    moved[lost[3], 0] = np.nan  # one repeat alone: out of the perturbed condition
    found = table(tmp_path / "1", cases, {"a": a, "b": b, "c": replace(c, nominal=nominal, perturbed={SHIFT: moved})})
    n = cases["cohort"].eq("external").sum()
    external = found[found["cohort"] == "external"]
    assert set(external.query("perturbation == 'nominal' and metric == 'auc'")["n_cases"]) == {n - 3}
    assert set(external.query("perturbation == 'shift'")["n_cases"]) == {n - 4}
    # three pairs are one family
    family = external.query("metric == 'auc' and perturbation == 'nominal' and model_a != 'all'")
    assert len(family) == 3
    assert family["p_adjusted"].max() <= 1
    np.testing.assert_allclose(family["p_adjusted"].min(), min(1.0, 3 * family["p"].min()))


def test_without_development_rows_only_auc_is_compared(cases: pd.DataFrame, tmp_path: Path) -> None:
    external = cases[cases["cohort"] == "external"].reset_index(drop=True)
    found = table(tmp_path, external, {"a": answers(external), "b": answers(external, seed=2)}).set_index("metric")
    assert found.loc["auc", "diff"].notna().all()
    assert np.isfinite(found.loc["auc_lost", "diff"])
    for metric in ("flip_rate", "rank_sd"):
        assert np.isnan(found.loc[metric, "diff"])
        assert found.loc[metric, "reason"].startswith("no positive development rows")


@pytest.mark.parametrize("label", ["benign", "non-benign"])
def test_a_cohort_and_a_stratum_of_one_class(cases: pd.DataFrame, tmp_path: Path, label: str) -> None:
    is_one = cases["label"].eq(label) & ~cases["split"].eq("val")
    place = np.where(is_one & (cases.index % 2 == 0), "elsewhere", cases["cohort"])
    mine = cases.assign(
        cohort=place, split=np.where(place == "elsewhere", "", cases["split"]), site="femur", subtype=cases["label"]
    )
    found = table(tmp_path, mine, {"a": answers(mine), "b": answers(mine, seed=1)}, by=("subtype",))
    gone = "sensitivity" if label == "benign" else "specificity"
    for rows in (found[found["cohort"] == "elsewhere"], found[found["stratum"] == label]):
        lacking = rows[rows["metric"].isin(["auc", gone])]
        assert len(lacking) > 0
        assert lacking[["diff", "low", "high", "p"]].isna().all(axis=None)
        assert (lacking["reason"] != "").all()
        other = rows[rows["metric"].isin({"sensitivity", "specificity"} - {gone})]
        assert other["diff"].notna().any()


def test_permutations_suffice_for_the_family() -> None:
    # 20 x family / .05: 2 models are one pair, 5 are ten
    assert permutations_for(2, 100) == 400
    assert permutations_for(5, 100) == 4000
    assert permutations_for(5, 9000) == 9000


def test_errors_are_compared_on_the_same_cases_at_equal_development_sensitivity(
    cases: pd.DataFrame, tmp_path: Path
) -> None:
    a, b = answers(cases, sd=0.8), answers(cases, seed=2)
    found = table(tmp_path, cases, {"a": a, "b": b}).query("cohort == 'all' and metric == 'sensitivity'").iloc[0]
    positive = cases["label"].eq("non-benign").to_numpy()
    development = cases["split"].eq("val").to_numpy()
    judged = cases["split"].ne("val").to_numpy() & positive
    right = []
    for own in (a, b):
        ordered = np.sort(own.nominal[development & positive])[::-1]
        cut = ordered[int(np.ceil(0.9 * len(ordered))) - 1]
        right.append(own.nominal[judged] >= cut)
    assert found["diff"] == pytest.approx(right[0].mean() - right[1].mean())
    assert found["n_cases"] == judged.sum()
    assert "sign-flip permutation" in found["method"]  # patients have several lesions
    one_each = cases.assign(patient_id=cases["case_id"])
    exact = (
        table(tmp_path / "2", one_each, {"a": a, "b": b}).query("cohort == 'all' and metric == 'sensitivity'").iloc[0]
    )
    more, less = int((right[0] & ~right[1]).sum()), int((~right[0] & right[1]).sum())
    assert exact["p"] == pytest.approx(binomtest(min(more, less), more + less).pvalue)
    assert exact["method"].endswith("exact McNemar")


def test_three_models_are_tested_jointly_and_strata_where_asked(cases: pd.DataFrame, tmp_path: Path) -> None:
    models = {"a": answers(cases), "b": answers(cases, seed=1), "c": answers(cases, seed=2)}
    found = table(tmp_path, cases, models, by=("region",))
    joint = found[found["model_a"] == "all"]
    assert (joint["model_b"] == "").all()
    assert joint["diff"].isna().all()
    assert joint["method"].str.contains("2 df").any()
    regions = found.query("by == 'region' and cohort == 'all' and metric == 'auc' and perturbation == 'nominal'")
    assert set(regions["stratum"]) >= {"limb", "axial"}
    own = cases["site"].isin(["femur", "tibia"]) & (cases["split"] != "val")
    first = regions.query("stratum == 'limb' and model_a == 'a' and model_b == 'b'").iloc[0]
    y = cases.loc[own, "label"].eq("non-benign")
    by_hand = [roc_auc_score(y, models[m].nominal[own.to_numpy()]) for m in "ab"]
    assert first["diff"] == pytest.approx(by_hand[0] - by_hand[1])
    # Holm runs over all pairs and strata of one variable
    family = found[(found["family"] == first["family"]) & found["p"].notna()]
    assert len(family) == 3 * regions.loc[regions["p"].notna(), "stratum"].nunique()


def test_the_bootstrap_of_auc_differences_agrees_with_delong(cases: pd.DataFrame, tmp_path: Path) -> None:
    models = {"a": answers(cases, sd=0.8), "b": answers(cases, seed=2)}
    delong = table(tmp_path / "1", cases, models).query("metric in ['auc', 'auc_lost'] and cohort == 'all'")
    drawn = table(tmp_path / "2", cases, models, auc="bootstrap").query(
        "metric in ['auc', 'auc_lost'] and cohort == 'all'"
    )
    np.testing.assert_allclose(drawn["diff"], delong["diff"])
    np.testing.assert_allclose(drawn["se"], delong["se"], rtol=0.15)
    assert drawn["method"].str.startswith("patient bootstrap").all()
