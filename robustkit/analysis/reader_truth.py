"""The noun Truth: what is known of the cases that were read, and the places (cohorts, strata) that rows are about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.stats.bootstrap import PatientDraws, patient_draws
from robustkit.strata._order import in_order

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

ALL = "all"
EVERYONE = "all readers"


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of the cases that were read.

    Attributes:
        frame: By case_id: ``positive``, ``patient`` (code), ``cohort``; where a model is known also ``model`` (its score),
            ``above`` (its decision), ``sd_logit`` and ``flip_rate`` over redrawn boxes (NaN where none were drawn).
        strata: By variable, by case_id.
        draws: Of the patients.
        seed: Of permutations.
        model: Its name; "" where there is none.
    """

    frame: pd.DataFrame
    strata: Mapping[str, pd.Series]
    draws: PatientDraws
    seed: int
    model: str = ""

    def of(self, cases: pd.Index) -> tuple[Flags, Codes]:
        """Give truth and patients of some cases."""
        own = self.frame.loc[cases]
        return own["positive"].to_numpy(dtype=bool), own["patient"].to_numpy(dtype=np.intp)


def make_truth(
    frame: pd.DataFrame, strata: Mapping[str, pd.Series], *, draws: int, seed: int, model: str = ""
) -> Truth:
    """Give the truth with patients as codes and shared draws.

    Args:
        frame: By case_id: ``positive``, ``patient_id``, ``cohort``, and what the model said.
        strata: By variable, by case_id.
        draws, seed: Of the bootstrap, which draws patients within classes.
        model: Its name.
    """
    codes, _ = pd.factorize(frame["patient_id"], sort=True)
    positive = np.bincount(codes, weights=frame["positive"].to_numpy(dtype=float)) > 0
    drawn = patient_draws(positive.astype(np.intp), draws=draws, seed=seed, purpose="readers")
    return Truth(frame.assign(patient=codes.astype(np.intp)), strata, drawn, seed, model)


@dataclass(frozen=True, slots=True)
class Place:
    """Which cases a row is about."""

    by: str
    stratum: str
    cohort: str

    def row(self, analysis: str, **given: object) -> dict[str, object]:
        """Give a row of readers.csv."""
        return {"analysis": analysis, "by": self.by, "stratum": self.stratum, "cohort": self.cohort, **given}


def places(truth: Truth, read: pd.Index) -> Iterator[tuple[Place, pd.Index]]:
    """Give all cohorts together (where there are several) and each alone, then every stratum of all cohorts.

    Args:
        truth: Of the cases.
        read: Those that were read.
    """
    frame = truth.frame.loc[read]
    cohorts = sorted(set(frame["cohort"]), key=lambda c: (c != "internal", c))
    if len(cohorts) > 1:
        yield Place(ALL, ALL, ALL), frame.index
    for cohort in cohorts:
        yield Place(ALL, ALL, str(cohort)), frame.index[frame["cohort"] == cohort]
    whole = ALL if len(cohorts) > 1 else str(cohorts[0])
    for by, names in truth.strata.items():
        own = names.reindex(frame.index)
        for stratum in in_order(set(map(str, own))):
            yield Place(by, stratum, whole), frame.index[own == stratum]
