"""What a user types: exit codes, one sentence for each mistake, nothing half-written."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from robustkit.cli.main import run
from robustkit.cli.set_option import number_sets

from small_world import write_films, write_network


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@pytest.fixture
def robustkit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Type a command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def typed(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["robustkit", *map(str, arguments)])
        code = 0
        try:
            run()
        except SystemExit as stop:
            code = int(stop.code or 0)
        shown = capsys.readouterr()
        return Done(code, shown.out, shown.err)

    return typed


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_films(folder, n=24)
    write_network(folder / "net.pt")
    return folder


def _perturb(world: Path) -> list[object]:
    return [
        "perturb",
        "--model",
        world / "net.pt",
        "--manifest",
        world / "cases.csv",
        "--shifts",
        "0.1",
        "--repeats",
        "3",
    ]


def test_perturb_stratify_report_one_after_the_other(
    robustkit: Callable[..., Done], world: Path, tmp_path: Path
) -> None:
    done = robustkit(*_perturb(world))
    assert done.code == 0, done.err
    folder = Path(done.out.splitlines()[-1])
    assert (folder / "run.json").is_file()
    assert folder.parent.name == "runs"
    again = robustkit(*_perturb(world))
    assert again.out.splitlines()[-1] == str(folder)
    assert "complete already" in again.err
    tables = robustkit("stratify")
    assert tables.code == 0, tables.err
    assert "How good and how stable" in tables.out
    found = {p.name for p in (folder / "tables").iterdir()}
    assert {"strata.csv", "curves.csv", "errors.csv", "stability.csv", "thresholds.csv", "flow.csv"} <= found
    page = robustkit("report")
    assert page.code == 0, page.err
    assert Path(page.out.strip()).read_text(encoding="utf-8").startswith("<!doctype html>")
    assert robustkit("curves", "--metric", "flip_rate").code == 0
    shown = robustkit("replay", "--case", "case-0", "--repeat", "2", "--json")
    assert json.loads(shown.out)["repeat"] == 2
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_evaluate_gives_the_nominal_rows_of_perturb(robustkit: Callable[..., Done], world: Path) -> None:
    first = Path(robustkit(*_perturb(world), "--snap", "none").out.splitlines()[-1])
    second = Path(
        robustkit(
            "evaluate", "--model", world / "net.pt", "--manifest", world / "cases.csv", "--snap", "none"
        ).out.splitlines()[-1]
    )
    rows = [pd.read_parquet(sorted((p / "predictions").glob("*.parquet"))) for p in (first, second)]
    nominal = rows[0][rows[0]["perturbation"] == "nominal"].sort_values("case_id", ignore_index=True)
    other = rows[1].sort_values("case_id", ignore_index=True)
    pd.testing.assert_frame_equal(nominal.drop(columns=["logits", "score"]), other.drop(columns=["logits", "score"]))
    np.testing.assert_allclose(nominal["score"], other["score"], atol=1e-6)
    table = pd.read_csv(second / "tables" / "strata.csv")
    assert set(table["perturbation"]) == {"nominal"}


def test_failed_cases_are_exit_3_and_named(robustkit: Callable[..., Done], world: Path, tmp_path: Path) -> None:
    rows = pd.read_csv(world / "cases.csv").assign(image_root=str(world))
    rows.loc[0, "image"] = "films/none.png"
    rows.to_csv(tmp_path / "m.csv", index=False)
    done = robustkit("perturb", "--model", world / "net.pt", "--manifest", "m.csv", "--shifts", "0.1", "--repeats", "2")
    assert done.code == 3
    assert "failed: case-0: the film is missing" in done.err
    checked = robustkit("validate", "m.csv")
    assert checked.code == 2
    assert "case-0: the film is missing" in checked.out
    rows.assign(image="films/none.png").to_csv(tmp_path / "all.csv", index=False)
    nothing = robustkit("perturb", "--model", world / "net.pt", "--manifest", "all.csv", "--shifts", "0.1")
    assert nothing.code == 2
    assert "no case is left to judge" in nothing.err


class _Payload:
    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return (open, ("touched.txt",))


def _bad_models(folder: Path) -> None:
    (folder / "html.pt").write_text("<!DOCTYPE html><html>not found</html>")
    (folder / "lfs.pt").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    (folder / "empty.pt").write_bytes(b"")
    (folder / "pickle.pt").write_bytes(pickle.dumps({"model": _Payload()}, protocol=2))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "none.pt"], "there is no such checkpoint"),
        (["--model", "html.pt"], "web page (HTML"),
        (["--model", "lfs.pt"], "Git LFS pointer"),
        (["--model", "empty.pt"], "empty"),
        (["--model", "pickle.pt"], "program"),
        ([], "no model was given"),
        (["--model", "phantom-oracle", "--shifts", "-1"], "levels above 0"),
        (["--model", "phantom-oracle", "--repeats", "0"], "at least 1 repeat"),
        (["--model", "phantom-oracle", "--device", "cuda:9"], "does not exist here"),
        (["--model", "phantom-oracle", "--manifest", "none.csv"], "no such manifest"),
        (["--model", "phantom-oracle", "--manifest", "column.csv"], "y1 is missing"),
        (["--model", "phantom-oracle", "--manifest", "label.csv"], "unknown label"),
        (["--model", "phantom-oracle", "--manifest", "twice.csv"], "case_id must be unique"),
        (["--model", "phantom-oracle", "--manifest", "inverted.csv"], "empty or inverted"),
        (["--model", "phantom-oracle", "--manifest", "outside.csv"], "leaves the manifest's folder"),
        (["--model", "phantom-oracle", "--manifest", "label.csv", "--set", "cohort"], "COLUMN=VALUE"),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(
    robustkit: Callable[..., Done], tmp_path: Path, arguments: list[str], said: str
) -> None:
    _bad_models(tmp_path)
    head = "case_id,image,x0,y0,x1,y1,label\n"
    for name, text in {
        "column": "case_id,image,x0,y0,x1,label\na,a.png,0,0,1,benign\n",
        "label": head + "a,a.png,0,0,1,1,purple\n",
        "twice": head + "a,a.png,0,0,1,1,benign\na,b.png,0,0,1,1,benign\n",
        "inverted": head + "a,a.png,5,0,1,1,benign\n",
        "outside": head + "a,../a.png,0,0,1,1,benign\n",
    }.items():
        (tmp_path / f"{name}.csv").write_text(text)
    before = {p.name for p in tmp_path.iterdir()}
    done = robustkit("perturb", *arguments)
    assert done.code == 2, done.err
    assert said in done.err
    assert "Traceback" not in done.err
    assert {p.name for p in tmp_path.iterdir()} == before


def test_a_checkpoint_of_another_architecture_lists_what_does_not_fit(
    robustkit: Callable[..., Done], world: Path
) -> None:
    done = robustkit("perturb", "--model", world / "net.pt", "--arch", "resnet18", "--manifest", world / "cases.csv")
    assert done.code == 2
    assert "the tensors do not fit resnet18" in done.err
    assert "conv1.weight is missing" in done.err
    assert "Traceback" not in done.err


def test_a_full_disk_and_a_forbidden_folder_are_named(
    robustkit: Callable[..., Done], world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    blocked = robustkit(*_perturb(world), "--out", tmp_path / "file" / "run")
    assert blocked.code == 2
    assert "cannot write here" in blocked.err

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("robustkit.engine.runner.pq.write_table", full)
    done = robustkit(*_perturb(world), "--out", tmp_path / "run")
    assert done.code == 2
    assert "the disk is full" in done.err
    assert not list((tmp_path / "run" / "predictions").glob("*"))


def test_a_run_without_a_model_names_the_next_step(robustkit: Callable[..., Done]) -> None:
    done = robustkit("stratify")
    assert done.code == 2
    assert "there is no complete run yet" in done.err


def test_set_belongs_to_the_manifest_before_it() -> None:
    typed = ["--manifest", "a", "--set", "x=1", "--manifest=b", "--set=y=2", "--set", "z=3"]
    assert number_sets(typed) == ["--manifest", "a", "--set", "0:x=1", "--manifest=b", "--set=1:y=2", "--set", "1:z=3"]


def test_robustkit_toml_names_the_manifest(robustkit: Callable[..., Done], world: Path, tmp_path: Path) -> None:
    (tmp_path / "robustkit.toml").write_text(f'manifest = "{world / "cases.csv"}"\nruns = "kept"\n')
    done = robustkit("perturb", "--model", world / "net.pt", "--shifts", "0.1", "--repeats", "2")
    assert done.code == 0, done.err
    assert Path(done.out.strip()).parent == tmp_path / "kept"
    (tmp_path / "robustkit.toml").write_text("manifests = 3\n")
    assert "unknown key manifests" in robustkit("perturb", "--model", world / "net.pt").err


def test_seen_films_are_refused(robustkit: Callable[..., Done], world: Path, tmp_path: Path) -> None:
    rows = pd.read_csv(world / "cases.csv").assign(image_root=str(world))
    rows["label"] = ["benign", "non-benign"] * (len(rows) // 2)
    rows["split"] = ["train"] * 10 + ["val"] * 6 + ["test"] * 8
    rows.to_csv(tmp_path / "m.csv", index=False)
    trained = robustkit(
        "train", "--manifest", "m.csv", "--arch", "test_resnet", "--input-size", "32", "--epochs", "1", "-q"
    )
    assert trained.code == 0, trained.err
    assert (
        robustkit("perturb", "--model", "ckpt.pt", "--manifest", "m.csv", "--shifts", "0.1", "--repeats", "2").code == 0
    )
    rows.assign(split="test").to_csv(tmp_path / "seen.csv", index=False)
    refused = robustkit("perturb", "--model", "ckpt.pt", "--manifest", "seen.csv", "--shifts", "0.1")
    assert refused.code == 2
    assert "16 cases to be judged were seen in the training of ckpt" in refused.err
    allowed = robustkit(
        "perturb", "--model", "ckpt.pt", "--manifest", "seen.csv", "--shifts", "0.1", "--repeats", "2", "--allow-seen"
    )
    assert allowed.code == 0
    assert "every number of it is too good" in allowed.err
