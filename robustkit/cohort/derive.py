"""Facts that follow from a manifest's: region, group, size in px, mm and as a share of the film."""

from __future__ import annotations

import numpy as np
import pandas as pd

from robustkit.cohort.vocabulary import Convention, Girdle, Vocabulary

DERIVED = ("region", "group", "size_px", "size_mm", "size_source", "size_frac")


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
    longest = np.maximum(frame["x1"] - frame["x0"], frame["y1"] - frame["y0"]).astype("float64")
    out["size_px"] = longest
    nothing = pd.Series(np.nan, index=frame.index)
    own = frame["spacing_mm"].astype("float64") if "spacing_mm" in frame else nothing
    film = frame["film_spacing_mm"].astype("float64") if "film_spacing_mm" in frame else nothing
    extent = frame["mask_diameter_px"].astype("float64").fillna(longest) if "mask_diameter_px" in frame else longest
    out["size_mm"] = extent * own.fillna(film)
    source = frame["film_spacing_source"] if "film_spacing_source" in frame else pd.Series("none", index=frame.index)
    out["size_source"] = np.where(own.notna(), "calibrated", np.where(film.notna(), source, "none"))
    if {"film_width_px", "film_height_px"} <= set(frame.columns):
        out["size_frac"] = longest / np.maximum(frame["film_width_px"], frame["film_height_px"])
    else:
        out["size_frac"] = np.nan
    return out
