"""What is shared between models is done once; memory is held for a few films at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from robustkit.api.perturb import perturb
from robustkit.crops.pillow import PillowCrops
from robustkit.engine import looking

from small_world import write_films, write_network


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    found = {"films": 0, "crops": 0}
    read, crops = looking.read_same_film, PillowCrops.crops

    def counted_read(*given: Any, **more: Any) -> Any:
        found["films"] += 1
        return read(*given, **more)

    def counted_crops(self: PillowCrops, film: Any, boxes: Any, *given: Any, **more: Any) -> Any:
        found["crops"] += len(boxes)
        return crops(self, film, boxes, *given, **more)

    monkeypatch.setattr(looking, "read_same_film", counted_read)
    monkeypatch.setattr(PillowCrops, "crops", counted_crops)
    return found


def _run(world: Path, out: str, models: list[str]) -> None:
    perturb(
        model=[str(world / m) for m in models], manifest=[world / "cases.csv"], shifts=["0.1,0.3"], repeats=5,
        device="cpu", backend="eager", out=world / out,
    )  # fmt: skip


def test_two_models_with_one_input_cost_the_films_and_crops_of_one(tmp_path: Path, counts: dict[str, int]) -> None:
    write_films(tmp_path, n=5)
    for name, seed in (("a.pt", 1), ("b.pt", 2)):
        write_network(tmp_path / name, seed=seed)
    write_network(tmp_path / "wide.pt", seed=3, margin=0.5)
    _run(tmp_path, "one", ["a.pt"])
    one = dict(counts)
    assert one["films"] == 5
    counts.update(films=0, crops=0)
    _run(tmp_path, "two", ["a.pt", "b.pt"])
    assert counts == one
    counts.update(films=0, crops=0)
    _run(tmp_path, "other", ["a.pt", "wide.pt"])
    assert counts == {"films": one["films"], "crops": 2 * one["crops"]}


def test_identical_boxes_are_computed_once(tmp_path: Path, counts: dict[str, int]) -> None:
    write_films(tmp_path, n=1)
    write_network(tmp_path / "a.pt")
    # a box of at most 80 px, moved by at most a hundredth of that, can only stay or move by one pixel
    perturb(
        model=[str(tmp_path / "a.pt")], manifest=[tmp_path / "cases.csv"], shifts=["0.01"], repeats=200, snap="whole",
        device="cpu", backend="eager", out=tmp_path / "run",
    )  # fmt: skip
    assert 1 <= counts["crops"] <= 9
