"""The figures of the lesion page: colour changes at the threshold, the outline, the circle, the frame of the film."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from robustkit.dashboard.lesion.answers import Answer, GridScores
from robustkit.dashboard.lesion.desk import Shown
from robustkit.dashboard.lesion.figures import ABOVE, BELOW, MIDDLE, MapFrame, picture, score_map, viewer
from robustkit.dashboard.lesion.grids import SHIFT, SIZE, Grid
from robustkit.dashboard.lesion.open_run import Cut, Nominal
from robustkit.dashboard.lesion.panels import Context, map_panel, readers_words, score_panel, waiting
from robustkit.images.radiograph import Radiograph
from robustkit.perturbations._base import BoxRules

BOX = (100.0, 100.0, 140.0, 180.0)


def _found(grid: Grid = SHIFT, *, is_whole: bool = True) -> GridScores:
    """Give scores that rise to the right, 0.1 to 0.9."""
    scores = np.tile(np.linspace(0.1, 0.9, grid.n), (grid.n, 1))
    asked = np.ones(scores.shape, dtype=bool)
    if not is_whole:
        asked[1::2] = False
        scores[1::2] = np.nan
    boxes = grid.boxes(np.array(BOX), rules=BoxRules("none", "pad"), film=(400.0, 400.0))
    return GridScores(grid, boxes, scores, asked, np.zeros(scores.shape, dtype=bool))


def _answer(**changed: object) -> Answer:
    return Answer(**{"ticket": 1, "state": "done", "box": BOX, "score": 0.5, **changed})  # type: ignore[arg-type]


def test_colour_is_neutral_at_the_threshold_and_the_change_is_outlined() -> None:
    heat, halo, line, middle = score_map(_found(), MapFrame(0.3))["data"]
    assert heat["colorscale"] == [[0, BELOW], [0.3, MIDDLE], [1, ABOVE]]
    assert (heat["zmin"], heat["zmax"]) == (0, 1)
    for contour in (halo, line):
        assert (contour["contours"]["start"], contour["contours"]["end"]) == (0.3, 0.3)
    assert (middle["x"], middle["y"]) == ([0], [0])


def test_axes_are_mm_where_the_spacing_is_known() -> None:
    # 40 x 80 px of 0.5 mm: 20 x 40 mm; 20 % of them are 4 and 8 mm
    figure = score_map(_found(), MapFrame(0.3, (20.0, 40.0), 0.05))
    assert figure["data"][0]["x"][-1] == pytest.approx(4.0)
    assert figure["data"][0]["y"][-1] == pytest.approx(8.0)
    assert "(mm, right +)" in figure["layout"]["xaxis"]["title"]["text"]
    (circle,) = figure["layout"]["shapes"]
    assert (circle["x1"], circle["y1"], circle["line"]["dash"]) == (1.0, 2.0, "solid")


def test_axes_are_shares_where_it_is_not() -> None:
    figure = score_map(_found(), MapFrame(0.3))
    assert figure["data"][0]["x"][0] == -20
    (circle,) = figure["layout"]["shapes"]
    assert (circle["x0"], circle["x1"], circle["line"]["dash"]) == (-10, 10, "dash")
    # the top of the map is the top of the film
    low, high = figure["layout"]["yaxis"]["range"]
    assert low > high


def test_the_size_map_has_no_circle() -> None:
    figure = score_map(_found(SIZE), MapFrame(0.3, (20.0, 40.0)))
    assert figure["layout"]["shapes"] == []
    assert figure["data"][0]["x"][-1] == 20
    assert figure["layout"]["yaxis"]["range"][0] < figure["layout"]["yaxis"]["range"][1]


def test_a_map_in_work_has_no_outline_and_says_what_is_not_judged() -> None:
    figure = score_map(_found(is_whole=False), MapFrame(0.3))
    assert [d["type"] for d in figure["data"]] == ["heatmap", "scatter"]
    assert "not judged yet" in figure["data"][0]["text"][1][0]
    assert "score 0.100, below the threshold" in figure["data"][0]["text"][0][0]
    assert all(v is not None for row in figure["data"][0]["z"] for v in row)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_a_threshold_at_an_end_is_drawn(threshold: float) -> None:
    figure = score_map(_found(), MapFrame(threshold))
    stops = [s for s, _ in figure["data"][0]["colorscale"]]
    assert stops == sorted(stops)
    json.dumps(figure, allow_nan=False)


def test_numbers_that_are_none_are_holes() -> None:
    found = _found()
    found.scores[0, 0] = np.nan
    figure = score_map(found, MapFrame(0.3))
    assert "no number" in figure["data"][0]["text"][0][0]
    json.dumps(figure, allow_nan=False)


def test_every_figure_says_what_it_is_for() -> None:
    (words,) = score_map(_found(), MapFrame(0.3, is_simulated=True))["layout"]["annotations"]
    assert words["text"] == "simulated films<br>Research use; not for diagnosis or for the care of a patient"


def test_the_film_keeps_its_frame_though_the_picture_is_smaller() -> None:
    film = Radiograph(np.full((3000, 1500), 90.0, dtype=np.float32))
    shown = Shown("k", "n", film, float("nan"), (10.0, 20.0, 30.0, 50.0), "", is_simulated=False, is_held=False)
    layout = viewer(shown)["layout"]
    assert (layout["images"][0]["sizex"], layout["images"][0]["sizey"]) == (1500, 3000)
    assert layout["yaxis"]["range"] == [3000, 0]
    assert [layout["shapes"][0][k] for k in ("x0", "y0", "x1", "y1")] == [10, 20, 30, 50]
    content = base64.b64decode(picture(film.pixels).partition(",")[2])
    assert Image.open(io.BytesIO(content)).size == (512, 1024)


def test_panels_of_every_state() -> None:
    context = Context(Cut(0.5, "given by a flag"), 0.5, Nominal(BOX, 0.5), None)
    assert score_panel(_answer(), context)[0] == "0.500"
    assert score_panel(_answer(), context)[-1] == "lesion-card is-above"
    assert score_panel(_answer(), context)[4] == "This is the box as given; in the run it has the score 0.500."
    assert "do not rely on it" in score_panel(_answer(score=0.52), context)[4]
    assert score_panel(_answer(box=(0, 0, 9, 9)), context)[4] == "The box as given has the score 0.500 in the run."
    failed = Answer(1, "failed", message="the film is missing.")
    assert score_panel(failed, context)[3] == "the film is missing."
    assert map_panel(None, failed, context)[0] == ""
    assert waiting(Answer(1, "waiting", n_before=2)) == "Working: 2 others are before you."
    assert waiting(Answer(1, "working", message="opening film and model")) == "Working: opening film and model."
    in_work = map_panel(_found(is_whole=False), _answer(state="working"), context)
    assert in_work[0] == "Working: 153 of 289 boxes."
    # 0.5 is the eighth of 17 steps and at the threshold: all columns left of the middle change, the first at 2.5 %
    whole = map_panel(_found(), _answer(), context)
    assert whole[0] == "Does not hold: the decision changes at the smallest displacement tested, 2.5 % " + (
        "(0.5 mm sideways, 1 mm up or down)."
    )


def test_the_circle_is_explained() -> None:
    assert readers_words(None).startswith("Dashed circle: 10 % of the sides, assumed")
    assert readers_words(0.065) == "Circle: the readers' disagreement as measured, 6.5 % of the sides."
