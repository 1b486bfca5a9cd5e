"""The least stable cases: film, box, the redrawn boxes, and where their scores fall."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.engine.run_films import RunFilms
from robustkit.errors import FilmError
from robustkit.images.thumbnail import thumbnail, window_around
from robustkit.results.folder import RunFolder

THUMBNAIL_PX = 360
LEFT_OUT = "Films are left out."
_FACTS = ("subtype", "site", "view", "cohort", "centre")


@dataclass(frozen=True, slots=True)
class Picture:
    """The film around a box.

    Attributes:
        uri: Data URI; "" where there is none.
        corner: Top left of the picture on the film, in px of the film.
        zoom: Picture px per film px.
        note: Why there is no picture.
    """

    uri: str = ""
    corner: tuple[float, float] = (0.0, 0.0)
    zoom: float = 1.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Repeat:
    """One redrawn box: in px of the picture, its score, and whether the decision changes."""

    box: tuple[float, ...]
    score: float
    is_changed: bool


@dataclass(frozen=True, slots=True)
class ShownCase:
    """One case on the page.

    Attributes:
        case_id, label, facts: Text from the manifest.
        model, perturbation, level: Of the answers shown.
        flips, n_repeats, nominal, low, high: From stability.csv; low and high are the smallest and largest score.
        threshold: The carried one; NaN where there is none.
        box: As given, in px of the picture.
        repeats: The redrawn boxes.
        picture: Of the film.
    """

    case_id: str
    label: str
    facts: str
    model: str
    perturbation: str
    level: float
    flips: float
    n_repeats: int
    nominal: float
    low: float
    high: float
    threshold: float
    box: tuple[float, ...]
    repeats: tuple[Repeat, ...]
    picture: Picture


def least_stable(
    folder: RunFolder,
    stability: pd.DataFrame,
    *,
    condition: tuple[str, float] | None,
    thresholds: Mapping[str, float],
    n: int,
    has_images: bool,
) -> tuple[ShownCase, ...]:
    """Give the ``n`` cases of each model with most changed decisions, then widest scores.

    Args:
        folder: The run.
        stability: stability.csv.
        condition: Perturbation and level of the answers; None where nothing was perturbed.
        thresholds: Carried threshold of each model.
        n: Cases per model.
        has_images: False leaves the films out.
    """
    if stability.empty or n < 1 or condition is None:
        return ()
    rows = stability[(stability["perturbation"] == condition[0]) & (stability["level"] == condition[1])]
    rows = rows[rows["sd"].notna()].sort_values(["flip_rate", "sd"], ascending=False, kind="stable")
    facts = folder.cases().drop_duplicates("case_id").set_index("case_id")
    films = RunFilms.of(folder) if has_images else None
    shown = []
    for model in dict.fromkeys(stability["model"]):
        own = rows[rows["model"] == model].head(n)
        answers = _answers(folder, str(model), own)
        for row in own.to_dict("records"):
            if row["case_id"] not in answers or row["case_id"] not in facts.index:
                continue
            about, given = facts.loc[row["case_id"]], answers[row["case_id"]]
            picture = _picture(about, given, films=films) if films else Picture(note=LEFT_OUT)
            shown.append(_case(row, about, given, threshold=thresholds.get(str(model), float("nan")), picture=picture))
    return tuple(shown)


def _answers(folder: RunFolder, model: str, rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Give the nominal and the redrawn answers of each case, the nominal first; only cases that have both."""
    if rows.empty:
        return {}
    first = rows.iloc[0]
    wanted = [("model", "==", model), ("case_id", "in", rows["case_id"].tolist())]
    columns = ["case_id", "perturbation", "level", "repeat", "x0", "y0", "x1", "y1", "score"]
    found = folder.predictions(columns=columns, filters=wanted)
    found = found[np.isfinite(_boxes(found)).all(axis=1)]
    is_nominal = found["perturbation"] == "nominal"
    is_shown = (found["perturbation"] == first["perturbation"]) & (found["level"] == first["level"])
    kept = found[is_nominal | is_shown].assign(is_moved=~is_nominal).sort_values(["is_moved", "repeat"])
    groups = {str(k): v for k, v in kept.groupby("case_id")}
    return {k: v for k, v in groups.items() if not v["is_moved"].iloc[0] and v["is_moved"].any()}


def _boxes(answers: pd.DataFrame) -> NDArray[np.float64]:
    return np.asarray(answers[["x0", "y0", "x1", "y1"]].to_numpy(), dtype=np.float64)


def _case(
    row: Mapping[str, Any], about: pd.Series, answers: pd.DataFrame, *, threshold: float, picture: Picture
) -> ShownCase:
    boxes = (_boxes(answers) - np.tile(picture.corner, 2)) * picture.zoom
    nominal = float(row["nominal"])
    repeats = tuple(
        Repeat(tuple(b.round(1).tolist()), round(float(s), 4), bool((s >= threshold) != (nominal >= threshold)))
        for b, s in zip(boxes[1:], answers["score"].iloc[1:], strict=True)
        if s == s
    )
    known = [str(about[c]) for c in _FACTS if c in about and str(about[c]) not in ("", "nan", "None")]
    return ShownCase(
        case_id=str(row["case_id"]), label=str(about.get("label", "")), facts=", ".join(known), model=str(row["model"]),
        perturbation=str(row["perturbation"]), level=float(row["level"]), flips=float(row["flips"]), n_repeats=int(row["repeats"]),
        nominal=nominal, low=float(row["low"]), high=float(row["high"]), threshold=threshold,
        box=tuple(boxes[0].round(1).tolist()), repeats=repeats, picture=picture,
    )  # fmt: skip


def _picture(about: pd.Series, answers: pd.DataFrame, *, films: RunFilms) -> Picture:
    """Give the film around all boxes, square, black where it leaves the film."""
    try:
        film = films.read(str(about.name), depth="8")
    except FilmError as error:
        return Picture(note=f"No picture: {error.what}")
    window = window_around(_boxes(answers))
    picture = thumbnail(film.pixels, window, size_px=THUMBNAIL_PX, quality=80)
    return Picture(webp_uri(picture.webp), (float(window.x0), float(window.y0)), THUMBNAIL_PX / window.side)


def webp_uri(webp: bytes) -> str:
    """Give a WebP file as a data URI."""
    return f"data:image/webp;base64,{base64.b64encode(webp).decode('ascii')}"
