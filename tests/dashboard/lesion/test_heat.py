"""The heatmap of the lesion page: the picture lies on the crop, and the words are the numbers."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image
from robustkit.dashboard.lesion.answers import Answer
from robustkit.dashboard.lesion.heat import SIDE_PX, heat_panel, pictures, words
from robustkit.heatmaps._heatmap import Heatmap
from robustkit.images.heat import coloured
from robustkit.images.radiograph import Radiograph

FILM = np.zeros((200, 300), dtype=np.uint8)
FILM[80:100, 120:160] = 200
BOX = (120.0, 80.0, 160.0, 100.0)
FOUND = Heatmap(
    np.array([[0.0, 0.0, 0.0, 0.0], [0.0, 3.0, 3.0, 0.0], [0.0, 0.0, 2.0, 0.0]]), np.array([100.0, 60.0, 180.0, 120.0])
)


def _opened(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGBA"))


def test_both_pictures_have_one_size_and_lie_on_each_other() -> None:
    crop, heat = (_opened(u) for u in pictures(FOUND, FILM))
    assert crop.shape == heat.shape == (240, SIDE_PX, 4)
    bright = crop[..., 0] > 100
    # the bright place of the film is 40 x 20 of the region's 80 x 60
    assert bright.mean() == pytest.approx(40 * 20 / (80 * 60), abs=0.02)
    assert heat[..., 3][bright].mean() > 2 * heat[..., 3][~bright].mean()
    assert heat[0, 0, 3] == 0


def test_a_region_beyond_the_film_is_black_there() -> None:
    crop, _ = pictures(
        Heatmap(FOUND.values, np.array([-40.0, -30.0, 40.0, 30.0])), np.full((200, 300), 255, dtype=np.uint8)
    )
    seen = _opened(crop)[..., 0]
    assert seen[:100, :140].max() < 30
    assert seen[140:, 180:].min() > 225


def test_colours_grow_brighter_and_nothing_is_clear() -> None:
    row = np.asarray(coloured(np.linspace(0, 1, 32)[None]))
    assert row[0, 0, 3] == 0
    assert row[0, -1, 3] == 255
    light = row[0, :, :3].astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) >= -1).all()


def test_words_by_hand() -> None:
    # cells are 20 px: the box holds the two 3s whole, and nothing of the 2
    assert "75% of it lies in the box, which is 17% of the crop" in words(FOUND, np.asarray(BOX))
    assert "The crop is the box" in words(FOUND, FOUND.region)


@pytest.mark.parametrize(
    ("values", "said"),
    [(np.zeros((2, 2)), "empty"), (np.full((2, 2), np.nan), "finite"), (np.ones((2, 2)), "constant")],
)
def test_a_map_that_says_nothing_is_not_drawn(values: np.ndarray, said: str) -> None:
    answer = Answer(1, "done", box=BOX, score=0.5, heatmap=Heatmap(values, FOUND.region))
    assert said in str(heat_panel(answer, Radiograph(FILM)))


def test_a_model_without_pixels_has_no_map() -> None:
    assert "No heatmap" in str(heat_panel(Answer(1, "done", box=BOX, score=0.5), None))
