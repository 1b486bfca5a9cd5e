"""describe: who is in a manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Count:
    """Cases of one value of one variable."""

    by: str
    value: str
    n_cases: int
    n_patients: int
    n_positive: int


@dataclass(frozen=True, slots=True)
class Description:
    """Counts of a cohort.

    Attributes:
        n_cases, n_films, n_patients: In all.
        has_patients: False where patients are unknown.
        counts: By cohort, split, centre, label, subtype, group, region, site, size, view, sex.
        unmapped: Words that the vocabulary does not know, ``column word (n cases)``; their cases count as unknown.
    """

    n_cases: int
    n_films: int
    n_patients: int
    has_patients: bool
    counts: tuple[Count, ...]
    unmapped: tuple[str, ...]


VARIABLES = (
    "cohort",
    "split",
    "centre",
    "label",
    "subtype",
    "group",
    "region",
    "site",
    "size",
    "view",
    "sex",
    "size_source",
)


def describe(*, manifest: Sequence[Path], workers: int = 0) -> Description:
    """Count cases, patients and positives by every variable that says something.

    Args:
        manifest: Manifests.
        workers: Threads that read film headers.

    Raises:
        InputError: A manifest that cannot be used.
    """
    from typing import cast

    import numpy as np
    import pandas as pd

    from robustkit.cohort.derive import derive
    from robustkit.cohort.manifest import join_manifests, read_manifest
    from robustkit.cohort.vocabulary import read_vocabulary
    from robustkit.engine.equip import resolve_workers
    from robustkit.engine.films import read_headers
    from robustkit.registry import load, names
    from robustkit.strata._base import Column, Stratifier
    from robustkit.strata._order import in_order

    vocabulary = read_vocabulary()
    parts = [read_manifest(p) for p in manifest]
    joined = join_manifests(parts) if len(parts) > 1 else parts[0]
    cases = list(joined.cases())
    headers = read_headers(cases, workers=resolve_workers(workers))
    known = np.isfinite(headers.size)
    films = {
        "film_width_px": np.where(known[:, 0], headers.size[:, 0], np.nan),
        "film_height_px": np.where(known[:, 1], headers.size[:, 1], np.nan),
        "film_spacing_mm": headers.spacing_mm,
        "film_spacing_source": list(headers.spacing_source),
    }
    frame = derive(joined.frame.assign(**films), vocabulary)
    positive = [bool(vocabulary.is_positive(x)) for x in frame["label"]]
    development = pd.Series(frame["split"].isin(["train", "val"]), index=frame.index)
    counts = []
    for by in VARIABLES:
        plugin = cast(Stratifier, load("strata", by)) if by in names("strata") else Column(by)
        values = plugin.assign(frame, development=development)
        if by not in ("label", "size_source") and set(values) <= {"unknown"}:
            continue
        table = pd.DataFrame({"value": values, "patient": frame["patient_id"], "positive": positive})
        for value in in_order(set(values)):
            part = table[table["value"] == value]
            counts.append(Count(by, value, len(part), part["patient"].nunique(), int(part["positive"].sum())))
    words = Counter(f"site {w}" for s in frame["site"] for w in vocabulary.unmapped_sites(s))
    words.update(f"subtype {s}" for s in frame["subtype"] if s and not vocabulary.knows_subtype(s))
    words.update(f"label {x}" for x in frame["label"] if vocabulary.is_positive(x) is None)
    unmapped = tuple(f"{word} ({n} cases)" for word, n in sorted(words.items()))
    n_films, n_patients = frame["image_path"].nunique(), frame["patient_id"].nunique()
    return Description(len(frame), n_films, n_patients, joined.has_patients, tuple(counts), unmapped)
