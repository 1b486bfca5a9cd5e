"""ensemble and box-average on the command line: the path on stdout, all else on stderr, faults in one sentence."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from robustkit.cli.main import app, run
from typer.testing import CliRunner

from networks import save, timm_network
from small_world import write_network


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("nets")
    for name, seed in (("a.pt", 1), ("b.pt", 2)):
        write_network(found / name, seed=seed)
    save(found / "plain.pt", timm_network("test_resnet").state_dict())
    return found


def test_the_path_is_printed_and_the_rest_is_said(folder: Path) -> None:
    out = folder / "mean.json"
    done = CliRunner().invoke(app, ["ensemble", str(folder / "a.pt"), str(folder / "b.pt"), "-o", str(out)])
    assert (done.exit_code, done.stdout) == (0, f"{out}\n")
    said = "ensemble of a, b: mean of probabilities, classes benign, non-benign, positive non-benign. Next: robustkit perturb"
    assert said in done.stderr
    assert json.loads(out.read_text(encoding="utf-8"))["kind"] == "ensemble"


def test_json_and_flags(folder: Path) -> None:
    out = folder / "averaged.json"
    flags = [
        "--k",
        "3",
        "--level",
        "0.2",
        "--perturbation",
        "edges",
        "--seed",
        "5",
        "--mean",
        "logits",
        "--margin",
        "0.4",
    ]
    done = CliRunner().invoke(app, ["box-average", str(folder / "a.pt"), "-o", str(out), *flags, "--json"])
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert (told["path"], told["kind"], told["members"], told["mean"]) == (str(out), "box-average", ["a"], "logits")
    body = json.loads(out.read_text(encoding="utf-8"))["body"]
    assert {k: body[k] for k in ("k", "level", "perturbation", "seed", "mean")} == {
        "k": 3, "level": 0.2, "perturbation": "edges", "seed": 5, "mean": "logits",
    }  # fmt: skip
    assert body["member"]["margin"] == 0.4


def test_what_is_assumed_is_said(folder: Path) -> None:
    given = [str(folder / "plain.pt"), "--arch", "test_resnet", "-o", str(folder / "x.json")]
    done = CliRunner().invoke(app, ["box-average", *given])
    assert "note: assumed: plain: the one output is that of non-benign" in done.stderr
    assert CliRunner().invoke(app, ["box-average", *given, "--quiet"]).stderr == ""


def test_a_fault_is_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["robustkit", "box-average", str(folder / "a.pt"), "--k", "0", "-o", "x.json"])
    with pytest.raises(SystemExit) as stop:
        run()
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert said == "robustkit: x.json: body.k: expected a whole number from 1 to 1024, got 0. Correct body.k.\n"
