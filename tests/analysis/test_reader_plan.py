"""Plans of reader studies: growth in the right direction, refusals. What was published is in test_published_plans.py."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from robustkit.analysis.reader_plan import Pilot, plans
from robustkit.api.readers_plan import readers_plan
from robustkit.cli.main import app
from robustkit.errors import InputError
from robustkit.stats.multireader import Components
from typer.testing import CliRunner

from made_readings import made_readings, write_readings

PILOT = Pilot(114, 45, 5, 0.04, Components(0.0008, 0.00035, 0.00034, 0.00024), 0.00055)


def test_more_readers_need_fewer_cases_and_a_smaller_difference_more() -> None:
    needed = [p.n_cases for p in plans(PILOT, [4, 6, 10, 20], difference=0.05, wanted=0.8)]
    assert all(a > b for a, b in pairwise(needed))
    for small, large in zip(
        plans(PILOT, [10, 15], difference=0.03, wanted=0.8),
        plans(PILOT, [10, 15], difference=0.05, wanted=0.8),
        strict=True,
    ):
        assert small.n_cases > large.n_cases
        assert small.power_now < large.power_now


def test_readers_who_differ_too_much_are_not_helped_by_cases() -> None:
    found = next(plans(Pilot(114, 45, 5, 0.04, PILOT.errors, 0.05), [3], difference=0.05, wanted=0.8))
    assert found.n_cases == 0
    assert found.power < 0.8
    assert "differ too much" in found.reason


@pytest.fixture
def pilot(tmp_path: Path) -> Path:
    positive = np.arange(60) % 2 == 0
    cases = pd.DataFrame({"case_id": [f"c{i}" for i in range(60)], "positive": positive, "above": positive})
    made = made_readings(cases, readers=3)
    label = np.where(positive, "non-benign", "benign")
    return write_readings(tmp_path / "pilot.csv", made.assign(label=np.tile(label, 6)))


def test_as_a_command(pilot: Path) -> None:
    said = CliRunner().invoke(app, ["readers", "plan", str(pilot), "--readers", "5", "--readers", "9"])
    assert said.exit_code == 0, said.output
    assert "Pilot: 3 readers, 60 cases (30 positive)" in said.output
    assert "hardly known" in said.output
    found = readers_plan(readings=[pilot], readers=[5, 9])
    assert [p.readers for p in found.plans] == [5, 9]
    assert all(str(p.n_cases) in said.output for p in found.plans)


@pytest.mark.parametrize(
    ("flags", "match"),
    [
        ({"difference": 0.0}, "above 0 and under 0.5"),
        ({"difference": float("nan")}, "above 0 and under 0.5"),
        ({"power": 1.0}, "between 0.05 and 1"),
        ({"readers": [1]}, "at least 2 readers"),
        ({"readings": []}, "no readings"),
    ],
)
def test_refusals(pilot: Path, flags: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        readers_plan(**{"readings": [pilot], **flags})


def test_a_pilot_of_one_reader_says_too_little(pilot: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(pilot)
    one = write_readings(tmp_path / "one.csv", frame[frame["reader_id"] == "reader-1"])
    with pytest.raises(InputError, match="one reader"):
        readers_plan(readings=[one])
    few = write_readings(tmp_path / "few.csv", frame[frame["case_id"].isin([f"c{i}" for i in range(8)])])
    with pytest.raises(InputError, match="cannot be estimated"):
        readers_plan(readings=[few])
