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
    if not answers:
        return SCHEMA.empty_table()
    counts = [len(a.boxes) for a in answers]
    case = np.repeat(np.arange(len(answers)), counts)
    condition = np.concatenate([np.arange(n) for n in counts])
    boxes = np.concatenate([a.boxes for a in answers])
    logits = np.concatenate([_logits(a, n, model.n_outputs) for a, n in zip(answers, counts, strict=True)])
    finite = np.isfinite(logits).all(axis=1)
    score = np.full(len(logits), np.nan)
    score[finite] = scores(logits[finite], kind=model.output.kind, classes=model.classes, positive=model.positive)
    offsets = np.arange(len(logits) + 1, dtype=np.int32) * logits.shape[1]
    # text is written once and taken by number: no Python object per row
    reasons = ["", *(a.reason or NOT_FINITE for a in answers)]
    columns = {
        "model": pa.repeat(pa.scalar(model.name, pa.string()), len(logits)),
        "case_id": _take([a.case_id for a in answers], case),
        "perturbation": _take([c.perturbation for c in conditions], condition),
        "level": np.array([c.level for c in conditions], dtype=np.float64)[condition],
        "repeat": np.array([c.repeat for c in conditions], dtype=np.int32)[condition],
        **{name: boxes[:, i] for i, name in enumerate(("x0", "y0", "x1", "y1"))},
        "score": pa.array(score, from_pandas=False),
        "logits": pa.ListArray.from_arrays(offsets, np.ascontiguousarray(logits).ravel()),
        "status": _take(["failed", "ok"], finite.astype(np.intp)),
        "reason": _take(reasons, np.where(finite, 0, case + 1)),
    }
    return pa.table(columns, schema=SCHEMA)


def _logits(answer: Answer, n: int, n_outputs: int) -> NDArray[np.float32]:
    return np.full((n, n_outputs), np.nan, dtype=np.float32) if answer.logits is None else answer.logits


def _take(words: Sequence[str], which: NDArray[np.intp]) -> pa.Array:
    return pa.array(words, pa.string()).take(pa.array(which))
