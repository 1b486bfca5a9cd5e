"""The noun DrawnSums: sums over a stratum in every bootstrap draw, for all strata of a variable at once."""

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


def drawn_sums(s: Sample, columns: Mapping[str, Floats], strata: NDArray[np.object_]) -> dict[str, DrawnSums]:
    """Give the sums of every stratum: one product with the draws serves all columns and strata.

    Args:
        s: Units of a cohort.
        columns: ``(n,)`` each, finite.
        strata: ``(n,)`` names.

    Returns:
        By stratum; nothing where the cohort has no unit.
    """
    if not len(s.rows):
        return {}
    own, patient = np.unique(s.patients, return_inverse=True)
    names, stratum = np.unique(strata.astype(str), return_inverse=True)
    cell = stratum * len(own) + patient
    shape = (len(names), len(own))
    everything = {COUNT: np.ones(len(patient)), **columns}
    sums = np.stack([
        np.bincount(cell, weights=values, minlength=shape[0] * shape[1]).reshape(shape) for values in everything.values()
    ])  # fmt: skip
    drawn = (sums.reshape(-1, len(own)) @ s.draws.by_patient[own]).reshape(*sums.shape[:2], -1)
    return {
        str(name): DrawnSums(
            dict(zip(everything, sums[:, i], strict=True)), dict(zip(everything, drawn[:, i], strict=True))
        )
        for i, name in enumerate(names)
    }
