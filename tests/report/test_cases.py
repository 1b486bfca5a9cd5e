from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from robustkit.report.cases import THUMBNAIL_PX, ShownCase, least_stable
from robustkit.results.films import write_films
from robustkit.results.folder import RunFolder

from factories import Answers, moved_boxes, plain_cases, write_run
from made_tables import stability

CONDITION = ("shift", 0.1)


def _run(path: Path, **facts: Any) -> RunFolder:
    """Three cases; case i has i of 12 redrawn scores on the other side of 0.45. The film is white inside the box."""
    path.mkdir(exist_ok=True)
    film = np.zeros((200, 300), dtype=np.uint8)
    film[20:70, 10:110] = 255
    Image.fromarray(film).save(path / "film.png")
    cases = plain_cases(label=["benign", "non-benign", "benign"], image_path=str(path / "film.png"), **facts)
    scores = np.full((3, 12), 0.4)
    for i in range(3):
        scores[i, :i] = 0.5
    return write_run(path / "run", cases, {"a": Answers(np.full(3, 0.4), {CONDITION: scores})})


def _shown(folder: RunFolder, *, n: int = 3, has_images: bool = True) -> tuple[ShownCase, ...]:
    table = stability(("a",), ("c00", "c01", "c02"))
    return least_stable(folder, table, condition=CONDITION, thresholds={"a": 0.45}, n=n, has_images=has_images)


def test_most_changed_decisions_first(tmp_path: Path) -> None:
    shown = _shown(_run(tmp_path), n=2)
    assert [c.case_id for c in shown] == ["c02", "c01"]
    assert [sum(r.is_changed for r in c.repeats) for c in shown] == [2, 1]
    assert [r.score for r in shown[0].repeats][:3] == [0.5, 0.5, 0.4]


def test_picture_and_boxes_lie_on_each_other(tmp_path: Path) -> None:
    case = _shown(_run(tmp_path))[0]
    data = base64.b64decode(case.picture.uri.removeprefix("data:image/webp;base64,"))
    picture = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
    assert picture.shape == (THUMBNAIL_PX, THUMBNAIL_PX)
    x0, y0, x1, y1 = (round(v) for v in case.box)
    assert picture[y0 + 3 : y1 - 3, x0 + 3 : x1 - 3].min() > 230
    outside = picture.copy()
    outside[max(0, y0 - 3) : y1 + 3, max(0, x0 - 3) : x1 + 3] = 0
    assert outside.max() < 25


def test_boxes_are_on_the_film_again(tmp_path: Path) -> None:
    case = _shown(_run(tmp_path))[0]
    back = np.array([r.box for r in case.repeats]) / case.picture.zoom + np.tile(case.picture.corner, 2)
    cases = plain_cases(label=["benign"])
    # the page keeps a tenth of a picture pixel
    np.testing.assert_allclose(back, moved_boxes(cases, 0.1, 12)[0], atol=0.06 / case.picture.zoom)


def test_films_can_be_left_out(tmp_path: Path) -> None:
    folder = _run(tmp_path)
    # what is not asked for is not looked at
    (folder.path / "films.parquet").write_bytes(b"damaged")
    shown = _shown(folder, has_images=False)
    assert {(c.picture.uri, c.picture.note) for c in shown} == {("", "Films are left out.")}


def test_a_missing_film_is_said(tmp_path: Path) -> None:
    folder = _run(tmp_path)
    (tmp_path / "film.png").unlink()
    assert _shown(folder)[0].picture.note == "No picture: the film is missing."


def test_a_changed_film_is_not_shown(tmp_path: Path) -> None:
    folder = _run(tmp_path)
    write_films(folder.path, dict.fromkeys(folder.cases()["case_id"], "0" * 64))
    assert _shown(folder)[0].picture.note == "No picture: the film is another file than when the run began."


def test_a_run_of_another_program_may_not_know_its_films(tmp_path: Path) -> None:
    folder = _run(tmp_path)
    folder.cases().drop(columns="image_path").to_parquet(folder.path / "cases.parquet")
    assert _shown(folder)[0].picture.note == "No picture: the run does not say where the film is."


@pytest.mark.parametrize("condition", [None, ("scale", 0.1)])
def test_nothing_perturbed_nothing_shown(tmp_path: Path, condition: tuple[str, float] | None) -> None:
    table = stability(("a",), ("c00",))
    assert least_stable(_run(tmp_path), table, condition=condition, thresholds={}, n=3, has_images=True) == ()
    assert (
        least_stable(_run(tmp_path / "x"), pd.DataFrame(), condition=CONDITION, thresholds={}, n=3, has_images=True)
        == ()
    )


def test_a_small_box_is_shown_with_its_surroundings(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((400, 400), dtype=np.uint8)).save(tmp_path / "film.png")
    cases = plain_cases(label=["benign"], image_path=str(tmp_path / "film.png"), x1=20.0, y1=30.0)
    answers = {"a": Answers(np.full(1, 0.4), {CONDITION: np.full((1, 12), 0.4)})}
    folder = write_run(tmp_path / "run", cases, answers)
    case = least_stable(
        folder, stability(("a",), ("c00",)), condition=CONDITION, thresholds={"a": 0.45}, n=1, has_images=True
    )[0]
    # the picture spans 160 px of the film around the centre (15, 25): its corner lies 80 px up and left
    assert case.picture.corner == (-65.0, -55.0)
    assert case.picture.zoom == pytest.approx(THUMBNAIL_PX / 160)
