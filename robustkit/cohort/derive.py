"""Facts that follow from a manifest's: region, group, size in px, mm and as a share of the film."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.cohort.vocabulary import Convention, Girdle, Vocabulary
from robustkit.geometry import Boxes

DERIVED = ("region", "group", "size_px", "size_mm", "size_source", "size_frac")
SIZES = ("size_px", "size_mm", "size_frac")
"""Derived facts that follow from the box."""

Floats = NDArray[np.float64]


def box_sizes(boxes: Boxes, *, spacing_mm: Floats, film_px: Floats) -> dict[str, Floats]:
    """Give the sizes that boxes have, by name.

    Args:
        boxes: ``(..., 4)`` px.
        spacing_mm: ``(...)`` side of a pixel; NaN where unknown.
        film_px: ``(...)`` longest side of the film; NaN where unknown.

    Returns:
        ``size_px`` (longest side), ``size_mm``, ``size_frac`` (longest side over the film's): ``(...)``.
    """
    longest = np.maximum(boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1])
    return {"size_px": longest, "size_mm": longest * spacing_mm, "size_frac": longest / film_px}


def derive(
    frame: pd.DataFrame, vocabulary: Vocabulary, *, convention: Convention = "icd-o", girdle: Girdle = "own"
) -> pd.DataFrame:
    """Give the frame with the derived columns.

    Args:
        frame: Manifest columns; where they are there, ``film_width_px, film_height_px, film_spacing_mm,
            film_spacing_source, mask_diameter_px`` (longest diameter of the lesion's mask) too.
        vocabulary: Of sites and subtypes.
        convention, girdle: How sites become regions.

    Returns:
        A copy with ``region``, ``group`` (unmapped: ``unknown``), ``size_px`` (longest box side),
        ``size_mm`` (the mask's longest diameter, else the longest box side, times spacing; NaN without),
        ``size_source`` (calibrated / detector plane / none)
        and ``size_frac`` (longest box side over the film's longest side, NaN where that is unknown).
    """
    out = frame.copy()
    out["region"] = [vocabulary.region(s, convention=convention, girdle=girdle) for s in frame["site"]]
    out["group"] = [vocabulary.group(s) for s in frame["subtype"]]
    nothing = pd.Series(np.nan, index=frame.index)
    own, film, mask, width, height = (
        _numbers(frame[c]) if c in frame else nothing
        for c in ("spacing_mm", "film_spacing_mm", "mask_diameter_px", "film_width_px", "film_height_px")
    )
    spacing = own.fillna(film)
    sizes = box_sizes(
        frame[["x0", "y0", "x1", "y1"]].to_numpy(dtype=np.float64),
        spacing_mm=spacing.to_numpy(),
        film_px=np.maximum(width, height).to_numpy(),
    )
    out["size_px"] = sizes["size_px"]
    out["size_mm"] = (mask * spacing).fillna(pd.Series(sizes["size_mm"], index=frame.index))
    source = frame["film_spacing_source"] if "film_spacing_source" in frame else pd.Series("none", index=frame.index)
    out["size_source"] = np.where(own.notna(), "calibrated", np.where(film.notna(), source, "none"))
    out["size_frac"] = sizes["size_frac"]
    return out


def _numbers(column: pd.Series) -> pd.Series:
    """Give float64; what is no number is not known."""
    return pd.to_numeric(column.astype(str), errors="coerce").astype("float64")
