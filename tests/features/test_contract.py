"""What every family of features holds, without being named here."""

from __future__ import annotations

import doctest
import importlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from robustkit.features._base import Family, FeatureSettings, extract, feature_names, features_of
from robustkit.registry import load, names

FAMILY = "features"
SETTINGS = (
    FeatureSettings(bins=8, families=("grey",)),
    FeatureSettings(discretisation="width", bin_width=16.0, directions="merged", families=("grey",)),
    FeatureSettings(normalise="film", discretisation="width", bin_width=0.25, families=("grey",)),
    FeatureSettings(normalise="box", spacing_mm=0.2, bins=6, families=("grey",)),
)
EACH = [pytest.param(name, s, id=f"{name}-{i}") for name in names(FAMILY) for i, s in enumerate(SETTINGS)]


def _of(name: str, settings: FeatureSettings) -> FeatureSettings:
    return FeatureSettings.from_dict(settings.to_dict() | {"families": [name]})


def _film(seed: int, shape: tuple[int, int] = (40, 50)) -> np.ndarray:
    """Smooth and noisy at once, so that runs and zones of many sizes are there."""
    random = np.random.default_rng(seed)
    ramp = np.add.outer(np.arange(shape[0]) * 2.0, np.arange(shape[1]) * 1.5)
    blocks = np.kron(random.integers(0, 4, (shape[0] // 5, shape[1] // 5)), np.ones((5, 5))) * 12
    return (ramp + blocks + random.integers(0, 9, shape)).astype(np.uint8)


def _extract(pixels: np.ndarray, boxes: object, settings: FeatureSettings, **rest: object) -> np.ndarray:
    return extract(pixels, np.array(boxes, dtype=np.float64), settings=settings, spacing_mm=0.1, **rest)  # type: ignore[arg-type]


def _around(mask: np.ndarray) -> list[int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


@pytest.mark.parametrize("name", names(FAMILY))
def test_family_says_what_it_is(name: str) -> None:
    assert cast(Family, load(FAMILY, name)).name == name


def test_names_are_unique() -> None:
    settings = FeatureSettings(families=names(FAMILY))
    found = feature_names(settings)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("name", names(FAMILY))
def test_the_example_runs(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"robustkit.{FAMILY}.{name}"))
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize(("name", "settings"), EACH)
@hypothesis_settings(deadline=None)  # the first call compiles
@given(seed=st.integers(0, 20), x=st.floats(-20, 60), y=st.floats(-20, 60), w=st.floats(0.1, 40), h=st.floats(0.1, 40))
def test_boxes_together_are_boxes_one_by_one(
    name: str, settings: FeatureSettings, seed: int, x: float, y: float, w: float, h: float
) -> None:
    settings = _of(name, settings)
    film = _film(seed)
    kept, boxes = film.copy(), [[x, y, x + w, y + h], [0, 0, 50, 40], [3, 4, 9, 30], [60, 0, 70, 9]]
    together = _extract(film, boxes, settings)
    np.testing.assert_array_equal(together, np.concatenate([_extract(film, [b], settings) for b in boxes]))
    np.testing.assert_array_equal(film, kept)
    assert together.shape == (4, len(feature_names(settings)))
    assert together.dtype == np.float64
    assert all(np.isfinite(v) or f.undefined for v, f in zip(together[1], features_of(settings), strict=True))
    assert np.isnan(together[3]).all()


@pytest.mark.parametrize(("name", "settings"), EACH)
def test_8_bit_and_float_films_are_equal(name: str, settings: FeatureSettings) -> None:
    film, settings, boxes = _film(3), _of(name, settings), [[2, 3, 30, 38], [10, 0, 50, 9]]
    np.testing.assert_allclose(
        _extract(film, boxes, settings), _extract(film.astype(np.float32), boxes, settings), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("turn", [1, 2, 3, "flip"])
@pytest.mark.parametrize(("name", "settings"), EACH)
def test_a_turned_or_mirrored_film_has_the_same_features(name: str, settings: FeatureSettings, turn: object) -> None:
    # resampling begins at one corner and leaves out a part of a pixel at the other
    settings = replace(_of(name, settings), spacing_mm=None)
    film, box, mask = _film(4), np.zeros((40, 50), dtype=bool), _film(5) % 7 > 0
    # even sides, so that the ring of `grey` ends at whole pixels
    box[5:33, 7:31] = True
    # the mask travels with the film, and a box that surrounds it is the region
    turned = [np.fliplr(f) if turn == "flip" else np.rot90(f, int(str(turn))) for f in (film, box, mask)]
    first = _extract(film, [_around(box)], settings, mask=mask)
    second = _extract(np.ascontiguousarray(turned[0]), [_around(turned[1])], settings, mask=turned[2])
    np.testing.assert_allclose(first, second, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "settings"), EACH)
def test_threads_do_not_meet(name: str, settings: FeatureSettings) -> None:
    films, settings, boxes = [_film(s) for s in range(8)], _of(name, settings), [[2, 3, 30, 38], [10, 0, 50, 9]]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda f: _extract(f, boxes, settings), films))
    for film, one in zip(films, found, strict=True):
        np.testing.assert_array_equal(one, _extract(film, boxes, settings))


@pytest.mark.parametrize("level", [0, 7, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (5, 7)])
@pytest.mark.parametrize("name", names(FAMILY))
def test_what_is_not_defined_is_nan_for_a_reason(name: str, shape: tuple[int, int], level: int) -> None:
    settings = FeatureSettings(families=(name,))
    film = np.full((20, 20), level, dtype=np.uint8)
    found = _extract(film, [[3, 4, 3 + shape[1], 4 + shape[0]]], settings)[0]
    for feature, value in zip(features_of(settings), found, strict=True):
        assert np.isfinite(value) or (np.isnan(value) and feature.undefined), feature


@pytest.mark.parametrize("name", names(FAMILY))
def test_no_boxes_are_no_rows(name: str) -> None:
    settings = FeatureSettings(families=(name,))
    assert _extract(_film(0), np.empty((0, 4)), settings).shape == (0, len(feature_names(settings)))


@pytest.mark.parametrize("settings", SETTINGS)
def test_settings_survive_json(settings: FeatureSettings) -> None:
    assert FeatureSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings
