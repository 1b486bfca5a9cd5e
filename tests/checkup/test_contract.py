"""Every check gives findings that a person can act on, wherever it looks."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from robustkit.checkup import _base
from robustkit.checkup._base import Check, Place, every_check, looked
from robustkit.errors import InputError
from robustkit.findings import Finding
from robustkit.registry import load, names

HOSTS = ("pypi", "http://", "https://", "index-url")


@pytest.mark.parametrize("name", names("checkup"))
def test_findings_are_whole(name: str, tmp_path: Path) -> None:
    check = cast(Check, load("checkup", name))
    found = list(check.look(Place(tmp_path, tmp_path / "runs", tmp_path, is_quick=True)))
    assert check.name == name
    assert found
    assert len({f.subject for f in found}) == len(found)
    for finding in found:
        assert finding.check == name
        assert finding.said
        assert finding.fix or finding.status in ("ok", "note")
        assert not any(h in f"{finding.said}{finding.fix}".lower() for h in HOSTS)
        assert finding.status in ("ok", "note", "missing")  # this machine runs the tests


def test_checks_have_an_order_of_their_own() -> None:
    orders = [c.order for c in every_check()[0]]
    assert orders == sorted(set(orders))


def test_a_check_that_breaks_off_is_a_finding() -> None:
    def look() -> object:
        yield Finding("x", "first", "ok", "well")
        raise ImportError("libfoo.so.1: cannot open\nand more")

    first, second = looked("x", look)  # type: ignore[arg-type]
    assert first.status == "ok"
    assert (second.status, second.is_bad) == ("broken", True)
    assert second.said == "the check broke off: ImportError: libfoo.so.1: cannot open"


def test_an_error_of_ours_is_a_finding_too() -> None:
    def look() -> object:
        raise InputError("no such thing.", where="here")
        yield

    (found,) = looked("x", look)  # type: ignore[arg-type]
    assert "no such thing" in found.said


def test_a_check_that_cannot_be_loaded_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_fails(family: str, name: str) -> object:
        if name == "backends":
            raise ImportError("No module named 'torch'")
        return load(family, name)

    monkeypatch.setattr(_base, "load", one_fails)
    checks, faults = every_check()
    assert len(checks) == len(names("checkup")) - 1
    assert [(f.check, f.status) for f in faults] == [("backends", "broken")]
