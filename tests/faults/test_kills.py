"""Kills at random moments of one and the same run: what comes out at last is what an undisturbed run gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from robustkit.results.folder import RunFolder

from made_kills import Call, Nursery, check_whole, kill_often
from small_world import write_films, write_network
from trust_rows import TrustRows

KEYS = ["model", "case_id", "perturbation", "level", "repeat"]


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    log = tmp_path_factory.mktemp("nursery") / "log.txt"
    modules = ("robustkit.api.perturb", "robustkit.api._work", "robustkit.api._run", "robustkit.models.native")
    with Nursery(log, "torch", *modules) as ready:
        yield ready


def _rows(run: Path) -> pd.DataFrame:
    rows = RunFolder(run).predictions().sort_values(KEYS, ignore_index=True)
    rows["logits"] = rows["logits"].map(lambda v: tuple(v.tolist()))
    return rows


def _perturb(world: Path, out: Path, **given: object) -> Call:
    flags = {"model": [str(world / "a.pt")], "shifts": ["0.1,0.3"], "device": "cpu", "backend": "eager", "workers": 1}
    return Call(
        "robustkit.api.perturb:perturb", {**flags, **given}, {"manifest": [world / "cases.csv"], "out": out / "run"}
    )


def _killed_perturb(
    nursery: Nursery, folder: Path, trust: TrustRows, *, films: int, kills: int, repeats: int
) -> None:
    write_films(folder, n=films)
    write_network(folder / "a.pt", seed=1)
    given = {"repeats": repeats, "part_rows": repeats}
    undisturbed = nursery.run(_perturb(folder, folder / "plain", **given))
    call = _perturb(folder, folder / "killed", **given)
    landed = kill_often(nursery, call, folder / "killed", kills=kills, start_s=undisturbed / 4, seed=8)
    nursery.run(call)
    pd.testing.assert_frame_equal(_rows(folder / "killed" / "run"), _rows(folder / "plain" / "run"))
    check_whole(folder / "killed")
    assert RunFolder(folder / "killed" / "run").record()["status"] == "complete"
    assert landed.counts["over"] == 0, landed
    trust.row(f"perturb killed {kills} times in a row", tried=kills, found=0, note=landed.note)


def test_perturb_after_three_kills(nursery: Nursery, tmp_path: Path, trust: TrustRows) -> None:
    _killed_perturb(nursery, tmp_path, trust, films=16, kills=3, repeats=10)


@pytest.mark.slow
def test_perturb_after_25_kills(nursery: Nursery, tmp_path: Path, trust: TrustRows) -> None:
    _killed_perturb(nursery, tmp_path, trust, films=150, kills=25, repeats=20)
