"""A clock that goes backwards: durations and times left are those of the monotonic one, the newest run stays the newest."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from robustkit.api.perturb import perturb
from robustkit.api.train import train
from robustkit.results.folder import RunFolder
from robustkit.results.runs import new_run_path, newest_run

from bright_spots import write_cohort
from small_world import write_films, write_network
from trust_rows import TrustRows

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class _Backwards(datetime):
    """A clock that is an hour earlier each time that it is read."""

    hours = 0

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        """Give the time."""
        cls.hours += 1
        return (NOON - timedelta(hours=cls.hours)).astimezone(tz)


def _backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    # the clock of the machine, as everything sees it that does not ask the monotonic one
    begun = time.monotonic()
    monkeypatch.setattr(time, "time", lambda: NOON.timestamp() - 3600 * (time.monotonic() - begun))
    for module in ("robustkit.api._run_folder", "robustkit.engine.record", "robustkit.lock"):
        monkeypatch.setattr(f"{module}.datetime", _Backwards)


def _run(folder: Path, seed: int) -> Any:
    return perturb(
        model=[str(folder / "a.pt")], manifest=[folder / "cases.csv"], shifts=["0.1"], repeats=2, seed=seed, device="cpu",
        backend="eager",
    )  # fmt: skip


def test_runs_on_a_clock_that_goes_backwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trust: TrustRows) -> None:
    write_films(tmp_path)
    write_network(tmp_path / "a.pt", seed=1)
    monkeypatch.chdir(tmp_path)
    _backwards(monkeypatch)
    made = []
    for seed in range(5):
        result = _run(tmp_path, seed)
        made.append(result.run)
        assert newest_run(tmp_path / "runs").path == tmp_path / result.run
        assert RunFolder(result.run).record()["timings_s"]["work"] >= 0
        assert result.seconds >= 0
    assert sorted(made) == made
    assert len(set(made)) == 5
    # the same command finds its own run, not the newest
    assert _run(tmp_path, 2).run == made[2]
    trust.row("runs on a clock that goes back an hour each time", tried=5, found=0)


def test_the_time_left_of_a_training_is_not_negative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trust: TrustRows
) -> None:
    write_cohort(tmp_path / "world")
    _backwards(monkeypatch)
    said: list[str] = []
    result = train(manifest=[tmp_path / "world" / "cases.csv"], output=tmp_path / "a.pt", arch="test_resnet", input_size=32,
                   epochs=3, batch_size=8, device="cpu", workers=1, say=said.append)  # fmt: skip
    assert result.seconds >= 0
    left = [line for line in said if line.endswith("s left")]
    assert len(left) == 3
    assert not [line for line in left if "at most -" in line]
    trust.row("train on a clock that goes backwards", tried=1, found=0)


def test_a_new_folder_is_named_after_all_that_are_there(tmp_path: Path) -> None:
    later = NOON + timedelta(days=400)
    names = []
    for now, identity in (
        (later, "ffff0000"),
        (NOON, "0000ffff"),
        (NOON, "0000ffff"),
        (later + timedelta(days=1), "aaaa"),
    ):
        path = new_run_path(tmp_path, identity, now=now)
        path.mkdir()
        names.append(path.name)
    assert names == sorted(names)
    # a second after the latest, by hand
    assert names[:2] == ["20270405T120000Z-ffff0000", "20270405T120001Z-0000ffff"]
    assert names[3] == "20270406T120000Z-aaaa"


def test_names_that_are_no_times_are_passed_over(tmp_path: Path) -> None:
    for name in ("zz-mine", "99999999T999999Z-x", "20260101T000000Z", "notes.txt"):
        (tmp_path / name).mkdir()
    assert new_run_path(tmp_path, "abcdef0123", now=NOON).name == "20260301T120000Z-abcdef01"
    assert new_run_path(tmp_path / "none", "abcdef0123", now=NOON).name == "20260301T120000Z-abcdef01"
