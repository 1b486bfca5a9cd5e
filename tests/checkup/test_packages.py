"""Versions and extras: every package of pyproject.toml is known, and what is wrong with one is said with its mend."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from robustkit.checkup import _packages
from robustkit.checkup._base import Place
from robustkit.checkup._packages import EXTRAS, PURPOSES, TOOLS, Needed, requirements
from robustkit.checkup.extras import PLUGIN as EXTRA_CHECK
from robustkit.checkup.packages import PLUGIN as PACKAGE_CHECK

PROJECT: dict[str, Any] = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
QUICK = Place(Path(), Path(), Path(), is_quick=True)


def test_everything_that_is_asked_for_is_known() -> None:
    assert {Requirement(r).name for r in PROJECT["dependencies"]} == set(PURPOSES)
    assert set(PROJECT["optional-dependencies"]) == {*EXTRAS, *TOOLS}


def test_requirements_are_those_of_the_project() -> None:
    found = requirements()
    assert {(n.name, n.wanted) for n in found if not n.extra} == {
        (r.name, str(r.specifier)) for r in map(Requirement, PROJECT["dependencies"])
    }
    wanted = {
        (e, Requirement(r).name) for e, rs in PROJECT["optional-dependencies"].items() if e not in TOOLS for r in rs
    }
    assert {(n.extra, n.name) for n in found if n.extra} == wanted


@pytest.mark.parametrize(
    ("needed", "fault"),
    [
        (Needed("numpy", ">=2.0"), ""),
        (Needed("Pillow", ">=1"), ""),
        (Needed("numpy", ">=99"), "is installed, >=99 is needed"),
        (Needed("no-such-package-here", ""), "is not installed"),
    ],
)
def test_faults_of_packages(needed: Needed, fault: str) -> None:
    found = needed.fault(by_import=True)
    assert found.endswith(fault)
    assert bool(found) == bool(fault)


def _without(monkeypatch: pytest.MonkeyPatch, *missing: str) -> None:
    def version(name: str) -> str:
        if name in missing:
            raise PackageNotFoundError(name)
        return found(name)

    found = _packages.version
    monkeypatch.setattr(_packages, "version", version)


def test_a_missing_extra_is_no_fault_and_names_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "dash", "numba")
    found = {f.subject: f for f in EXTRA_CHECK.look(QUICK)}
    assert {s for s, f in found.items() if f.status == "missing"} >= {"dashboard", "radiomics"}
    assert found["dashboard"].fix == "pip install 'robustkit[dashboard]'"
    assert found["dashboard"].said == "the dashboard: dash is not installed"
    assert not any(f.is_bad for f in found.values())


def test_a_missing_package_of_all_installations_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "pydicom")
    found = {f.subject: f for f in PACKAGE_CHECK.look(QUICK)}
    assert [s for s, f in found.items() if f.is_bad] == ["pydicom"]
    assert found["pydicom"].said == "is not installed; it is for DICOM films"
    assert found["pydicom"].fix == "pip install 'pydicom>=3.0.1'"


def test_a_package_that_cannot_be_imported_is_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "captum_broken.py").write_text("raise ImportError('numpy 1 was expected')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(_packages.MODULES, "captum", "captum_broken")
    found = {f.subject: f for f in EXTRA_CHECK.look(Place(Path(), Path(), Path()))}["heatmaps"]
    assert found.status == "broken"
    assert "captum is installed and cannot be imported (ImportError: numpy 1 was expected)" in found.said


def test_an_installation_without_metadata_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("robustkit.checkup.packages.version", none)
    *_, last = PACKAGE_CHECK.look(QUICK)
    assert (last.subject, last.status) == ("robustkit", "broken")
