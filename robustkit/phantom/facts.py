"""The facts of the phantom cohort: seeded patients and lesions, with boxes, for any seed and without films."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.phantom.anatomy import SITES
from robustkit.phantom.patients import Kind, draw_films, draw_patients
from robustkit.phantom.placing import place_lesions
from robustkit.phantom.subtypes import SUBTYPES
from robustkit.seeds import generator

PHANTOM_SEED = 2026
N_INTERNAL, N_EXTERNAL = 440, 300
"""Patients of the bundled cohort."""

COLUMNS = (
    "case_id", "image", "x0", "y0", "x1", "y1", "label", "patient_id", "lesion_id", "cohort", "split", "centre",
    "subtype", "site", "view", "age_years", "sex", "spacing_mm", "reference",
)  # fmt: skip
_TRAIN, _VAL = 0.6, 0.8


def draw_facts(
    seed: int, *, kind: Kind = "phantom", n_internal: int = N_INTERNAL, n_external: int = N_EXTERNAL
) -> pd.DataFrame:
    """Draw the manifest rows of a cohort, without its films.

    Names of patients and cases hold the seed, so cohorts of different seeds share no random number anywhere.

    Args:
        seed: 0..2^64-1.
        kind: ``phantom``: tumour, site, size, age and cohort hang together as in a clinic; ``phantom-null``: tumour,
            site, size, age, view and cohort are independent (the label follows the tumour in both).
        n_internal, n_external: Patients; each has one to four lesions, so there are about 1.15 times as many rows.

    Returns:
        One row per lesion with the columns of ``COLUMNS``: boxes int64 in px, ``age_years`` int64,
        ``spacing_mm`` float64, the rest text.
    """
    return draw_lesions(seed, kind=kind, n_internal=n_internal, n_external=n_external)[list(COLUMNS)]


def draw_lesions(
    seed: int, *, kind: Kind = "phantom", n_internal: int = N_INTERNAL, n_external: int = N_EXTERNAL
) -> pd.DataFrame:
    """Draw the cohort with what only the drawing of its films needs: pose of the film, shape of the lesion.

    Returns:
        The columns of :func:`draw_facts` and those of :func:`robustkit.phantom.placing.place_lesions`.
    """
    rng = generator(seed, kind)
    patients = draw_patients(rng, kind=kind, n_internal=n_internal, n_external=n_external)
    rows = place_lesions(rng, draw_films(rng, patients, kind=kind), kind=kind)
    tumours = [SUBTYPES[i] for i in rows["tumour"]]
    rows["subtype"] = [t.name for t in tumours]
    rows["label"] = [t.label for t in tumours]
    rows["site"] = [SITES[i].name for i in rows["site_index"]]
    rows["split"] = _splits(rng, rows)
    rows["reference"] = "histology"
    film_number = rows["film"] - rows.groupby("patient")["film"].transform("min") + 1
    prefix = "" if (seed, kind) == (PHANTOM_SEED, "phantom") else f"s{seed}{'n' if kind == 'phantom-null' else ''}-"
    rows["patient_id"] = [f"{prefix}{c}{p:04d}" for c, p in zip(rows["centre"], rows["patient"], strict=True)]
    rows["case_id"] = [f"{p}-{k + 1}" for p, k in zip(rows["patient_id"], rows["lesion"], strict=True)]
    rows["lesion_id"] = rows["case_id"]
    rows["image"] = [f"films/{p}-f{k}.jpg" for p, k in zip(rows["patient_id"], film_number, strict=True)]
    return rows


def _splits(rng: np.random.Generator, rows: pd.DataFrame) -> NDArray[np.str_]:
    """Split the internal patients 60/20/20, alike in label, region and giant cell tumours; the rest is test."""
    first = rows[rows["lesion"] == 0]
    axial = first["site_index"].map(lambda i: SITES[i].region == "axial")
    kind = first["label"] + first["subtype"].eq("giant cell tumour").astype(str) + axial.astype(str)
    order = pd.Series(rng.random(len(first)), index=first.index).groupby([first["cohort"], kind]).rank()
    size = order.groupby([first["cohort"], kind]).transform("size")
    share = (order - 0.5) / size
    split = np.where(share < _TRAIN, "train", np.where(share < _VAL, "val", "test"))
    split = np.where(first["cohort"] == "external", "test", split)
    of_row: NDArray[np.str_] = split[rows["patient"]]
    return of_row
