"""perturb --hash-ids: patients meet under one key and not under another, and nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from robustkit.api.compare import compare
from robustkit.api.evaluate import evaluate
from robustkit.api.perturb import perturb
from robustkit.cli.main import app
from robustkit.errors import InputError, RunError
from robustkit.results.folder import RunFolder
from typer.testing import CliRunner

from small_world import write_films, write_network


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_films(folder)
    write_network(folder / "a.pt", seed=1)
    write_network(folder / "b.pt", seed=2)
    return folder


@pytest.fixture(autouse=True)
def _work_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _run(world: Path, out: str, model: str = "a.pt", **flags: object) -> RunFolder:
    given = {"shifts": ["0.1"], "repeats": 3, "device": "cpu", "hash_ids": True, **flags}
    perturb(model=[str(world / model)], manifest=[world / "cases.csv"], out=Path(out), **given)  # type: ignore[arg-type]
    return RunFolder(Path(out))


def test_hashed_runs_say_so_and_hold_no_plain_id(world: Path) -> None:
    plain, hashed = _run(world, "plain", hash_ids=False), _run(world, "hashed")
    assert Path("robustkit.key").stat().st_mode & 0o777 == 0o600
    record = hashed.record()
    assert record["ids"]["hashed"] == ["patient_id", "lesion_id"]
    assert Path("robustkit.key").read_text().strip() not in json.dumps(record)
    assert "ids" not in plain.record()
    own, other = hashed.cases(), plain.cases()
    assert own["patient_id"].str.fullmatch("[0-9a-f]{32}").all()
    assert own["lesion_id"].str.fullmatch("[0-9a-f]{32}").all()
    pairs = pd.DataFrame({"plain": other["patient_id"], "hashed": own["patient_id"]}).drop_duplicates()
    assert len(pairs) == pairs["plain"].nunique() == pairs["hashed"].nunique()
    ids = ["patient_id", "lesion_id"]
    pd.testing.assert_frame_equal(own.drop(columns=ids), other.drop(columns=ids))
    keys = ["model", "case_id", "perturbation", "level", "repeat"]
    scores = [f.predictions().sort_values(keys, ignore_index=True)["score"] for f in (hashed, plain)]
    pd.testing.assert_series_equal(*scores)


def test_patients_meet_under_one_key_only(world: Path) -> None:
    first, again = _run(world, "first"), _run(world, "again", "b.pt")
    other = _run(world, "other", hash_key=Path("second.key"))
    pd.testing.assert_series_equal(first.cases()["patient_id"], again.cases()["patient_id"])
    assert not set(first.cases()["patient_id"]) & set(other.cases()["patient_id"])
    assert first.record()["ids"]["key"] == again.record()["ids"]["key"] != other.record()["ids"]["key"]


def test_runs_are_compared_whatever_their_patients_are_called(world: Path) -> None:
    _run(world, "first")
    _run(world, "plain", "b.pt", hash_ids=False)
    result = compare(runs=[Path("first"), Path("plain")], draws=200)
    assert {r.model_a for r in result.rows} == {"a"}
    frame = pd.read_parquet("plain/cases.parquet")
    frame.loc[0, "patient_id"] = "somebody else"
    frame.to_parquet("plain/cases.parquet")
    with pytest.raises(InputError, match="differ in which cases are of one patient"):
        compare(runs=[Path("first"), Path("plain")], draws=200)


def test_a_plain_run_is_not_taken_for_a_hashed_one(world: Path) -> None:
    _run(world, "run", hash_ids=False)
    with pytest.raises(RunError, match="differs in ids"):
        _run(world, "run")
    _run(world, "hashed")
    with pytest.raises(RunError, match="differs in ids"):
        _run(world, "hashed", hash_ids=False)


def test_the_key_lies_outside_of_runs(world: Path) -> None:
    for file in ("out/robustkit.key", "runs/robustkit.key"):
        with pytest.raises(InputError, match="may not lie in a folder of runs"):
            _run(world, "out", hash_key=Path(file))
    with pytest.raises(InputError, match="a key is for hashed ids"):
        _run(world, "out", hash_ids=False, hash_key=Path("k"))
    assert not list(Path().iterdir())


def test_what_hashing_does_not_hide_is_said(world: Path, tmp_path: Path) -> None:
    table = pd.read_csv(world / "cases.csv").assign(image_root=str(world))
    table["case_id"] = [f"{p}-{i}" for i, p in enumerate(table["patient_id"].add("77"))]
    table["patient_id"] += "77"
    table.to_csv(tmp_path / "named.csv", index=False)
    Path("robustkit.key").write_text("ab" * 32)
    Path("robustkit.key").chmod(0o644)
    result = perturb(
        model=[str(world / "a.pt")], manifest=[tmp_path / "named.csv"], shifts=["0.1"], repeats=2, hash_ids=True
    )
    said = " ".join(result.warnings)
    assert "the plain patient_id stands inside other text (case_id in 9 rows)" in said
    assert "others on this machine may read the file of --hash-key" in said


def test_the_key_of_the_folder_is_used_from_below(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "robustkit.toml").write_text('hash_key = "secret/our.key"\n')
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    result = evaluate(model=[str(world / "a.pt")], manifest=[world / "cases.csv"], hash_ids=True)
    assert result.run is not None
    assert (tmp_path / "secret" / "our.key").is_file()
    assert RunFolder(result.run).record()["ids"]["hashed"]


def test_the_command_takes_the_flags(world: Path) -> None:
    flags = ["--shifts", "0.1", "--repeats", "2", "--hash-ids", "--hash-key", "k", "--out", "run"]
    done = CliRunner().invoke(
        app, ["perturb", "--model", str(world / "a.pt"), "--manifest", str(world / "cases.csv"), *flags]
    )
    assert done.exit_code == 0, done.output
    assert RunFolder(Path("run")).record()["ids"]["method"].startswith("blake2b")
