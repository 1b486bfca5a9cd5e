"""Wheel and sdist in new environments: they hold everything, and `perturb` gives the same answers on every Python.

Packages are downloaded, some hundred MB for each environment, so these tests run with ``--install`` alone:
``make test-install``. Interpreters are looked for by name on PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from small_world import write_films, write_network
from trust_rows import TrustRows

ROOT = Path(__file__).parents[2]
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
PYTHONS = ("3.11", "3.12", "3.13")
EXTRAS = ("", "cpu,onnx,cluster,dashboard,heatmaps,radiomics")
TORCH = next(line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.startswith("torch=="))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def _asked(pytestconfig: pytest.Config) -> None:
    if not pytestconfig.getoption("--install"):
        pytest.skip("downloads packages: run with --install")


def _run(*command: object, folder: Path, fine: tuple[int, ...] = (0,)) -> str:
    # what is installed is meant, not what lies in the checkout
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run([str(c) for c in command], cwd=folder, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode in fine, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def _environment(folder: Path, python: str) -> Path:
    """Make an environment and give its interpreter; skip where there is no such Python."""
    found = shutil.which(f"python{python}")
    asked = found and subprocess.run([found, "-c", "print('here')"], capture_output=True, text=True, check=False).stdout
    if not asked or "here" not in asked:
        pytest.skip(f"no Python {python} on PATH")
    _run(found, "-m", "venv", folder / "venv", folder=folder)
    return folder / "venv" / "bin" / "python"


def _install(python: Path, *what: object) -> None:
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", ROOT / "constraints.txt")
    _run(*pip, *what, folder=python.parent)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Build an sdist from what git knows, and a wheel from that sdist."""
    folder = tmp_path_factory.mktemp("built")
    _run("git", "clone", "--quiet", ROOT, folder / "source", folder=folder)
    python = _environment(folder, OWN)
    _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "build>=1.2", folder=folder)
    _run(python, "-m", "build", "--outdir", folder / "dist", folder / "source", folder=folder)
    (sdist,), (wheel,) = (folder / "dist").glob("*.tar.gz"), (folder / "dist").glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("job")
    write_films(folder, n=6)
    write_network(folder / "net.pt")
    return folder


def _names(folder: str) -> set[str]:
    done = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True)
    return {n.removeprefix(f"{folder}/") for n in done.stdout.split() if "/.git" not in n}


def test_sdist_and_wheel_hold_every_file_of_the_package(built: tuple[Path, Path]) -> None:
    sdist, wheel = built
    with tarfile.open(sdist) as archive:
        first = {n.partition("/")[2] for n in archive.getnames()}
    second = set(zipfile.ZipFile(wheel).namelist())
    for folder, inside in (
        ("robustkit", "robustkit"),
        ("cli", "robustkit/cli"),
        ("data_manifests", "robustkit/data_manifests"),
    ):
        names = {n for n in _names(folder) if not n.endswith(".md")}
        assert {f"{folder}/{n}" for n in names} <= first
        assert {f"{inside}/{n}" for n in names} <= second
    assert not [n for n in second if n.startswith(("tests", "benchmarks", "docs"))]


@pytest.mark.parametrize("extras", EXTRAS, ids=["plain", "extras"])
@pytest.mark.parametrize("version", PYTHONS)
def test_the_wheel_perturbs(
    tmp_path: Path, built: tuple[Path, Path], job: Path, trust: TrustRows, version: str, extras: str
) -> None:
    python = _environment(tmp_path, version)
    _install(python, TORCH)
    _install(python, f"robustkit[{extras}] @ {built[1].as_uri()}" if extras else built[1])
    robustkit = python.with_name("robustkit")
    answers = _answers(lambda *a: _run(robustkit, *a, folder=tmp_path), job, tmp_path / "run")
    ours = _answers(
        lambda *a: _run(Path(sys.executable).with_name("robustkit"), *a, folder=tmp_path), job, tmp_path / "ours"
    )
    keys = ["case_id", "perturbation", "level", "repeat"]
    both = answers.merge(ours, on=keys, suffixes=("", "_ours"), validate="one_to_one")
    assert len(both) == len(ours) == 6 * 6
    for column in ("x0", "y0", "x1", "y1"):
        assert both[column].equals(both[f"{column}_ours"])
    np.testing.assert_allclose(both["score"], both["score_ours"], atol=1e-5)
    for command in ("stratify", "report"):
        _run(robustkit, command, tmp_path / "run", folder=tmp_path)
    said = json.loads(_run(robustkit, "doctor", "--quick", "--json", folder=tmp_path))
    assert "broken" not in {f["status"] for f in said["findings"]}
    what = f"wheel on Python {version}, {'with extras' if extras else 'without extras'}"
    trust.row(what, tried=len(both), found=0, note="answers equal to those of the checkout, scores to 1e-5")


def _answers(robustkit: Callable[..., str], job: Path, run: Path) -> pd.DataFrame:
    robustkit(
        "perturb", "--model", job / "net.pt", "--manifest", job / "cases.csv", "--shifts", "0.1", "--repeats", 5,
        "--backend", "eager", "--device", "cpu", "--out", run, "--quiet",
    )  # fmt: skip
    return pd.concat([pd.read_parquet(p) for p in sorted((run / "predictions").glob("*.parquet"))])
