"""The noun ScoreMatrix: one model's answers under one perturbation and level, cases by repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.errors import RunError
from robustkit.geometry import Boxes, overlap
from robustkit.results.folder import RunFolder
from robustkit.results.sheet import NOMINAL as NOMINAL_CONDITION
from robustkit.results.sheet import Sheet, read_sheets

NOMINAL = NOMINAL_CONDITION[0]
_SCORE_ATOL = 1e-6

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScoreMatrix:
    """Answers of one model.

    Attributes:
        model, perturbation, level: Which ones.
        scores: ``(N, R)`` float64 in the order of the cases; NaN where failed or not asked.
        nominal: ``(N,)`` nominal scores.
        iou: ``(N, R)`` overlap of each box with the nominal one.
        moved: ``(N, R)`` largest displacement in box sides.
        is_same: ``(N, R)`` True where the box did not change at all.
        n_distinct: ``(N,)`` different boxes among the repeats.
        set_size: Repeats of a set of Sobol points; 1 for random boxes.
    """

    model: str
    perturbation: str
    level: float
    scores: Floats
    nominal: Floats
    iou: Floats
    moved: Floats
    is_same: NDArray[np.bool_]
    n_distinct: NDArray[np.intp]
    set_size: int = 1

    @property
    def known(self) -> NDArray[np.bool_]:
        """``(N,)`` True where the nominal and every repeat were answered."""
        return np.asarray(np.isfinite(self.nominal) & np.isfinite(self.scores).all(axis=1))


@dataclass(frozen=True, slots=True)
class ModelAnswers:
    """All of one model: nominal scores and boxes, and a matrix per condition, in the run's order."""

    model: str
    nominal: Floats
    matrices: tuple[ScoreMatrix, ...]
    failures: pd.DataFrame


def read_answers(
    folder: RunFolder,
    model: str,
    case_ids: Sequence[str],
    levels: Sequence[tuple[str, float]],
    *,
    set_size: int = 1,
) -> ModelAnswers:
    """Read one model's predictions: see ``read_matrices`` and ``read_failures``."""
    nominal, matrices = read_matrices(folder, model, case_ids, levels, set_size=set_size)
    return ModelAnswers(model, nominal, matrices, read_failures(folder, model, case_ids))


def read_matrices(
    folder: RunFolder,
    model: str,
    case_ids: Sequence[str],
    levels: Sequence[tuple[str, float]],
    *,
    set_size: int = 1,
) -> tuple[Floats, tuple[ScoreMatrix, ...]]:
    """Read one model's answers by column and lay them out by case and repeat.

    Args:
        folder: The run.
        model: Its name.
        case_ids: Order of the rows.
        levels: Perturbation and level, in order.
        set_size: Of run.json: repeats of a set of Sobol points.

    Returns:
        ``(N,)`` nominal scores, and a matrix per condition.

    Raises:
        RunError: A condition without rows, one that is answered twice, a score that is no probability, or an infinite box.
    """
    first, *sheets = read_sheets(folder, model, case_ids, [NOMINAL_CONDITION, *levels])
    for sheet in (first, *sheets):
        _check_numbers(sheet, where=f"{folder.path}, model {model}")
    nominal, box = first.scores[:, 0], first.boxes[:, 0]
    matrices = []
    for kind, level in levels:
        # each sheet is let go of when its matrix is made: boxes are most of the memory
        sheet = sheets.pop(0)
        found = _matrix(model, kind, level, scores=sheet.scores, boxes=sheet.boxes, nominal=nominal, box=box)
        matrices.append(replace(found, set_size=set_size))
    return nominal, tuple(matrices)


def read_failures(folder: RunFolder, model: str, case_ids: Sequence[str]) -> pd.DataFrame:
    """Give model, case and reason of every box as given that one model did not answer."""
    columns = ("model", "case_id", "reason")
    filters = [("model", "==", model), ("perturbation", "==", NOMINAL)]
    rows = folder.predictions(columns=[*columns, "status"], filters=filters)
    return rows[(rows["status"] != "ok") & rows["case_id"].isin(case_ids)][list(columns)]


def _check_numbers(sheet: Sheet, *, where: str) -> None:
    scores = sheet.scores
    # summed probabilities may pass 1 by a rounding
    bad = scores[(scores < -_SCORE_ATOL) | (scores > 1 + _SCORE_ATOL)]
    if len(bad):
        what = f"a score is {bad[0]:g}; expected a probability from 0 to 1."
        raise RunError(what, where=where, fix="Write the summed probability of the positive classes.")
    if np.isinf(sheet.boxes).any():
        raise RunError("a box is infinite.", where=where, fix="Write boxes in px of the film.")


def _matrix(
    model: str, kind: str, level: float, *, scores: Floats, boxes: Boxes, nominal: Floats, box: Boxes
) -> ScoreMatrix:
    start = box[:, None, :]
    side = start[..., 2:] - start[..., :2]
    centre = (boxes[..., :2] + boxes[..., 2:] - start[..., :2] - start[..., 2:]) / 2
    moved = (np.abs(centre) / side).max(axis=-1)
    return ScoreMatrix(
        model=model,
        perturbation=kind,
        level=level,
        scores=scores,
        nominal=nominal,
        iou=overlap(boxes, np.broadcast_to(start, boxes.shape)),
        moved=moved,
        is_same=(boxes == start).all(axis=-1),
        n_distinct=_distinct(boxes),
    )


def _distinct(boxes: Boxes) -> NDArray[np.intp]:
    """Count different boxes per case: sort each case's boxes, then count the changes."""
    flat = np.ascontiguousarray(boxes).view([("", np.float64)] * 4)[..., 0]
    ordered = np.sort(flat, axis=1)
    return np.asarray(1 + (ordered[:, 1:] != ordered[:, :-1]).sum(axis=1), dtype=np.intp)
