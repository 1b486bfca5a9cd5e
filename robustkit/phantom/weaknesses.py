"""What is planted in the oracle classifier, so that it can be asked whether robustkit finds it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Sign = Literal[-1, 1]
Metric = Literal["auc", "sensitivity", "specificity", "flip_rate"]


@dataclass(frozen=True, slots=True)
class Planted:
    """The written numbers of the oracle; all in units of the logit unless said otherwise.

    Attributes:
        bias: Of every answer.
        signal: Distance of either class from the bias, where nothing weakens it.
        small: How much of the signal a small lesion loses, in full up to ``small_mm[0]``, not at all from ``[1]`` on.
        small_mm: Longest box side in mm.
        axial: How much of the signal a lesion of the axial skeleton loses.
        chondrosarcoma: Added to its answers.
        aneurysmal_bone_cyst: Added to its answers.
        osteosarcoma: Added to its answers.
        giant_cell_external: Added to the answers to giant cell tumours outside of the internal cohort.
        patient_sd, case_sd: Standard deviation of what is peculiar to a patient, and to a case.
        shift: Standard deviation over cases of the slope, per box side that the box is moved.
        stretch: The same, per unit of the logarithm of a box side.
        off_target: Loss of signal per squared box side that the box is moved.
        small_moves, axial_moves: Share by which all three grow for small and for axial lesions.
    """

    bias: float = -0.1
    signal: float = 1.25
    small: float = 0.65
    small_mm: tuple[float, float] = (18.0, 34.0)
    axial: float = 0.6
    chondrosarcoma: float = -0.9
    aneurysmal_bone_cyst: float = 0.9
    osteosarcoma: float = 0.6
    giant_cell_external: float = -2.0
    patient_sd: float = 0.6
    case_sd: float = 1.0
    shift: float = 3.0
    stretch: float = 2.0
    off_target: float = 4.0
    small_moves: float = 1.2
    axial_moves: float = 0.7


PLANTED = Planted()
"""The oracle that is opened by the name ``phantom-oracle``."""

NOTHING_PLANTED = replace(
    PLANTED, small=0.0, axial=0.0, chondrosarcoma=0.0, aneurysmal_bone_cyst=0.0, osteosarcoma=0.0,
    giant_cell_external=0.0, small_moves=0.0, axial_moves=0.0,
)  # fmt: skip
"""The same oracle without any weakness: every contrast between strata is null but for the mix of classes."""


@dataclass(frozen=True, slots=True)
class Weakness:
    """One planted contrast: a stratum against the rest of its cohort.

    Attributes:
        by: Variable of the strata, as in ``strata.csv``.
        stratum: The one that is worse or better.
        cohort: Where: ``internal``, ``external`` or ``all``.
        metric: Nominal metric, or ``flip_rate`` under ``shift`` at level 0.1.
        sign: -1: lower in the stratum; +1: higher.
        about: Size of the difference, stratum minus rest, over many patients of the phantom; threshold 0.5.
    """

    by: Literal["subtype", "region", "size", "cohort"]
    stratum: str
    cohort: Literal["internal", "external", "all"]
    metric: Metric
    sign: Sign
    about: float


WEAKNESSES: tuple[Weakness, ...] = (
    Weakness("region", "axial", "internal", "auc", -1, -0.23),
    Weakness("region", "axial", "external", "auc", -1, -0.21),
    Weakness("region", "axial", "external", "sensitivity", -1, -0.16),
    Weakness("region", "axial", "external", "specificity", -1, -0.18),
    Weakness("region", "axial", "external", "flip_rate", 1, 0.07),
    Weakness("size", "<20", "internal", "auc", -1, -0.23),
    Weakness("size", "<20", "external", "auc", -1, -0.13),
    Weakness("size", "<20", "external", "specificity", -1, -0.12),
    Weakness("size", "<20", "external", "flip_rate", 1, 0.09),
    Weakness("subtype", "giant cell tumour", "external", "sensitivity", -1, -0.49),
    Weakness("subtype", "osteosarcoma", "external", "sensitivity", 1, 0.44),
    Weakness("subtype", "chondrosarcoma", "internal", "sensitivity", -1, -0.23),
    Weakness("subtype", "aneurysmal bone cyst", "external", "specificity", -1, -0.29),
    Weakness("cohort", "external", "all", "auc", -1, -0.12),
    Weakness("cohort", "external", "all", "sensitivity", -1, -0.18),
)
"""What a study of the oracle on the phantom must find (``size`` in mm, ``<20``: longest box side below 20 mm)."""
