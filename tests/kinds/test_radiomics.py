"""radiomics: a weighted sum of features by hand, box and mask, bodies that are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from robustkit.cohort.case import Case
from robustkit.errors import CheckpointError, FilmError
from robustkit.geometry import Box
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions

from made_baselines import radiomics_body, write_model

MEAN = radiomics_body()["features"][0]
PIXELS = np.arange(64, dtype=np.uint8).reshape(8, 8)
BOXES = np.array([[0.0, 0, 4, 4], [4, 4, 8, 8]])


def case(mask: Path | None = None) -> Case:
    return Case("c", Path("c.png"), Box(0, 0, 4, 4), "benign", "p", "test", None, {}, mask)


def opened(folder: Path, said: dict[str, Any]) -> Any:
    return open_model(write_model(folder / "m.json", "radiomics", said), ModelOptions())


def test_log_odds_by_hand(tmp_path: Path) -> None:
    model = opened(tmp_path, radiomics_body())
    assert (model.engine, model.arch) == ("film", "radiomics")
    # means of the boxes: rows 0..3 and columns 0..3 of 8 r + c: 13.5; 36 more in the other
    expected = [-1 + 3 * (13.5 - 10) / 2, -1 + 3 * (49.5 - 10) / 2]
    np.testing.assert_allclose(model.runner.logits(case(), PIXELS, BOXES)[:, 0], expected, rtol=1e-6)


def test_a_box_that_holds_nothing_has_no_answer_and_an_undefined_feature_is_the_median(tmp_path: Path) -> None:
    model = opened(tmp_path, radiomics_body())
    assert np.isnan(model.runner.logits(case(), PIXELS, np.array([[90.0, 90, 99, 99]]))).all()
    skewness = {**MEAN, "name": "stat_skew"}
    flat = opened(tmp_path, radiomics_body(features=[skewness])).runner.logits(
        case(), np.full((8, 8), 7, np.uint8), BOXES
    )
    assert flat[:, 0].tolist() == [-1 + 3 * (5 - 10) / 2] * 2


def test_no_weights_is_an_answer_too(tmp_path: Path) -> None:
    assert opened(tmp_path, radiomics_body(features=[])).runner.logits(case(), PIXELS, BOXES)[:, 0].tolist() == [
        -1.0,
        -1.0,
    ]


def test_a_mask_stays_on_the_film_while_the_box_moves(tmp_path: Path) -> None:
    inside = np.zeros((8, 8), dtype=np.uint8)
    inside[2:4, 0:8] = 255
    Image.fromarray(inside).save(tmp_path / "mask.png")
    model = opened(
        tmp_path,
        radiomics_body(area="mask", intercept=0.0, features=[{**MEAN, "mean": 0.0, "scale": 1.0, "coefficient": 1.0}]),
    )
    boxes = np.array([[0.0, 0, 4, 4], [2, 0, 6, 4], [0, 4, 4, 8]])
    found = model.runner.logits(case(tmp_path / "mask.png"), PIXELS, boxes)[:, 0]
    # rows 2 and 3, columns 0..3: 16 + 4 + 1.5; two columns further right: 2 more; below the mask there is nothing
    np.testing.assert_array_equal(found, [21.5, 23.5, np.nan])


def test_masks_that_are_not_there_or_do_not_fit(tmp_path: Path) -> None:
    model = opened(tmp_path, radiomics_body(area="mask"))
    with pytest.raises(FilmError, match="the model was fitted on masks, and this case has none"):
        model.runner.logits(case(), PIXELS, BOXES)
    Image.fromarray(np.full((8, 9), 255, np.uint8)).save(tmp_path / "mask.png")
    with pytest.raises(FilmError, match="the mask is 9 x 8 px, its film 8 x 8"):
        model.runner.logits(case(tmp_path / "mask.png"), PIXELS, BOXES)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (radiomics_body(area="film"), "body.area: expected box or mask, got 'film'"),
        (radiomics_body(settings=None), "body.settings: expected an object"),
        (radiomics_body(settings={"bins": 1}), "body.settings: expected settings that features know"),
        (radiomics_body(settings={"families": ["colour"]}), "colour"),
        (radiomics_body(features={}), "body.features: expected a list such as"),
        (
            radiomics_body(features=[{**MEAN, "name": "colour"}]),
            r"body.features\[0\].name: expected a feature of these settings",
        ),
        (
            radiomics_body(features=[{**MEAN, "scale": 0}]),
            r"body.features\[0\].scale: expected a number above 0, got 0.0",
        ),
        (radiomics_body(features=[{**MEAN, "mean": "x"}]), r"body.features\[0\].mean: expected a number, got 'x'"),
        (radiomics_body(intercept=None), "body.intercept: expected a number"),
        (radiomics_body(threshold=1), "body: expected no other fields"),
    ],
)
def test_bodies_that_are_wrong(tmp_path: Path, said: dict[str, Any], error: str) -> None:
    with pytest.raises(CheckpointError, match=error):
        opened(tmp_path, said)
