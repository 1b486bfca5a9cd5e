"""What a model may know of a case beside its film: the manifest's facts, and those that follow from the box it is shown.

One function gives them for fitting and for answering, so that the two cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from robustkit.cohort.case import Case
from robustkit.cohort.derive import SIZES, box_sizes
from robustkit.cohort.vocabulary import UNKNOWN, Vocabulary
from robustkit.errors import UnknownNameError
from robustkit.geometry import Boxes

Floats = NDArray[np.float64]
Facts = Mapping[str, str | Floats]
"""Text where a fact is one for all boxes of a case; ``(R,)`` float64 where it follows from the box."""

NUMBERS = ("age_years", "spacing_mm", *SIZES)
"""Facts that are numbers whatever their values."""

_DIAGNOSIS = "holds the diagnosis that a model is to find"
_AFTER = "is known only once the diagnosis is"
_NAME = "names a case or a file"
_DEALT = "says how cases were dealt out, and nothing about them"
BARRED: Mapping[str, str] = {
    "label": _DIAGNOSIS, "subtype": _DIAGNOSIS, "group": _DIAGNOSIS, "reference": _AFTER,
    "case_id": _NAME, "image": _NAME, "image_root": _NAME, "mask": _NAME, "patient_id": _NAME, "lesion_id": _NAME,
    "split": _DEALT, "cohort": _DEALT,
}  # fmt: skip
"""Facts that no model may learn from, and why."""


def facts_of(case: Case, boxes: Boxes, *, vocabulary: Vocabulary) -> Facts:
    """Give the facts of a case for boxes on its film: sizes are those of the boxes, not of a mask.

    Args:
        case: Its facts hold ``film_width_px, film_height_px, film_spacing_mm`` where the film's header was read.
        boxes: ``(R, 4)`` px.
        vocabulary: Of sites.
    """
    width, height = (number(case.facts.get(c, "")) for c in ("film_width_px", "film_height_px"))
    sizes = box_sizes(boxes, spacing_mm=np.asarray(spacing_of(case)), film_px=np.maximum(width, height))
    region = vocabulary.region(case.facts.get("site", ""))
    text = {k: known(v) for k, v in case.facts.items() if k not in BARRED}
    return {**text, "region": "" if region == UNKNOWN else region, **sizes}


def spacing_of(case: Case) -> float:
    """Give the side of a pixel in mm as the manifest, else the film, says it; NaN where neither does."""
    return number(case.facts.get("film_spacing_mm", "")) if case.spacing_mm is None else case.spacing_mm


def number(text: str) -> float:
    """Give a number; NaN for text that is none, and for what is infinite."""
    try:
        value = float(text)
    except ValueError:
        return float("nan")
    return value if np.isfinite(value) else float("nan")


def known(text: str) -> str:
    """Give text without blanks about it; "" for what says that nothing is known."""
    said = text.strip()
    return "" if said.lower() in ("", UNKNOWN, "nan") else said


def check_names(wanted: Iterable[str], found: Iterable[str], *, where: str) -> None:
    """Refuse facts that no case has, and those that no model may learn from.

    Args:
        wanted: Names of facts.
        found: Names that there are.
        where: The flag.

    Raises:
        UnknownNameError: It says which, and the near names.
    """
    there = sorted({*found} - {*BARRED})
    for name in wanted:
        if name in BARRED:
            what = f"the fact {name!r} {BARRED[name]}."
            raise UnknownNameError(what, where=where, fix=f"Choose among {', '.join(there)}.")
        if name not in there:
            near = get_close_matches(name, there, n=3, cutoff=0.5) or there
            fix = f"Did you mean {', '.join(near)}?" if len(near) < len(there) else f"Known: {', '.join(there)}."
            raise UnknownNameError(f"no case has the fact {name!r}.", where=where, fix=fix)
