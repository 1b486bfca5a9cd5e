"""Layouts that are known already: most often the same units answered, and their strata are laid out once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Literal

import numpy as np
import pandas as pd

from robustkit.analysis.classed_strata import ClassedStrata, classed_strata
from robustkit.analysis.cohort import Judged
from robustkit.analysis.layout import Coded, Layouts, code, lay_out, side_by_side
from robustkit.analysis.sample import Sample
from robustkit.strata._order import SEPARATOR

Unit = Literal["case", "lesion", "patient"]

CROSSED = (("subtype", "region"), ("subtype", "size"), ("region", "size"))
"""Pairs whose nominal errors are counted where they meet; ``--by a*b`` gives all tables of any other pair."""


class KnownLayouts:
    """Strata of the units that answered."""

    def __init__(self, cohort: Judged, strata: Mapping[str, pd.Series], unit: Unit) -> None:
        """Number the strata.

        Args:
            cohort: Who is judged.
            strata: ``(N,)`` stratum of every case, by variable.
            unit: What is counted.
        """
        self._cohort, self._unit = cohort, unit
        self._coded = code(strata)
        self._with_crossed = {**self._coded, **code(_crossed(strata))}
        self._known: dict[tuple[str, tuple[str, ...], bytes], Layouts] = {}
        self._classed: dict[tuple[tuple[str, ...], bytes], ClassedStrata] = {}
        self._lock = Lock()

    def classed(self, sample: Sample, names: Sequence[str]) -> ClassedStrata:
        """Give the strata of these cohorts' units; of cases also those of which none was answered.

        Args:
            sample: Units of all these cohorts.
            names: One cohort, or several of which the first is all of them.
        """
        with self._lock:
            key = tuple(names), sample.rows.tobytes()
            if key not in self._classed:
                layouts = self._lay_out("listed", sample, names, self._coded, are_listed=self._unit == "case")
                self._classed[key] = classed_strata(sample.positive, sample.patients, layouts)
            return self._classed[key]

    def answered(self, sample: Sample, names: Sequence[str], *, is_crossed: bool = False) -> Layouts:
        """Give the strata that have units, also those of crossed variables where asked: see ``classed``."""
        strata, kind = (self._with_crossed, "crossed") if is_crossed else (self._coded, "answered")
        with self._lock:
            return self._lay_out(kind, sample, names, strata, are_listed=False)

    def _lay_out(
        self, kind: str, sample: Sample, names: Sequence[str], strata: Mapping[str, Coded], *, are_listed: bool
    ) -> Layouts:
        key = kind, tuple(names), sample.rows.tobytes()
        if key not in self._known:
            own, rows = {}, {}
            for name in names:
                listed = self._cohort.in_cohort(name)
                mine = np.flatnonzero(listed[sample.rows]) if len(names) > 1 else np.arange(len(sample.rows))
                units, patients = sample.rows[mine], sample.patients[mine]
                own[name] = lay_out(units, patients, strata, listed=listed if are_listed else None)
                rows[name] = mine
            self._known[key] = side_by_side(own, rows)
        return self._known[key]


def _crossed(strata: Mapping[str, pd.Series]) -> dict[str, pd.Series]:
    return {f"{a}*{b}": strata[a].str.cat(strata[b], sep=SEPARATOR) for a, b in CROSSED if a in strata and b in strata}
