"""Runs whose films are there, damaged in one place: every command that reads runs answers, or says what is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from robustkit.api.perturb import perturb
from robustkit.dashboard.lesion.desk import Desk

from bounds import Tally
from small_world import write_films, write_network

Change = Callable[[Path], None]
Typed = Callable[..., tuple[str, str]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a run of two stand-in networks on 24 films of two cohorts."""
    folder = tmp_path_factory.mktemp("world")
    path = write_films(folder, n=24)
    cases = pd.read_csv(path)
    is_external = cases.index >= 14
    split = np.where(is_external, "", np.where(cases.index % 3 == 0, "val", "test"))
    cases = cases.assign(
        cohort=np.where(is_external, "external", "internal"), split=split, spacing_mm=0.2, age_years=50
    )
    cases.to_csv(path, index=False)
    for i, name in enumerate("ab"):
        write_network(folder / f"{name}.pt", seed=i)
    perturb(
        model=[str(folder / "a.pt"), str(folder / "b.pt")], manifest=[path], out=folder / "run", repeats=3,
        shifts=["0.1"], device="cpu", backend="eager", workers=1,
    )  # fmt: skip
    return folder / "run"


@pytest.fixture
def run(world: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(world, tmp_path / "run"))


def _commands(run: Path) -> dict[str, tuple[object, ...]]:
    return {
        "replay": ("replay", run, "--case", "case-2", "--repeat", 1, "--output", run.parent / "crop.png"),
        "stratify": ("stratify", run, "--draws", 100),
        "report": ("report", run, "--output", run.parent / "report.html"),
        "compare": ("compare", run, "--draws", 100),
        "drift": ("drift", run, "--draws", 100),
        "slices": ("slices", run, "--draws", 100),
        "gate": ("gate", run, "auc > 0.5"),
        "pack": ("readers", "pack", run, "--readers", 2, "--n", 6, "--practice", 0, "--no-heatmaps"),
    }


def _look(run: Path) -> None:
    """What the page of one lesion asks of a run."""
    desk = Desk([run])
    try:
        key = next(iter(desk.runs))
        for case in desk.run(key).cases.index[:2]:
            desk.shown(f"case\n{key}\n{case}")
        desk.cut(key, "a")
    finally:
        desk.close()


def _cases(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Change:
    def do(run: Path) -> None:
        change(pd.read_parquet(run / "cases.parquet")).to_parquet(run / "cases.parquet", index=False)

    return do


def _rows(change: Callable[[pa.Table], pa.Table]) -> Change:
    def do(run: Path) -> None:
        for part in (run / "predictions").glob("*.parquet"):
            pq.write_table(change(pq.read_table(part)), part)

    return do


def _record(change: Callable[[dict[str, Any]], object]) -> Change:
    def do(run: Path) -> None:
        record = json.loads((run / "run.json").read_text())
        change(record)
        (run / "run.json").write_text(json.dumps(record))

    return do


def _nothing(name: str) -> Change:
    return _rows(lambda t: t.set_column(t.column_names.index(name), name, pa.nulls(len(t), t.schema.field(name).type)))


CHANGES: Mapping[str, Change] = {
    "no names of cases": _cases(lambda c: c.drop(columns="case_id")),
    "a case without a name": _cases(lambda c: c.assign(case_id=c["case_id"].where(c.index > 0))),
    "a case that is not there": _cases(lambda c: c[c["case_id"] != "case-2"]),
    "no labels": _cases(lambda c: c.drop(columns="label")),
    "one class": _cases(lambda c: c[c["label"] == "benign"]),
    "no boxes": _cases(lambda c: c.assign(x0=None)),
    "text for a size": _cases(lambda c: c.assign(size_mm="odd")),
    "text for a spacing": _cases(lambda c: c.assign(film_spacing_mm="odd\n\x1b[31m")),
    "empty text for a spacing": _cases(lambda c: c.assign(film_spacing_mm="")),
    "some cohorts unnamed": _cases(lambda c: c.assign(cohort=c["cohort"].where(c.index % 2 == 0))),
    "no boxes of the answers": _nothing("x0"),
    "no logits": _nothing("logits"),
    "no column of reasons": _rows(lambda t: t.drop_columns(["reason"])),
    "no column of logits": _rows(lambda t: t.drop_columns(["logits"])),
    "no levels": _record(lambda r: r["perturbations"][0].update(levels=[])),
    "an input of nothing": _record(lambda r: r["models"][0].update(input={})),
    "no input": _record(lambda r: r["models"][0].pop("input")),
    "an input with more to it": _record(lambda r: r["models"][0]["input"].update(zoom=2)),
    "an input of text": _record(lambda r: r["models"][0]["input"].update(height_px="large")),
    "no classes": _record(lambda r: r["models"][0].update(classes=[])),
    "no counts": _record(lambda r: r.pop("counts")),
    "counts of nothing": _record(lambda r: r.update(counts={})),
    "trials that are none": _record(lambda r: r.update(trials=[None])),
    "some regions unknown": _cases(lambda c: c.assign(region=c["region"].where(c.index % 2 == 0))),
    "no digests": lambda run: (run / "films.parquet").unlink(),
    "damaged digests": lambda run: (run / "films.parquet").write_bytes(b"x") and None,
}


@pytest.mark.parametrize("command", ["replay", "stratify", "report", "compare", "drift", "slices", "gate", "pack"])
def test_the_whole_run_is_read(run: Path, typed: Typed, command: str) -> None:
    assert typed("runs: by every command", *_commands(run)[command])[0] == "accepted"


@pytest.mark.parametrize("what", CHANGES)
def test_damaged_in_one_place(run: Path, typed: Typed, tally: Tally, what: str) -> None:
    CHANGES[what](run)
    for arguments in _commands(run).values():
        typed("runs: by every command", *arguments)
    tally.judge("runs: by every command", lambda: _look(run))


@pytest.mark.parametrize(
    "what", ["no classes", "no counts", "counts of nothing", "trials that are none", "some regions unknown", "no boxes"]
)
def test_what_asks_the_models_again(world: Path, run: Path, typed: Typed, what: str) -> None:
    CHANGES[what](run)
    typed(
        "runs: by every command", "heatmaps", run, "--repeats", 1, "--draws", 100, "--check-cases", 0, "--device", "cpu",
        "--workers", 1,
    )  # fmt: skip
    made = world.parent
    typed(
        "runs: by every command", "perturb", "--resume", run, "--model", made / "a.pt", "--model", made / "b.pt", "--manifest",
        made / "cases.csv", "--shifts", 0.1, "--repeats", 3, "--device", "cpu", "--backend", "eager", "--workers", 1,
    )  # fmt: skip


def _every_column(world: Path) -> Iterator[tuple[str, Change]]:
    for name in pd.read_parquet(world / "cases.parquet").columns:
        yield f"cases without {name}", _cases(lambda c, name=name: c.drop(columns=name))  # type: ignore[misc]
        for value in (None, "", "odd \u202e<b>|x", -1, np.inf):
            yield f"cases: {name} is {value!r}", _cases(lambda c, name=name, v=value: c.assign(**{name: v}))  # type: ignore[misc]
    for part in sorted((world / "predictions").glob("*.parquet"))[:1]:
        for name in pq.read_schema(part).names:
            yield f"answers without {name}", _rows(lambda t, name=name: t.drop_columns([name]))  # type: ignore[misc]
            yield f"answers: {name} is nothing", _nothing(name)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["replay", "pack"])
def test_every_column(world: Path, tmp_path: Path, typed: Typed, command: str) -> None:
    for _, change in _every_column(world):
        shutil.rmtree(tmp_path, ignore_errors=True)
        run = Path(shutil.copytree(world, tmp_path / "run"))
        change(run)
        typed("runs: by every command", *_commands(run)[command])
