"""sweep.csv, roc.csv, decision_curve.csv against plain loops and the other tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from robustkit.analysis.tables import Choices, Tables, make_tables
from robustkit.cohort.vocabulary import read_vocabulary
from robustkit.results.folder import RunFolder
from sklearn.metrics import roc_auc_score

from factories import Answers, cohort, redrawn, scores_of, write_run

SHIFT, WIDER = ("shift", 0.1), ("shift", 0.2)


def _own(cases: pd.DataFrame, seed: int = 0) -> Answers:
    nominal = np.round(scores_of(cases, seed=seed), 2)
    return Answers(nominal, {c: redrawn(cases, nominal, repeats=12, seed=i) for i, c in enumerate((SHIFT, WIDER))})


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    return cohort(80, 60)


@pytest.fixture(scope="module")
def run(cases: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return write_run(tmp_path_factory.mktemp("run") / "run", cases, {"m": _own(cases)})


@pytest.fixture(scope="module")
def made(run: RunFolder) -> Tables:
    choices = Choices(("subtype", "site"), 0.55, "smoothed", "case", (), None, draws=200, seed=0)
    return make_tables(run, read_vocabulary(), choices)


def test_every_count_is_that_of_a_plain_loop(cases: pd.DataFrame, made: Tables) -> None:
    own = _own(cases)
    judged = (cases["split"].eq("test") | cases["cohort"].eq("external")).to_numpy()
    for name in ("internal", "external"):
        for site in ("femur", "pelvis"):
            keep = judged & cases["cohort"].eq(name).to_numpy() & cases["site"].eq(site).to_numpy()
            rows = made.frames["sweep"].query("cohort == @name and by == 'site' and stratum == @site")
            assert rows["threshold"].is_monotonic_increasing
            for r in rows.to_dict("records"):
                positive = keep & cases["label"].eq("non-benign").to_numpy()
                called = own.nominal >= r["threshold"]
                assert r["n_positive"] == positive.sum()
                assert r["n_positive_called"] == (positive & called).sum()
                assert r["n_negative"] == (keep & ~positive).sum()
                assert r["n_negative_called"] == (keep & ~positive & called).sum()
                assert r["n_malignant_called"] + r["n_intermediate_called"] == r["n_positive_called"]


def test_changed_decisions_are_those_of_the_primary_level(cases: pd.DataFrame, made: Tables) -> None:
    own = _own(cases)
    keep = cases["cohort"].eq("external").to_numpy()
    rows = made.frames["sweep"].query("cohort == 'external' and by == 'all'")
    for r in rows.to_dict("records"):
        cut = r["threshold"]
        differs = (own.perturbed[SHIFT][keep] >= cut) != (own.nominal[keep] >= cut)[:, None]
        assert r["flip_rate"] == pytest.approx(differs.mean(), abs=1e-15)
        assert r["n_answers"] == differs.size


def test_the_carried_threshold_has_the_numbers_of_the_other_tables(made: Tables) -> None:
    rows = made.frames["sweep"].query("by == 'all'")
    rows = rows[rows["operating_point"].str.contains("judged at")].set_index("cohort")
    assert rows["threshold"].unique().tolist() == [0.55]
    strata = made.frames["strata"].query("by == 'all' and model == 'm'")
    for name, r in rows.iterrows():
        own = strata[strata["cohort"] == name].set_index(["metric", "level"])["value"]
        assert r["n_positive_called"] / r["n_positive"] == pytest.approx(own["sensitivity", 0.0])
        assert 1 - r["n_negative_called"] / r["n_negative"] == pytest.approx(own["specificity", 0.0])
        assert r["flip_rate"] == pytest.approx(own["flip_rate", 0.1])


def test_both_ends_of_the_slider(made: Tables) -> None:
    for _, rows in made.frames["sweep"].query("by == 'all'").groupby("cohort"):
        first, last = rows.iloc[0], rows.iloc[-1]
        assert first["n_positive_called"] == first["n_positive"]
        assert first["n_negative_called"] == first["n_negative"]
        assert last["n_positive_called"] == last["n_negative_called"] == 0


def test_the_roc_has_the_area_of_the_auc(cases: pd.DataFrame, made: Tables) -> None:
    rows = made.frames["roc"].query("cohort == 'external'")
    keep = cases["cohort"].eq("external").to_numpy()
    auc = roc_auc_score(cases.loc[keep, "label"].eq("non-benign"), _own(cases).nominal[keep])
    # 51 points cut the corners of the steps
    assert np.trapezoid(rows["value"], rows["x"]) == pytest.approx(auc, abs=0.02)
    assert (rows["low"] <= rows["value"] + 1e-9).all()
    assert (rows["value"] <= rows["high"] + 1e-9).all()


def test_calling_everybody_is_the_same_for_all_models(made: Tables) -> None:
    rows = made.frames["decision_curve"].query("cohort == 'all'")
    share = rows["n_positive"].iloc[0] / rows["n_cases"].iloc[0]
    at = rows[np.isclose(rows["x"], 0.2)].iloc[0]
    assert at["treat_all"] == pytest.approx(share - (1 - share) * 0.25)
