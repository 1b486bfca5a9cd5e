"""Maps of many cases are those of one; the checks take away, deal out and count what they say they do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from robustkit.engine.heatmap_checks import STEPS, Shown, area, pixel_curves, randomised, stages
from robustkit.engine.heatmaps import Explanation, MapMaker, Reading, Wanted, make_maps
from robustkit.errors import InputError
from robustkit.models.builders import empty_network
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions

from small_world import write_films, write_network

BOXES = np.array([[20.0, 15.0, 60.0, 70.0], [22.0, 15.0, 62.0, 70.0], [18.0, 12.0, 58.0, 67.0]])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("maps")
    write_films(folder, n=7)
    write_network(folder / "net.pt", side=64, margin=0.2)
    return folder


def _maker(world: Path, *, batch_size: int = 4, layer: str | None = None, **more: object) -> MapMaker:
    model = open_model(world / "net.pt", ModelOptions())
    return MapMaker(
        model,
        Explanation(layer=layer, **more),
        margin=None,
        device="cpu",
        batch_size=batch_size,  # type: ignore[arg-type]
    )


def _wanted(world: Path) -> list[Wanted]:
    return [Wanted(f"c{i}", world / "films" / f"f{i}.png", BOXES[: 1 + i % 3]) for i in range(7)]


def test_no_map_depends_on_its_neighbours(world: Path) -> None:
    found = {n: list(make_maps(_wanted(world), _maker(world, batch_size=n), Reading(workers=2))) for n in (1, 3, 64)}
    for one, three, many in zip(*found.values(), strict=True):
        assert one.values.shape == many.values.shape
        assert len(one.values) == 1 + int(one.case_id[1]) % 3
        assert np.allclose(one.values, three.values, atol=1e-5)
        assert np.allclose(one.values, many.values, atol=1e-5)
        assert np.allclose(one.scores, many.scores, atol=1e-5)
        assert (one.regions == many.regions).all()


def test_a_film_that_cannot_be_read_has_a_reason_and_keeps_its_place(world: Path) -> None:
    wanted = _wanted(world)
    wanted[2] = replace(wanted[2], image=world / "absent.png")
    found = list(make_maps(wanted, _maker(world), Reading(workers=2)))
    assert [f.case_id for f in found] == [w.case_id for w in wanted]
    assert [bool(f.reason) for f in found] == [i == 2 for i in range(7)]
    assert found[2].values.size == 0


def test_maps_of_pixels_are_averaged_with_their_sum_kept(world: Path) -> None:
    maker = _maker(world, method="occlusion")
    crops = np.random.default_rng(0).integers(0, 256, (2, 64, 64), dtype=np.uint8)
    values, _ = maker.maps(crops)
    from robustkit.heatmaps.occlusion import PLUGIN

    whole = PLUGIN.maps(maker.graph, torch.from_numpy(crops), maker._target, None).numpy()
    assert values.shape == (2, 32, 32)
    assert np.allclose(values, whole.reshape(2, 32, 2, 32, 2).mean(axis=(2, 4)), atol=1e-6)


def test_the_decision_is_explained_where_it_is_asked_for(world: Path) -> None:
    crops = np.random.default_rng(1).integers(0, 256, (6, 64, 64), dtype=np.uint8)
    positive, scores = _maker(world).maps(crops)
    for threshold in (0.0, 1.0):
        decided, _ = _maker(world, target="decision", threshold=threshold).maps(crops)
        same = np.allclose(decided, positive)
        # above the cut the decision is positive: the same logit; below it the map is of what speaks against it
        assert same == (threshold == 0.0)
    assert ((scores > 0) & (scores < 1)).all()


def test_a_model_without_pixels_has_no_maps() -> None:
    model = open_model(Path("phantom-oracle"), ModelOptions())
    with pytest.raises(InputError, match="no heatmaps: it looks at no pixels"):
        MapMaker(model, Explanation(), margin=None, device="cpu", batch_size=4)


@pytest.mark.parametrize(
    ("arch", "first", "last"),
    [
        ("resnet18", "fc", "conv1"),
        ("densenet121", "classifier", "features.conv0"),
        ("small/tutorial_net", "fc3", "conv1"),
    ],
)
def test_stages_go_from_the_output_to_the_input(arch: str, first: str, last: str) -> None:
    network = empty_network(arch, 1)[0]
    found = stages(network)
    names = [n for part in found for n in part]
    assert len(found) <= 8
    assert (names[0], names[-1]) == (first, last)
    # every weight belongs to exactly one of them
    counted = [sum(1 for n in names if key == n or key.startswith(f"{n}.")) for key, _ in network.named_parameters()]
    assert set(counted) == {1}


def _shown(maker: MapMaker, n: int = 6) -> list[Shown]:
    crops = np.random.default_rng(2).integers(0, 256, (n, 64, 64), dtype=np.uint8)
    values, _ = maker.maps(crops)
    return [Shown(f"c{i}", c, v.astype(float)) for i, (c, v) in enumerate(zip(crops, values, strict=True)) if v.any()]


def test_randomised_weights_are_the_same_numbers_elsewhere(world: Path) -> None:
    maker = _maker(world, layer="layer2")
    before = {k: v.clone() for k, v in maker.graph.named_parameters()}
    cases = _shown(maker)
    found = list(randomised(maker, cases, seed=0))
    assert all((maker.graph.get_parameter(k) == v).all() for k, v in before.items())
    assert all(len(values) == len(cases) for _, values in found)
    assert np.nanmean(found[-1][1]) < 0.8
    again = list(randomised(maker, cases, seed=0))
    other = list(randomised(maker, cases, seed=1))
    assert np.array_equal(found[-1][1], again[-1][1], equal_nan=True)
    assert not np.array_equal(found[-1][1], other[-1][1], equal_nan=True)


class _Sum(torch.nn.Module):  # type: ignore[misc]
    """The logit rises with the grey of the left upper quarter alone."""

    def forward(self, grey: torch.Tensor) -> torch.Tensor:
        return (grey[:, :8, :8].float() / 255 - 0.5).mean(dim=(1, 2))[:, None] * 20


def test_pixels_that_count_are_taken_away_first(world: Path) -> None:
    """One quarter of the crop decides: a map of it falls within the first three tenths; by hand, with trapezia."""
    maker = _maker(world)
    maker.graph = _Sum()
    crop = np.zeros((16, 16), dtype=np.uint8)
    crop[:8, :8] = 255
    values = np.zeros((16, 16))
    values[:8, :8] = 1.0 + np.arange(64).reshape(8, 8) / 64
    found = pixel_curves(maker, Shown("c", crop, values), seed=0)
    assert len(found.deletion) == STEPS + 1
    # mean grey is a quarter: after 64 of 256 pixels the logit is 20 (63 / 255 - .5)
    assert found.deletion[0] == pytest.approx(1 / (1 + np.exp(-10)))
    assert found.deletion[3] == pytest.approx(1 / (1 + np.exp(10 - 20 * 63 / 255)), abs=1e-6)
    assert (found.deletion[3:] == found.deletion[3]).all()
    assert (found.insertion[3:] == found.deletion[0]).all()
    assert area(found.deletion) < area(found.random_deletion)
    assert area(found.insertion) > area(found.random_insertion)


def test_area_by_hand() -> None:
    assert area(np.linspace(0, 1, STEPS + 1)) == pytest.approx(0.5)
    assert area(np.r_[1.0, np.zeros(STEPS)]) == pytest.approx(0.05)
