"""Folders, memory, phantom, browser: what is there, and what to do where it is not."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from robustkit.checkup import browser, folders, machine, phantom
from robustkit.checkup._base import Place
from robustkit.findings import Finding

Usage = namedtuple("Usage", "total used free")


def _folders(work: Path, runs: Path) -> dict[str, Finding]:
    return {f.subject: f for f in folders.PLUGIN.look(Place(work, runs, work))}


def test_nothing_is_left_behind_and_nothing_is_made(tmp_path: Path) -> None:
    found = _folders(tmp_path, tmp_path / "deep" / "runs")
    assert {f.status for f in found.values()} == {"ok"}
    assert "will be made in" in found["runs"].said
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, content: bytes) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    found = _folders(tmp_path, tmp_path / "runs")
    assert found["runs"].status == found["working folder"].status == "broken"
    assert "Permission denied" in found["runs"].said
    assert "--out" in found["runs"].fix
    # the cache is for the phantom alone
    assert found["cache"].status == "note"
    assert "XDG_CACHE_HOME" in found["cache"].fix


def test_a_folder_behind_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = _folders(tmp_path, tmp_path / "file" / "runs")["runs"]
    assert found.status == "broken"
    assert "cannot be written" in found.said


def test_a_full_disk_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10 * 2**30, 9.75 * 2**30, 2**28))
    found = _folders(tmp_path, tmp_path)["runs"]
    assert found.status == "broken"
    assert "0.25 GiB free" in found.said


def test_memory_is_read_as_the_kernel_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "meminfo"
    monkeypatch.setattr(machine, "_MEMORY", told)
    assert machine.free_gib() is None
    told.write_text("MemTotal:       16000000 kB\nMemAvailable:    1572864 kB\nHugePages_Total:       0\n")
    assert machine.free_gib() == 1.5  # 1,572,864 kB = 1.5 x 2^20 kB
    found = {f.subject: f for f in machine.PLUGIN.look(Place(tmp_path, tmp_path, tmp_path))}
    assert found["memory"].status == "note"
    assert "--batch-size" in found["memory"].fix


def test_the_phantom_is_told_from_its_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (found,) = phantom.PLUGIN.look(Place(tmp_path, tmp_path, tmp_path))
    assert found.status == "note"
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(phantom, "is_drawn", lambda: True)
    (found,) = phantom.PLUGIN.look(Place(tmp_path, tmp_path, tmp_path))
    assert found.status == "ok"


@pytest.mark.parametrize(("there", "status"), [("/usr/bin/chromium", "ok"), (None, "note")])
def test_a_browser_is_never_needed(there: str | None, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: there)
    (found,) = browser.PLUGIN.look(Place(Path(), Path(), Path()))
    assert found.status == status
