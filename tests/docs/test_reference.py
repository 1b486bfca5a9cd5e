"""The reference is what the code says today."""

from __future__ import annotations

import importlib.util
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
LARGEST_BYTES = 300_000


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _pages(folder: Path) -> dict[str, str]:
    return {p.name: p.read_text(encoding="utf-8") for p in sorted(folder.glob("*.md"))}


def _is_pinned(package: str) -> bool:
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower().splitlines()
    return f"{package}=={version(package)}" in pinned


@pytest.mark.skipif(
    not (_is_pinned("typer") and _is_pinned("griffelib")), reason="written with the versions in constraints.txt"
)
def test_the_pages_are_up_to_date(reference: ModuleType, tmp_path: Path) -> None:
    reference.main(tmp_path)
    kept, now = _pages(ROOT / "docs" / "reference"), _pages(tmp_path)
    stale = sorted(n for n in kept.keys() | now.keys() if kept.get(n) != now.get(n))
    assert not stale, "run: python docs/reference.py"
    assert sum(len(t.encode()) for t in now.values()) < LARGEST_BYTES


def test_every_family_of_plug_ins_is_there(reference: ModuleType) -> None:
    files = [p for p in (ROOT / "robustkit").glob("*/*.py") if "\nPLUGIN" in p.read_text(encoding="utf-8")]
    assert {p.parent.name for p in files} == set(reference.FAMILIES)


def test_every_command_function_and_plug_in_is_named() -> None:
    from robustkit.cli.main import app
    from robustkit.registry import names
    from typer.main import get_command

    pages = _pages(ROOT / "docs" / "reference")
    for name in getattr(get_command(app), "commands", {}):
        assert f"\n## robustkit {name}\n" in pages["commands.md"]
    for module in (ROOT / "robustkit" / "api").glob("[a-z]*.py"):
        assert f"\n## robustkit.api.{module.stem}\n" in pages["python.md"]
    for name in names("perturbations"):
        assert f"\n### {name}\n" in pages["plugins.md"]
