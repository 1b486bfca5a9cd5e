"""One film of the phantom: anatomy, lesions, exposure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.phantom import limbs, trunk
from robustkit.phantom.canvas import Canvas, Frame, empty_canvas
from robustkit.phantom.exposure import TECHNIQUES, expose
from robustkit.phantom.tumours import draw_tumour
from robustkit.seeds import generator

_SCATTER = {"pelvis": 0.55, "sacrum": 0.6, "spine": 0.65, "ribs": 0.25}
"""Scattered over primary radiation behind the grid, by site; limbs have 0.15."""


def draw_film(lesions: pd.DataFrame, *, seed: int, is_healthy: bool = False) -> NDArray[np.uint8]:
    """Draw the film that these lesions lie on.

    Args:
        lesions: Rows of :func:`robustkit.phantom.facts.draw_lesions` that share their image.
        seed: Of the cohort.
        is_healthy: Leave the lesions out; anatomy, noise, collimation and marker stay as they are with them.

    Returns:
        ``(film_height, film_width)`` uint8; bone is light, air is dark.
    """
    rows = lesions.to_dict("records")
    first = rows[0]
    canvas = empty_canvas(Frame.of(first), generator(seed, "anatomy", first["image"]))
    draw_anatomy(canvas, site=first["site"], lateral=first["view"] == "lateral", age_years=first["age_years"])
    canvas.soft = np.maximum(canvas.soft, 0)
    for row in () if is_healthy else rows:
        canvas.rng = generator(seed, "tumour", row["case_id"])
        draw_tumour(canvas, row)
    canvas.rng = generator(seed, "exposure", first["image"])
    return expose(canvas, technique=TECHNIQUES[first["centre"]], scatter=_SCATTER.get(first["site"], 0.15))


def draw_anatomy(canvas: Canvas, *, site: str, lateral: bool, age_years: float) -> None:
    """Draw the healthy part of the body that a film of this site shows."""
    match site:
        case "femur":
            limbs.draw_knee(canvas, joint_y=84, lateral=lateral, age_years=age_years)
        case "tibia" | "fibula":
            limbs.draw_knee(canvas, joint_y=-78, lateral=lateral, age_years=age_years)
        case "humerus":
            limbs.draw_shoulder(canvas, age_years=age_years)
        case "radius":
            limbs.draw_forearm(canvas, lateral=lateral, age_years=age_years)
        case "hand":
            limbs.draw_hand(canvas, age_years=age_years)
        case "foot":
            limbs.draw_foot(canvas, age_years=age_years)
        case "pelvis":
            trunk.draw_pelvis(canvas, focus="pelvis", age_years=age_years)
        case "sacrum":
            trunk.draw_pelvis(canvas, focus="sacrum", age_years=age_years)
        case "spine":
            trunk.draw_spine(canvas, lateral=lateral)
        case _:
            trunk.draw_chest(canvas)
