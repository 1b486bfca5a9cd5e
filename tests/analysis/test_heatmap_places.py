"""Where a cell of a map lies: counted on a film of a thousand times as many pixels, drawn by hand, refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from robustkit.analysis.heatmap_places import Lesion, Place, Width, covered, places, read_lesion
from robustkit.errors import InputError

NAN = float("nan")
WIDTH = Width(0.15, is_mm=False)


def _lesion(mask: np.ndarray | None = None, **more: Any) -> Lesion:
    return Lesion(np.array([20.0, 20.0, 60.0, 60.0]), mask, spacing_mm=NAN, **{"fault": "", "others": {}, **more})


@settings(max_examples=40)
@given(st.integers(-8, 20), st.integers(-8, 20), st.integers(8, 40), st.integers(1, 5), st.integers(1, 5))
def test_covered_is_the_share_of_the_cell(x: int, y: int, side: int, h: int, w: int) -> None:
    random = np.random.default_rng(abs(x + 31 * y))
    mask = random.random((24, 28)) < 0.5
    region = np.array([x / 2, y / 2, (x + side) / 2, (y + side) / 2])
    found = covered(mask, region, (h, w))
    # the film at eight times its size, each cell's share counted in points
    n = 8 * 3 * 5 * 4
    py = region[1] + (np.arange(h * n // 8) + 0.5) * (region[3] - region[1]) / (h * n // 8)
    px = region[0] + (np.arange(w * n // 8) + 0.5) * (region[2] - region[0]) / (w * n // 8)
    iy, ix = np.floor(py).astype(int), np.floor(px).astype(int)
    on = (iy[:, None] >= 0) & (iy[:, None] < 24) & (ix[None] >= 0) & (ix[None] < 28)
    seen = on & mask[np.clip(iy, 0, 23)[:, None], np.clip(ix, 0, 27)[None]]
    counted = seen.reshape(h, n // 8, w, n // 8).mean(axis=(1, 3))
    assert np.allclose(found, counted, atol=0.06)
    assert (found <= 1 + 1e-9).all()


def test_a_mask_that_is_the_box_covers_what_the_box_covers() -> None:
    mask = np.zeros((100, 100), dtype=bool)
    mask[20:60, 20:60] = True
    region = np.array([3.0, 7.0, 83.0, 90.0])
    by_mask = places(_lesion(mask), region, (7, 7), WIDTH)["inside"]
    by_box = places(_lesion(), region, (7, 7), WIDTH)["inside"]
    assert by_mask.covered is not None
    assert by_box.covered is not None
    assert np.allclose(by_mask.covered, by_box.covered)
    assert by_box.uniform == pytest.approx(40 * 40 / (80 * 83))


def test_the_border_zone_of_a_disc_is_a_ring() -> None:
    y, x = np.mgrid[:200, :200] + 0.5
    disc = (y - 100) ** 2 + (x - 100) ** 2 <= 50**2
    lesion = Lesion(np.array([50.0, 50, 150, 150]), disc, "", NAN, {})
    found = places(lesion, np.array([0.0, 0, 200, 200]), (20, 20), Width(0.1, is_mm=False))
    areas = {k: p.covered.sum() * 100 for k, p in found.items() if p.covered is not None}
    assert areas["inside"] == pytest.approx(np.pi * 50**2, rel=0.01)
    # 10 px on either side of the outline
    assert areas["border"] == pytest.approx(np.pi * (60**2 - 40**2), rel=0.03)
    assert areas["elsewhere"] == pytest.approx(40_000 - np.pi * 60**2, rel=0.01)


def test_shares_of_a_map_by_hand() -> None:
    place = Place(np.array([[1.0, 0.5], [0.0, 0.0]]))
    assert place.uniform == 0.375
    assert place.share(np.array([[1.0, 2.0], [3.0, 4.0]])) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("lesion", "region", "place", "reason"),
    [
        (_lesion(), (20, 20, 60, 60), "inside", "the crop is the box"),
        (_lesion(), (0, 0, 80, 80), "border", "around a mask"),
        (_lesion(), (0, 0, 80, 80), "inside", "too coarse"),
        (_lesion(fault="the mask is empty"), (0, 0, 90, 90), "inside", "the mask is empty"),
        (_lesion(np.pad(np.ones((40, 40), bool), 30)), (0, 0, 100, 100), "border", "narrower than a cell"),
        (_lesion(np.pad(np.ones((40, 40), bool), 30)), (0, 0, 8, 8), "inside", "shows nothing of it"),
    ],
)
def test_what_cannot_be_told_has_a_reason(lesion: Lesion, region: tuple[int, ...], place: str, reason: str) -> None:
    found = places(lesion, np.array(region, dtype=float), (2, 2), WIDTH)[place]
    assert found.covered is None
    assert reason in found.reason


def test_a_zone_in_mm_needs_the_spacing() -> None:
    mask = np.pad(np.ones((40, 40), bool), 30)
    region = np.array([0.0, 0, 100, 100])
    unknown = places(_lesion(mask), region, (20, 20), Width(2, is_mm=True))["border"]
    assert "spacing" in unknown.reason
    known = places(_lesion(mask, others={}), region, (20, 20), Width(2, is_mm=True))
    assert known["border"].covered is None
    with_spacing = Lesion(np.array([30.0, 30, 70, 70]), mask, "", 0.5, {})
    ring = places(with_spacing, region, (20, 20), Width(2, is_mm=True))["border"]
    assert ring.covered is not None
    # 4 px inside: a frame of a square; 4 px outside: the same with round corners
    assert ring.covered.sum() * 25 == pytest.approx(40**2 - 32**2 + 4 * 40 * 4 + np.pi * 16, rel=0.03)


@pytest.mark.parametrize(("text", "said"), [("15%", "15 % of the box"), (" 5 mm ", "5 mm"), ("2.5mm", "2.5 mm")])
def test_widths_are_read(text: str, said: str) -> None:
    assert str(Width.read(text, where="--border")) == said


@pytest.mark.parametrize("text", ["", "15", "0%", "-5mm", "inf%", "wide", "nan%", "%"])
def test_other_widths_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="--border"):
        Width.read(text, where="--border")


def _case(folder: Path, mask: np.ndarray | None = None, name: str = "m.png", **more: Any) -> dict[str, Any]:
    if mask is not None:
        Image.fromarray(mask.astype(np.uint8) * 255).save(folder / "m.png")
    return {
        "x0": 1.0, "y0": 2.0, "x1": 8.0, "y1": 9.0, "image": "f.png", "image_path": str(folder / "f.png"), "mask": name,
        "film_width_px": 10.0, "film_height_px": 12.0, "spacing_mm": NAN, "film_spacing_mm": 0.2, **more,
    }  # fmt: skip


def test_masks_are_read_beside_the_film(tmp_path: Path) -> None:
    mask = np.zeros((12, 10), dtype=bool)
    mask[3:6, 2:7] = True
    found = read_lesion(_case(tmp_path, mask, bone_mask="m.png"))
    assert found.mask is not None
    assert (found.mask == mask).all()
    assert found.spacing_mm == 0.2
    assert found.drawn_as == "mask"
    region = np.array([0.0, 0, 10, 12])
    other = places(found, region, (12, 10), WIDTH)["outside_bone"]
    assert other.uniform == pytest.approx(1 - 15 / 120)


@pytest.mark.parametrize(
    ("shape", "name", "reason"),
    [
        ((12, 11), "m.png", "the mask is 11 x 12 px, its film 10 x 12"),
        ((12, 10), "absent.png", "cannot be read"),
        ((12, 10), "../m.png", "leaves the folder"),
        ((12, 10), "m.png", "is empty"),
    ],
)
def test_a_mask_that_is_wrong_is_said(tmp_path: Path, shape: tuple[int, int], name: str, reason: str) -> None:
    found = read_lesion(_case(tmp_path, np.zeros(shape, dtype=bool), name=name))
    assert found.mask is None
    assert reason in found.fault
