"""The features of a lesion as a radiomics model is fitted on them and as it answers from them: one function for both."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from robustkit.cohort.case import Case
from robustkit.cohort.facts import spacing_of
from robustkit.errors import FilmError
from robustkit.features._base import FeatureSettings, extract
from robustkit.geometry import Boxes
from robustkit.images.mask import read_mask

Area = Literal["box", "mask"]
"""What is measured: all of the box, or what lies in the mask and in the box. A mask stays where it is on the film."""


def lesion_features(
    case: Case, pixels: NDArray[Any], boxes: Boxes, *, settings: FeatureSettings, area: Area
) -> NDArray[np.float64]:
    """Give ``(R, F)`` features for ``(R, 4)`` boxes of a case; NaN where they are not defined.

    Args:
        case: Its ``mask`` is read where masks are measured.
        pixels: ``(H, W)`` of its film.
        boxes: In px of the film.
        settings: What is measured, and how.
        area: Where.

    Raises:
        FilmError: There is no mask, or one of another size; or the features cannot be computed.
    """
    mask = None
    if area == "mask":
        if case.mask is None:
            what = "the model was fitted on masks, and this case has none"
            raise FilmError(what, where=case.case_id, fix="Name its mask in the manifest, or fit with --area box.")
        mask = read_mask(case.mask, size=(float(pixels.shape[0]), float(pixels.shape[1])))
    spacing = spacing_of(case)
    return extract(
        pixels, boxes, settings=settings, spacing_mm=spacing if np.isfinite(spacing) else None, mask=mask
    )  # fmt: skip
