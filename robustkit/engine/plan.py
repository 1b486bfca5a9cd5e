"""The noun Plan: which boxes of which cases are shown, before any pixel is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from robustkit.cohort.case import Case
from robustkit.engine.conditions import Condition, Levels, conditions, perturbation
from robustkit.engine.films import FilmHeaders
from robustkit.errors import InputError
from robustkit.geometry import Boxes
from robustkit.perturbations._base import Border, BoxRules, Snap, reach_px, settled
from robustkit.seeds import uniforms
from robustkit.sobol import SET_SIZE, sobol

SnapChoice = Literal["auto", "whole", "none"]
Sampler = Literal["random", "sobol"]

PART_ROWS = 4096
PART_BATCHES = 64
"""Least rows and least batches of one part per model, about: what a kill can lose, and how often a batch is padded."""


@dataclass(frozen=True, slots=True)
class Plan:
    """N cases, sorted by case_id (so no manifest order enters), and C conditions.

    Attributes:
        cases: Sorted by case_id.
        headers: Film sizes and faults in the same order.
        groups: Perturbations and levels.
        repeats, seed, border: As given.
        snap: Resolved: ``whole`` or ``none`` for the whole run.
        part_rows: Rows of one part per model, about.
        sampler: ``random`` or ``sobol``.
        first_repeat: Of this round; earlier repeats, and the nominal boxes, are answered already where it is over 0.
    """

    cases: tuple[Case, ...]
    headers: FilmHeaders
    groups: tuple[Levels, ...]
    repeats: int
    seed: int
    border: Border
    snap: Snap
    part_rows: int = PART_ROWS
    sampler: Sampler = "random"
    first_repeat: int = 0

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The nominal condition first, then every perturbation, level and repeat (of this round)."""
        return conditions(self.groups, self._round)

    @property
    def set_size(self) -> int:
        """Repeats that are not independent of each other: a set of Sobol points; 1 for random draws."""
        return SET_SIZE if self.sampler == "sobol" else 1

    @property
    def _round(self) -> range:
        return range(self.first_repeat, self.repeats)

    @property
    def rules(self) -> BoxRules:
        """Rounding and border."""
        return BoxRules(self.snap, self.border)

    def case(self, index: int) -> Case:
        """Give a case as models are told of it: with what its film's header says."""
        return self.headers.told(index, self.cases[index])

    def n_rows(self, index: int) -> int:
        """Give the rows of one case: all conditions, or the nominal one alone for ``val`` rows."""
        nominal = int(self.first_repeat == 0)
        n = sum(len(g.levels) for g in self.groups) * len(self._round)
        return nominal if self.cases[index].split == "val" else nominal + n

    def boxes(self, indices: Sequence[int]) -> Boxes:
        """Give ``(n, C, 4)`` boxes of some cases after snapping and border rule, nominal first."""
        nominal = np.stack([self.cases[i].box.array() for i in indices])
        film = self.headers.size[list(indices)]
        names = [self.cases[i].case_id for i in indices]
        rules = self.rules
        shown = []
        if not self.first_repeat:
            shown.append(settled(nominal[:, None, :], nominal, film=film, rules=rules, keeps_size=True))
        draw = sobol if self.sampler == "sobol" else uniforms
        for group in self.groups:
            plugin = perturbation(group.kind)
            draws = draw(self.seed, names, repeats=self._round, stream=plugin.stream)
            for level in group.levels:
                reach = reach_px(nominal, level, units=group.units, spacing_mm=self.headers.spacing_mm[list(indices)])
                moved = plugin.move(nominal, reach, level, draws)
                shown.append(settled(moved, nominal, film=film, rules=rules, keeps_size=plugin.keeps_size))
        return np.concatenate(shown, axis=1)

    def parts(self) -> tuple[tuple[int, ...], ...]:
        """Divide the cases into parts of about ``part_rows`` rows, in order."""
        parts: list[tuple[int, ...]] = []
        current: list[int] = []
        rows = 0
        for index in range(len(self.cases)):
            if not self.n_rows(index):
                continue
            current.append(index)
            rows += self.n_rows(index)
            if rows >= self.part_rows:
                parts.append(tuple(current))
                current, rows = [], 0
        return tuple([*parts, tuple(current)] if current else parts)


def resolve_part_rows(wanted: int, *, batch_size: int) -> int:
    """Give the rows of one part per model, about: as wanted, or where that is 0 enough for a batch's padding."""
    return wanted or max(PART_ROWS, PART_BATCHES * batch_size)


def resolve_snap(choice: SnapChoice, boxes: Boxes) -> Snap:
    """Decide for the whole run: whole pixels if 1 px is at most 1 % of every box's shorter side."""
    if choice != "auto":
        return choice
    sides = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    return "whole" if sides.min() >= 100.0 else "none"


def check_spacing(cases: Sequence[Case], spacing_mm: NDArray[np.float64]) -> None:
    """Refuse levels in mm where the spacing of a case is unknown."""
    unknown = [c.case_id for c, s in zip(cases, spacing_mm, strict=True) if not np.isfinite(s)]
    if unknown:
        shown = ", ".join(unknown[:3])
        what = f"--units mm needs the pixel spacing of every case; {len(unknown)} have none ({shown}, ...)."
        raise InputError(what, where="--units", fix="Fill the column spacing_mm, or use --units side.")
