"""box-noise as a user meets it: tables of readers in, a level and the models at that level out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from robustkit.api.box_noise import box_noise
from robustkit.cli.main import app
from robustkit.errors import InputError
from typer.testing import CliRunner

from factories import Answers, cohort, redrawn, scores_of, write_run

N = 60


def _reader(path: Path, seed: int, sd: float = 4.0, n: int = N) -> Path:
    random = np.random.default_rng(seed)
    corner = np.stack([np.arange(n) * 3.0, np.arange(n) * 2.0], axis=1)
    boxes = np.concatenate([corner, corner + 100], axis=1) + np.tile(random.normal(0, sd, (n, 2)), 2)
    frame = pd.DataFrame(boxes, columns=["x0", "y0", "x1", "y1"])
    frame.insert(0, "case_id", [f"lesion-{i}" for i in range(n)])
    frame.to_csv(path, index=False)
    return path


def test_the_level_is_that_of_the_readers_and_the_models_are_read_there(tmp_path: Path) -> None:
    tables = [_reader(tmp_path / f"{name}.csv", seed) for seed, name in enumerate(("anna", "bo"))]
    cases = cohort(60, 40)
    nominal = scores_of(cases)
    levels = {("shift", v): redrawn(cases, nominal, sd=10 * v) for v in (0.05, 0.1)}
    run = write_run(tmp_path / "run", cases, {"m": Answers(nominal, levels)})
    found = box_noise(boxes=tables, run=run.path, draws=200)
    assert found.readers == ("anna", "bo")
    shift = found.measures[0]
    # sd 4 of 100 px: a uniform shift of sqrt(3) x .04
    assert shift.low < np.sqrt(3) * 0.04 < shift.high
    assert (shift.n_lesions, shift.n_patients) == (N, N)
    curves = (
        run.table("curves").query("by == 'all' and cohort == 'all' and metric == 'auc'").set_index("level")["value"]
    )
    at = next(m for m in found.models if m.metric == "auc" and m.cohort == "all")
    weight = (shift.value - 0.05) / 0.05
    assert at.value == pytest.approx((1 - weight) * curves[0.05] + weight * curves[0.1])
    assert f"--shifts {shift.value:.3g}" in found.command


def test_a_level_beyond_the_tested_ones_has_no_value(tmp_path: Path) -> None:
    tables = [_reader(tmp_path / f"{name}.csv", seed, sd=20.0) for seed, name in enumerate(("anna", "bo"))]
    cases = cohort(40, 30)
    nominal = scores_of(cases)
    run = write_run(tmp_path / "run", cases, {"m": Answers(nominal, {("shift", 0.1): redrawn(cases, nominal)})})
    found = box_noise(boxes=tables, run=run.path, draws=50)
    assert {m.reason for m in found.models} == {"the largest level tested is 0.1"}
    assert all(np.isnan(m.value) for m in found.models)


def test_one_table_with_a_column_of_readers(tmp_path: Path) -> None:
    parts = [pd.read_csv(_reader(tmp_path / f"{i}.csv", i)).assign(reader=f"r{i}") for i in range(3)]
    pd.concat([*parts[:2], parts[2].head(10)]).to_csv(tmp_path / "all.csv", index=False)
    found = box_noise(boxes=[tmp_path / "all.csv"], draws=50)
    assert found.readers == ("r0", "r1", "r2")
    assert found.measures[0].n_lesions == N + 10 + 10  # every pair of readers
    assert {m.name for m in found.measures} == {"shift", "scale", "aspect", "iou"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="x1"), "the table lacks x1"),
        (lambda f: f.assign(x1=f["x0"]), "row 2 is no box"),
        (lambda f: f.assign(y1="?"), "row 2 is no box"),
        (lambda f: pd.concat([f, f.tail(1)]), "is there twice for the reader"),
        (lambda f: f.assign(case_id=f["case_id"] + "x"), "no lesion was marked by two readers"),
    ],
)
def test_bad_tables_are_refused_in_one_sentence(tmp_path: Path, change, said: str) -> None:  # type: ignore[no-untyped-def]
    first, second = (_reader(tmp_path / f"{i}.csv", i) for i in range(2))
    change(pd.read_csv(second)).to_csv(second, index=False)
    with pytest.raises(InputError, match=said):
        box_noise(boxes=[first, second], draws=10)


def test_one_reader_is_not_enough(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["box-noise", "--boxes", str(_reader(tmp_path / "anna.csv", 0))])
    assert isinstance(done.exception, InputError)
    assert "two readers or more, got anna" in str(done.exception)


def test_the_command_line_says_what_to_do_next(tmp_path: Path) -> None:
    tables = [_reader(tmp_path / f"{name}.csv", seed) for seed, name in enumerate(("anna", "bo"))]
    flags = [f for t in tables for f in ("--boxes", str(t))]
    done = CliRunner().invoke(app, ["box-noise", *flags, "--draws", "50"])
    assert done.exit_code == 0, done.output
    assert "level of shift that scatters as one reader does" in done.output
    assert "robustkit perturb --model ckpt.pt --shifts" in done.output
