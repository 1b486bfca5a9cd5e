"""curves.csv: each metric over the levels of a perturbation, beginning with level 0, the nominal row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.frames import repeated_text
from robustkit.results.schema import CURVES_COLUMNS

BY_DEFINITION = ("flip_rate", "score_sd", "rank_sd", "auc_lost")
"""At level 0 nothing moves: these are 0 by definition, without an interval."""

_KEY = ("by", "stratum", "cohort", "model", "metric")

Reached = Mapping[tuple[str, float, str, str, str], tuple[float, float]]
"""(perturbation, level, cohort, by, stratum) to mean IoU and share of unmoved boxes."""

Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Coded:
    """A column of text: ``(n,)`` which name stands in each row, and the names in order."""

    codes: Codes
    names: NDArray[np.object_]

    def are(self, flags: list[bool]) -> Flags:
        """Give ``(n,)`` what is said of the name in each row."""
        return np.array(flags, dtype=bool)[self.codes]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of curves.csv, of which most are rows of strata.csv.

    Attributes:
        of: ``(n,)`` position of the row of strata.csv that it is made of.
        kind: ``(n,)`` perturbation, by number.
        level: ``(n,)``.
        is_still: ``(n,)`` True where the value is 0 by definition.
    """

    of: Codes
    kind: Codes
    level: NDArray[np.float64]
    is_still: Flags

    def take(self, order: Codes) -> _Rows:
        return _Rows(self.of[order], self.kind[order], self.level[order], self.is_still[order])


def curves_table(strata: pd.DataFrame, reached: Reached) -> pd.DataFrame:
    """Give curves.csv from strata.csv.

    Args:
        strata: strata.csv, without its tests.
        reached: What the boxes of a level came to, by cohort and stratum.
    """
    coded = {c: _code(strata[c]) for c in ("perturbation", *_KEY)}
    rows = _rows(strata["level"].to_numpy(dtype=np.float64), coded)
    order = np.lexsort((rows.level, *(coded[c].codes[rows.of] for c in reversed(_KEY)), rows.kind))
    rows = rows.take(order)
    table = strata.take(rows.of).reset_index(drop=True)
    table["perturbation"] = repeated_text(list(coded["perturbation"].names), rows.kind)
    table["level"] = table["x"] = rows.level
    _say_still(table, rows.is_still)
    boxes = _boxes(rows, coded, reached)
    table["achieved_iou"], table["share_unmoved"] = boxes[:, 0], boxes[:, 1]
    table[["p", "p_adjusted"]] = np.nan
    table["family"] = ""
    return table[list(CURVES_COLUMNS)]


def _code(column: pd.Series) -> _Coded:
    codes, names = pd.factorize(column, sort=True)
    return _Coded(codes, np.asarray(names, dtype=object))


def _rows(level: NDArray[np.float64], coded: Mapping[str, _Coded]) -> _Rows:
    """Give level 0 of each perturbation, then what is redrawn."""
    kinds, metrics = coded["perturbation"], coded["metric"]
    is_row = ~coded["stratum"].are([name.startswith("(") for name in coded["stratum"].names])
    is_nominal = kinds.are([name == "nominal" for name in kinds.names])
    perturbed = np.flatnonzero(is_row & ~is_nominal)
    is_asked = np.isin(metrics.codes, np.unique(metrics.codes[perturbed]))
    nominal = np.flatnonzero(is_row & is_nominal & is_asked)
    is_still = metrics.are([name in BY_DEFINITION for name in metrics.names])[perturbed]
    parts = []
    for kind in np.unique(kinds.codes[perturbed]):
        still = _first(perturbed[is_still & (kinds.codes[perturbed] == kind)], coded)
        begin, n = np.concatenate([nominal, still]), len(nominal) + len(still)
        parts.append(_Rows(begin, np.full(n, kind), np.zeros(n), np.arange(n) >= len(nominal)))
    parts.append(_Rows(perturbed, kinds.codes[perturbed], level[perturbed], np.zeros(len(perturbed), dtype=bool)))
    return _Rows(*(np.concatenate([getattr(p, f) for p in parts]) for f in ("of", "kind", "level", "is_still")))


def _first(rows: Codes, coded: Mapping[str, _Coded]) -> Codes:
    """Give the first of the rows of each curve."""
    return rows[np.unique(_joint([coded[c] for c in _KEY], rows), return_index=True)[1]]


def _joint(columns: list[_Coded], rows: Codes) -> Codes:
    """Number what stands in several columns, one number for what is equal in all of them."""
    shape = [len(c.names) for c in columns]
    return np.asarray(np.ravel_multi_index([c.codes[rows] for c in columns], shape), dtype=np.intp)


def _say_still(table: pd.DataFrame, is_still: Flags) -> None:
    """Write what is 0 by definition where it is a number at the levels that were redrawn."""
    known = table["value"].notna().to_numpy()
    table.loc[is_still & known, "value"] = 0.0
    table.loc[is_still, ["low", "high", "se", "mc_se"]] = np.nan
    table.loc[is_still, "repeats"] = 0
    table["method"] = table["method"].where(~is_still, np.where(known, "0 by definition", ""))


def _boxes(rows: _Rows, coded: Mapping[str, _Coded], reached: Reached) -> NDArray[np.float64]:
    """Give ``(n, 2)`` what the boxes came to; those of one place and level are looked up once."""
    levels, at = np.unique(rows.level, return_inverse=True)
    kinds, places = coded["perturbation"], [coded[c] for c in ("cohort", "by", "stratum")]
    joint = (_joint(places, rows.of) * len(kinds.names) + rows.kind) * len(levels) + at
    _, first, back = np.unique(joint, return_index=True, return_inverse=True)
    found = np.full((len(first), 2), 1.0)
    for own, i in zip(found, first, strict=True):
        if rows.level[i] != 0:
            cohort, by, stratum = (str(c.names[c.codes[rows.of[i]]]) for c in places)
            key = (str(kinds.names[rows.kind[i]]), float(rows.level[i]), cohort, by, stratum)
            own[:] = reached.get(key, (np.nan, np.nan))
    return found[back]
