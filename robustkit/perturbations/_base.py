"""The face of a box perturbation, and what all of them share: reach, snapping, the border rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from robustkit.geometry import Boxes

Snap = Literal["whole", "none"]
Border = Literal["inside", "clip", "pad"]
Units = Literal["side", "px", "mm"]


@dataclass(frozen=True, slots=True)
class BoxRules:
    """What a run does with a box before it is shown: rounding, and the edge of the film."""

    snap: Snap = "whole"
    border: Border = "inside"


class Perturbation(Protocol):
    """One way in which a reader may draw a box differently.

    Attributes:
        name: As in ``--perturb NAME=LEVEL`` and in the predictions.
        stream: The fourth word of the counter: equal draws at every level (design, section 3.4).
        units: The units that a level may have.
        keeps_size: True where the box moves and its size stays: it is snapped as such.
    """

    name: str
    stream: int
    units: tuple[Units, ...]
    keeps_size: bool

    def move(self, boxes: Boxes, reach: Boxes, level: float, draws: NDArray[np.float64]) -> Boxes:
        """Give the perturbed boxes, not yet snapped.

        Args:
            boxes: ``(N, 4)`` nominal boxes.
            reach: ``(N, 2)`` largest displacement in px along x and y at this level.
            level: In sides of the box, px or mm; > 0.
            draws: ``(N, R, 4)`` uniforms in (0, 1).

        Returns:
            ``(N, R, 4)`` float64.
        """
        ...


def reach_px(boxes: Boxes, level: float, *, units: Units, spacing_mm: NDArray[np.float64]) -> Boxes:
    """Give ``(N, 2)``: what a level means in px along x and y for each of ``(N, 4)`` boxes."""
    if units == "px":
        return np.full((len(boxes), 2), level)
    if units == "mm":
        return np.repeat((level / spacing_mm)[:, None], 2, axis=1)
    sides = np.stack([boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]], axis=1)
    return level * sides


def signed(draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map uniforms in (0, 1) to (-1, 1)."""
    return 2.0 * draws - 1.0


def snap_moved(moved: Boxes, nominal: Boxes) -> Boxes:
    """Snap boxes that moved without changing size: the width in whole px is that of the nominal box.

    Args:
        moved: ``(N, R, 4)``.
        nominal: ``(N, 4)``.
    """
    corner = np.floor(moved[..., :2] + 0.5)
    size = np.maximum(1.0, np.floor(nominal[:, None, 2:] - nominal[:, None, :2] + 0.5))
    return np.concatenate([corner, corner + size], axis=-1)


def snap_edges(moved: Boxes) -> Boxes:
    """Snap every edge to the nearest whole px; an empty side becomes one pixel."""
    whole = np.floor(moved + 0.5)
    return open_empty(whole)


def open_empty(boxes: Boxes) -> Boxes:
    """Give empty or inverted sides one pixel."""
    end = boxes[..., 2:]
    start = boxes[..., :2]
    return np.concatenate([start, np.where(end <= start, start + 1.0, end)], axis=-1)


def settled(moved: Boxes, nominal: Boxes, *, film: Boxes, rules: BoxRules, keeps_size: bool) -> Boxes:
    """Apply a run's rounding and border rule to displaced boxes.

    Args:
        moved: ``(N, R, 4)``.
        nominal: ``(N, 4)``.
        film: ``(N, 2)`` width and height in px (infinite where unknown).
        rules: Of the run.
        keeps_size: True where the boxes moved and kept their size.
    """
    if rules.snap == "whole":
        moved = snap_moved(moved, nominal) if keeps_size else snap_edges(moved)
    return keep_in_film(moved, film, rules.border)


def keep_in_film(boxes: Boxes, film: NDArray[np.float64], border: Border) -> Boxes:
    """Apply the border rule, axis by axis.

    Args:
        boxes: ``(N, R, 4)``.
        film: ``(N, 2)`` film width and height in px (infinite where unknown).
        border: ``inside`` moves the box back (and shortens it to the film), ``clip`` cuts it
            (at least one pixel stays), ``pad`` leaves it.
    """
    start, end = boxes[..., :2], boxes[..., 2:]
    limit = film[:, None, :]
    if border == "pad":
        return boxes
    if border == "clip":
        start = np.clip(start, 0.0, limit - 1.0)
        end = np.maximum(np.minimum(end, limit), start + 1.0)
        return np.concatenate([start, end], axis=-1)
    size = np.minimum(end - start, limit)
    start = np.minimum(np.maximum(start, 0.0), limit - size)
    return np.concatenate([start, start + size], axis=-1)
