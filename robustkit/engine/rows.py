"""From the answers of one case to rows of the predictions table (design, section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from robustkit.engine.conditions import Condition
from robustkit.geometry import Boxes
from robustkit.models.classifier import Classifier
from robustkit.models.score import scores

SCHEMA = pa.schema([
    ("model", pa.string()), ("case_id", pa.string()), ("perturbation", pa.string()), ("level", pa.float64()),
    ("repeat", pa.int32()), ("x0", pa.float64()), ("y0", pa.float64()), ("x1", pa.float64()), ("y1", pa.float64()),
    ("score", pa.float64()), ("logits", pa.list_(pa.float32())), ("status", pa.string()), ("reason", pa.string()),
])  # fmt: skip

NOT_FINITE = "the model gave NaN or infinite outputs"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model said of one case.

    Attributes:
        case_id: The case.
        boxes: ``(C, 4)`` boxes shown.
        logits: ``(C, K)`` float32; None where the case failed.
        reason: Why it failed.
    """

    case_id: str
    boxes: Boxes
    logits: NDArray[np.float32] | None
    reason: str = ""


def predictions(model: Classifier, answers: Sequence[Answer], conditions: Sequence[Condition]) -> pa.Table:
    """Give the rows of one model; an answer with fewer boxes than conditions has the first ones."""
    tables = [_case_rows(model, a, conditions[: len(a.boxes)]) for a in answers]
    return pa.concat_tables(tables) if tables else SCHEMA.empty_table()


def _case_rows(model: Classifier, answer: Answer, conditions: Sequence[Condition]) -> pa.Table:
    n = len(conditions)
    logits = answer.logits
    if logits is None:
        logits = np.full((n, model.n_outputs), np.nan, dtype=np.float32)
    finite = np.isfinite(logits).all(axis=1)
    score = np.full(n, np.nan)
    score[finite] = scores(logits[finite], kind=model.output.kind, classes=model.classes, positive=model.positive)
    reason = answer.reason or NOT_FINITE
    offsets = np.arange(n + 1, dtype=np.int32) * logits.shape[1]
    columns = {
        "model": [model.name] * n,
        "case_id": [answer.case_id] * n,
        "perturbation": [c.perturbation for c in conditions],
        "level": [c.level for c in conditions],
        "repeat": pa.array([c.repeat for c in conditions], pa.int32()),
        **{name: answer.boxes[:, i] for i, name in enumerate(("x0", "y0", "x1", "y1"))},
        "score": pa.array(score, from_pandas=False),
        "logits": pa.ListArray.from_arrays(offsets, np.ascontiguousarray(logits).ravel()),
        "status": np.where(finite, "ok", "failed").tolist(),
        "reason": np.where(finite, "", reason).tolist(),
    }
    return pa.table(columns, schema=SCHEMA)
