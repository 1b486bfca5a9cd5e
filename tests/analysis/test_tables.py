"""All tables of a run: values by a plain loop, and what must not change a digit of them."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from robustkit.analysis.tables import Choices, Tables, make_tables
from robustkit.cohort.vocabulary import read_vocabulary
from robustkit.errors import UnknownNameError
from robustkit.results.folder import RunFolder
from robustkit.results.schema import (
    AGREEMENT_COLUMNS,
    CALIBRATION_COLUMNS,
    COMPARISONS_COLUMNS,
    CURVES_COLUMNS,
    DECISION_CURVE_COLUMNS,
    ERRORS_COLUMNS,
    FLIP_CURVE_COLUMNS,
    FLOW_COLUMNS,
    OPERATING_POINTS_COLUMNS,
    REPEATS_COLUMNS,
    ROC_COLUMNS,
    SIZE_CURVE_COLUMNS,
    STABILITY_COLUMNS,
    STRATA_COLUMNS,
    SWEEP_COLUMNS,
    THRESHOLDS_COLUMNS,
    TRANSFER_COLUMNS,
)
from robustkit.stats import processes
from sklearn.metrics import brier_score_loss, roc_auc_score

from factories import Answers, cohort, redrawn, scores_of, write_run

SHIFT = ("shift", 0.1)
VOCABULARY = read_vocabulary()


def answers(cases: pd.DataFrame, *, seed: int = 0) -> Answers:
    nominal = scores_of(cases, seed=seed)
    levels = {
        ("shift", 0.1): redrawn(cases, nominal, seed=seed),
        ("shift", 0.2): redrawn(cases, nominal, sd=0.6, seed=7),
    }
    return Answers(nominal, levels)


def choices(**given: Any) -> Choices:
    base: dict[str, Any] = {
        "by": ("subtype", "region"), "threshold": None, "threshold_method": "smoothed", "unit": "case", "positive": (),
        "prevalence": None, "draws": 200, "seed": 0,
    }  # fmt: skip
    return Choices(**{**base, **given})


def tables(folder: RunFolder, **given: Any) -> Tables:
    return make_tables(folder, VOCABULARY, choices(**given))


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    return cohort(80, 40)


@pytest.fixture(scope="module")
def run(cases: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    models = {"m": answers(cases), "other": answers(cases, seed=3)}
    return write_run(tmp_path_factory.mktemp("run") / "run", cases, models)


@pytest.fixture(scope="module")
def made(run: RunFolder) -> Tables:
    return tables(run, threshold=0.55, prevalence=0.3)


def one(table: pd.DataFrame, **where: object) -> pd.Series:
    keep = np.logical_and.reduce([(table[k] == v).to_numpy() for k, v in where.items()])
    assert keep.sum() == 1, where
    return table[keep].iloc[0]


def test_columns_of_the_contract_in_their_order(made: Tables) -> None:
    wanted = {
        "strata": STRATA_COLUMNS, "curves": CURVES_COLUMNS, "errors": ERRORS_COLUMNS, "stability": STABILITY_COLUMNS,
        "thresholds": THRESHOLDS_COLUMNS, "flow": FLOW_COLUMNS, "comparisons": COMPARISONS_COLUMNS,
        "agreement": AGREEMENT_COLUMNS, "transfer": TRANSFER_COLUMNS, "repeats": REPEATS_COLUMNS,
        "size_curve": SIZE_CURVE_COLUMNS, "operating_points": OPERATING_POINTS_COLUMNS, "flip_curve": FLIP_CURVE_COLUMNS,
        "calibration": CALIBRATION_COLUMNS, "roc": ROC_COLUMNS, "decision_curve": DECISION_CURVE_COLUMNS,
        "sweep": SWEEP_COLUMNS,
    }  # fmt: skip
    assert {k: tuple(v.columns) for k, v in made.frames.items()} == wanted
    assert all(len(v) for v in made.frames.values())


@pytest.mark.parametrize(
    ("cohort_name", "by", "stratum"),
    [("internal", "all", "all"), ("external", "region", "limb"), ("all", "region", "axial")],
)
def test_values_equal_a_plain_loop(cases: pd.DataFrame, made: Tables, cohort_name: str, by: str, stratum: str) -> None:
    keep = cases["split"].eq("test") | cases["cohort"].eq("external")
    if cohort_name != "all":
        keep &= cases["cohort"].eq(cohort_name)
    if by == "region":
        sites = {"limb": ["femur", "tibia"], "axial": ["pelvis", "spine"]}[stratum]
        keep &= cases["site"].isin(sites)
    own = answers(cases)
    y = cases.loc[keep, "label"].eq("non-benign").to_numpy()
    nominal, moved = own.nominal[keep.to_numpy()], own.perturbed[SHIFT][keep.to_numpy()]
    right, usual = (moved >= 0.55) == y[:, None], nominal >= 0.55
    dev = own.nominal[cases["split"].eq("val").to_numpy()]
    sensitivity, specificity = usual[y].mean(), 1 - usual[~y].mean()
    plain = {
        ("nominal", "auc"): roc_auc_score(y, nominal),
        ("nominal", "sensitivity"): sensitivity,
        ("nominal", "specificity"): specificity,
        ("nominal", "balanced_accuracy"): (sensitivity + specificity) / 2,
        ("nominal", "brier"): brier_score_loss(y, nominal),
        ("nominal", "ppv"): 0.3 * sensitivity / (0.3 * sensitivity + 0.7 * (1 - specificity)),
        ("nominal", "npv"): 0.7 * specificity / (0.7 * specificity + 0.3 * (1 - sensitivity)),
        ("shift", "auc"): np.mean([roc_auc_score(y, s) for s in moved.T]),
        ("shift", "auc_lost"): roc_auc_score(y, nominal) - np.mean([roc_auc_score(y, s) for s in moved.T]),
        ("shift", "sensitivity"): np.mean([(s[y] >= 0.55).mean() for s in moved.T]),
        ("shift", "flip_rate"): np.mean([((s >= 0.55) != usual).mean() for s in moved.T]),
        ("shift", "score_sd"): moved.std(axis=1, ddof=1).mean(),
        ("shift", "rank_sd"): np.mean([np.std([(dev < v).mean() for v in s], ddof=1) for s in moved]),
        ("shift", "right_at_10"): np.mean([np.mean([c.all() for c in map(np.array, combinations(r, 10))]) for r in right]),
    }  # fmt: skip
    for (kind, metric), value in plain.items():
        level = 0.0 if kind == "nominal" else 0.1
        where = {"model": "m", "cohort": cohort_name, "by": by, "stratum": stratum, "perturbation": kind}
        row = one(made.frames["strata"], **where, level=level, metric=metric)
        assert row["value"] == pytest.approx(value, abs=1e-12), (kind, metric)
        assert row["low"] <= row["value"] <= row["high"], (kind, metric)
        if metric in ("auc", "brier"):
            assert (row["n_cases"], row["n_positive"]) == (len(y), y.sum())
            assert row["n_patients"] == cases.loc[keep, "patient_id"].nunique()
            assert row["n_positive_patients"] == cases.loc[keep].loc[y, "patient_id"].nunique()
        assert row["repeats"] == (0 if kind == "nominal" else 12)


def test_errors_count_missed_in_three_numbers_and_false_alarms(cases: pd.DataFrame, made: Tables) -> None:
    own, errors = answers(cases).nominal, made.frames["errors"]
    keep = cases["cohort"].eq("external").to_numpy()
    malignant = cases["subtype"].isin(["osteosarcoma", "chondrosarcoma"]).to_numpy()
    positive = cases["label"].eq("non-benign").to_numpy()
    groups = {
        "missed": positive, "missed_malignant": malignant, "missed_intermediate": positive & ~malignant,
        "false_alarm": ~positive,
    }  # fmt: skip
    for kind, members in groups.items():
        wrong = own >= 0.55 if kind == "false_alarm" else own < 0.55
        row = one(errors, model="m", cohort="external", by="all", perturbation="nominal", kind=kind)
        assert (row["k"], row["n_cases"]) == ((wrong & members & keep).sum(), (members & keep).sum())
        assert row["rate"] == pytest.approx(row["k"] / row["n_cases"])
    per_stratum = errors[(errors["by"] == "subtype") & (errors["stratum"] == "osteosarcoma")]
    assert set(per_stratum["kind"]) == {"missed", "missed_malignant", "missed_intermediate"}
    none = per_stratum[per_stratum["kind"] == "missed_intermediate"]
    assert none["rate"].isna().all()
    assert set(none["reason"]) == {"no cases"}


def test_strata_of_one_class_have_auc_against_the_rest_of_their_cohort(cases: pd.DataFrame, made: Tables) -> None:
    keep = cases["cohort"].eq("external").to_numpy()
    is_own = cases["subtype"].eq("osteosarcoma").to_numpy()
    other = cases["label"].eq("benign").to_numpy()
    chosen = keep & (is_own | other)
    value = roc_auc_score(is_own[chosen], answers(cases).nominal[chosen])
    where = {"model": "m", "cohort": "external", "by": "subtype", "stratum": "osteosarcoma", "level": 0.0}
    row = one(made.frames["strata"], **where, metric="auc_against")
    assert row["value"] == pytest.approx(value, abs=1e-12)
    assert row["method"].endswith("against all negatives of the cohort")
    metrics = set(made.frames["strata"].query("by == 'subtype' and stratum == 'osteosarcoma'")["metric"])
    assert "sensitivity" in metrics
    assert not metrics & {"auc", "specificity", "balanced_accuracy", "auc_lost", "ppv"}


def test_split_is_told_by_cohort(made: Tables) -> None:
    found = made.frames["strata"].groupby("cohort")["split"].unique()
    assert {k: v.tolist() for k, v in found.items()} == {
        "internal": ["test"], "external": ["none given"], "all": ["test, none given"],
    }  # fmt: skip
    assert made.warnings == ()


def test_p_is_given_at_the_primary_level_alone(made: Tables) -> None:
    strata = made.frames["strata"]
    tested = strata[strata["p"].notna()]
    assert set(zip(tested["perturbation"], tested["level"], strict=True)) == {("nominal", 0.0), ("shift", 0.1)}
    assert (tested["p_adjusted"] >= tested["p"]).all()
    assert (tested["stratum"] == "(heterogeneity)").any()
    assert set(tested["by"]) == {"subtype", "region"}


def test_processes_and_threads_make_the_same_tables(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(*, is_forked: bool) -> tuple[Tables, list[str]]:
        written: list[str] = []
        monkeypatch.setattr(processes, "n_cores", lambda: 2)
        monkeypatch.setattr(processes, "can_fork", lambda: is_forked)
        return make_tables(run, VOCABULARY, choices(), write=lambda name, _: written.append(name)), written

    (one_by_one, written), (shared, _) = made(is_forked=False), made(is_forked=True)
    assert sorted(written) == sorted(one_by_one.frames)
    assert shared.warnings == one_by_one.warnings
    assert list(shared.frames) == list(one_by_one.frames)
    for name, table in one_by_one.frames.items():
        pd.testing.assert_frame_equal(shared.frames[name], table, check_exact=True)


def test_training_rows_change_no_digit(tmp_path: Path) -> None:
    everyone = cohort(90, 40, train=True, seed=2)
    kept = everyone[everyone["split"] != "train"].reset_index(drop=True)
    assert len(kept) < len(everyone) - 30
    found = [
        tables(write_run(tmp_path / name, part, {"m": answers(part), "n": answers(part, seed=1)}), by=("size", "sex"))
        for name, part in (("with", everyone), ("without", kept))
    ]
    for name in found[0].frames:
        a, b = (f.frames[name] for f in found)
        if name == "flow":
            a = a[(a["step"] != "in the run") & (a["split"] != "train")].reset_index(drop=True)
            b = b[b["step"] != "in the run"].reset_index(drop=True)
        pd.testing.assert_frame_equal(a, b, check_exact=True)
    assert found[0].warnings == found[1].warnings


def test_scores_of_training_rows_are_never_read(tmp_path: Path) -> None:
    everyone = cohort(60, 30, train=True, seed=2)
    own = answers(everyone)
    is_train = everyone["split"].eq("train").to_numpy()
    silly = Answers(
        np.where(is_train, 0.99, own.nominal),
        {k: np.where(is_train[:, None], 0.99, v) for k, v in own.perturbed.items()},
    )
    a, b = (tables(write_run(tmp_path / n, everyone, {"m": m})) for n, m in (("plain", own), ("silly", silly)))
    for name in a.frames:
        pd.testing.assert_frame_equal(a.frames[name], b.frames[name], check_exact=True)


def test_shuffled_rows_give_the_same_tables(cases: pd.DataFrame, run: RunFolder, tmp_path: Path) -> None:
    mixed = cases.sample(frac=1, random_state=5).reset_index(drop=True)
    other = write_run(tmp_path / "run", mixed, {"m": answers(mixed), "other": answers(mixed, seed=3)})
    a, b = tables(run), tables(other)
    for name in a.frames:
        pd.testing.assert_frame_equal(a.frames[name], b.frames[name], check_exact=True)


def test_curves_begin_with_the_nominal_row(made: Tables) -> None:
    curves, strata = made.frames["curves"], made.frames["strata"]
    key = ["perturbation", "by", "stratum", "cohort", "model", "metric"]
    for names, part in curves.groupby(key):
        assert part["x"].tolist() == [0.0, 0.1, 0.2], names
        assert part["level"].tolist() == part["x"].tolist()
        first = part.iloc[0]
        assert (first["achieved_iou"], first["share_unmoved"]) == (1.0, 1.0)
        if names[-1] in ("flip_rate", "score_sd", "rank_sd", "auc_lost"):
            assert first["value"] == 0.0 or part["value"].isna().all()
        else:
            where = dict(zip(key[1:], names[1:], strict=True))
            same = one(strata, **where, perturbation="nominal")
            assert first["value"] == same["value"] or (
                first["value"] != first["value"] and same["value"] != same["value"]
            )
    # the boxes of the factory move by -level .. level widths in 12 equal steps; a move of d shares (1-d)/(1+d)
    d = np.abs(np.linspace(-0.1, 0.1, 12))
    row = one(curves, model="m", cohort="all", by="all", metric="auc", level=0.1)
    assert row["achieved_iou"] == pytest.approx(((1 - d) / (1 + d)).mean())
    assert row["share_unmoved"] == 0.0


def test_a_case_that_failed_is_in_no_number_and_in_the_flow(cases: pd.DataFrame, tmp_path: Path) -> None:
    own = answers(cases)
    lost = np.flatnonzero(cases["cohort"].eq("external") & cases["subtype"].eq("osteosarcoma"))
    nominal = own.nominal.copy()
    nominal[lost] = np.nan
    moved = {k: np.where(np.isnan(nominal)[:, None], np.nan, v) for k, v in own.perturbed.items()}
    failed = tables(write_run(tmp_path / "failed", cases, {"m": Answers(nominal, moved)}), threshold=0.5)
    few = cases.drop(index=lost).reset_index(drop=True)
    without = tables(write_run(tmp_path / "without", few, {"m": answers(few)}), threshold=0.5)
    keep = failed.frames["strata"]["stratum"] != "osteosarcoma"
    whole = failed.frames["strata"][keep & (failed.frames["strata"]["by"] == "all")]
    pd.testing.assert_series_equal(
        whole["value"].reset_index(drop=True),
        without.frames["strata"].query("by == 'all'")["value"].reset_index(drop=True),
    )
    rows = failed.frames["strata"].query("cohort == 'external' and stratum == 'osteosarcoma'")
    assert len(rows)
    assert rows["value"].isna().all()
    assert (rows["n_cases"] == 0).all()
    assert rows["reason"].str.contains("no case").all()
    flow = failed.frames["flow"]
    loss = one(flow, step="failed", cohort="external")
    assert (loss["n_cases"], loss["reason"], loss["model"]) == (len(lost), "the film is missing", "m")
    said = [w for w in failed.warnings if "have no answer" in w]
    n = cases["cohort"].eq("external").sum()
    assert said[0].startswith(f"m: {len(lost)} of {n} external cases have no answer")


def test_a_cohort_without_an_answer_has_rows_with_the_reason(cases: pd.DataFrame, tmp_path: Path) -> None:
    own = answers(cases)
    lost = cases["cohort"].eq("external").to_numpy()
    gone = Answers(
        np.where(lost, np.nan, own.nominal), {k: np.where(lost[:, None], np.nan, v) for k, v in own.perturbed.items()}
    )
    frames = tables(write_run(tmp_path / "run", cases, {"m": gone})).frames
    strata = frames["strata"].query("cohort == 'external'")
    assert strata["value"].isna().all()
    assert (strata["reason"] == "no cases").all()
    assert {"auc", "sensitivity", "specificity", "brier"} <= set(strata["metric"])
    assert set(strata["stratum"]) >= {"all", "limb", "axial", "osteosarcoma"}
    errors = frames["errors"].query("cohort == 'external'")
    assert errors["kind"].tolist()[:4] == ["missed", "missed_malignant", "missed_intermediate", "false_alarm"]
    assert (errors["reason"] == "no cases").all()
    # the boxes are known all the same
    assert frames["curves"].query("cohort == 'external'")["achieved_iou"].notna().all()


def test_bounds_of_lost_cases_by_hand(cases: pd.DataFrame, tmp_path: Path) -> None:
    own = answers(cases)
    external = cases["cohort"].eq("external").to_numpy()
    positive = cases["label"].eq("non-benign").to_numpy()
    lost = np.flatnonzero(external & positive)[:5]
    nominal = own.nominal.copy()
    nominal[lost] = np.nan
    made = tables(write_run(tmp_path / "run", cases, {"m": Answers(nominal)}), threshold=0.5)
    n = (external & positive).sum()
    hits = (external & positive & (np.nan_to_num(nominal) >= 0.5)).sum()
    assert f"sensitivity {hits / n:.1%} to {(hits + 5) / n:.1%}, specificity" in made.warnings[-1]


def test_crossings_facts_and_unknown_names(run: RunFolder) -> None:
    strata = tables(run, by=("region*sex", "reference", "film_width_px"), threshold=0.5).frames["strata"]
    assert set(strata["by"]) == {"all", "region*sex", "reference", "film_width_px"}
    crossed = set(strata.query("by == 'region*sex'")["stratum"]) - {"(heterogeneity)"}
    assert crossed == {f"{r} * {s}" for r in ("limb", "axial") for s in "FM"}
    assert set(strata.query("by == 'reference'")["stratum"]) == {"unknown"}
    with pytest.raises(UnknownNameError, match="no case has the fact 'regoin'"):
        tables(run, by=("regoin",))


@pytest.mark.parametrize("unit", ["lesion", "patient"])
def test_units_take_mean_logits_and_are_positive_if_any_is(cases: pd.DataFrame, run: RunFolder, unit: str) -> None:
    made = tables(run, unit=unit, threshold=0.5)
    keep = cases["cohort"].eq("external") | cases["split"].eq("test")
    z = np.log(answers(cases).nominal / (1 - answers(cases).nominal))[keep.to_numpy()]
    part = cases[keep].assign(z=z, y=cases["label"].eq("non-benign"))
    by_unit = part.groupby(f"{unit}_id").agg(z=("z", "mean"), y=("y", "max"))
    row = one(made.frames["strata"], model="m", cohort="all", by="all", level=0.0, metric="auc")
    assert row["unit"] == unit
    assert row["n_cases"] == len(by_unit)
    assert row["value"] == pytest.approx(roc_auc_score(by_unit["y"], by_unit["z"]), abs=1e-12)


def test_a_patient_has_the_class_of_what_was_answered(cases: pd.DataFrame, tmp_path: Path) -> None:
    # of every second patient with lesions of both classes the malignant ones fail at one level: the first case stays
    # that of the unit, and the patient is then negative
    cases = cases.assign(split="")
    label = np.where(cases.groupby("patient_id").cumcount() == 0, "benign", cases["label"])
    cases = cases.assign(label=label)
    gone = (cases["label"] == "non-benign").to_numpy() & (cases["patient_id"].str[1:].astype(int) % 2 == 0).to_numpy()
    own = answers(cases)
    moved = {**own.perturbed, SHIFT: np.where(gone[:, None], np.nan, own.perturbed[SHIFT])}
    folder = write_run(tmp_path / "run", cases, {"m": Answers(own.nominal, moved)})
    made = tables(folder, unit="patient", threshold=0.5, by=("cohort",)).frames["strata"]
    for level, kept in ((0.0, np.ones(len(cases), dtype=bool)), (0.1, ~gone)):
        scores = own.nominal[:, None] if level == 0 else own.perturbed[SHIFT]
        z = pd.DataFrame(np.log(scores / (1 - scores))[kept]).groupby(cases["patient_id"].to_numpy()[kept]).mean()
        y = (cases["label"] == "non-benign")[kept].groupby(cases["patient_id"][kept]).any()
        right = ((z >= 0).to_numpy() == y.to_numpy()[:, None]).mean(axis=1)
        place = {"model": "m", "cohort": "all", "by": "all", "level": level}
        row = one(made, **place, metric="auc")
        assert (row["n_cases"], row["n_positive"]) == (len(y), int(y.sum()))
        wanted = np.mean([roc_auc_score(y, z[r]) for r in z])
        assert row["value"] == pytest.approx(wanted, abs=1e-12)
        both = one(made, **place, metric="balanced_accuracy")
        assert both["value"] == pytest.approx((right[y].mean() + right[~y].mean()) / 2, abs=1e-12)
