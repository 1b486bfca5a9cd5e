"""The noun ScoreMatrix: one model's answers under one perturbation and level, cases by repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.errors import RunError
from robustkit.geometry import Boxes, overlap
from robustkit.results.folder import RunFolder

NOMINAL = "nominal"
_COLUMNS = ("model", "case_id", "perturbation", "level", "repeat", "x0", "y0", "x1", "y1", "score", "status", "reason")

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
    folder: RunFolder, model: str, case_ids: Sequence[str], levels: Sequence[tuple[str, float]]
) -> ModelAnswers:
    """Read one model's predictions by column and lay them out by case and repeat.

    Args:
        folder: The run.
        model: Its name.
        case_ids: Order of the rows.
        levels: Perturbation and level, in order.

    Raises:
        RunError: A condition without rows, or one that is answered twice.
    """
    rows = folder.predictions(columns=_COLUMNS, filters=[("model", "==", model)])
    position = pd.Series(np.arange(len(case_ids)), index=pd.Index(case_ids))
    at = position.reindex(rows["case_id"]).to_numpy()
    inside = np.isfinite(at)
    rows, at = rows[inside], at[inside].astype(np.intp)
    first = (rows["perturbation"] == NOMINAL).to_numpy()
    n = len(case_ids)
    where = f"{folder.path}, model {model}"
    nominal, boxes = _lay_out(rows[first], at[first], n, where=f"{where}, {NOMINAL}")
    failed = rows[first & (rows["status"] != "ok").to_numpy()][["model", "case_id", "reason"]]
    matrices = []
    for kind, level in levels:
        chosen = ((rows["perturbation"] == kind) & np.isclose(rows["level"], level, rtol=1e-6, atol=0)).to_numpy()
        scores, moved = _lay_out(rows[chosen], at[chosen], n, where=f"{where}, {kind} {level:g}")
        matrices.append(_matrix(model, kind, level, scores=scores, boxes=moved, nominal=nominal[:, 0], box=boxes[:, 0]))
    return ModelAnswers(model, nominal[:, 0], tuple(matrices), failed)


def _lay_out(rows: pd.DataFrame, at: NDArray[np.intp], n: int, *, where: str) -> tuple[Floats, Boxes]:
    if rows.empty:
        fix = "Every condition of run.json needs its rows in predictions/."
        raise RunError("the predictions hold no answer to these cases.", where=where, fix=fix)
    repeat = rows["repeat"].to_numpy(dtype=np.intp)
    width = int(repeat.max()) + 1
    if len(np.unique(at * width + repeat)) < len(rows):
        fix = "Keep one row per model, case, perturbation, level and repeat."
        raise RunError("a case is answered twice.", where=where, fix=fix)
    scores = np.full((n, width), np.nan)
    boxes = np.full((n, width, 4), np.nan)
    scores[at, repeat] = np.where(rows["status"] == "ok", rows["score"], np.nan)
    boxes[at, repeat] = rows[["x0", "y0", "x1", "y1"]].to_numpy()
    return scores, boxes


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
