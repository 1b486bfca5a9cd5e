"""Repeats go on until the means are known well enough, and are those of a run that had them from the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from robustkit.api._rounds import Round
from robustkit.api.perturb import perturb
from robustkit.errors import InputError
from robustkit.results.folder import RunFolder
from sklearn.metrics import roc_auc_score

from small_world import write_films, write_network

KEYS = ["model", "case_id", "perturbation", "level", "repeat"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_films(folder, n=10)
    write_network(folder / "a.pt", seed=1)
    write_network(folder / "b.pt", seed=2)
    return folder


def _run(world: Path, out: Path, **flags: Any) -> RunFolder:
    given = {"shifts": ["0.1,0.3"], "repeats": 4, "device": "cpu", "batch_size": "4", "backend": "eager", **flags}
    perturb(model=[str(world / "a.pt"), str(world / "b.pt")], manifest=[world / "cases.csv"], out=out, **given)
    return RunFolder(out)


def _rows(folder: RunFolder) -> pd.DataFrame:
    rows = folder.predictions().sort_values(KEYS, ignore_index=True)
    rows["logits"] = rows["logits"].map(lambda v: tuple(v.tolist()))
    return rows


def _errors_by_hand(folder: RunFolder, *, most: int = 10**6, of: int = 1) -> tuple[float, float]:
    rows, labels = folder.predictions(), folder.cases().set_index("case_id")["label"]
    rows = rows[(rows["perturbation"] == "shift") & ~rows["case_id"].isin(["case-3", "case-7"])]
    case_errors, curve_errors = [], []
    for _, one in rows.groupby(["model", "level"]):
        table = one.pivot(index="case_id", columns="repeat", values="score")
        table = table.loc[:, table.columns < most]
        sets = [table.loc[:, table.columns // of == k] for k in range(table.shape[1] // of)]
        root = np.sqrt(len(sets))
        case_errors.append(pd.concat([s.mean(axis=1) for s in sets], axis=1).std(axis=1, ddof=1).max() / root)
        truth = labels[table.index] == "non-benign"
        aucs = [np.mean([roc_auc_score(truth, s[r]) for r in s]) for s in sets]
        curve_errors.append(np.std(aucs, ddof=1) / root)
    return max(case_errors), max(curve_errors)


def test_rounds_of_sobol_points_are_measured_between_sets(world: Path, tmp_path: Path) -> None:
    rounds = _run(world, tmp_path / "rounds", shifts=["0.1"], until=0.0005, max_repeats=1100, sampler="sobol")
    told = rounds.record()["rounds"]
    assert [r["repeats"] for r in told][:2] == [4, 512]
    assert told[0] == {"repeats": 4, "case_error": None, "curve_error": None}
    np.testing.assert_allclose(
        (told[1]["case_error"], told[1]["curve_error"]), _errors_by_hand(rounds, most=512, of=64)
    )
    once = _run(world, tmp_path / "once", shifts=["0.1"], repeats=rounds.record()["repeats"], sampler="sobol")
    pd.testing.assert_frame_equal(_rows(rounds), _rows(once))


def test_sobol_rounds_that_may_not_reach_eight_sets_say_so(world: Path, tmp_path: Path) -> None:
    rounds = _run(world, tmp_path / "run", shifts=["0.1"], until=0.5, max_repeats=64, sampler="sobol")
    assert [r["repeats"] for r in rounds.record()["rounds"]] == [4, 64]
    assert any("Use --max-repeats 512 or more" in w for w in rounds.record()["warnings"])


def test_rounds_end_with_the_rows_of_one_run(world: Path, tmp_path: Path) -> None:
    rounds = _run(world, tmp_path / "rounds", until=0.012, max_repeats=256)
    record = rounds.record()
    told = record["rounds"]
    assert [r["repeats"] for r in told] == [4 * 2**k for k in range(len(told))]
    assert len(told) > 1
    assert all(max(r["case_error"], r["curve_error"]) >= 0.012 for r in told[:-1])
    assert max(told[-1]["case_error"], told[-1]["curve_error"]) < 0.012
    assert record["repeats"] == told[-1]["repeats"]
    assert record["status"] == "complete"
    assert record["until"] == {"precision": 0.012, "start": 4, "most": 256}
    once = _run(world, tmp_path / "once", repeats=record["repeats"])
    pd.testing.assert_frame_equal(_rows(rounds), _rows(once))
    np.testing.assert_allclose((told[-1]["case_error"], told[-1]["curve_error"]), _errors_by_hand(rounds))


def test_at_the_most_it_stops_and_says_what_is_left(world: Path, tmp_path: Path) -> None:
    result = perturb(
        model=[str(world / "a.pt")], manifest=[world / "cases.csv"], shifts=["0.3"], repeats=4, until=1e-6,
        max_repeats=10, device="cpu", backend="eager", out=tmp_path / "run",
    )  # fmt: skip
    record = RunFolder(tmp_path / "run").record()
    assert [r["repeats"] for r in record["rounds"]] == [4, 8, 10]
    assert any("--until 1e-06 was not reached, --max-repeats is 10" in w for w in result.warnings)
    again = perturb(
        model=[str(world / "a.pt")], manifest=[world / "cases.csv"], shifts=["0.3"], repeats=4, until=1e-6,
        max_repeats=10, device="cpu", backend="eager", out=tmp_path / "run",
    )  # fmt: skip
    assert again.was_complete


def test_a_run_killed_between_rounds_goes_on(world: Path, tmp_path: Path) -> None:
    whole = _run(world, tmp_path / "whole", until=0.012, max_repeats=64)
    cut = _run(world, tmp_path / "cut", until=0.012, max_repeats=64)
    later = [p for p in (cut.path / "predictions").glob("*.parquet") if p.stem.count("-") > 1]
    assert later
    for part in later:
        part.unlink()
    cut.write_record({**cut.record(), "status": "partial"})
    pd.testing.assert_frame_equal(_rows(_run(world, tmp_path / "cut", until=0.012, max_repeats=64)), _rows(whole))


def test_workers_make_the_same_rounds(world: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    here = _run(world, tmp_path / "here", until=0.05, max_repeats=16)
    there = _run(world, tmp_path / "there", until=0.05, max_repeats=16, executor="dask", scheduler="local:1")
    pd.testing.assert_frame_equal(_rows(there), _rows(here))


def test_errors_that_are_not_known_do_not_keep_it_going() -> None:
    assert Round(4, 0.01, float("nan")).is_enough(0.02)
    assert not Round(4, 0.03, float("nan")).is_enough(0.02)
    assert Round(4, float("nan"), float("nan")).to_dict() == {"repeats": 4, "case_error": None, "curve_error": None}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"until": 0.0}, "expected a precision between 0 and 1, got 0.0"),
        ({"until": 0.1, "repeats": 1}, "at least 2 repeats"),
        ({"until": 0.1, "max_repeats": 3}, r"at most --max-repeats \(3\), got 4"),
        ({"until": 0.1, "shifts": []}, "nothing to repeat"),
    ],
)
def test_refuses_what_makes_no_sense(world: Path, tmp_path: Path, flags: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        _run(world, tmp_path / "run", **flags)
