"""How large a pixel of a DICOM radiograph is, and how well that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from robustkit.images.radiograph import SpacingSource

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_NOT_SQUARE = "pixels are not square: no spacing"
_MAGNIFIED = "spacing divided by (0018,1114) EstimatedRadiographicMagnificationFactor"
_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class Spacing:
    """Side of a pixel in mm (None: not known), where it comes from, and what is unusual."""

    side_mm: float | None = None
    source: SpacingSource = "none"
    notes: tuple[str, ...] = ()


def spacing_of(data: Dataset) -> Spacing:
    """Give the spacing: that of PixelSpacing, else that of ImagerPixelSpacing, brought to the patient if it can be.

    A PixelSpacing that only repeats ImagerPixelSpacing, without a calibration type, was never calibrated.

    Source: DICOM PS3.3 10.7.1.3 (Pixel Spacing Calibration), C.8.7.10 (magnification).
    """
    patient, detector = _sides(data, "PixelSpacing"), _sides(data, "ImagerPixelSpacing")
    if patient == detector and not data.get("PixelSpacingCalibrationType"):
        patient = None
    sides = patient or detector
    if sides is None:
        return Spacing()
    row, column = sides
    if abs(row - column) > _TOLERANCE * min(row, column):
        return Spacing(notes=(_NOT_SQUARE,))
    side = (row + column) / 2
    if patient:
        return Spacing(side, "calibrated")
    factor = data.get("EstimatedRadiographicMagnificationFactor")
    # an object lies between source and detector, so a factor below 1 is a mistake
    if factor is not None and 1 < float(factor) < float("inf"):
        return Spacing(side / float(factor), "detector plane", (_MAGNIFIED,))
    return Spacing(side, "detector plane")


def _sides(data: Dataset, keyword: str) -> tuple[float, float] | None:
    value = data.get(keyword)
    if value is None or isinstance(value, (str, float)) or len(value) != 2:
        return None
    row, column = float(value[0]), float(value[1])
    usable = 0 < row < float("inf") and 0 < column < float("inf")
    return (row, column) if usable else None
