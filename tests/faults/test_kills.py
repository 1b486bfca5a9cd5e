"""Kills at random moments of one and the same run: what comes out at last is what an undisturbed run gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from robustkit.results.folder import RunFolder

from bright_spots import write_cohort
from made_bone_films import write_bone_films
from made_kills import Call, Nursery, check_whole, kill_often
from made_study_world import write_study
from small_world import write_films, write_network
from trust_rows import TrustRows

KEYS = ["model", "case_id", "perturbation", "level", "repeat"]


def _nursery(folder: Path, *modules: str) -> Iterator[Nursery]:
    with Nursery(folder / "log.txt", "torch", *(f"robustkit.{m}" for m in (*RUNS, *modules))) as ready:
        yield ready


RUNS = ("api.perturb", "api._work", "api._run", "lock")


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Give one that is ready for runs."""
    yield from _nursery(tmp_path_factory.mktemp("nursery"))


@pytest.fixture(scope="module")
def large_nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Give one that is ready for all that is killed."""
    yield from _nursery(
        tmp_path_factory.mktemp("large_nursery"), "api.train", "api._training_record", "api._training_cohort", "training.fit",
        "api.study", "api.stratify", "api.report", "api.drift", "api.compare", "api.import_manifest",
    )  # fmt: skip


def _rows(run: Path) -> pd.DataFrame:
    rows = RunFolder(run).predictions().sort_values(KEYS, ignore_index=True)
    rows["logits"] = rows["logits"].map(lambda v: tuple(v.tolist()))
    return rows


def _perturb(world: Path, out: Path, **given: object) -> Call:
    flags = {"model": [str(world / "a.pt")], "shifts": ["0.1,0.3"], "device": "cpu", "backend": "eager", "workers": 1}
    return Call(
        "robustkit.api.perturb:perturb", {**flags, **given}, {"manifest": [world / "cases.csv"], "out": out / "run"}
    )


def _killed_perturb(nursery: Nursery, folder: Path, trust: TrustRows, *, films: int, kills: int, repeats: int) -> None:
    write_films(folder, n=films)
    write_network(folder / "a.pt", seed=1)
    given = {"repeats": repeats, "part_rows": repeats}
    undisturbed = nursery.run(_perturb(folder, folder / "plain", **given))
    call = _perturb(folder, folder / "killed", **given)
    landed = kill_often(nursery, call, folder / "killed", kills=kills, start_s=undisturbed / 4, seed=8)
    nursery.run(call)
    pd.testing.assert_frame_equal(_rows(folder / "killed" / "run"), _rows(folder / "plain" / "run"))
    check_whole(folder / "killed")
    assert not [p for p in (folder / "killed").rglob("*") if p.name.startswith((".tmp-", ".lock"))]
    assert RunFolder(folder / "killed" / "run").record()["status"] == "complete"
    assert landed.counts["over"] == 0, landed
    trust.row(f"perturb killed {kills} times in a row", tried=kills, found=0, note=landed.note)


def test_perturb_after_three_kills(nursery: Nursery, tmp_path: Path, trust: TrustRows) -> None:
    _killed_perturb(nursery, tmp_path, trust, films=16, kills=3, repeats=10)


@pytest.mark.slow
def test_perturb_after_25_kills(nursery: Nursery, tmp_path: Path, trust: TrustRows) -> None:
    _killed_perturb(nursery, tmp_path, trust, films=150, kills=25, repeats=20)


@pytest.mark.slow
def test_train_after_25_kills(large_nursery: Nursery, tmp_path: Path, trust: TrustRows) -> None:
    write_cohort(tmp_path)
    given = {"arch": "test_resnet", "input_size": 32, "epochs": 60, "patience": 60, "batch_size": 8, "device": "cpu",
             "workers": 1}  # fmt: skip

    def call(name: str) -> Call:
        paths = {"manifest": [tmp_path / "cases.csv"], "output": tmp_path / name / "ckpt.pt"}
        return Call("robustkit.api.train:train", given, paths)

    undisturbed = large_nursery.run(call("plain"))
    landed = kill_often(large_nursery, call("killed"), tmp_path / "killed", kills=25, start_s=undisturbed / 10, seed=9)
    large_nursery.run(call("killed"))
    assert [p.name for p in (tmp_path / "killed").iterdir()] == ["ckpt.pt"]
    assert (tmp_path / "killed" / "ckpt.pt").read_bytes() == (tmp_path / "plain" / "ckpt.pt").read_bytes()
    assert landed.counts["over"] == 0, landed
    trust.row("train killed 25 times in a row", tried=25, found=0, note=landed.note)


@pytest.mark.slow
def test_import_after_25_kills(large_nursery: Nursery, tmp_path: Path, trust: TrustRows) -> None:
    source = write_bone_films(tmp_path / "source", n=60)

    def call(name: str) -> Call:
        paths = {"source": source, "output": tmp_path / name / "cases.csv", "masks": tmp_path / name / "masks"}
        return Call("robustkit.api.import_manifest:import_manifest", {"format": "btxrd", "workers": 1}, paths)

    undisturbed = large_nursery.run(call("plain"))
    landed = kill_often(
        large_nursery, call("killed"), tmp_path / "killed", kills=25, start_s=undisturbed * 0.9, seed=10, writes=60
    )
    large_nursery.run(call("killed"))
    plain, killed = (pd.read_csv(tmp_path / n / "cases.csv") for n in ("plain", "killed"))
    pd.testing.assert_frame_equal(killed.replace("killed/", "plain/", regex=True), plain)
    for mask in (tmp_path / "plain" / "masks").iterdir():
        assert (tmp_path / "killed" / "masks" / mask.name).read_bytes() == mask.read_bytes()
    trust.row("import killed 25 times in a row", tried=25, found=0, note=landed.note)


@pytest.mark.slow
def test_study_after_25_kills(large_nursery: Nursery, tmp_path: Path, trust: TrustRows) -> None:
    file = write_study(tmp_path)

    def call(name: str) -> Call:
        return Call(
            "robustkit.api.study:study", {"device": "cpu", "workers": 1}, {"file": file, "out": tmp_path / name}
        )

    undisturbed = large_nursery.run(call("plain"))
    landed = kill_often(large_nursery, call("killed"), tmp_path / "killed", kills=25, start_s=undisturbed / 10, seed=11)
    large_nursery.run(call("killed"))
    check_whole(tmp_path / "killed")
    _same_study(tmp_path / "plain", tmp_path / "killed")
    trust.row("study killed 25 times in a row", tried=25, found=0, note=landed.note)
    assert landed.counts["over"] == 0, landed


def _same_study(plain: Path, killed: Path) -> None:
    tables = sorted((plain / "tables").glob("*.csv"))
    assert tables
    assert [p.name for p in tables] == [p.name for p in sorted((killed / "tables").glob("*.csv"))]
    for table in tables:
        whole, other = (
            pd.read_csv(p).drop(columns="seconds", errors="ignore") for p in (table, killed / "tables" / table.name)
        )
        pd.testing.assert_frame_equal(other, whole)
    for run in sorted((plain / "runs").iterdir()):
        pd.testing.assert_frame_equal(_rows(killed / "runs" / run.name), _rows(run))
