"""The noun DrawnSums: sums over a stratum in every bootstrap draw, for all strata at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustkit.analysis.sample import Sample

Floats = NDArray[np.float64]

COUNT = "n"


@dataclass(frozen=True, slots=True)
class DrawnSums:
    """Sums of per-case columns over one stratum.

    Attributes:
        by_patient: ``(m,)`` by column; 0 for patients without a case in the stratum. ``n`` counts cases.
        drawn: ``(B,)`` by column, the same in every bootstrap draw.
    """

    by_patient: Mapping[str, Floats]
    drawn: Mapping[str, Floats]


def drawn_sums(
    s: Sample, columns: Mapping[str, Floats], variables: Mapping[str, NDArray[np.object_]]
) -> dict[tuple[str, str], DrawnSums]:
    """Give the sums of every stratum: one product with the draws serves all columns, variables and strata.

    Args:
        s: Units of a cohort.
        columns: ``(n,)`` each, finite.
        variables: ``(n,)`` names of strata, by variable.

    Returns:
        By variable and stratum; nothing where the cohort has no unit.
    """
    if not len(s.rows):
        return {}
    own, patient = np.unique(s.patients, return_inverse=True)
    everything = {COUNT: np.ones(len(patient)), **columns}
    keys: list[tuple[str, str]] = []
    parts = []
    for by, strata in variables.items():
        names, stratum = np.unique(strata.astype(str), return_inverse=True)
        cell, size = stratum * len(own) + patient, len(names) * len(own)
        sums = [np.bincount(cell, weights=values, minlength=size) for values in everything.values()]
        parts.append(np.stack(sums, axis=1).reshape(len(names), len(own), -1).swapaxes(1, 2))
        keys += [(by, str(name)) for name in names]
    by_patient = np.concatenate(parts)
    drawn = (by_patient.reshape(-1, len(own)) @ s.draws.by_patient[own]).reshape(*by_patient.shape[:2], -1)
    return {
        key: DrawnSums(dict(zip(everything, sums, strict=True)), dict(zip(everything, totals, strict=True)))
        for key, sums, totals in zip(keys, by_patient, drawn, strict=True)
    }
