"""Readings and the cases that they are of, opened and checked for the commands that analyse or plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustkit.analysis.readings import Known, Readings, read_readings, read_study, scale_of
from robustkit.api._reader_cases import KnownCases, cases_of_manifests, cases_of_readings, cases_of_run
from robustkit.errors import InputError

SCALE = "0-100"
WASHOUT_DAYS = 28.0
"""Where no study says otherwise."""


@dataclass(frozen=True, slots=True)
class OpenReadings:
    """Readings without faults.

    Attributes:
        readings: As read.
        cases: What is known of their cases.
        scale: Ends of the rating.
        settings: Of the packs; empty where there were none.
    """

    readings: Readings
    cases: KnownCases
    scale: tuple[float, float]
    settings: Mapping[str, Any]


def open_readings(
    files: Sequence[Path],
    *,
    run: Path | None,
    manifest: Sequence[Path],
    study: Path | None,
    model: str | None,
    positive: Sequence[str],
    scale: str | None,
    washout_days: float | None,
) -> OpenReadings:
    """Open readings: see ``readers_analyse`` for the arguments.

    Raises:
        InputError: A flag out of its range, a file that cannot be read, or packs of another run.
        ReadingsError: Rows with faults; all of them are named.
    """
    if not files:
        raise InputError("no readings were given.", where="readers", fix="Name the files that readers saved.")
    if run and manifest:
        fix = "Leave --manifest out: the run knows its cases."
        raise InputError("give --run or --manifest, not both.", where="readers", fix=fix)
    place = study or (run / "readers" if run and (run / "readers" / "study.json").is_file() else None)
    settings, key = read_study(place) if place else ({}, None)
    ends, days = scale_of(scale or str(settings.get("scale", SCALE))), _days(washout_days, settings)
    cases: KnownCases | None = None
    if run:
        cases = cases_of_run(run, model=model, positive=positive, study=settings)
    elif manifest:
        cases = cases_of_manifests(manifest, positive=positive)
    known = Known(ends, days, key, cases.labels if cases else None, str(settings.get("study", "")))
    found = read_readings(files, known)
    return OpenReadings(found, cases or cases_of_readings(found, positive=positive), ends, settings)


def _days(asked: float | None, settings: Mapping[str, Any]) -> float:
    days = float(settings.get("washout_days", WASHOUT_DAYS)) if asked is None else asked
    if not days >= 0:
        fix = "0 does not check it."
        raise InputError(f"expected days, 0 or more, got {days:g}.", where="--washout-days", fix=fix)
    return days
