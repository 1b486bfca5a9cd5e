"""One film of the phantom: what the beam passes through, and what the detector makes of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.seeds import generator


def draw_film(lesions: pd.DataFrame, *, seed: int) -> NDArray[np.uint8]:
    """Draw the film that these lesions lie on.

    Args:
        lesions: Rows of :func:`robustkit.phantom.facts.draw_lesions` that share their image.
        seed: Of the cohort.

    Returns:
        ``(film_height, film_width)`` uint8.
    """
    first = lesions.iloc[0]
    rng = generator(seed, "film", first["image"])
    film = rng.normal(90, 8, (int(first["film_height"]), int(first["film_width"])))
    for row in lesions.to_dict("records"):
        film[row["y0"] : row["y1"], row["x0"] : row["x1"]] += 40
    return np.clip(film, 0, 255).astype(np.uint8)
