"""The least stable cases: film, box, the redrawn boxes, and where their scores fall."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.errors import FilmError
from robustkit.images.film import read_film
from robustkit.results.folder import RunFolder

THUMBNAIL_PX = 340


@dataclass(frozen=True, slots=True)
class ShownCase:
    """One case on the page.

    Attributes:
        case_id, label, facts: Text from the manifest.
        model, perturbation, level: Of the answers shown.
        sd, flips, repeats, nominal, low, high: From stability.csv.
        scores: Of the repeats.
        picture: Data URI of the film around the box; "" where there is none.
        size: Width and height of the picture, in px.
        nominal_box, boxes: In px of the picture.
        note: Why there is no picture.
    """

    case_id: str
    label: str
    facts: str
    model: str
    perturbation: str
    level: float
    sd: float
    flips: float
    repeats: int
    nominal: float
    low: float
    high: float
    scores: tuple[float, ...]
    picture: str
    size: tuple[int, int]
    nominal_box: tuple[float, ...]
    boxes: tuple[tuple[float, ...], ...]
    note: str


def least_stable(
    folder: RunFolder, record: Mapping[str, Any], stability: pd.DataFrame, *, n: int, has_images: bool
) -> tuple[ShownCase, ...]:
    """Give the ``n`` cases of each model with the most changed decisions, then the widest scores, at the primary level."""
    if stability.empty:
        return ()
    first = stability.iloc[0]
    rows = stability[(stability["perturbation"] == first["perturbation"]) & (stability["level"] == first["level"])]
    rows = rows[rows["sd"].notna()].sort_values(["flip_rate", "sd"], ascending=False, kind="stable")
    facts = folder.cases().set_index("case_id")
    shown = []
    for entry in record["models"]:
        own = rows[rows["model"] == entry["name"]].head(n)
        answers = _answers(folder, entry["name"], own)
        shown += [
            _case(row, facts.loc[row["case_id"]], answers=answers[row["case_id"]], record=record, has_images=has_images)
            for row in own.to_dict("records")
        ]
    return tuple(shown)


def _answers(folder: RunFolder, model: str, rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    if rows.empty:
        return {}
    first = rows.iloc[0]
    wanted = [("model", "==", model), ("case_id", "in", rows["case_id"].tolist())]
    found = folder.predictions(
        columns=["case_id", "perturbation", "level", "x0", "y0", "x1", "y1", "score"], filters=wanted
    )
    level = (found["perturbation"] == first["perturbation"]) & (found["level"] == first["level"])
    kept = found[level | (found["perturbation"] == "nominal")]
    return {str(k): v for k, v in kept.groupby("case_id")}


def _case(
    row: Mapping[str, Any], facts: pd.Series, *, answers: pd.DataFrame, record: Mapping[str, Any], has_images: bool
) -> ShownCase:
    moved = answers[answers["perturbation"] != "nominal"]
    nominal = answers[answers["perturbation"] == "nominal"][["x0", "y0", "x1", "y1"]].to_numpy()[0]
    boxes = moved[["x0", "y0", "x1", "y1"]].to_numpy()
    picture, origin, zoom, size, note = ("", (0.0, 0.0), 1.0, (0, 0), "films are left out (--no-images)")
    if has_images:
        picture, origin, zoom, size, note = _picture(Path(str(facts["image_path"])), nominal, boxes, record)
    at = np.array([*origin, *origin])
    known = [str(facts[c]) for c in ("subtype", "site", "view", "cohort", "centre") if c in facts and str(facts[c])]
    return ShownCase(
        case_id=str(row["case_id"]), label=str(facts["label"]), facts=", ".join(known), model=str(row["model"]),
        perturbation=str(row["perturbation"]), level=float(row["level"]), sd=float(row["sd"]), flips=float(row["flips"]),
        repeats=int(row["repeats"]), nominal=float(row["nominal"]), low=float(row["low"]), high=float(row["high"]),
        scores=tuple(round(float(s), 4) for s in moved["score"]), picture=picture, size=size,
        nominal_box=tuple(((nominal - at) * zoom).round(1).tolist()),
        boxes=tuple(tuple(b) for b in ((boxes - at) * zoom).round(1).tolist()), note=note,
    )  # fmt: skip


def _picture(
    path: Path, nominal: NDArray[np.float64], boxes: NDArray[np.float64], record: Mapping[str, Any]
) -> tuple[str, tuple[float, float], float, tuple[int, int], str]:
    """Give the film around all boxes as a WebP data URI, its origin on the film, and its zoom."""
    from PIL import Image

    try:
        film = read_film(path, allow_truncated=bool(record.get("allow_truncated", False)))
    except FilmError as error:
        return "", (0.0, 0.0), 1.0, (0, 0), f"no picture: {error.what}"
    side = max(nominal[2] - nominal[0], nominal[3] - nominal[1])
    low = np.minimum(nominal[:2], boxes[:, :2].min(axis=0, initial=np.inf)) - 0.5 * side
    high = np.maximum(nominal[2:], boxes[:, 2:].max(axis=0, initial=-np.inf)) + 0.5 * side
    x0, y0 = (int(max(0, v)) for v in low)
    x1, y1 = int(min(film.width, np.ceil(high[0]))), int(min(film.height, np.ceil(high[1])))
    part = Image.fromarray(film.pixels[y0:y1, x0:x1])
    zoom = THUMBNAIL_PX / max(part.size)
    small = part.resize((max(1, round(part.width * zoom)), max(1, round(part.height * zoom))), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, format="WEBP", quality=80)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f"data:image/webp;base64,{data}", (float(x0), float(y0)), zoom, small.size, ""
