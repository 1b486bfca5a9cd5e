"""readers plan: how many readers and cases a study needs to find a difference, from a pilot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from robustkit.errors import InputError

if TYPE_CHECKING:
    from robustkit.analysis.reader_plan import PlannedStudy

READERS = (3, 4, 5, 6, 8, 10, 15, 20)


@dataclass(frozen=True, slots=True)
class PlanResult:
    """What a planned study needs.

    Attributes:
        plans: One for each number of readers.
        difference: In AUC, that is to be found.
        power: Wanted.
        pilot_cases, pilot_positive, pilot_readers: Of the pilot.
        pilot_difference: That it found.
        warnings: One sentence each.
    """

    plans: tuple[PlannedStudy, ...]
    difference: float
    power: float
    pilot_cases: int
    pilot_positive: int
    pilot_readers: int
    pilot_difference: float
    warnings: tuple[str, ...]


def readers_plan(
    *,
    readings: Sequence[Path] = (),
    difference: float = 0.05,
    readers: Sequence[int] = (),
    power: float = 0.8,
    run: Path | None = None,
    manifest: Sequence[Path] = (),
    study: Path | None = None,
    positive: Sequence[str] = (),
    scale: str | None = None,
    washout_days: float | None = None,
) -> PlanResult:
    """Say how many cases each number of readers needs, readers and cases random, at 5 % (two-sided).

    Source: Hillis, Obuchowski and Berbaum 2011, Academic Radiology 18:129.

    Args:
        readings: Of a pilot, as in ``readers analyse``.
        difference: Between the arms' mean AUCs that is to be found.
        readers: Numbers of readers to plan for; default 3 to 20.
        power: Wanted.
        run, manifest, study, positive, scale, washout_days: As in ``readers analyse``.

    Raises:
        InputError: A flag out of its range, or a pilot that says too little.
        ReadingsError: Rows with faults; all of them are named.
    """
    from robustkit.analysis.reader_plan import pilot_of, plans
    from robustkit.api._reader_study import open_readings

    if not 0 < abs(difference) < 0.5:
        what = f"expected a difference in AUC above 0 and under 0.5, got {difference:g}."
        raise InputError(what, where="--difference", fix="0.05 is a common choice.")
    if not 0.05 < power < 1:
        raise InputError(f"expected a power between 0.05 and 1, got {power:g}.", where="--power", fix="Use 0.8 or 0.9.")
    few = [n for n in readers if n < 2]
    if few:
        what = f"expected at least 2 readers, got {few[0]}."
        raise InputError(what, where="--readers", fix="With one reader nothing follows about others.")
    read = open_readings(
        readings,
        run=run,
        manifest=manifest,
        study=study,
        model=None,
        positive=positive,
        scale=scale,
        washout_days=washout_days,
    )
    pilot = pilot_of(read.readings, read.cases.truth(by=(), draws=1, seed=0))
    found = tuple(plans(pilot, readers or READERS, difference=difference, wanted=power))
    said = [*read.readings.warnings, *read.cases.judged.warnings]
    if pilot.n_readers < 5:
        said.append(
            f"the pilot has {pilot.n_readers} readers: how much readers differ is hardly known, and these numbers may be far off."
        )
    return PlanResult(
        found, difference, power, pilot.n_cases, pilot.n_positive, pilot.n_readers, pilot.difference, tuple(said)
    )
