"""The patients of the phantom: cohort, centre, tumour, age, sex, and how many lesions on which films."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.phantom.anatomy import SITES
from robustkit.phantom.subtypes import SUBTYPES

Kind = Literal["phantom", "phantom-null"]

CENTRES = {"A": 1.0, "B": 0.45, "C": 0.33, "D": 0.22}
"""Share of patients by centre within its cohort; A is the internal one."""

_AGE_SHIFT_YEARS = {"A": 0.0, "B": 5.0, "C": -2.0, "D": 9.0}
_AXIAL_TILT = {"A": 1.1, "B": 1.2, "C": 2.4, "D": 1.5}
_MAX_LESIONS_PER_FILM = 3


def draw_patients(rng: np.random.Generator, *, kind: Kind, n_internal: int, n_external: int) -> pd.DataFrame:
    """Draw one row per patient: patient, cohort, centre, tumour (index), age_years, sex, n_lesions."""
    n = n_internal + n_external
    external = np.arange(n) >= n_internal
    centre = np.full(n, "A")
    centre[external] = rng.choice(["B", "C", "D"], size=n_external, p=[CENTRES[c] for c in "BCD"])
    tumour = _tumours(rng, external, independent=kind == "phantom-null")
    mean, sd = np.array([s.age_years for s in SUBTYPES], dtype=float)[tumour].T
    age = mean + sd * rng.standard_normal(n) + np.array([_AGE_SHIFT_YEARS[c] for c in centre])
    if kind == "phantom-null":
        rng.shuffle(age)
    is_male = rng.random(n) < np.array([s.male for s in SUBTYPES])[tumour]
    multiple = np.array([s.multiple for s in SUBTYPES])[tumour]
    more = 2 + (rng.random(n) < 0.4).astype(int) + (rng.random(n) < 0.15)
    return pd.DataFrame(
        {
            "patient": np.arange(n),
            "cohort": np.where(external, "external", "internal"),
            "centre": centre,
            "tumour": tumour,
            "age_years": np.clip(np.rint(age), 2, 92).astype(int),
            "sex": np.where(is_male, "M", "F"),
            "n_lesions": np.where(rng.random(n) < multiple, more, 1),
        }
    )


def _tumours(rng: np.random.Generator, external: NDArray[np.bool_], *, independent: bool) -> NDArray[np.int64]:
    shares = np.array([s.shares for s in SUBTYPES], dtype=float).T
    if independent:
        shares = np.repeat(shares.mean(axis=0, keepdims=True), 2, axis=0)
    return choose(rng, shares[external.astype(int)])


def draw_films(rng: np.random.Generator, patients: pd.DataFrame, *, kind: Kind) -> pd.DataFrame:
    """Give one row per lesion, with the facts of its patient, film number, site (index) and view.

    A further lesion lies on the film of the one before, or on a film of its own, half of the time each.
    """
    rows = patients.loc[patients.index.repeat(patients["n_lesions"])].reset_index(drop=True)
    rows["lesion"] = rows.groupby("patient").cumcount()
    opens = (rng.random(len(rows)) < 0.5) | (rows["lesion"] == 0) | (rows["lesion"] == _MAX_LESIONS_PER_FILM)
    rows["film"] = opens.cumsum() - 1
    first = rows[opens]
    weights = _site_weights(first["tumour"].to_numpy(), first["centre"].tolist(), independent=kind == "phantom-null")
    site = choose(rng, weights)
    lateral = np.array([s.lateral for s in SITES])[site]
    if kind == "phantom-null":
        lateral = np.full(len(first), 0.3)
    view = np.where(rng.random(len(first)) < lateral, "lateral", "frontal")
    rows["site_index"], rows["view"] = site[rows["film"]], view[rows["film"]]
    rows["on_film"] = rows.groupby("film").cumcount()
    rows["n_on_film"] = rows.groupby("film")["lesion"].transform("size")
    return rows


def _site_weights(tumour: NDArray[np.int64], centre: Sequence[str], *, independent: bool) -> NDArray[np.float64]:
    table = np.array([[s.sites.get(p.name, 0.0) for p in SITES] for s in SUBTYPES], dtype=float)
    table /= table.sum(axis=1, keepdims=True)
    if independent:
        shares = np.array([sum(s.shares) for s in SUBTYPES])
        return np.tile(shares @ table, (len(tumour), 1))
    axial = np.array([p.region == "axial" for p in SITES])
    tilt = np.array([_AXIAL_TILT[c] for c in centre])
    return table[tumour] * np.where(axial[None, :], tilt[:, None], 1.0)


def choose(rng: np.random.Generator, weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Draw one column per row of ``(N, K)`` weights >= 0, in proportion to them: ``(N,)`` int64."""
    steps = np.cumsum(weights, axis=1)
    column: NDArray[np.int64] = (rng.random(len(weights))[:, None] * steps[:, -1:] >= steps).sum(axis=1)
    return column
