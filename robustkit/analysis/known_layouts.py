"""Layouts that are known already: most often the same units answered, and their strata are laid out once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Literal

import numpy as np
import pandas as pd

from robustkit.analysis.cohort import Judged
from robustkit.analysis.layout import Layout, Layouts, code, lay_out, side_by_side
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
        self._known: dict[tuple[tuple[str, ...], bytes], Layouts] = {}
        self._answered: dict[tuple[bool, bytes], Layout] = {}
        self._lock = Lock()

    def of(self, sample: Sample, names: Sequence[str]) -> Layouts:
        """Give the strata of these cohorts' units; of cases also those of which none was answered.

        Args:
            sample: Units of all these cohorts.
            names: One cohort, or several of which the first is all of them.
        """
        with self._lock:
            key = tuple(names), sample.rows.tobytes()
            if key not in self._known:
                self._known[key] = self._lay_out(sample, names)
            return self._known[key]

    def _lay_out(self, sample: Sample, names: Sequence[str]) -> Layouts:
        own, rows = {}, {}
        for name in names:
            listed = self._cohort.in_cohort(name)
            rows[name] = np.flatnonzero(listed[sample.rows]) if len(names) > 1 else np.arange(len(sample.rows))
            units, patients = sample.rows[rows[name]], sample.patients[rows[name]]
            own[name] = lay_out(units, patients, self._coded, listed=listed if self._unit == "case" else None)
        return side_by_side(own, rows)

    def answered(self, sample: Sample, *, is_crossed: bool = False) -> Layout:
        """Give the strata that have units, also those of crossed variables where asked."""
        with self._lock:
            key = is_crossed, sample.rows.tobytes()
            if key not in self._answered:
                strata = self._with_crossed if is_crossed else self._coded
                self._answered[key] = lay_out(sample.rows, sample.patients, strata)
            return self._answered[key]


def _crossed(strata: Mapping[str, pd.Series]) -> dict[str, pd.Series]:
    return {f"{a}*{b}": strata[a].str.cat(strata[b], sep=SEPARATOR) for a, b in CROSSED if a in strata and b in strata}
