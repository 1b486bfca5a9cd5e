"""Plans of reader studies: a published prediction, growth in the right direction, refusals."""

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
from robustkit.stats.multireader import Components, components, mean_squares, reader_aucs
from typer.testing import CliRunner

from made_readings import made_readings, write_readings

ALIKE = (0.0055, (0.3, 0.3, 0.2, 0.2))
APART = (0.1, 0.1, 0.2, 0.6)
"""Roe and Metz' structures: variance of readers; variances of case, arm x case, reader x case, the rest."""


def _structure(reader_variance: float, cases: tuple[float, ...], pilots: int = 200, readers: int = 10) -> Pilot:
    """Mean components of pilots of 100 cases from Roe and Metz' model, AUC 0.855."""
    random = np.random.default_rng(0)
    truth = np.repeat([1, 0], 50)
    case, arm_case, reader_case, rest = np.sqrt(cases)
    errors, squares = [], []
    for _ in range(pilots):
        reader = random.normal(0, np.sqrt(reader_variance), (readers, 2))[:, truth]
        arm = random.normal(0, np.sqrt(reader_variance), (2, readers, 2))[:, :, truth]
        shared = 1.5 * truth + random.normal(0, case, 100) + random.normal(0, arm_case, (2, 1, 100))
        own = random.normal(0, reader_case, (readers, 100)) + random.normal(0, rest, (2, readers, 100))
        aucs, covariances = reader_aucs(truth == 1, shared + reader + arm + own, np.arange(100), covariance="jackknife")
        found = components(covariances, arms=2, readers=readers)
        errors.append((found.var, found.cov1, found.cov2, found.cov3))
        squares.append(mean_squares(aucs)[1])
    return Pilot(100, 50, readers, 0.0, Components(*np.mean(errors, axis=0)), float(np.mean(squares)))


def test_a_published_prediction() -> None:
    """219 cases for 10 readers, effect 0.06, power 0.8 (Chakraborty 2010, Academic Radiology 17:628, table 3, LH)."""
    found = next(plans(_structure(*ALIKE, pilots=600), [10], difference=0.06, wanted=0.8))
    assert found.n_cases == pytest.approx(219, rel=0.05)
    assert found.power == pytest.approx(0.8, abs=0.01)


def test_the_published_readers_who_differ_are_not_those_of_the_widest_structure() -> None:
    """Their variance of arms x readers is 2.4 times that of readers who are alike (docs/readers.md): 0.011, not 0.03."""

    def arm_reader(pilot: Pilot) -> float:
        e = pilot.errors
        return pilot.ms_tr - e.var + e.cov1 + e.between_readers

    alike = arm_reader(_structure(*ALIKE))
    assert 1.8 < arm_reader(_structure(0.011, APART)) / alike < 2.8
    assert arm_reader(_structure(0.03, APART)) / alike > 5


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
