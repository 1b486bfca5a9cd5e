"""The oracle classifier: its logit is a written function of a case's facts and of its box, no pixels.

It knows the truth and blurs it on purpose, with the weaknesses of :mod:`robustkit.phantom.weaknesses`; so what a
study of it must find is known beforehand.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from robustkit.cohort.case import Case
from robustkit.geometry import Boxes
from robustkit.inputs import InputSpec, OutputSpec
from robustkit.models.classifier import Classifier
from robustkit.phantom.anatomy import BY_NAME
from robustkit.phantom.weaknesses import PLANTED, Planted
from robustkit.seeds import uniforms

NAME = "phantom-oracle"
CLASSES = ("benign", "non-benign")
NON_BENIGN = frozenset({"non-benign", "intermediate", "malignant"})
"""Labels that the oracle takes for positive."""

ORACLE_SEED = 417
_CASE_STREAM, _PATIENT_STREAM = 0, 1


@dataclass(frozen=True, slots=True)
class Facts:
    """What the oracle knows of N cases.

    Attributes:
        case_id, patient_id: N names each.
        is_positive, is_axial, is_external: ``(N,)`` bool.
        subtype: ``(N,)`` text.
        size_mm: ``(N,)`` float64, longest box side; NaN where the spacing is unknown.
        box: ``(N, 4)`` float64, the manifest's box.
    """

    case_id: list[str]
    patient_id: list[str]
    is_positive: NDArray[np.bool_]
    is_axial: NDArray[np.bool_]
    is_external: NDArray[np.bool_]
    subtype: NDArray[np.str_]
    size_mm: NDArray[np.float64]
    box: Boxes


@dataclass(frozen=True, slots=True)
class PhantomOracle:
    """The oracle as a FactsModel.

    Attributes:
        planted: Its written numbers.
        seed: Of what is peculiar to each patient and case.
    """

    planted: Planted = PLANTED
    seed: int = ORACLE_SEED

    def logits(self, case: Case, boxes: Boxes) -> NDArray[np.float32]:
        """Give ``(R, 1)`` float32 logits of ``non-benign`` for ``(R, 4)`` boxes of one case."""
        values = facts_logits(_facts_of_case(case), boxes[None], planted=self.planted, seed=self.seed)
        return values[0, :, None].astype(np.float32)


def oracle(*, planted: Planted = PLANTED, seed: int = ORACLE_SEED) -> Classifier:
    """Give the bundled oracle as a classifier, opened by the name ``phantom-oracle``."""
    definition = json.dumps({"name": NAME, "planted": asdict(planted), "seed": seed}, sort_keys=True)
    return Classifier(
        name=NAME,
        path=None,
        sha256=hashlib.sha256(definition.encode()).hexdigest(),
        arch="oracle",
        input=InputSpec(),
        output=OutputSpec("sigmoid-logit"),
        classes=CLASSES,
        positive=("non-benign",),
        engine="facts",
        runner=PhantomOracle(planted, seed),
        lineage="robustkit phantom: a written function of facts and box, no pixels",
    )


def oracle_logits(
    frame: pd.DataFrame, boxes: Boxes, *, planted: Planted = PLANTED, seed: int = ORACLE_SEED
) -> NDArray[np.float64]:
    """Give the oracle's logits for many cases at once.

    Args:
        frame: N manifest rows, as :func:`robustkit.phantom.facts.draw_facts` or a Manifest's frame gives them.
        boxes: ``(N, R, 4)`` float64 px, R boxes for every case.
        planted: The written numbers.
        seed: Of what is peculiar to each patient and case.

    Returns:
        ``(N, R)`` float64.
    """
    return facts_logits(_facts_of_frame(frame), boxes, planted=planted, seed=seed)


def facts_logits(facts: Facts, boxes: Boxes, *, planted: Planted, seed: int) -> NDArray[np.float64]:
    """Give ``(N, R)`` float64 logits for ``(N, R, 4)`` boxes of N cases."""
    small = _smallness(facts.size_mm, planted.small_mm)
    signal = planted.signal - planted.small * small - planted.axial * facts.is_axial
    towards = np.where(facts.is_positive, 1.0, -1.0)
    own = ndtri(uniforms(seed, facts.case_id, repeats=range(2), stream=_CASE_STREAM)).reshape(-1, 8)
    of_patient = ndtri(uniforms(seed, facts.patient_id, repeats=range(1), stream=_PATIENT_STREAM))[:, 0, 0]
    nominal = (
        planted.bias
        + towards * signal
        + _subtype_terms(facts, planted)
        + planted.patient_sd * of_patient
        + planted.case_sd * own[:, 0]
    )
    moved, grown = _displacement(facts.box, boxes)
    slope = planted.shift * (own[:, None, 1:3] * moved).sum(axis=-1)
    stretch = planted.stretch * (own[:, None, 3:5] * grown).sum(axis=-1)
    lost = planted.off_target * towards[:, None] * (moved**2).sum(axis=-1)
    loose = (1 + planted.small_moves * small) * (1 + planted.axial_moves * facts.is_axial)
    answer: NDArray[np.float64] = nominal[:, None] + loose[:, None] * (slope + stretch - lost)
    return answer


def _smallness(size_mm: NDArray[np.float64], limits_mm: tuple[float, float]) -> NDArray[np.float64]:
    """Give 1 for small lesions, 0 for large ones and those of unknown size, and between them in proportion."""
    full, none = limits_mm
    share: NDArray[np.float64] = np.clip((none - np.nan_to_num(size_mm, nan=none)) / (none - full), 0, 1)
    return share


def _subtype_terms(facts: Facts, planted: Planted) -> NDArray[np.float64]:
    terms = {
        "chondrosarcoma": planted.chondrosarcoma,
        "aneurysmal bone cyst": planted.aneurysmal_bone_cyst,
        "osteosarcoma": planted.osteosarcoma,
    }
    added = np.zeros(len(facts.case_id))
    for name, term in terms.items():
        added += term * (facts.subtype == name)
    added += planted.giant_cell_external * ((facts.subtype == "giant cell tumour") & facts.is_external)
    return added


def _displacement(box: Boxes, boxes: Boxes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the move of the middle in box sides, and the logarithm of the growth: two ``(N, R, 2)``."""
    side = (box[:, 2:] - box[:, :2])[:, None]
    middle = ((box[:, 2:] + box[:, :2]) / 2)[:, None]
    moved = ((boxes[..., 2:] + boxes[..., :2]) / 2 - middle) / side
    grown = np.log(np.maximum(boxes[..., 2:] - boxes[..., :2], 1e-6) / side)
    return moved, grown


def _facts_of_case(case: Case) -> Facts:
    known = case.facts
    size = case.box.longest_px * case.spacing_mm if case.spacing_mm is not None else np.nan
    return Facts(
        case_id=[case.case_id],
        patient_id=[case.patient_id],
        is_positive=np.array([case.label in NON_BENIGN]),
        is_axial=np.array([_is_axial(known.get("site", ""))]),
        is_external=np.array([known.get("cohort", "") == "external"]),
        subtype=np.array([known.get("subtype", "")]),
        size_mm=np.array([size]),
        box=case.box.array()[None],
    )


def _facts_of_frame(frame: pd.DataFrame) -> Facts:
    box = frame[["x0", "y0", "x1", "y1"]].to_numpy(dtype=np.float64)
    longest = np.maximum(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1])
    return Facts(
        case_id=frame["case_id"].tolist(),
        patient_id=frame["patient_id"].tolist(),
        is_positive=frame["label"].isin(NON_BENIGN).to_numpy(dtype=bool),
        is_axial=np.array([_is_axial(s) for s in _text(frame, "site")]),
        is_external=np.array([c == "external" for c in _text(frame, "cohort")]),
        subtype=np.array(_text(frame, "subtype"), dtype=str),
        size_mm=longest * frame["spacing_mm"].to_numpy(dtype=np.float64),
        box=box,
    )


def _text(frame: pd.DataFrame, column: str) -> list[Any]:
    return frame[column].tolist() if column in frame else [""] * len(frame)


def _is_axial(site: str) -> bool:
    return site in BY_NAME and BY_NAME[site].region == "axial"
