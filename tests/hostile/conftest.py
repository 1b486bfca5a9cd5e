"""The count of what was tried, written with ``--trust FOLDER``; and a command line that is watched."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bounds import Outcome, Tally, bounded, check_sentence

TALLY = Tally()


@pytest.fixture(scope="session")
def tally(pytestconfig: pytest.Config) -> Iterator[Tally]:
    yield TALLY
    folder = pytestconfig.getoption("--trust")
    if folder:
        TALLY.write(Path(folder) / "hostile.json")


@pytest.fixture
def typed(
    tally: Tally, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[Outcome, str]]:
    """Type a command: exit 2 with a sentence is an error, 3 a failed case, 0 and 1 an answer; all else fails the test."""

    def type_(what: str, *arguments: object) -> tuple[Outcome, str]:
        from robustkit.cli.main import run

        monkeypatch.setattr(sys, "argv", ["robustkit", *map(str, arguments)])
        code = 0
        with bounded():
            try:
                run()
            except SystemExit as stop:
                code = int(stop.code or 0)
        shown = capsys.readouterr()
        said = shown.err or shown.out  # validate lists what is wrong as its result
        assert code in (0, 1, 2, 3)
        outcomes: dict[int, Outcome] = {0: "accepted", 1: "accepted", 2: "error", 3: "failed_case"}
        assert "Traceback" not in said
        if code == 2:
            check_sentence(said)
        tally.add(what, outcomes[code])
        return outcomes[code], said

    return type_
