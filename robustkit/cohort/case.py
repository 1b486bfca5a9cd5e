"""The noun Case: one lesion, that is one film, one box and their facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from robustkit.geometry import Box


@dataclass(frozen=True, slots=True)
class Case:
    """One row of a manifest.

    Attributes:
        case_id: Unique name.
        image: Absolute path of the film.
        box: The lesion box as the manifest gives it.
        label: Class name, as the manifest spells it.
        patient_id: The unit of resampling; the image path where the manifest names none.
        split: ``train``, ``val``, ``test`` or ``""``.
        spacing_mm: Side of a pixel in mm, where the manifest says it.
        facts: Every further column as text, known or not (cohort, centre, subtype, site, ...).
        mask: Absolute path of the lesion's mask; None where the manifest names none.
    """

    case_id: str
    image: Path
    box: Box
    label: str
    patient_id: str
    split: str
    spacing_mm: float | None
    facts: Mapping[str, str]
    mask: Path | None = None
