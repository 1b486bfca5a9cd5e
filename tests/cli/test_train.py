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


def test_notes_come_before_the_epochs_and_the_curve_is_in_the_json(manifest: Path, tmp_path: Path) -> None:
    first = ["--manifest", str(manifest), "-o", str(tmp_path / "a.pt"), *FAST]
    assert CliRunner().invoke(app, ["train", *first]).exit_code == 0
    onward = ["--manifest", str(manifest), "-o", str(tmp_path / "b.pt"), "--weights", str(tmp_path / "a.pt"), *FAST]
    done = CliRunner().invoke(app, ["train", *onward, "--loss", "focal", "--schedule", "plateau", "--accumulate", "2"])
    assert done.exit_code == 0
    lines = done.stderr.splitlines()
    assert lines[0].startswith("note: 8 of 8 validation cases lie on films that the weights have seen")
    assert lines[1].startswith("epoch 1/2")
    assert lines[-1].startswith("test_resnet, from a.pt: 16 training and 8 validation cases")
    said = json.loads(CliRunner().invoke(app, ["train", *first, "--json"]).stdout)
    assert [e["epoch"] for e in said["curve"]] == [0, 1]
    assert said["curve"][said["best_epoch"]]["val_auc"] == said["best_val_auc"]


def test_bad_input_is_one_sentence(manifest: Path, tmp_path: Path) -> None:
    base = ["train", "--manifest", str(manifest), "-o", str(tmp_path / "a.pt"), *FAST]
    for flags, said in (
        (["--loss", "hinge"], "--loss: expected one of cross-entropy, focal, got 'hinge'"),
        (["--weights", str(manifest)], "this is a text file that begins with 'case_id,"),
        (["--precision", "fp16"], "fp16 is for CUDA"),
    ):
        done = CliRunner().invoke(app, [*base, *flags])
        assert said in str(done.exception)
        assert "Traceback" not in done.output
