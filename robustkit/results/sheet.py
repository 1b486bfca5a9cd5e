"""The noun Sheet: one model's answers under one condition, laid out by case and repeat.

Rows are read a batch at a time and put in their places, so that memory holds arrays of numbers and never one object
per row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustkit.errors import RunError
from robustkit.results.folder import RunFolder

NOMINAL = ("nominal", 0.0)
"""The condition of the box as it was given."""

Condition = tuple[str, float]
"""Perturbation and level."""

_COLUMNS = ("case_id", "perturbation", "level", "repeat", "x0", "y0", "x1", "y1", "score", "status")
_LEVEL_RTOL = 1e-6
LARGEST_REPEAT = 100_000
"""A sheet has a place for every repeat up to the largest number that a row says."""


@dataclass(slots=True)
class Sheet:
    """Answers under one condition.

    Attributes:
        asked: ``(N, R)`` True where there is a row.
        scores: ``(N, R)`` float64; NaN where the case failed or was not asked.
        boxes: ``(N, R, 4)`` float64, px of the film; NaN where not asked.
    """

    asked: NDArray[np.bool_]
    scores: NDArray[np.float64]
    boxes: NDArray[np.float64]
    _rows: int = field(default=0, repr=False)

    @classmethod
    def empty(cls, n: int) -> Sheet:
        """Give a sheet of ``n`` cases without any repeat."""
        return cls(np.zeros((n, 0), dtype=bool), np.zeros((n, 0)), np.zeros((n, 0, 4)))

    def put(
        self,
        at: NDArray[np.intp],
        repeat: NDArray[np.intp],
        *,
        scores: NDArray[np.float64],
        boxes: NDArray[np.float64],
    ) -> None:
        """Put rows in their places; the sheet grows where a repeat needs it."""
        width = self.asked.shape[1]
        needed = int(repeat.max(initial=-1)) + 1
        if needed > width:
            self.resize(max(needed, 2 * width))
        self.asked[at, repeat] = True
        self.scores[at, repeat] = scores
        self.boxes[at, repeat] = boxes
        self._rows += len(at)

    def close(self, *, where: str) -> None:
        """Cut the sheet to the repeats that it has.

        Raises:
            RunError: No row, or two rows in one place.
        """
        if not self._rows:
            fix = "Every condition of run.json needs its rows in predictions/."
            raise RunError("the predictions hold no answer to these cases.", where=where, fix=fix)
        if int(self.asked.sum()) < self._rows:
            fix = "Keep one row per model, case, perturbation, level and repeat."
            raise RunError("a case is answered twice.", where=where, fix=fix)
        self.resize(int(np.flatnonzero(self.asked.any(axis=0))[-1]) + 1)

    def resize(self, width: int) -> None:
        """Cut or pad to so many repeats."""
        more = max(0, width - self.asked.shape[1])
        kept = slice(0, width)
        self.asked = np.pad(self.asked[:, kept], ((0, 0), (0, more)))
        self.scores = np.pad(self.scores[:, kept], ((0, 0), (0, more)), constant_values=np.nan)
        self.boxes = np.pad(self.boxes[:, kept], ((0, 0), (0, more), (0, 0)), constant_values=np.nan)


def read_sheets(folder: RunFolder, model: str, case_ids: Sequence[str], conditions: Sequence[Condition]) -> list[Sheet]:
    """Read one model's answers, a sheet per condition, in one pass over the predictions.

    Args:
        folder: The run.
        model: Its name.
        case_ids: ``N`` cases: the rows of a sheet. Rows of other cases are left out.
        conditions: Perturbation and level; `NOMINAL` for the box as given.

    Raises:
        RunError: A condition without rows, or one in which a case is answered twice.
    """
    sheets = [Sheet.empty(len(case_ids)) for _ in conditions]
    position = {c: i for i, c in enumerate(case_ids)}
    kinds = {k: i for i, k in enumerate(dict.fromkeys(kind for kind, _ in conditions))}
    for batch in folder.scan(columns=_COLUMNS, filters=[("model", "==", model)]):
        at = codes(batch.column("case_id"), position)
        kind = codes(batch.column("perturbation"), kinds)
        is_ok = codes(batch.column("status"), {"ok": 0}) == 0
        level, repeat = _numbers(batch, "level"), _numbers(batch, "repeat")
        score = np.where(is_ok, _numbers(batch, "score"), np.nan)
        boxes = np.stack([_numbers(batch, c) for c in ("x0", "y0", "x1", "y1")], axis=1)
        _check_repeats(repeat, folder)
        place = repeat.astype(np.intp)
        for sheet, (name, value) in zip(sheets, conditions, strict=True):
            own = (kind == kinds[name]) & (at >= 0)
            if (name, value) != NOMINAL:
                own &= np.isclose(level, value, rtol=_LEVEL_RTOL, atol=0)
            rows = np.flatnonzero(own)
            sheet.put(at[rows], place[rows], scores=score[rows], boxes=boxes[rows])
    for sheet, (name, value) in zip(sheets, conditions, strict=True):
        said = name if (name, value) == NOMINAL else f"{name} {value:g}"
        sheet.close(where=f"{folder.path}, model {model}, {said}")
    return sheets


def codes(column: Any, known: Mapping[str, int]) -> NDArray[np.intp]:
    """Give the code of each text of an Arrow column; -1 for text that is not known, and for null.

    Raises:
        RunError: A text that is not UTF-8, or a code without a text.
    """
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    try:
        # a damaged file may hold bytes that are no text, or codes of words that are not there
        column.validate(full=True)
    except pa.ArrowInvalid as error:
        what = f"a predictions table holds what is no text ({error})."
        raise RunError(what, fix="The file is damaged: delete it and run `robustkit perturb` again.") from error
    lookup = np.array([*(known.get(v, -1) for v in column.dictionary.to_pylist()), -1], dtype=np.intp)
    indices = column.indices.cast(pa.int64()).fill_null(len(lookup) - 1)
    return np.asarray(lookup[indices.to_numpy(zero_copy_only=False)])


def _numbers(batch: Any, name: str) -> NDArray[np.float64]:
    return np.asarray(batch.column(name).to_numpy(zero_copy_only=False), dtype=np.float64)


def _check_repeats(repeat: NDArray[np.float64], folder: RunFolder) -> None:
    bad = repeat[~((repeat >= 0) & (repeat <= LARGEST_REPEAT))]
    if len(bad):
        what = f"a repeat is {bad[0]:g}; expected 0 to {LARGEST_REPEAT}."
        raise RunError(what, where=str(folder.path / "predictions"), fix="Number the repeats from 0.")
