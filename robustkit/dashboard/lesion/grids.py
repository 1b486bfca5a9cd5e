"""Grids of boxes around a box: displaced ones of the same size, and ones of another size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from robustkit.geometry import Boxes
from robustkit.perturbations._base import BoxRules, settled

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Grid:
    """``n`` x ``n`` changes of a box, in steps from -reach to +reach; rows are y, columns are x.

    Attributes:
        kind: ``shift``: dx = a * w, dy = b * h; ``size``: w * (1 + a), h * (1 + b) about the centre.
        reach: Largest |a| and |b|, in sides of the box.
        n: Odd; n - 1 is a multiple of 4, so that the coarse grids are part of the fine one.
    """

    kind: Literal["shift", "size"]
    reach: float
    n: int

    @property
    def steps(self) -> Floats:
        """``(n,)`` from -reach to reach; the one in the middle is 0."""
        half = self.n // 2
        return np.asarray(np.arange(-half, half + 1) * (self.reach / half), dtype=np.float64)

    @property
    def rings(self) -> Floats:
        """``(n, n)`` the larger of the two changes without its sign; 0 in the middle."""
        own = np.abs(self.steps)
        return np.maximum(own[:, None], own[None, :])

    def boxes(self, box: Floats, *, rules: BoxRules, film: tuple[float, float]) -> Boxes:
        """Give ``(n, n, 4)`` boxes after rounding and border rule.

        Args:
            box: ``(4,)`` as drawn, px of the film.
            rules: Of the run.
            film: Width and height in px.
        """
        b, a = np.meshgrid(self.steps, self.steps, indexing="ij")
        moved = (_shifted if self.kind == "shift" else _resized)(box, a.ravel(), b.ravel())[None]
        frame = np.array([film])
        shown = settled(moved, box[None], film=frame, rules=rules, keeps_size=self.kind == "shift")
        return shown.reshape(self.n, self.n, 4)

    def stages(self) -> list[NDArray[np.intp]]:
        """Give the flat positions of the grid, every fourth first, then every second, then the rest."""
        seen = np.zeros((self.n, self.n), dtype=bool)
        found = []
        for stride in (4, 2, 1):
            now = np.zeros_like(seen)
            now[::stride, ::stride] = True
            found.append(np.flatnonzero(now & ~seen))
            seen |= now
        return found


SHIFT = Grid("shift", 0.2, 17)
SIZE = Grid("size", 0.2, 9)


def judged_box(box: Floats, *, rules: BoxRules, film: tuple[float, float]) -> Floats:
    """Give ``(4,)``: a drawn box as the run would show it: that of its ``nominal`` row."""
    shown = settled(box[None, None], box[None], film=np.array([film]), rules=rules, keeps_size=True)
    return np.asarray(shown[0, 0])


def filled(scores: Floats) -> Floats:
    """Give a grid for the eye: a box that has no answer yet takes that of the nearest coarser grid.

    Args:
        scores: ``(n, n)``; NaN where there is none.
    """
    shown = scores.copy()
    n = len(scores)
    for stride in (2, 4):
        coarse = np.clip((np.arange(n) + stride // 2) // stride * stride, 0, n - 1)
        guess = scores[np.ix_(coarse, coarse)]
        shown = np.where(np.isnan(shown), guess, shown)
    return np.asarray(shown)


def _shifted(box: Floats, a: Floats, b: Floats) -> Floats:
    by = np.stack([a * (box[2] - box[0]), b * (box[3] - box[1])], axis=-1)
    return np.asarray(box + np.concatenate([by, by], axis=-1))


def _resized(box: Floats, a: Floats, b: Floats) -> Floats:
    half = np.stack([a * (box[2] - box[0]), b * (box[3] - box[1])], axis=-1) / 2
    return np.asarray(box + np.concatenate([-half, half], axis=-1))
