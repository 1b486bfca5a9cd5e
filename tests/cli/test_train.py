"""train on the command line: the path on stdout, all else on stderr."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from robustkit.cli.main import app
from typer.testing import CliRunner

from bright_spots import write_cohort

FAST = ["--arch", "test_resnet", "--input-size", "32", "--epochs", "2", "--batch-size", "8", "--device", "cpu"]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cohort(tmp_path_factory.mktemp("train"))


def test_train_prints_the_path_and_tells_each_epoch(manifest: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["train", "--manifest", str(manifest), "-o", str(tmp_path / "a.pt"), *FAST])
    assert done.exit_code == 0
    assert done.stdout == f"{tmp_path / 'a.pt'}\n"
    assert "epoch 2/2: loss" in done.stderr
    assert "16 training and 8 validation cases" in done.stderr


def test_train_speaks_json_and_is_quiet(manifest: Path, tmp_path: Path) -> None:
    flags = ["--manifest", str(manifest), "-o", str(tmp_path / "a.pt"), "--json", *FAST]
    done = CliRunner().invoke(app, ["train", *flags])
    assert done.exit_code == 0
    assert done.stderr == ""
    said = json.loads(done.stdout)
    assert (said["arch"], said["epochs"], said["n_train"]) == ("test_resnet", 2, 16)
    assert said["path"] == str(tmp_path / "a.pt")
