"""The films of the phantom: the same every time, with lesions that can be seen, harder at external centres."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from robustkit.phantom.canvas import Frame, empty_canvas
from robustkit.phantom.exposure import TECHNIQUES
from robustkit.phantom.facts import PHANTOM_SEED, draw_lesions
from robustkit.phantom.film import draw_anatomy, draw_film
from robustkit.phantom.placing import film_point
from scipy.ndimage import gaussian_filter


@pytest.fixture(scope="module")
def films() -> list[pd.DataFrame]:
    return [g for _, g in draw_lesions(PHANTOM_SEED).groupby("image", sort=False)]


def first(films: list[pd.DataFrame], wanted: Callable[[pd.Series], bool]) -> pd.DataFrame:
    return next(g for g in films if wanted(g.iloc[0]))


def test_film_has_its_size_and_the_whole_range(films: list[pd.DataFrame]) -> None:
    film = draw_film(films[0], seed=PHANTOM_SEED)
    assert film.dtype == np.uint8
    assert film.shape == (films[0]["film_height"].iloc[0], films[0]["film_width"].iloc[0])
    assert np.percentile(film, 99) - np.percentile(film, 1) > 100


def test_film_is_the_same_every_time_whatever_was_drawn_before(films: list[pd.DataFrame]) -> None:
    once = draw_film(films[3], seed=PHANTOM_SEED)
    draw_film(films[4], seed=PHANTOM_SEED)
    assert np.array_equal(once, draw_film(films[3], seed=PHANTOM_SEED))
    assert not np.array_equal(once, draw_film(films[3], seed=PHANTOM_SEED + 1))


@pytest.mark.parametrize(
    "site",
    ["femur", "tibia", "fibula", "humerus", "radius", "hand", "foot", "pelvis", "sacrum", "spine", "ribs"],
)
def test_bone_lies_where_lesions_are_put(films: list[pd.DataFrame], site: str) -> None:
    rows = pd.concat([g for g in films if g["site"].iloc[0] == site][:4])
    on_axis = 0
    for row in rows.to_dict("records"):
        canvas = empty_canvas(Frame.of(row), np.random.default_rng(1))
        draw_anatomy(canvas, site=site, lateral=row["view"] == "lateral", age_years=row["age_years"])
        offset = row["side"] * row["off_axis_mm"]
        axis = np.array([[row["x_mm"] + offset * row["axis_y"], row["y_mm"] - offset * row["axis_x"]]])
        x, y = canvas.frame.pixels(axis)[0].astype(int)
        near = slice(max(y - 4, 0), y + 5), slice(max(x - 4, 0), x + 5)
        on_axis += (canvas.cortex + canvas.spongy)[near].max() > 0.5
    assert on_axis >= 0.75 * len(rows)


def test_frame_puts_the_lesion_into_the_middle_of_its_box(films: list[pd.DataFrame]) -> None:
    rows = pd.concat(films[:200])
    centre = film_point(rows, rows["x_mm"].to_numpy(), rows["y_mm"].to_numpy())
    box = rows[["x0", "y0", "x1", "y1"]].to_numpy(dtype=float)
    inner = (box[:, :2] > 0).all(axis=1) & (box[:, 2:] < rows[["film_width", "film_height"]].to_numpy()).all(axis=1)
    off = np.abs(centre - (box[:, :2] + box[:, 2:]) / 2) / (box[:, 2:] - box[:, :2])
    # Margins of opposite sides differ by at most 10 % of the extent, so the middle by 5 %, and one pixel of rounding.
    assert (off * (box[:, 2:] - box[:, :2]) - 1)[inner].max() <= (0.05 * (box[:, 2:] - box[:, :2]))[inner].max()
    one = Frame.of(rows.iloc[0].to_dict())
    own = one.pixels(rows[["x_mm", "y_mm"]].to_numpy(dtype=float)[:1])
    assert own == pytest.approx(centre[:1])


def test_positions_and_pixels_are_inverse_to_each_other(films: list[pd.DataFrame]) -> None:
    frame = Frame.of(films[5].iloc[0].to_dict())
    x, y = frame.positions_mm()
    at = np.array([[float(x[40, 70]), float(y[40, 70])]])
    assert frame.pixels(at)[0] == pytest.approx([70.5, 40.5], abs=1e-2)


def test_lesions_are_seen_in_their_boxes_and_not_elsewhere(films: list[pd.DataFrame]) -> None:
    picked = [g for g in films if len(g) == 1][::23]
    inside, outside = np.array([_change(g) for g in picked]).T
    # In grey levels of 255, after smoothing the mottle away; the eye needs about 2 %.
    assert np.mean(inside > 5) >= 0.9
    assert np.mean(inside > 3 * outside) >= 0.9


def _change(lesion: pd.DataFrame) -> tuple[float, float]:
    """Give what the lesion changes: 75th percentile inside of its box, mean outside of the doubled box."""
    row = lesion.iloc[0]
    film = draw_film(lesion, seed=PHANTOM_SEED).astype(float)
    healthy = draw_film(lesion, seed=PHANTOM_SEED, is_healthy=True).astype(float)
    change = gaussian_filter(np.abs(gaussian_filter(film - healthy, 1.5)), 0.5)
    w, h = row["x1"] - row["x0"], row["y1"] - row["y0"]
    inside = np.percentile(change[row["y0"] : row["y1"], row["x0"] : row["x1"]], 75)
    far = np.ones_like(change, dtype=bool)
    far[max(row["y0"] - h // 2, 0) : row["y1"] + h // 2, max(row["x0"] - w // 2, 0) : row["x1"] + w // 2] = False
    return float(inside), float(change[far].mean())


def test_external_centres_have_more_contrast(films: list[pd.DataFrame]) -> None:
    lesion = first(films, lambda r: r["site"] == "femur" and r["centre"] == "A")
    spread = {
        centre: float(np.std(draw_film(lesion.assign(centre=centre), seed=PHANTOM_SEED).astype(float)))
        for centre in TECHNIQUES
    }
    assert all(spread[c] > 1.1 * spread["A"] for c in "BCD")


def test_external_films_have_more_contrast_over_the_cohort(films: list[pd.DataFrame]) -> None:
    femurs = [g for g in films if g["site"].iloc[0] == "femur"]
    by_cohort = {
        cohort: np.mean(
            [
                np.std(draw_film(g, seed=PHANTOM_SEED)[40:-40, 60:-60].astype(float))
                for g in [g for g in femurs if g["cohort"].iloc[0] == cohort][:12]
            ]
        )
        for cohort in ("internal", "external")
    }
    assert by_cohort["external"] > 1.1 * by_cohort["internal"]
