"""What is installed beside robustkit: every package has its licence on the page, and none a known vulnerability."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trust_rows import TrustRows

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "licences.md"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "licences.py"))


def test_the_page_names_every_pinned_package_and_its_version(script: dict[str, Any]) -> None:
    pinned = script["pinned"](ROOT / "constraints.txt")
    rows = [line.split(" | ")[:2] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert len(pinned) > 100
    assert [tuple(r) for r in rows[1:] if r[0] != "| ---"] == [(f"| {n}", v) for n, v in pinned]


def test_what_pyproject_asks_for_is_pinned(script: dict[str, Any]) -> None:
    asked = re.findall(r'^  "([A-Za-z0-9_.-]+)>=', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    pinned = {n for n, _ in script["pinned"](ROOT / "constraints.txt")}
    assert len(asked) > 25
    assert {script["normal"](n) for n in asked} <= pinned


@pytest.mark.parametrize(
    ("name", "licence"),
    # each package's own page says so
    [("numpy", "BSD-3-Clause"), ("pylibjpeg-libjpeg", "GPL"), ("pandas", "BSD-3-Clause"), ("hypothesis", "MPL-2.0")],
)
def test_licences_are_those_of_the_packages(name: str, licence: str) -> None:
    row = next(line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {name} |"))
    assert licence in row
    assert row.endswith("copyleft |") is any(w in licence for w in ("GPL", "MPL"))


@pytest.mark.slow
def test_no_known_vulnerability(
    tmp_path: Path, pytestconfig: pytest.Config, trust: TrustRows, script: dict[str, Any]
) -> None:
    if not pytestconfig.getoption("--install"):
        pytest.skip("downloads packages: run with --install")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [tmp_path / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet", "pip-audit>=2.7"]
    subprocess.run(pip, check=True, capture_output=True)
    audit = tmp_path / "venv" / "bin" / "pip-audit"
    asked = [audit, "-r", ROOT / "constraints.txt", "--no-deps", "--disable-pip", "--progress-spinner", "off"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    unknown = len(re.findall("could not be audited|Dependency not found", said))
    known = len(re.findall(r"^[a-z0-9_.-]+ .*(?:PYSEC|GHSA|CVE)-", said, re.MULTILINE | re.IGNORECASE))
    if unknown or "Traceback" in said:
        trust.row(
            "known vulnerabilities of pinned packages", tried=0, found=0, note="pip-audit's database cannot be reached"
        )
        pytest.skip("the database of pip-audit cannot be reached")
    trust.row(
        "known vulnerabilities of pinned packages", tried=len(script["pinned"](ROOT / "constraints.txt")), found=known
    )
    assert done.returncode == 0, said
