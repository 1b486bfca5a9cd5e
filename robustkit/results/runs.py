"""The folder of all runs: new names, the newest complete run, the newest partial one of an identity."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from robustkit.errors import RunError
from robustkit.results.folder import RunFolder


def new_run_path(runs: Path, identity: str, *, now: datetime) -> Path:
    """Give ``runs/<UTC time>-<short identity>``, a name after all that are there: the newest run is the greatest name.

    Where the clock was put back, or two runs begin in one second, the time is one second after the latest.
    """
    begun = [t for p in runs.iterdir() if (t := _time(p.name))] if runs.is_dir() else []
    if begun and max(begun) >= now.replace(microsecond=0):
        now = max(begun) + timedelta(seconds=1)
    return runs / f"{now:{_TIME}}-{identity[:8]}"


def _time(name: str) -> datetime | None:
    """Give the time in a folder's name; None where it is called otherwise."""
    try:
        found = datetime.strptime(name.split("-", maxsplit=1)[0], _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return found if found.year < _NO_YEAR else None


_TIME = "%Y%m%dT%H%M%SZ"
_NO_YEAR = 9999
"""No clock says so, and no second comes after its last one."""


def complete_and_partial(runs: Path) -> tuple[RunFolder | None, RunFolder | None]:
    """Give the newest complete run and, if it is newer, the newest partial one (greatest folder name)."""
    partial = None
    for folder, status in _readable(runs):
        if status == "complete":
            return folder, partial
        partial = partial or folder
    return None, partial


def newest_run(runs: Path) -> RunFolder:
    """Give the newest complete run.

    Raises:
        RunError: None is there.
    """
    return newest_and_partial(runs)[0]


def newest_and_partial(runs: Path) -> tuple[RunFolder, RunFolder | None]:
    """Give the newest complete run and, if it is newer, the newest partial one.

    Raises:
        RunError: No complete one is there.
    """
    complete, partial = complete_and_partial(runs)
    if complete is None:
        what = (
            "there is no complete run yet."
            if partial is None
            else f"the only run, {partial.path.name}, is not complete."
        )
        raise RunError(
            what, where=str(runs), fix="Run `robustkit perturb --model ckpt.pt --shifts 0.1` first, or name a run."
        )
    return complete, partial


def newest_of_identity(runs: Path, identity: str) -> RunFolder | None:
    """Give the newest run of that identity, complete or partial."""
    for folder, _ in _readable(runs):
        if folder.record().get("identity") == identity:
            return folder
    return None


def _readable(runs: Path) -> Iterator[tuple[RunFolder, str]]:
    if not runs.is_dir():
        return
    for path in sorted((p for p in runs.iterdir() if p.is_dir()), reverse=True):
        folder = RunFolder(path)
        try:
            yield folder, str(folder.record().get("status", "complete"))
        except RunError:
            continue
