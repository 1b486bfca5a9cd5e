"""The noun Condition: which perturbation, at which level, in which repeat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from robustkit.errors import InputError
from robustkit.perturbations._base import Perturbation, Units
from robustkit.registry import load, names

NOMINAL = "nominal"


@dataclass(frozen=True, slots=True)
class Condition:
    """One row per case: ``nominal`` has level 0 and repeat 0."""

    perturbation: str
    level: float
    repeat: int


@dataclass(frozen=True, slots=True)
class Levels:
    """One perturbation and the levels that it is run at, in the order given (the first is the primary one)."""

    kind: str
    levels: tuple[float, ...]
    units: Units = "side"

    def to_dict(self) -> dict[str, object]:
        """Give the entry of run.json."""
        return {"kind": self.kind, "levels": list(self.levels), "units": self.units}


def perturbation(kind: str) -> Perturbation:
    """Give the plug-in of that name.

    Raises:
        UnknownNameError: No such perturbation.
    """
    return cast(Perturbation, load("perturbations", kind))


def parse_levels(texts: Sequence[str], *, kind: str, units: Units) -> Levels:
    """Read levels such as ``["0.05,0.1", "0.2"]``.

    Raises:
        InputError: Not a number, not finite, not above 0, given twice, or units that the perturbation lacks.
    """
    values: list[float] = []
    for text in (t.strip() for joined in texts for t in joined.split(",")):
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value > 0):
            what = f"expected levels above 0 for {kind}, such as 0.1, got {text!r}."
            raise InputError(
                what, where="--shifts" if kind == "shift" else f"--perturb {kind}", fix="Give 0.05,0.1,0.2."
            )
        if value in values:
            raise InputError(
                f"the level {value:g} of {kind} is given twice.", where="--shifts", fix="Give each level once."
            )
        values.append(value)
    allowed = perturbation(kind).units
    if units not in allowed:
        what = f"{kind} has no levels in {units}; it has {', '.join(allowed)}."
        raise InputError(what, where="--units", fix=f"Use --units {allowed[0]}.")
    return Levels(kind, tuple(values), units)


def parse_perturbation(text: str, *, units: Units) -> Levels:
    """Read ``KIND=LEVEL[,LEVEL...]``."""
    kind, mark, levels = text.partition("=")
    if not mark:
        what = f"expected KIND=LEVELS, got {text!r}; kinds: {', '.join(names('perturbations'))}."
        raise InputError(what, where="--perturb", fix="Write for example --perturb scale=0.1,0.2.")
    kinds_units: Units = units if units in perturbation(kind).units else "side"
    return parse_levels([levels], kind=kind, units=kinds_units)


def conditions(groups: Sequence[Levels], repeats: range) -> tuple[Condition, ...]:
    """Give every perturbation, level and repeat, in this order; before them the nominal one if repeats begin at 0."""
    rows = [Condition(g.kind, level, r) for g in groups for level in g.levels for r in repeats]
    return (Condition(NOMINAL, 0.0, 0), *rows) if repeats.start == 0 else tuple(rows)


def levels_array(rows: Sequence[Condition]) -> NDArray[np.float64]:
    """Give ``(C,)`` levels."""
    return np.array([c.level for c in rows], dtype=np.float64)
