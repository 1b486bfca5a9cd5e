"""Layouts that are known already: most often the same units answered, and their strata are laid out once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from threading import RLock
from typing import Any, Literal, TypeVar

import numpy as np
import pandas as pd

from robustkit.analysis.classed_strata import ClassedStrata, classed_strata
from robustkit.analysis.cohort import Judged
from robustkit.analysis.errors import ErrorStrata, error_strata
from robustkit.analysis.layout import Coded, Layout, Layouts, code, lay_out, side_by_side
from robustkit.analysis.sample import Flags, Sample
from robustkit.stats.group_placements import ClassedGroups
from robustkit.strata._order import SEPARATOR

Unit = Literal["case", "lesion", "patient"]
Made = TypeVar("Made")

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
        self._made: dict[Hashable, Any] = {}
        self._lock = RLock()

    def classed(self, sample: Sample, names: Sequence[str]) -> ClassedStrata:
        """Give the strata of these cohorts' units; of cases also those of which none was answered.

        Args:
            sample: Units of all these cohorts.
            names: One cohort, or several of which the first is all of them.
        """

        key = "classed", *names, *_units(sample)

        def make() -> ClassedStrata:
            layouts = self._lay_out(sample, names, self._coded, key=key, are_listed=self._unit == "case")
            return classed_strata(sample.positive, sample.patients, layouts)

        return self._once(key, make)

    def of_side(self, sample: Sample, layout: Layout, side: Flags) -> ClassedGroups:
        """Give the strata of the ``(n,)`` units on one side, e.g. of the internal cohort, with their classes.

        Args:
            sample: Units of all cohorts.
            layout: Their strata.
            side: ``(n,)`` True for those on this side.
        """
        key = "side", side.tobytes(), *_units(sample)
        return self._once(key, lambda: ClassedGroups(sample.positive[side], layout.groups.among(side)))

    def answered(self, sample: Sample, names: Sequence[str], *, is_crossed: bool = False) -> Layouts:
        """Give the strata that have units, also those of crossed variables where asked: see ``classed``."""
        strata = self._with_crossed if is_crossed else self._coded
        key = "answered", is_crossed, *names, *_units(sample)
        return self._once(key, lambda: self._lay_out(sample, names, strata, key=key, are_listed=False))

    def errors(self, sample: Sample, names: Sequence[str]) -> ErrorStrata:
        """Give the strata in which errors are counted, of the boxes as given also where variables meet: see ``classed``."""

        def make() -> ErrorStrata:
            layouts = self.answered(sample, names, is_crossed=sample.is_nominal)
            group = self._cohort.frame["group"].to_numpy()[sample.rows]
            return error_strata(layouts, sample.positive, group)

        return self._once(("errors", sample.is_nominal, *names, *_units(sample)), make)

    def _once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            made: Made = self._made[key]
            return made

    def _lay_out(
        self, sample: Sample, names: Sequence[str], strata: Mapping[str, Coded], *, key: Hashable, are_listed: bool
    ) -> Layouts:
        own, rows = {}, {}
        for name in names:
            listed = self._cohort.in_cohort(name)
            mine = np.flatnonzero(listed[sample.rows]) if len(names) > 1 else np.arange(len(sample.rows))
            units, patients = sample.rows[mine], sample.patients[mine]
            own[name] = lay_out(units, patients, strata, listed=listed if are_listed else None)
            rows[name] = mine
        return side_by_side(own, rows, key=key)


def _units(sample: Sample) -> tuple[bytes, bytes]:
    """Give what tells units apart: a patient whose malignant film failed is still there, and is another one."""
    return sample.rows.tobytes(), sample.positive.tobytes()


def _crossed(strata: Mapping[str, pd.Series]) -> dict[str, pd.Series]:
    return {f"{a}*{b}": strata[a].str.cat(strata[b], sep=SEPARATOR) for a, b in CROSSED if a in strata and b in strata}
