"""The commands of baseline: what is printed where, JSON, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from made_baselines import write_lesions


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lesions(tmp_path_factory.mktemp("cli") / "world", n=120)


def robustkit(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    code = "from robustkit.cli.main import run; run()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=cwd, check=False
    )


def test_the_path_is_the_result_and_the_rest_is_said(manifest: Path, tmp_path: Path) -> None:
    done = robustkit(
        "baseline",
        "clinical",
        "--manifest",
        str(manifest),
        "--facts",
        "age_years,sex",
        "--figure",
        "n.html",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "clinical.json\n"
    for part in ("age_years", "95 % interval", "calibration_slope", "nomogram: n.html", "clinical: fitted on"):
        assert part in done.stderr
    assert {p.name for p in tmp_path.iterdir()} == {"clinical.json", "n.html"}


def test_json_alone(manifest: Path, tmp_path: Path) -> None:
    done = robustkit("baseline", "radiomics", "--manifest", str(manifest), "--families", "first_order", "--folds", "3",
                     "--min-icc", "0", "--json", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    said = json.loads(done.stdout)
    assert (said["kind"], said["path"]) == ("radiomics", "radiomics.json")
    assert said["estimates"][0]["rows"] == "nested CV"


def test_wrong_input_is_one_sentence(manifest: Path, tmp_path: Path) -> None:
    done = robustkit("baseline", "combined", "--manifest", str(manifest), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "robustkit: --model: no model was given. Give --model ckpt.pt.\n")
    done = robustkit("baseline", "clinical", "--manifest", str(manifest), "--facts", "agee", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("robustkit: --facts: no case has the fact 'agee'.")
    assert list(tmp_path.iterdir()) == []
