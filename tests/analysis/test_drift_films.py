"""Films of cohorts: what is measured, how often a film counts, what happens to those that cannot be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from robustkit.analysis.drift_films import NO_PATH, OFF_FILM, film_rows, lost_films, measure_films
from robustkit.engine.run_films import RunFilms
from robustkit.stats.bootstrap import patient_draws
from robustkit.stats.sides import Sides

N = 24


@pytest.fixture
def frame(tmp_path: Path) -> pd.DataFrame:
    """24 films of 60 x 40 px; b's are 40 grey levels darker and noisier, a's first film has a second box."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(N):
        noise = rng.normal(0, 5 if i < 12 else 15, (40, 60))
        film = np.clip((140 if i < 12 else 100) + i % 5 + noise, 0, 255).astype(np.uint8)
        Image.fromarray(film).save(tmp_path / f"{i}.png")
        rows.append({"image_path": str(tmp_path / f"{i}.png"), "x0": 10.0, "y0": 5.0, "x1": 30.0, "y1": 25.0 + i % 3})
    rows.append({**rows[0], "x0": 40.0, "x1": 55.0})
    frame = pd.DataFrame(rows).assign(case_id=[f"c{i}" for i in range(N + 1)])
    return frame.assign(spacing_mm=np.nan, film_spacing_mm=0.5)


def run_films(frame: pd.DataFrame) -> RunFilms:
    return RunFilms(dict(zip(frame["case_id"], frame["image_path"], strict=True)), {})


def measured(frame: pd.DataFrame):  # type: ignore[no-untyped-def]
    keep = np.ones(len(frame), dtype=bool)
    return measure_films(frame, keep=keep, workers=2, films=run_films(frame), progress=None)


def sides(n: int) -> Sides:
    patients = np.append(np.arange(N), 0)[:n]
    draws = patient_draws((np.arange(N) < 12).astype(np.intp), draws=200, seed=0, purpose="test")
    return Sides(patients < 12, patients, draws)


def test_planted_differences_are_found_in_film_and_box(frame: pd.DataFrame) -> None:
    table = pd.DataFrame(film_rows(measured(frame), np.arange(N + 1), sides(N + 1)))
    rows = table.set_index(["place", "name", "measure"])
    for place in ("film", "box"):
        brighter = rows.loc[(place, "mean", "smd")]
        assert brighter["value_a"] - brighter["value_b"] == pytest.approx(40, abs=3)
        assert brighter["low"] > 3
        assert rows.loc[(place, "mean", "cliffs_delta"), "value"] == 1.0
        assert rows.loc[(place, "laplacian_variance", "cliffs_delta"), "value"] == -1.0
        # of white noise the Laplacian has (4 + 16) times its variance: 20 x 25 and 20 x 225 grey levels^2
        sharp = rows.loc[(place, "laplacian_variance", "smd")]
        assert (sharp["value_a"], sharp["value_b"]) == pytest.approx((20 * 25, 20 * 225), rel=0.1)
    assert rows.loc[("film", "width_px", "smd"), "reason"] == "no spread within the cohorts"
    assert rows.loc[("film", "spacing_mm", "smd"), "value_a"] == 0.5
    assert rows.loc[("box", "height_px", "smd"), "value_a"] == pytest.approx(np.mean([*np.arange(12) % 3 + 20, 20]))
    assert set(table["measure"]) == {"smd", "cliffs_delta"}
    assert "p" not in table


def test_a_film_with_two_boxes_counts_once(frame: pd.DataFrame) -> None:
    table = pd.DataFrame(film_rows(measured(frame), np.arange(N + 1), sides(N + 1)))
    counts = table.groupby("place")["n_cases_a"].agg(set)
    assert counts.to_dict() == {"film": {12}, "box": {13}}


def test_films_are_read_once_and_progress_is_told(frame: pd.DataFrame) -> None:
    told: list[tuple[str, int, int]] = []
    keep = np.arange(N + 1) < 5
    found = measure_films(
        frame, keep=keep, workers=2, films=run_films(frame), progress=lambda *now: told.append(now)
    )  # fmt: skip
    assert told == [("films", i, 5) for i in range(1, 6)]
    assert np.isfinite(found.values["film"]["mean"]).tolist() == [*[True] * 5, *[False] * 20]


def test_what_cannot_be_measured_is_counted_with_the_reason(frame: pd.DataFrame) -> None:
    Path(str(frame.loc[1, "image_path"])).unlink()
    Path(str(frame.loc[13, "image_path"])).write_bytes(b"no film")
    broken = frame.assign(
        image_path=frame["image_path"].mask(frame.index == 2, ""), x0=frame["x0"].mask(frame.index == 3, 70.0),
        x1=frame["x1"].mask(frame.index == 3, 90.0),
    )  # fmt: skip
    films = measured(broken)
    table = pd.DataFrame(film_rows(films, np.arange(N + 1), sides(N + 1)))
    lost = table[table["name"] == "not_measured"].set_index(["place", "category"])[["value_a", "value_b"]]
    wrong_kind = "expected a JPEG, PNG, TIFF or DICOM film, got another kind of file."
    assert lost.loc["film"].T.to_dict("list") == {
        "the film is missing.": [1, 0], NO_PATH: [1, 0], wrong_kind: [0, 1],
    }  # fmt: skip
    assert lost.loc[("box", OFF_FILM)].tolist() == [1, 0]
    mean = table[(table["name"] == "mean") & (table["measure"] == "smd")].set_index("place")
    assert mean.loc["film", ["n_cases_a", "n_missing_a", "n_cases_b", "n_missing_b"]].tolist() == [10, 2, 11, 1]
    assert mean.loc["box", ["n_cases_a", "n_missing_a"]].tolist() == [10, 3]
    said = lost_films(films, [("internal", np.arange(N + 1) >= 12), ("hospital", np.arange(N + 1) < 12)])
    assert said[0] == f"1 of 13 films of internal were not measured: {wrong_kind.rstrip('.')}."
    assert "1 of 12 films of hospital were not measured: the film is missing." in said
    assert len(said) == 3
