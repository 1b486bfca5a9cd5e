"""stability.csv and the matrix it is made of, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from robustkit.analysis.cohort import judged_cases
from robustkit.analysis.matrix import read_answers
from robustkit.analysis.stability import stability_table
from robustkit.cohort.vocabulary import read_vocabulary
from robustkit.errors import RunError
from robustkit.results.folder import RunFolder

from factories import Answers, plain_cases, write_run

SHIFT = ("shift", 0.1)
SCORES = np.array([
    [0.7, 0.6, 0.4, 0.2],  # positive, nominal .8: two flips, both to wrong
    [0.3, 0.3, 0.3, 0.3],  # negative, nominal .3: nothing moves
    [0.6, 0.4, 0.5, 0.9],  # negative, nominal .6: one flip, to right
    [0.7, np.nan, 0.7, 0.7],  # one repeat failed
])  # fmt: skip


@pytest.fixture
def cases() -> pd.DataFrame:
    return plain_cases(
        label=["non-benign", "benign", "benign", "non-benign", "benign", "benign"],
        split=["test"] * 4 + ["val"] * 2,
        cohort="internal",
    )


@pytest.fixture
def run(tmp_path: Path, cases: pd.DataFrame) -> RunFolder:
    nominal = np.array([0.8, 0.3, 0.6, 0.7, 0.35, 0.65])
    boxes = np.repeat(cases[["x0", "y0", "x1", "y1"]].to_numpy(float)[:, None], 4, axis=1)
    # boxes are 100 x 50 px: moves of 0, 5 px in x (.05), 5 px in y (.1) and both (.1)
    boxes[:, 1, [0, 2]] += 5
    boxes[:, 2, [1, 3]] += 5
    boxes[:, 3] += 5
    scores = np.vstack([SCORES, np.full((2, 4), 0.5)])
    return write_run(tmp_path / "run", cases, {"m": Answers(nominal, {SHIFT: scores})}, boxes={SHIFT: boxes})


def table(run: RunFolder) -> pd.DataFrame:
    cohort = judged_cases(run, run.record(), read_vocabulary())
    answers = read_answers(run, "m", cohort.frame["case_id"].tolist(), [SHIFT])
    return stability_table(cohort, answers, 0.5).set_index("case_id")


def test_rows_by_hand(run: RunFolder) -> None:
    found = table(run)
    assert found.index.tolist() == ["c00", "c01", "c02", "c03"]
    first = found.loc["c00"]
    assert (first["flips"], first["flip_rate"], first["to_wrong"], first["to_right"]) == (2, 0.5, 2, 0)
    assert (first["nominal"], first["mean"]) == (0.8, pytest.approx(0.475))
    # deviations .225, .125, -.075, -.275: sum of squares .1475, over 3
    assert first["sd"] == pytest.approx(np.sqrt(0.1475 / 3))
    assert first["sd_logit"] == pytest.approx(np.std(np.log([7 / 3, 3 / 2, 2 / 3, 1 / 4]), ddof=1))
    # ranks among the development scores .35 and .65: 1, .5, .5, 0
    assert first["rank_sd"] == pytest.approx(np.std([1, 0.5, 0.5, 0], ddof=1))
    # the flips are the third and fourth box, moved by .1; 2.5 % of the way from .2 to .4, times 3 steps
    assert (first["smallest_flip"], bool(first["censored"])) == (pytest.approx(0.1), False)
    assert first["low"] == pytest.approx(0.2 + 0.075 * 0.2)
    assert first["high"] == pytest.approx(0.7 - 0.075 * 0.1)
    assert (first["repeats"], first["n_distinct"], first["n_failed"]) == (4, 4, 0)
    # overlaps: whole; 95 of 105 columns; 45 of 55 rows; 95 x 45 of 2 x 5000 - 4275
    assert first["achieved_iou"] == pytest.approx((1 + 95 / 105 + 45 / 55 + 4275 / 5725) / 4)
    assert first["share_unmoved"] == 0.25
    still = found.loc["c01"]
    assert (still["flips"], still["sd"], bool(still["censored"])) == (0, 0.0, True)
    assert np.isnan(still["smallest_flip"])
    third = found.loc["c02"]
    assert (third["to_wrong"], third["to_right"]) == (0, 1)
    assert third["smallest_flip"] == pytest.approx(0.05)


def test_a_failed_repeat_leaves_no_number(run: RunFolder) -> None:
    lost = table(run).loc["c03"]
    assert lost["n_failed"] == 1
    assert lost[["mean", "sd", "flips", "flip_rate", "smallest_flip", "censored", "rank_sd", "low"]].isna().all()
    run.write_table("stability", table(run).reset_index())
    again = run.table("stability").set_index("case_id")
    assert again["censored"].isna().tolist() == [False, False, False, True]


@pytest.mark.parametrize("repeats", [1, 2, 3, 20, 41])
def test_bounds_are_the_quantiles_of_numpy(cases: pd.DataFrame, tmp_path: Path, repeats: int) -> None:
    scores = np.random.default_rng(repeats).random((6, repeats))
    folder = write_run(tmp_path / "run", cases, {"m": Answers(np.full(6, 0.5), {SHIFT: scores})})
    found = table(folder)
    expected = np.quantile(scores[:4], [0.025, 0.975], axis=1)
    np.testing.assert_allclose(found[["low", "high"]].to_numpy().T, expected, rtol=1e-14)


def test_order_of_prediction_rows_does_not_matter(run: RunFolder) -> None:
    first = table(run)
    file = next((run.path / "predictions").glob("*.parquet"))
    pd.read_parquet(file).sample(frac=1, random_state=3).to_parquet(file)
    pd.testing.assert_frame_equal(table(run), first, check_exact=True)


def test_conditions_without_rows_and_rows_that_come_twice(run: RunFolder) -> None:
    file = next((run.path / "predictions").glob("*.parquet"))
    rows = pd.read_parquet(file)
    pd.concat([rows, rows.iloc[-1:]]).to_parquet(file)
    with pytest.raises(RunError, match=r"model m, shift 0\.1: a case is answered twice"):
        table(run)
    rows[rows["perturbation"] == "nominal"].to_parquet(file)
    with pytest.raises(RunError, match=r"model m, shift 0\.1: the predictions hold no answer"):
        table(run)
