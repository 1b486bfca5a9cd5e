"""Measures the lesions of many cases, each film read once, in threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustkit.cohort.case import Case
from robustkit.errors import FilmError
from robustkit.features._base import FeatureSettings
from robustkit.geometry import Boxes
from robustkit.images.film import read_film
from robustkit.kinds._lesion import Area, lesion_features

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """Features of n cases.

    Attributes:
        values: ``(n, R, F)`` float64; NaN where undefined, and for cases that cannot be measured.
        failures: Why a case cannot be measured; "" where it can.
    """

    values: Floats
    failures: tuple[str, ...]


def measure_lesions(
    cases: Sequence[Case],
    boxes: Boxes,
    *,
    settings: FeatureSettings,
    area: Area,
    workers: int,
    told: Callable[[int, int], None] | None = None,
) -> Measured:
    """Measure ``(n, R, 4)`` boxes of n cases.

    Args:
        cases: With the spacing of their films.
        boxes: R for every case, the box as given first.
        settings: What is measured, and how.
        area: Where.
        workers: Threads.
        told: Of cases done.
    """
    found: dict[int, Floats | str] = {}
    with ThreadPoolExecutor(workers, thread_name_prefix="lesion") as pool:
        waiting = {
            pool.submit(_measure, c, b, settings, area): i for i, (c, b) in enumerate(zip(cases, boxes, strict=True))
        }
        for done in as_completed(waiting):
            found[waiting[done]] = done.result()
            if told:
                told(len(found), len(cases))
    width = next((f.shape[1] for f in found.values() if not isinstance(f, str)), 0)
    values = np.full((len(cases), boxes.shape[1], width), np.nan)
    failures = [""] * len(cases)
    for i, one in found.items():
        if isinstance(one, str):
            failures[i] = f"{cases[i].case_id}: {one}"
        else:
            values[i] = one
    return Measured(values, tuple(failures))


def _measure(case: Case, boxes: Boxes, settings: FeatureSettings, area: Area) -> Floats | str:
    """Give ``(R, F)``, or why there are none."""
    try:
        found = lesion_features(case, read_film(case.image).pixels, boxes, settings=settings, area=area)
    except FilmError as error:
        return error.what
    return found if np.isfinite(found[0]).any() else "nothing can be measured in its box"
