"""The self-test passes where all is well, and fails for every number that is bent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from robustkit.api.perturb import perturb
from robustkit.api.stratify import stratify
from robustkit.checkup import _self_test
from robustkit.checkup._self_test import DRAWS, LEVEL, PER_CLASS, PHILOX, REPEATS, SmallWorld, compared, write_world
from robustkit.results.folder import RunFolder

from plain_boxes import draws, philox


@dataclass
class Made:
    """The world of the self-test and its run."""

    world: SmallWorld
    run: RunFolder

    def bad(self) -> list[str]:
        """Name what does not hold."""
        return [f.subject for f in compared(self.run.path, self.world) if f.is_bad]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("self-test")
    world = write_world(folder)
    perturb(
        model=[f"small={world.network}", "phantom-oracle"], manifest=[world.manifest], shifts=[str(LEVEL)], repeats=REPEATS,
        snap="whole", device="cpu", backend="eager", out=folder / "run", no_images=True,
    )  # fmt: skip
    stratify(run=folder / "run", by=["region"], threshold=0.5, draws=200)
    return Made(world, RunFolder(folder / "run"))


def test_kept_draws_are_those_of_plain_numbers() -> None:
    for repeat, kept in enumerate(DRAWS):
        assert tuple(draws(0, "doctor-00", repeat=repeat, stream=0)[:2]) == kept


def test_kept_blocks_are_those_of_plain_numbers() -> None:
    for counter, key, block in PHILOX:
        assert tuple(philox(list(counter), list(key))) == block


def test_all_is_well_here(made: Made) -> None:
    found = list(compared(made.run.path, made.world))
    assert [(f.subject, f.status) for f in found] == [
        (s, "ok") for s in ("random numbers", "boxes", "crops and network", "tables")
    ]
    assert len(pd.read_csv(made.world.manifest)) == 2 * PER_CLASS


def _bent(made: Made, monkeypatch: pytest.MonkeyPatch, change: Callable[[pd.DataFrame], None]) -> list[str]:
    rows = made.run.predictions()
    change(rows)
    monkeypatch.setattr(RunFolder, "predictions", lambda _: rows)
    return made.bad()


def test_a_box_that_is_one_pixel_off_is_seen(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(rows: pd.DataFrame) -> None:
        rows.loc[(rows["case_id"] == "doctor-00") & (rows["repeat"] == 2), ["y0", "y1"]] += 1

    assert _bent(made, monkeypatch, change) == ["boxes"]


def test_a_score_that_is_a_thousandth_off_is_seen(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(rows: pd.DataFrame) -> None:
        rows.loc[(rows["case_id"] == "doctor-07") & (rows["perturbation"] == "nominal"), "score"] += 1e-3

    assert _bent(made, monkeypatch, change) == ["crops and network"]


def test_an_answer_that_the_tables_do_not_know_is_seen(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(rows: pd.DataFrame) -> None:
        own = rows.index[(rows["model"] == "phantom-oracle") & (rows["perturbation"] == "shift")]
        rows.loc[own[0], "score"] = 1 - rows.loc[own[0], "score"]

    assert _bent(made, monkeypatch, change) == ["tables"]


def test_a_generator_that_is_not_philox_is_seen(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_self_test, "philox4x32", lambda counter, key: np.zeros(4, dtype=np.uint32))
    assert made.bad() == ["random numbers"]


@pytest.mark.parametrize("metric", ["auc", "flip_rate"])
def test_a_table_that_is_bent_is_seen(made: Made, monkeypatch: pytest.MonkeyPatch, metric: str) -> None:
    tables = {n: made.run.table(n) for n in ("strata", "thresholds")}
    tables["strata"].loc[tables["strata"]["metric"] == metric, "value"] += 1e-6
    monkeypatch.setattr(RunFolder, "table", lambda _, name: tables[name])
    assert made.bad() == ["tables"]


def test_a_missing_row_is_seen(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {n: made.run.table(n) for n in ("strata", "thresholds")}
    tables["strata"] = tables["strata"][tables["strata"]["metric"] != "auc"]
    monkeypatch.setattr(RunFolder, "table", lambda _, name: tables[name])
    assert made.bad() == ["tables"]
