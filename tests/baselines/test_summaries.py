"""The model without a network finds what brightness tells, finds nothing in noise, and keeps films together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from robustkit.baselines.summaries import Summaries, cross_validated_auc, fit_predict, summarise
from robustkit.errors import InputError


def _cases(folder: Path, *, n: int, step: float) -> tuple[pd.DataFrame, list[Path]]:
    """Write films whose box is brighter by ``step`` for every second case."""
    random = np.random.default_rng(3)
    rows, paths = [], []
    for i in range(n):
        film = random.normal(90, 10, (60, 50))
        film[20:40, 10:30] += step * (i % 2)
        path = folder / f"{i}.png"
        Image.fromarray(film.clip(0, 255).astype(np.uint8)).save(path)
        rows.append(
            {"x0": 10, "y0": 20, "x1": 30, "y1": 40, "site": "hand", "view": ("a", "b")[i % 3 == 0], "hardware": "0"}
        )
        paths.append(path)
    return pd.DataFrame(rows), paths


def _labels(n: int) -> np.ndarray:
    return np.arange(n) % 2 == 1


def test_what_it_sees_of_a_case(tmp_path: Path) -> None:
    frame, paths = _cases(tmp_path, n=4, step=50)
    seen = summarise(frame, paths, workers=1)
    assert seen.rows.tolist() == [0, 1, 2, 3]
    # six greys; log sides of box (20 x 20) and film (50 x 60); 400 of 3,000 px
    assert seen.numbers.shape == (4, 11)
    np.testing.assert_allclose(seen.numbers[0, 6:], [np.log(20), np.log(20), np.log(50), np.log(60), 400 / 3000])
    assert seen.numbers[1, 0] - seen.numbers[0, 0] == pytest.approx(50, abs=3)
    assert list(seen.facts.columns) == ["site_hand", "view_a", "view_b", "hardware_0"]
    assert seen.facts["view_b"].tolist() == [1, 0, 0, 1]


def test_films_that_cannot_be_read_and_boxes_off_their_film_are_left_out(tmp_path: Path) -> None:
    frame, paths = _cases(tmp_path, n=5, step=0)
    paths[1].write_bytes(b"junk")
    frame.loc[3, ["x0", "x1"]] = [500, 520]
    seen = summarise(frame, paths, workers=1)
    assert seen.rows.tolist() == [0, 2, 4]
    assert len(seen.numbers) == len(seen.facts) == 3
    assert np.isfinite(seen.numbers).all()


def test_it_finds_brightness_and_nothing_in_noise(tmp_path: Path) -> None:
    n = 80
    for step, low, high in ((30, 0.99, 1.0), (0, 0.2, 0.75)):
        folder = tmp_path / str(step)
        folder.mkdir()
        frame, paths = _cases(folder, n=n, step=step)
        seen = summarise(frame, paths, workers=1)
        groups = np.array([str(p) for p in paths], dtype=object)
        assert low <= cross_validated_auc(seen, _labels(n), groups) <= high
    train = np.arange(n) < 60
    scores = fit_predict(seen, _labels(n), train=train, judged=~train)
    assert scores.shape == (20,)
    assert ((scores > 0) & (scores < 1)).all()


def test_films_stay_together() -> None:
    """Cases of a film are copies with one label drawn at random: who sees a copy in training knows the answer."""
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 4)
    numbers = np.repeat(random.normal(size=(60, 11)), 4, axis=0)
    labels = np.repeat(random.random(60) < 0.5, 4)
    seen = Summaries(np.arange(240), numbers, pd.DataFrame(index=range(240)))
    together = cross_validated_auc(seen, labels, groups.astype(object))
    torn = cross_validated_auc(seen, labels, np.arange(240).astype(object))
    assert torn > 0.85
    assert together < 0.65


@pytest.mark.parametrize(("labels", "n_groups"), [([True] * 10, 10), ([False] * 10, 10), ([True, False] * 5, 4)])
def test_what_cannot_be_estimated_is_nan(labels: list[bool], n_groups: int) -> None:
    seen = Summaries(np.arange(10), np.random.default_rng(0).normal(size=(10, 11)), pd.DataFrame(index=range(10)))
    groups = np.array([i % n_groups for i in range(10)], dtype=object)
    assert np.isnan(cross_validated_auc(seen, np.array(labels), groups))


def test_one_class_cannot_be_learnt() -> None:
    seen = Summaries(np.arange(4), np.ones((4, 11)), pd.DataFrame(index=range(4)))
    train = np.array([True, True, False, False])
    with pytest.raises(InputError, match="needs both classes"):
        fit_predict(seen, np.array([True, True, False, False]), train=train, judged=~train)
