"""How surely the means over repeats are known, and whether another round is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.matrix import ScoreMatrix, read_answers
from robustkit.engine.request import Request, Until
from robustkit.results.folder import RunFolder
from robustkit.sobol import SET_SIZE
from robustkit.stats.montecarlo import LEAST_SETS, independent
from robustkit.stats.placements import placements


@dataclass(frozen=True, slots=True)
class Round:
    """Monte-Carlo errors after some repeats: the greatest over models and levels.

    Attributes:
        repeats: So far.
        case_error: Of a case's mean score; NaN where no case was answered, infinite where it is not known yet (fewer
            than 8 sets of Sobol points).
        curve_error: Of the mean AUC; NaN where there is none, infinite as above.
    """

    repeats: int
    case_error: float
    curve_error: float

    def is_enough(self, precision: float) -> bool:
        """True where every error that is known is under the precision."""
        return all(not error >= precision for error in (self.case_error, self.curve_error))

    def to_dict(self) -> dict[str, Any]:
        """Give the entry of run.json; an error that is not known is null."""
        errors = {"case_error": self.case_error, "curve_error": self.curve_error}
        return {"repeats": self.repeats} | {k: float(v) if np.isfinite(v) else None for k, v in errors.items()}

    def sentence(self, until: Until) -> str:
        """Give what a person reads where the precision was not reached."""
        if np.isinf(self.case_error):
            return (
                f"after {self.repeats} repeats the Monte-Carlo error of Sobol points is not known: it is told between "
                f"{LEAST_SETS} sets of {SET_SIZE}. Use --max-repeats {LEAST_SETS * SET_SIZE} or more, or --sampler random."
            )
        return (
            f"after {self.repeats} repeats the Monte-Carlo error is {self.case_error:.2g} (scores) and "
            f"{self.curve_error:.2g} (AUC): --until {until.precision:g} was not reached, --max-repeats is {until.most}."
        )


def measure(folder: RunFolder, request: Request, cases: pd.DataFrame, *, positive: frozenset[str]) -> Round:
    """Measure the errors of all rounds together.

    Args:
        folder: With the predictions of all repeats so far.
        request: Of the run.
        cases: The cases table.
        positive: Labels that count as positive.
    """
    judged = cases[cases["split"] != "val"]
    labels = judged["label"].isin(positive).to_numpy()
    levels = [(g.kind, level) for g in request.plan.groups for level in g.levels]
    case_errors, curve_errors = [np.nan], [np.nan]
    for model in request.models:
        answers = read_answers(folder, model.name, judged["case_id"].tolist(), levels, set_size=request.plan.set_size)
        for matrix in answers.matrices:
            case_error, curve_error = _errors(matrix, labels)
            case_errors.append(case_error)
            curve_errors.append(curve_error)
    return Round(request.plan.repeats, _greatest(case_errors), _greatest(curve_errors))


def _errors(matrix: ScoreMatrix, labels: np.ndarray[Any, np.dtype[np.bool_]]) -> tuple[float, float]:
    known, own = matrix.known, labels[matrix.known]
    if not known.any():
        return np.nan, np.nan
    case_error = _error(matrix.scores[known].T, matrix.set_size)
    if own.all() or not own.any():
        return case_error, np.nan
    return case_error, _error(placements(own, matrix.scores[known].T).value[:, None], matrix.set_size)


def _error(values: NDArray[np.float64], set_size: int) -> float:
    """Give the largest standard error of a mean over repeats, of ``(R, n)`` values."""
    parts = independent(values, set_size)
    return float((parts.std(axis=0, ddof=1) / np.sqrt(len(parts))).max()) if len(parts) > 1 else np.inf


def _greatest(errors: list[float]) -> float:
    known = [e for e in errors if not np.isnan(e)]
    return max(known) if known else np.nan
