"""readers.csv against numbers counted by hand, scipy and scikit-learn; planted effects come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from robustkit.analysis.reader_truth import make_truth
from robustkit.analysis.readers import ReadChoices, readers_table
from robustkit.analysis.readings import Known, Readings, read_readings
from robustkit.results.schema import READERS_COLUMNS
from robustkit.stats.multireader import components, obuchowski_rockette, reader_aucs
from scipy.stats import binomtest, mannwhitneyu, permutation_test
from sklearn.metrics import cohen_kappa_score

from made_readings import made_readings, write_readings

CHOICES = ReadChoices(50.0, (0.0, 100.0))


def _cases(n: int = 120, seed: int = 3) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    positive = np.arange(n) % 2 == 0
    model = np.clip(0.5 + np.where(positive, 0.25, -0.25) + random.normal(0, 0.25, n), 0.01, 0.99)
    return pd.DataFrame({
        "case_id": [f"c{i:03d}" for i in range(n)], "positive": positive, "patient_id": [f"p{i:03d}" for i in range(n)],
        "cohort": np.where(np.arange(n) % 3 == 0, "external", "internal"), "model": model, "above": model >= 0.5,
        "sd_logit": random.gamma(2, 0.3, n), "flip_rate": np.where(random.random(n) < 0.3, 0.2, 0.0),
    })  # fmt: skip


def _read(folder: Path, readings: pd.DataFrame) -> Readings:
    return read_readings([write_readings(folder / "readings.csv", readings)], Known((0.0, 100.0), 28.0))


def _table(readings: Readings, cases: pd.DataFrame, *, model: str = "net", **more: Any) -> pd.DataFrame:
    truth = make_truth(cases.set_index("case_id"), more.pop("strata", {}), draws=400, seed=0, model=model)
    return readers_table(readings, truth, CHOICES)


def _one(table: pd.DataFrame, **which: str) -> pd.Series:
    keep = np.ones(len(table), dtype=bool)
    for column, value in which.items():
        keep &= (table[column] == value).to_numpy()
    assert keep.sum() == 1, which
    return table[keep].iloc[0]


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    return _cases()


@pytest.fixture(scope="module")
def readings(cases: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Readings:
    return _read(tmp_path_factory.mktemp("readings"), made_readings(cases, readers=3))


@pytest.fixture(scope="module")
def table(readings: Readings, cases: pd.DataFrame) -> pd.DataFrame:
    region = pd.Series(np.where(np.arange(len(cases)) % 5 == 0, "axial", "limb"), index=cases["case_id"])
    return _table(readings, cases, strata={"region": region})


def _ratings(readings: Readings, reader: str, arm: str, cases: pd.DataFrame) -> np.ndarray:
    frame = readings.frame
    own = frame[(frame["reader_id"] == reader) & (frame["arm"] == arm)].set_index("case_id")["score"]
    return own.loc[cases["case_id"]].to_numpy()


@pytest.mark.parametrize("cohort", ["internal", "external"])
@pytest.mark.parametrize("reader", ["reader-1", "reader-3"])
def test_a_reader_s_rows(
    table: pd.DataFrame, readings: Readings, cases: pd.DataFrame, reader: str, cohort: str
) -> None:
    own = cases[cases["cohort"] == cohort]
    y = own["positive"].to_numpy()
    a, b = (_ratings(readings, reader, arm, own) for arm in ("aided", "unaided"))
    which = {"analysis": "per reader", "reader_id": reader, "cohort": cohort, "by": "all"}
    row = _one(table, **which, metric="auc")
    for column, x in (("value_a", a), ("value_b", b)):
        assert row[column] == pytest.approx(mannwhitneyu(x[y], x[~y]).statistic / (y.sum() * (~y).sum()))
    assert row["diff"] == pytest.approx(row["value_a"] - row["value_b"])
    assert row["low"] < row["diff"] < row["high"]
    sensitivity = _one(table, **which, metric="sensitivity")
    right_a, right_b = a[y] >= 50, b[y] >= 50
    assert sensitivity["value_a"] == pytest.approx(right_a.mean())
    assert sensitivity["diff"] == pytest.approx(right_a.mean() - right_b.mean())
    gained, lost = int((right_a & ~right_b).sum()), int((~right_a & right_b).sum())
    assert sensitivity["p"] == pytest.approx(binomtest(gained, gained + lost).pvalue)
    assert sensitivity["n_cases"] == y.sum()
    specificity = _one(table, **which, metric="specificity")
    assert specificity["value_b"] == pytest.approx((b[~y] < 50).mean())


def test_changes_of_mind_add_up(table: pd.DataFrame, readings: Readings, cases: pd.DataFrame) -> None:
    y, above = cases["positive"].to_numpy(), cases["above"].to_numpy()
    a, b = (_ratings(readings, "reader-2", arm, cases) >= 50 for arm in ("aided", "unaided"))
    which = {"analysis": "changes of mind", "reader_id": "reader-2", "cohort": "all", "by": "all"}
    count = {m: _one(table, **which, metric=m)["value_a"] for m in (
        "better", "worse", "better_with_model", "better_against_model", "worse_with_model", "worse_against_model"
    )}  # fmt: skip
    assert count["better"] == ((a != b) & (a == y)).sum()
    assert count["worse_with_model"] == ((a != b) & (a != y) & (a == above)).sum()
    assert count["better_with_model"] + count["better_against_model"] == count["better"]
    assert sum(count[k] for k in ("better", "worse")) == (a != b).sum()


def test_time_per_case(table: pd.DataFrame, readings: Readings) -> None:
    frame = readings.frame[readings.frame["reader_id"] == "reader-1"]
    row = _one(table, analysis="per reader", reader_id="reader-1", cohort="all", by="all", metric="seconds")
    means = frame.groupby("arm")["seconds"].mean()
    assert (row["value_a"], row["value_b"]) == pytest.approx((means["aided"], means["unaided"]))
    both = frame.pivot(index="case_id", columns="arm", values="seconds")
    outside = permutation_test(
        ((both["aided"] - both["unaided"]).to_numpy(),), np.mean, permutation_type="samples", n_resamples=9999, rng=0
    )
    assert row["p"] == pytest.approx(outside.pvalue, abs=0.02)


def test_agreement_is_scikit_learn_s(table: pd.DataFrame, readings: Readings, cases: pd.DataFrame) -> None:
    one, two = (_ratings(readings, r, "unaided", cases).astype(int) for r in ("reader-1", "reader-2"))
    row = _one(table, analysis="agreement", reader_id="reader-1, reader-2", arm_a="unaided", cohort="all", by="all")
    assert row["value_a"] == pytest.approx(cohen_kappa_score(one, two, weights="quadratic", labels=list(range(101))))


def test_all_readers_together(table: pd.DataFrame, readings: Readings, cases: pd.DataFrame) -> None:
    scores = np.array(
        [[_ratings(readings, r, arm, cases) for r in readings.readers] for arm in ("aided", "unaided")]
    )  # fmt: skip
    y = cases["positive"].to_numpy()
    aucs, errors = reader_aucs(y, scores, np.arange(len(y)), covariance="jackknife")
    both = obuchowski_rockette(aucs, components(errors, arms=2, readers=3))[0]
    row = _one(
        table,
        analysis="all readers",
        cohort="all",
        by="all",
        method="Obuchowski-Rockette, random readers and cases, jackknife",
    )
    assert (row["diff"], row["low"], row["p"], row["df"]) == pytest.approx((both.diff, both.low, both.p, both.df2))
    assert 0.05 < row["null_rate"] < 0.07
    assert row["reason"] == ""


def test_two_readers_are_told_that_they_are_few(cases: pd.DataFrame, tmp_path: Path) -> None:
    table = _table(_read(tmp_path, made_readings(cases, readers=2)), cases)
    rows = table[(table["analysis"] == "all readers") & (table["by"] == "all") & (table["cohort"] == "all")]
    said = rows.set_index("method")
    random = said.loc["Obuchowski-Rockette, random readers and cases, DeLong"]
    assert random["reason"] == "2 readers: nothing follows about other readers"
    assert 0.07 < random["null_rate"] < 0.11
    assert said.loc["Obuchowski-Rockette, fixed readers, DeLong", "reason"] == ""


def test_one_reader_has_rows_of_his_own(cases: pd.DataFrame, tmp_path: Path) -> None:
    table = _table(_read(tmp_path, made_readings(cases, readers=1)), cases)
    assert table[table["analysis"] == "agreement"].empty
    random = table[table["method"] == "Obuchowski-Rockette, random readers and cases, DeLong"]
    assert random["p"].isna().all()
    assert random["reason"].str.startswith("one reader").all()


def test_against_the_model_alone(table: pd.DataFrame, readings: Readings, cases: pd.DataFrame) -> None:
    own = cases[cases["cohort"] == "external"]
    y, model = own["positive"].to_numpy(), own["model"].to_numpy()
    row = _one(
        table,
        analysis="reader against model",
        reader_id="reader-1",
        cohort="external",
        by="all",
        metric="auc",
        arm_a="unaided",
    )
    assert row["value_b"] == pytest.approx(mannwhitneyu(model[y], model[~y]).statistic / (y.sum() * (~y).sum()))
    assert row["arm_b"] == "model net"
    assert "seconds" not in set(table.loc[table["analysis"] == "reader against model", "metric"])


def test_strata_are_of_all_cohorts(table: pd.DataFrame) -> None:
    own = table[table["by"] == "region"]
    assert set(own["stratum"]) == {"axial", "limb"}
    assert set(own["cohort"]) == {"all"}
    n = own[(own["analysis"] == "per reader") & (own["metric"] == "auc")].groupby("stratum")["n_cases"].first()
    assert n.to_dict() == {"axial": 24, "limb": 96}


def test_without_a_model_nothing_is_said_of_it(readings: Readings, cases: pd.DataFrame) -> None:
    table = _table(readings, cases[["case_id", "positive", "patient_id", "cohort"]], model="")
    assert set(table["analysis"]) == {"per reader", "changes of mind", "agreement", "all readers"}
    assert set(table.loc[table["analysis"] == "changes of mind", "metric"]) == {"better", "worse"}
    assert list(table.columns) == list(READERS_COLUMNS)


def test_one_class_is_nan_with_a_reason(cases: pd.DataFrame, readings: Readings) -> None:
    positive = pd.Series(np.where(cases["positive"], "positives", "negatives"), index=cases["case_id"])
    table = _table(readings, cases, strata={"truth": positive})
    own = table[(table["by"] == "truth") & (table["metric"] == "auc")]
    assert own["diff"].isna().all()
    assert own["reason"].ne("").all()
    none = table[(table["stratum"] == "negatives") & (table["metric"] == "sensitivity")]
    assert none["reason"].eq("no positive case").all()
    assert none["value_a"].isna().all()


def test_the_same_readings_in_both_arms_differ_by_nothing(cases: pd.DataFrame, tmp_path: Path) -> None:
    made = made_readings(cases, readers=2)
    unaided = made[made["arm"] == "unaided"]
    later = pd.to_datetime(unaided["read_at"]) + pd.Timedelta(days=40)
    twice = pd.concat([unaided, unaided.assign(arm="aided", read_at=[t.isoformat() for t in later])])
    table = _table(_read(tmp_path, twice), cases)
    compared = table[table["analysis"] == "per reader"]
    assert (compared["diff"] == 0).all()
    assert (compared["p"] == 1).all()
    assert table.loc[table["analysis"] == "changes of mind", "value_a"].eq(0).all()


@pytest.mark.parametrize("is_planted", [True, False])
def test_gain_by_stability(tmp_path: Path, is_planted: bool) -> None:
    """Readers who follow a right model only where it is steady: gain falls with instability; else it does not."""
    cases = _cases(240, seed=5).assign(flip_rate=0.0)
    cases["above"] = cases["positive"]
    made = made_readings(cases, readers=3, gain=0.0, seed=1)
    steady = (
        (cases["sd_logit"] < cases["sd_logit"].median()).to_numpy() if is_planted else np.arange(len(cases)) % 4 < 2
    )
    move = np.where(steady, 25, 0) * np.where(cases["positive"], 1, -1)
    aided = (made["arm"] == "aided").to_numpy()
    made.loc[aided, "score"] = np.clip(made.loc[aided, "score"] + np.tile(move, 3), 0, 100)
    table = _table(_read(tmp_path, made), cases)
    which = {"analysis": "gain by stability", "cohort": "all", "by": "all"}
    together = _one(table, **which, metric="gain_rating_by_instability")
    halves = _one(table, **which, metric="gain_rating_steady_minus_unsteady")
    if is_planted:
        assert together["high"] < 0 < halves["low"]
        assert halves["diff"] == pytest.approx(
            0.25, abs=0.06
        )  # 25 of 100 points; some ratings reach the end of the scale
    else:
        assert together["low"] < 0 < together["high"]
    flips = _one(table, **which, metric="gain_rating_steady_minus_flipping")
    assert np.isnan(flips["diff"])
    assert "fewer than" in flips["reason"]


def test_a_run_without_redrawn_boxes_says_so(readings: Readings, cases: pd.DataFrame) -> None:
    table = _table(readings, cases.assign(sd_logit=np.nan, flip_rate=np.nan))
    rows = table[table["analysis"] == "gain by stability"]
    assert rows["reason"].eq("the run has no redrawn boxes").all()
    assert len(rows) == 3


def test_decisions_give_a_second_operating_point(cases: pd.DataFrame, tmp_path: Path) -> None:
    made = made_readings(cases, readers=2)
    made["decision"] = np.select([made["score"] >= 70, made["score"] >= 40], ["refer", "follow"], default="dismiss")
    table = _table(_read(tmp_path, made), cases)
    row = _one(
        table, analysis="per reader", reader_id="reader-1", cohort="all", by="all", metric="sensitivity_referred"
    )
    own = made[(made["reader_id"] == "reader-1") & (made["arm"] == "aided")]
    assert row["value_a"] == pytest.approx((own["score"].to_numpy()[cases["positive"]] >= 70).mean())


def test_patients_with_several_cases_are_one(cases: pd.DataFrame, readings: Readings) -> None:
    shared = cases.assign(patient_id=[f"p{i // 4}" for i in range(len(cases))])
    apart, together = (_table(readings, c) for c in (cases, shared))
    which = {"analysis": "per reader", "reader_id": "reader-1", "cohort": "all", "by": "all", "metric": "sensitivity"}
    assert _one(together, **which)["n_patients"] == 30
    assert "sign flip by patient" in _one(together, **which)["method"]
    assert "exact McNemar" in _one(apart, **which)["method"]
