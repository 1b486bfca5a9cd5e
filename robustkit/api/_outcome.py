"""What perturb and evaluate give back, and how progress is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Progress = Callable[[str, int, int], None]
"""Called with a word for the work (films, rows), finished and all."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a run would cost.

    Attributes:
        n_cases, n_conditions: Cases, and boxes of each.
        answers: Of all models.
        crops: By network, also where it is only a member of a model: how many it will be shown, about.
        seconds: Of networks and of models that measure films, on this machine.
        models: Names.
        run: Where it would go on, if anywhere.
    """

    n_cases: int
    n_conditions: int
    answers: int
    crops: Mapping[str, int]
    seconds: float
    models: tuple[str, ...]
    run: Path | None


@dataclass(frozen=True, slots=True)
class PerturbResult:
    """A finished run.

    Attributes:
        run: Its folder.
        n_ok, n_failed: Cases.
        failures: ``case_id: reason`` of the failed ones.
        warnings: One sentence each.
        was_complete: True where nothing was left to do.
        seconds: Of work in this call.
        rows_per_s: Answers per second in this call; NaN where none was made.
        trials: How far each backend was from eager fp32 on some of the run's crops, as in run.json.
        is_partial: True where other processes have parts of this run still to do.
        expectation: With ``plan=True`` only; then nothing was run.
    """

    run: Path | None
    n_ok: int = 0
    n_failed: int = 0
    failures: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    was_complete: bool = False
    seconds: float = 0.0
    rows_per_s: float = float("nan")
    trials: tuple[Mapping[str, Any], ...] = ()
    is_partial: bool = False
    expectation: Expectation | None = None
