"""What the lesion page says: decisions, and how far a decision holds in the grid tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from robustkit.dashboard.lesion.answers import GridScores

ASSUMED_SHIFT = 0.1
"""Stands in for the readers' disagreement where nobody measured it."""

_CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class Hold:
    """How far a decision holds in a grid that is judged whole.

    Attributes:
        held: Largest ring up to which no box changes the decision, in sides of the box; 0 where the smallest ring has one
            that does.
        first: Smallest ring with a box that changes it; NaN where none does.
        smallest, reach: Smallest and largest ring.
        n_changed, n_boxes: Of the boxes beside the one in the middle.
        n_unanswered: Boxes for which the model gave no finite number; a ring with one does not hold.
        n_same: Boxes that rounding or the film's edge made the box in the middle again.
        n_bounded: Boxes that the film's edge changed.
    """

    held: float
    first: float
    smallest: float
    reach: float
    n_changed: int
    n_boxes: int
    n_unanswered: int
    n_same: int
    n_bounded: int


def is_followed(score: float, threshold: float) -> bool:
    """Tell the decision: score >= threshold."""
    return bool(score >= threshold)


def decision(score: float, threshold: float) -> str:
    """Say the decision in words."""
    return (
        "at or above the threshold: follow" if is_followed(score, threshold) else "below the threshold: do not follow"
    )


def hold(found: GridScores, score: float, threshold: float) -> Hold:
    """Find how far the decision on the box in the middle holds.

    Args:
        found: All boxes judged.
        score: Of the box in the middle.
        threshold: The carried one.
    """
    rings = found.grid.rings
    beside = rings > _CLOSE
    unanswered = beside & ~np.isfinite(found.scores)
    changed = beside & ~unanswered & ((found.scores >= threshold) != is_followed(score, threshold))
    own = np.unique(rings[beside].round(9))
    bad = rings[changed | unanswered]
    held = own[own < bad.min() - _CLOSE] if bad.size else own
    middle = found.boxes[found.grid.n // 2, found.grid.n // 2]
    same = beside & (np.abs(found.boxes - middle).max(axis=-1) < _CLOSE)
    return Hold(
        held=float(held[-1]) if held.size else 0.0,
        first=float(rings[changed].min()) if changed.any() else float("nan"),
        smallest=float(own[0]),
        reach=float(own[-1]),
        n_changed=int(changed.sum()),
        n_boxes=int(beside.sum()),
        n_unanswered=int(unanswered.sum()),
        n_same=int(same.sum()),
        n_bounded=int((beside & found.is_bounded).sum()),
    )


def shift_sentence(found: Hold, sides_mm: tuple[float, float] | None) -> str:
    """Say up to which displacement the decision holds.

    Args:
        found: Of the grid of displacements.
        sides_mm: Width and height of the box in mm; None where the spacing is not known.
    """

    def level(share: float) -> str:
        return f"{percent(share)}{_mm(share, sides_mm)}"

    return _sentence(found, "displacement", level)


def size_sentence(found: Hold) -> str:
    """Say up to which change of width and height the decision holds."""
    return _sentence(found, "change of width and height", percent)


def _sentence(found: Hold, what: str, level: Callable[[float], str]) -> str:
    if found.n_changed == 0 and found.n_unanswered == 0:
        return f"Holds for every {what} in the whole grid tested, up to {level(found.reach)}."
    if found.held > 0:
        return f"Holds for every {what} up to {level(found.held)} in the grid tested."
    if abs(found.first - found.smallest) < _CLOSE:
        return f"Does not hold: the decision changes at the smallest {what} tested, {level(found.smallest)}."
    return f"Not shown to hold: the model gave no number at the smallest {what} tested, {level(found.smallest)}."


def counts(found: Hold) -> str:
    """Say what the sentence rests on."""
    said = [f"The decision changes at {found.n_changed} of {found.n_boxes} boxes"]
    if found.n_changed:
        said[0] += f", first at {percent(found.first)}"
    if found.n_unanswered:
        said.append(f"the model gave no number for {found.n_unanswered}")
    if found.n_same:
        said.append(f"{found.n_same} are the box itself again, by rounding or the film's edge")
    if found.n_bounded:
        said.append(f"the film's edge moves or shortens {found.n_bounded}")
    return "; ".join(said) + "."


def percent(share: float) -> str:
    """Give ``7.5 %`` of a share."""
    return f"{round(100 * share, 1):g} %"


def _mm(share: float, sides_mm: tuple[float, float] | None) -> str:
    if sides_mm is None:
        return ""
    across, along = (f"{share * s:.2g}" if share * s < 10 else f"{share * s:.0f}" for s in sides_mm)
    return f" ({across} mm)" if across == along else f" ({across} mm sideways, {along} mm up or down)"
