"""The tumours of the phantom: who gets them, where, how large, and what they look like on a film.

Source: shares, ages and sites follow the usual textbook order (WHO Classification of Soft Tissue and Bone Tumours,
5th ed., 2020); the numbers are rounded for a small cohort and are no epidemiology.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Label = Literal["benign", "non-benign"]
Border = Literal["sclerotic", "geographic", "ill-defined"]
Matrix = Literal["lytic", "ground glass", "rings and arcs", "osteoid", "nidus", "trabeculated"]
Periosteum = Literal["none", "lamellated", "sunburst", "codman"]


@dataclass(frozen=True, slots=True)
class Look:
    """What a tumour does to the bone.

    Attributes:
        border: Rim towards the normal bone.
        matrix: What fills it.
        periosteum: Reaction of the outer bone surface.
        breach: Share of the cortex that is gone where the lesion lies, 0..1.
        expansion: How far the lesion reaches across the bone, in half-widths of the bone.
        eccentric: Distance of its centre from the bone's axis, in half-widths of the bone.
    """

    border: Border
    matrix: Matrix
    periosteum: Periosteum = "none"
    breach: float = 0.0
    expansion: float = 1.0
    eccentric: float = 0.2


@dataclass(frozen=True, slots=True)
class Subtype:
    """One tumour of the phantom.

    Attributes:
        name: Word of the subtype vocabulary.
        label: ``benign`` or ``non-benign``.
        shares: Relative frequency in the internal and in the external cohort.
        age_years: Mean and standard deviation.
        male: Share of male patients, 0..1.
        size_mm: Median of the longest diameter, and standard deviation of its natural logarithm.
        multiple: Chance that a patient has more than one lesion, 0..1.
        end: Chance that it lies near the end of a long bone rather than in its shaft, 0..1.
        sites: Relative frequency by word of the site vocabulary.
        look: What it does to the bone.
    """

    name: str
    label: Label
    shares: tuple[float, float]
    age_years: tuple[float, float]
    male: float
    size_mm: tuple[float, float]
    multiple: float
    end: float
    sites: Mapping[str, float]
    look: Look


SUBTYPES: tuple[Subtype, ...] = (
    Subtype(
        "osteochondroma", "benign", (0.12, 0.19), (18, 8), 0.60, (36, 0.45), 0.40, 0.8,
        {"femur": 4, "tibia": 3, "humerus": 3, "fibula": 1, "pelvis": 1.4, "ribs": 0.8, "hand": 0.3},
        Look("sclerotic", "trabeculated", expansion=1.2, eccentric=1.5),
    ),
    Subtype(
        "enchondroma", "benign", (0.07, 0.09), (35, 13), 0.50, (22, 0.45), 0.25, 0.5,
        {"hand": 5, "femur": 2, "humerus": 2, "foot": 1, "ribs": 0.6},
        Look("geographic", "rings and arcs", expansion=0.8),
    ),
    Subtype(
        "simple bone cyst", "benign", (0.07, 0.07), (14, 7), 0.68, (46, 0.40), 0.02, 0.6,
        {"humerus": 4, "femur": 3, "fibula": 0.7, "pelvis": 1, "foot": 0.6},
        Look("sclerotic", "lytic", expansion=0.95, eccentric=0.05),
    ),
    Subtype(
        "fibrous dysplasia", "benign", (0.08, 0.07), (28, 12), 0.50, (58, 0.50), 0.20, 0.2,
        {"femur": 4, "tibia": 2, "ribs": 4, "pelvis": 2.4, "humerus": 1},
        Look("sclerotic", "ground glass", expansion=1.1, eccentric=0.1),
    ),
    Subtype(
        "non-ossifying fibroma", "benign", (0.06, 0.05), (13, 5), 0.58, (28, 0.45), 0.12, 0.9,
        {"femur": 4, "tibia": 4, "fibula": 1},
        Look("sclerotic", "lytic", expansion=0.7, eccentric=0.6),
    ),
    Subtype(
        "aneurysmal bone cyst", "benign", (0.06, 0.05), (17, 8), 0.48, (50, 0.40), 0.0, 0.8,
        {"femur": 2, "tibia": 2, "spine": 4, "pelvis": 2, "humerus": 1, "fibula": 1, "sacrum": 1},
        Look("geographic", "trabeculated", expansion=1.5, eccentric=0.5, breach=0.5),
    ),
    Subtype(
        "osteoid osteoma", "benign", (0.03, 0.05), (19, 8), 0.68, (12, 0.30), 0.0, 0.3,
        {"femur": 3, "tibia": 3, "spine": 3, "hand": 0.6},
        Look("sclerotic", "nidus", expansion=0.7, eccentric=0.7),
    ),
    Subtype(
        "haemangioma", "benign", (0.03, 0.03), (45, 14), 0.40, (24, 0.35), 0.20, 0.2,
        {"spine": 6, "ribs": 1.5},
        Look("geographic", "trabeculated", expansion=0.9),
    ),
    Subtype(
        "chondroblastoma", "benign", (0.0, 0.03), (18, 6), 0.65, (28, 0.35), 0.0, 1.0,
        {"femur": 3, "tibia": 2, "humerus": 2, "foot": 1},
        Look("sclerotic", "rings and arcs", expansion=0.7, eccentric=0.4),
    ),
    Subtype(
        "giant cell tumour", "non-benign", (0.29, 0.11), (34, 10), 0.45, (46, 0.42), 0.02, 1.0,
        {"femur": 4, "tibia": 3, "radius": 2, "sacrum": 2, "pelvis": 1, "spine": 1.2, "hand": 0.4},
        Look("geographic", "lytic", expansion=1.3, eccentric=0.35, breach=0.5),
    ),
    Subtype(
        "osteoblastoma", "non-benign", (0.05, 0.03), (21, 8), 0.68, (23, 0.40), 0.0, 0.5,
        {"spine": 5, "sacrum": 1, "femur": 1, "tibia": 1},
        Look("sclerotic", "osteoid", expansion=1.2, eccentric=0.5),
    ),
    Subtype(
        "osteosarcoma", "non-benign", (0.12, 0.10), (18, 9), 0.58, (82, 0.40), 0.0, 0.85,
        {"femur": 5, "tibia": 3, "humerus": 1.5, "pelvis": 1, "fibula": 0.4},
        Look("ill-defined", "osteoid", "sunburst", expansion=1.9, eccentric=0.4, breach=0.7),
    ),
    Subtype(
        "chondrosarcoma", "non-benign", (0.05, 0.05), (50, 13), 0.56, (84, 0.45), 0.0, 0.5,
        {"pelvis": 4, "femur": 3, "humerus": 1.5, "ribs": 1.5, "spine": 0.7},
        Look("ill-defined", "rings and arcs", expansion=1.4, eccentric=0.3, breach=0.6),
    ),
    Subtype(
        "ewing sarcoma", "non-benign", (0.04, 0.04), (15, 6), 0.60, (78, 0.40), 0.0, 0.1,
        {"femur": 2, "pelvis": 3, "tibia": 1.4, "ribs": 2, "fibula": 1, "humerus": 1},
        Look("ill-defined", "lytic", "lamellated", expansion=1.4, eccentric=0.1, breach=0.5),
    ),
    Subtype(
        "metastasis", "non-benign", (0.07, 0.07), (62, 11), 0.55, (23, 0.50), 0.45, 0.4,
        {"spine": 4, "pelvis": 3, "femur": 2, "ribs": 2, "humerus": 1},
        Look("ill-defined", "lytic", expansion=1.1, eccentric=0.3, breach=0.6),
    ),
    Subtype(
        "myeloma", "non-benign", (0.0, 0.04), (66, 9), 0.58, (24, 0.50), 0.50, 0.3,
        {"spine": 3, "pelvis": 2, "ribs": 2, "humerus": 1, "femur": 1},
        Look("geographic", "lytic", expansion=0.9, eccentric=0.3, breach=0.3),
    ),
)  # fmt: skip

BY_NAME: Mapping[str, Subtype] = {s.name: s for s in SUBTYPES}
