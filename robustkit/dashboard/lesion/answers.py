"""The noun Answer: what the judge knows of a box by now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from robustkit.dashboard.lesion.grids import Grid
from robustkit.heatmaps._heatmap import Heatmap

State = Literal["waiting", "working", "done", "failed", "gone"]


@dataclass(frozen=True, slots=True)
class GridScores:
    """Scores over a grid.

    Attributes:
        grid: Its steps.
        boxes: ``(n, n, 4)`` after rounding and border rule.
        scores: ``(n, n)`` float64; NaN where there is no answer, or none yet.
        is_asked: ``(n, n)`` True where the model has answered or failed to.
        is_bounded: ``(n, n)`` True where the film's edge made the box another one than the grid says.
    """

    grid: Grid
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    is_asked: NDArray[np.bool_]
    is_bounded: NDArray[np.bool_]

    @property
    def n_asked(self) -> int:
        """Boxes of the grid that are judged."""
        return int(self.is_asked.sum())

    @property
    def is_whole(self) -> bool:
        """True where all are judged."""
        return bool(self.is_asked.all())


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of one wish.

    Attributes:
        ticket: Of the wish.
        state: ``gone``: dropped for a newer one, or forgotten.
        box: As judged, after rounding and border rule; None before.
        score: NaN before, and where the model gave no finite one.
        shift, size: Of the grids; None before they are begun.
        heatmap: Of the box; None before, and where the model has none.
        message: What is being done, or why it failed.
        seconds: From the first step of the work to the score.
        n_before: Visitors who wait for a score before this one.
        version: Grows with every change.
    """

    ticket: int
    state: State
    box: tuple[float, float, float, float] | None = None
    score: float = float("nan")
    shift: GridScores | None = None
    size: GridScores | None = None
    heatmap: Heatmap | None = None
    message: str = ""
    seconds: float = float("nan")
    n_before: int = 0
    version: int = 0

    @property
    def is_told(self) -> bool:
        """True where there is a score, or will be none."""
        return self.box is not None or self.state in ("failed", "done", "gone")
