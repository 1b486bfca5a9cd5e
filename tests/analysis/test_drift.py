"""drift.csv from run folders made by hand: who is compared, with what, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from robustkit.analysis.drift import Drift, DriftChoices, make_drift
from robustkit.cohort.vocabulary import read_vocabulary
from robustkit.errors import InputError, UnknownNameError
from robustkit.results.schema import DRIFT_COLUMNS
from scipy.stats import mannwhitneyu
from statsmodels.stats.multitest import multipletests

from factories import Answers, cohort, scores_of, write_run


def drift_of(path: Path, cases: pd.DataFrame, *, scores: np.ndarray | None = None, **choices: object) -> Drift:
    nominal = scores_of(cases) if scores is None else scores
    run = write_run(path / "run", cases, {"m": Answers(nominal)})
    base = {
        "by": (), "threshold": 0.5, "threshold_method": "smoothed", "positive": (), "draws": 200, "seed": 0, "workers": 0,
    }  # fmt: skip
    return make_drift(run, read_vocabulary(), DriftChoices(**{**base, **choices}))  # type: ignore[arg-type]


def one(table: pd.DataFrame, **wanted: object) -> pd.Series:
    found = table[np.logical_and.reduce([table[k] == v for k, v in wanted.items()])]
    assert len(found) == 1, found
    return found.iloc[0]


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    """Internal patients (a third of them val) and those of two external cohorts, the second one 20 years older."""
    frame = cohort(150, 120)
    outside = frame["cohort"] == "external"
    frame.loc[outside, "cohort"] = np.where(frame.loc[outside, "centre"] == "B", "hospital B", "hospital C")
    frame.loc[frame["cohort"] == "hospital C", "age_years"] += 20
    return frame


@pytest.fixture(scope="module")
def table(cases: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return drift_of(tmp_path_factory.mktemp("drift"), cases).table


def test_every_external_cohort_and_all_together_stand_against_internal(table: pd.DataFrame) -> None:
    assert tuple(table.columns) == DRIFT_COLUMNS
    assert tuple(dict.fromkeys(table["cohort_a"])) == ("external", "hospital B", "hospital C")
    assert set(table["cohort_b"]) == {"internal"}
    assert set(table["part"]) == {"facts", "error"}
    facts = table[(table["part"] == "facts") & (table["measure"] == "smd") & (table["cohort_a"] == "hospital C")]
    assert facts["name"].tolist() == ["age", "sex", "subtype", "group", "site", "region", "size", "label"]


def test_a_number_is_compared_over_test_rows_only(cases: pd.DataFrame, table: pd.DataFrame) -> None:
    row = one(table, part="facts", name="age", measure="smd", cohort_a="hospital C")
    a = cases[cases["cohort"] == "hospital C"]
    b = cases[(cases["cohort"] == "internal") & (cases["split"] == "test")]
    pooled = np.sqrt((a["age_years"].var() + b["age_years"].var()) / 2)
    assert row["value"] == pytest.approx((a["age_years"].mean() - b["age_years"].mean()) / pooled)
    assert (row["value_a"], row["sd_b"]) == pytest.approx((a["age_years"].mean(), b["age_years"].std()))
    assert row["low"] > 0.3
    counts = row[["n_cases_a", "n_patients_a", "n_cases_b", "n_patients_b"]].tolist()
    assert counts == [len(a), a["patient_id"].nunique(), len(b), b["patient_id"].nunique()]
    means = [d.groupby("patient_id")["age_years"].mean() for d in (a, b)]
    assert row["p"] == pytest.approx(mannwhitneyu(*means).pvalue)
    assert row["split"] == "test, none given"
    delta = one(table, part="facts", name="age", measure="cliffs_delta", cohort_a="hospital C")
    assert 0 < delta["low"] < delta["value"] < delta["high"]
    same = one(table, part="facts", name="age", measure="smd", cohort_a="hospital B")
    assert same["p"] > 0.05


def test_shares_of_a_fact_stand_beside_its_distance(cases: pd.DataFrame, table: pd.DataFrame) -> None:
    shares = table.query("name == 'sex' and measure == 'share' and cohort_a == 'hospital B'")
    own = cases[cases["cohort"] == "hospital B"]["sex"].value_counts(normalize=True)
    assert dict(zip(shares["category"], shares["value_a"], strict=True)) == pytest.approx(own.to_dict())
    assert shares["value"].tolist() == pytest.approx((shares["value_a"] - shares["value_b"]).tolist())
    assert shares["p"].isna().all()
    whole = one(table, part="facts", name="sex", measure="smd", cohort_a="hospital B")
    # of two categories: the difference of shares over the root of the mean p (1 - p)
    p, q = shares["value_a"].iloc[0], shares["value_b"].iloc[0]
    assert whole["value"] == pytest.approx(abs(p - q) / np.sqrt((p * (1 - p) + q * (1 - q)) / 2))


def test_p_are_adjusted_by_holm_over_the_facts_of_a_cohort(table: pd.DataFrame) -> None:
    for name, rows in table[table["p"].notna()].groupby("cohort_a"):
        assert set(rows["family"]) == {f"{name} / facts"}
        assert len(rows) == 8
        assert rows["p_adjusted"].tolist() == pytest.approx(multipletests(rows["p"], method="holm")[1].tolist())
    # a smaller p than 1 / (400 x 8 + 1) cannot be seen
    assert table["p"].min() > 0


def test_the_error_is_that_of_the_threshold_and_the_weights_are_those_of_the_class(
    cases: pd.DataFrame, table: pd.DataFrame
) -> None:
    row = one(table, part="error", name="sex", metric="missed", cohort_a="external")
    wrong = pd.Series(scores_of(cases) < 0.5, index=cases.index)
    is_positive = cases["label"] == "non-benign"
    a = is_positive & (cases["cohort"] != "internal")
    b = is_positive & (cases["cohort"] == "internal") & (cases["split"] == "test")
    rates, shares = wrong[a].groupby(cases["sex"]).mean(), cases.loc[b, "sex"].value_counts(normalize=True)
    assert (row["value_a"], row["value_b"]) == pytest.approx((wrong[a].mean(), wrong[b].mean()))
    assert row["reweighted"] == pytest.approx((rates * shares).sum())
    assert row["value"] == pytest.approx((rates * shares).sum() - wrong[a].mean())
    assert (row["n_cases_a"], row["n_cases_b"], row["support"]) == (a.sum(), b.sum(), 1.0)
    kinds = ["missed", "missed_malignant", "missed_intermediate", "false_alarm"]
    errors = table[(table["part"] == "error") & (table["cohort_a"] == "external")]
    assert errors["metric"].unique().tolist() == kinds
    # errors are those of one class: its share does not enter them
    assert "label" not in set(errors["name"])
    intermediate = errors.query("metric == 'missed_intermediate' and name == 'subtype'").iloc[0]
    assert intermediate["n_cases_a"] == (a & (cases["subtype"] == "giant cell tumour")).sum()
    assert "one stratum only" in intermediate["reason"] or "effective cases" in intermediate["reason"]


def test_a_planted_cause_is_found_and_another_fact_changes_nothing(tmp_path: Path) -> None:
    """Women are missed in half of the cases, men never; internal patients are men, external ones women for 3 of 4."""
    n = 400
    outside = np.arange(n) >= 200
    sex = np.where(outside, np.where(np.arange(n) % 4 > 0, "F", "M"), np.where(np.arange(n) % 4 > 0, "M", "F"))
    frame = pd.DataFrame({
        "case_id": [f"c{i:03d}" for i in range(n)], "image": [f"{i}.png" for i in range(n)], "x0": 0.0, "y0": 0.0,
        "x1": 50.0, "y1": 50.0, "label": "non-benign", "patient_id": [f"p{i}" for i in range(n)], "sex": sex,
        "cohort": np.where(outside, "external", "internal"), "view": np.where(np.arange(n) // 4 % 2, "ap", "lateral"),
    })  # fmt: skip
    # of every four women of a view two are missed
    rank = pd.Series(np.arange(n)).groupby([outside, sex, frame["view"]]).cumcount().to_numpy()
    # the others lie on the threshold, which is positive
    scores = np.where((sex == "F") & (rank % 2 == 0), 0.2, 0.5)
    found = drift_of(tmp_path, frame, scores=scores, by=("sex", "view")).table
    row = one(found, part="error", name="sex", metric="missed")
    # 3/8 -> 1/8
    assert (row["value_a"], row["reweighted"], row["value"]) == pytest.approx((0.375, 0.125, -0.25), abs=0.01)
    assert row["low"] < row["value"] < row["high"] < -0.15
    # none of 400 deals for each of two facts is as far apart, whatever --draws says
    assert one(found, part="facts", name="sex", measure="smd")["p"] == pytest.approx(1 / 801)
    other = one(found, part="error", name="view", metric="missed")
    assert other["low"] < 0 < other["high"] or other["reason"] == "no variation between patients"
    assert one(found, part="error", name="sex", metric="false_alarm")["reason"] == "no cases"


def test_a_fact_that_is_missing_is_counted_and_not_guessed(cases: pd.DataFrame, tmp_path: Path) -> None:
    frame = cases.assign(sex="", age_years=np.where(cases["cohort"] == "hospital B", np.nan, cases["age_years"]))
    found = drift_of(tmp_path, frame, by=("sex", "age", "site")).table
    row = one(found, part="facts", name="sex", measure="smd", cohort_a="external")
    assert row["reason"] == "no case has this fact"
    assert row["n_missing_a"] == (frame["cohort"] != "internal").sum()
    age = one(found, part="facts", name="age", measure="smd", cohort_a="hospital B")
    assert (age["reason"], age["n_cases_a"]) == ("no case on one side", 0)
    error = one(found, part="error", name="age", metric="missed", cohort_a="external")
    assert error["reason"].startswith("the fact is known for")
    assert np.isnan(error["value"])


def test_the_share_of_the_classes_is_drawn_as_well(tmp_path: Path) -> None:
    """The bootstrap of facts is not by class: of one case per patient the label would have no error at all."""
    rng = np.random.default_rng(0)
    frame = cohort(90, 60).drop_duplicates("patient_id").reset_index(drop=True)
    frame["label"] = np.where(rng.random(len(frame)) < 0.5, "benign", "non-benign")
    row = one(drift_of(tmp_path, frame, by=("label",)).table, part="facts", measure="smd")
    assert 0 <= row["low"] < row["high"]
    # the spread of a difference of shares near a half, in units of a half: 2 sqrt(.25 / a + .25 / b)
    spread = np.sqrt(1 / row["n_patients_a"] + 1 / row["n_patients_b"])
    assert row["high"] - row["value"] == pytest.approx(1.96 * spread, rel=0.25)


def test_other_facts_bins_and_columns_can_be_asked_for(cases: pd.DataFrame, tmp_path: Path) -> None:
    frame = cases.assign(dose=np.arange(len(cases), dtype=float))
    found = drift_of(tmp_path, frame, by=("age_years:30,60", "dose", "sex*region")).table
    facts = found[(found["part"] == "facts") & (found["measure"] == "smd") & (found["cohort_a"] == "external")]
    assert facts["name"].tolist() == ["age_years:30,60", "dose", "sex*region"]
    assert facts["value_a"].notna().tolist() == [False, True, False]
    shares = found.query("measure == 'share' and name == 'age_years:30,60' and cohort_a == 'external'")
    assert shares["category"].tolist() == ["<30", "30-60", ">=60"]


def test_the_same_seed_gives_the_same_table(cases: pd.DataFrame, tmp_path: Path, table: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(drift_of(tmp_path, cases).table, table)


def test_what_cannot_be_compared_is_refused(cases: pd.DataFrame, tmp_path: Path) -> None:
    inside = cases[cases["cohort"] == "internal"]
    with pytest.raises(InputError, match="compares the cohort `internal` with others; the cohorts found are internal"):
        drift_of(tmp_path / "a", inside)
    with pytest.raises(InputError, match="the cohorts found are hospital B, hospital C"):
        drift_of(tmp_path / "b", cases[cases["cohort"] != "internal"])
    with pytest.raises(UnknownNameError, match="no case has the fact 'sx'"):
        drift_of(tmp_path / "c", cases, by=("sx",))


def test_failed_cases_and_shared_patients_are_told(cases: pd.DataFrame, tmp_path: Path) -> None:
    scores = scores_of(cases)
    outside = np.flatnonzero(cases["cohort"] == "hospital B")
    scores[outside[:20]] = np.nan
    inside = cases.loc[(cases["cohort"] == "internal") & (cases["split"] == "test"), "patient_id"].iloc[0]
    shared = cases["patient_id"].mask(cases.index == outside[-1], inside)
    found = drift_of(tmp_path, cases.assign(patient_id=shared), scores=scores)
    assert any(w.startswith("1 patients have cases in the internal cohort and in another") for w in found.warnings)
    assert any("20 of" in w and "hospital B cases have no answer" in w for w in found.warnings)
    row = one(found.table, part="error", name="sex", metric="missed", cohort_a="hospital B")
    answered = cases["label"].eq("non-benign") & cases["cohort"].eq("hospital B") & np.isfinite(scores)
    assert row["n_cases_a"] == answered.sum()


def test_a_cohort_called_external_keeps_its_name(cases: pd.DataFrame, tmp_path: Path) -> None:
    frame = cases.assign(cohort=cases["cohort"].replace("hospital B", "external"))
    found = drift_of(tmp_path, frame, by=("sex",)).table
    assert tuple(dict.fromkeys(found["cohort_a"])) == ("all external", "external", "hospital C")
