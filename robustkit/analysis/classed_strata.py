"""The noun ClassedStrata: strata whose units are positive or negative, laid out once for the answers of all models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustkit.analysis.layout import Layouts
from robustkit.stats.estimate import Estimates, no_estimates
from robustkit.stats.group_placements import ClassedGroups
from robustkit.stats.groups import Groups, make_groups

Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class ClassedStrata:
    """k strata of n units, whatever the scores.

    Attributes:
        layouts: The strata, by cohort and together.
        is_positive, is_negative: ``(k,)`` True for a stratum of this class alone; with neither there are both, or no unit.
        counted: What every estimate rests on, without values.
        n_negative_patients: ``(k,)``.
        classed: The strata with their classes; one of one class is joined by the other class of its cohort.
    """

    layouts: Layouts
    is_positive: Flags
    is_negative: Flags
    counted: Estimates
    n_negative_patients: Codes
    classed: ClassedGroups


def classed_strata(positive: Flags, patients: Codes, layouts: Layouts) -> ClassedStrata:
    """Lay out ``(n,)`` units, which are positive or not, and their patients."""
    groups = layouts.together.groups
    n, n_positive = groups.n_cases(), groups.sums(positive).astype(np.intp)
    counted = no_estimates(
        groups.k, n_cases=n, n_patients=groups.n_patients(), n_positive=n_positive,
        n_positive_patients=groups.only(positive).n_patients(),
    )  # fmt: skip
    is_positive, is_negative = (n > 0) & (n_positive == n), (n > 0) & (n_positive == 0)
    joined = _joined(positive, patients, layouts, is_positive=is_positive, is_negative=is_negative)
    n_negative_patients = groups.only(~positive).n_patients()
    classed = ClassedGroups(positive, joined)
    return ClassedStrata(layouts, is_positive, is_negative, counted, n_negative_patients, classed)


def _joined(positive: Flags, patients: Codes, layouts: Layouts, *, is_positive: Flags, is_negative: Flags) -> Groups:
    """Let a stratum of one class be joined by all of the other class in its cohort."""
    groups = layouts.together.groups
    case, group = [groups.case], [groups.group]
    for name, rows in layouts.rows.items():
        part, mine = layouts.together.parts[name], positive[rows]
        for own, others in ((is_positive, rows[~mine]), (is_negative, rows[mine])):
            strata = part.start + np.flatnonzero(own[part])
            case.append(np.tile(others, len(strata)))
            group.append(np.repeat(strata, len(others)))
    return make_groups(np.concatenate(case), np.concatenate(group), patients, k=groups.k)
