"""study_limitations.csv: what the data of a study themselves show to be weak, one sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from robustkit.results.schema import STUDY_LIMITATIONS_COLUMNS

FEW_CENTRES = 10
"""Under so many centres no interval speaks of new ones (estimands, section 1)."""

APART = 0.5
"""A standardised difference that is called large here: half a standard deviation."""


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """What the tables of a run do not say.

    Attributes:
        cases: All cases, training included, with derived facts.
        has_patients: Whether the manifests name patients.
        is_simulated: Whether the films are the phantom's.
        stand_ins: Arms whose pretrained weights are noise.
        one_seed: Arms that were trained once.
        readers: 0 where nobody read.
        simulated_readers: Whether readers are simulated.
        notes: What the study file says itself.
    """

    cases: pd.DataFrame
    has_patients: bool
    is_simulated: bool
    stand_ins: Sequence[str]
    one_seed: Sequence[str]
    readers: int
    simulated_readers: bool
    notes: Sequence[str]


def study_limitations(facts: StudyFacts, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Give the sentences.

    Args:
        facts: Of the study.
        tables: Of the run: ``strata``, ``flow``, ``drift``, ``stability`` where they are there.
    """
    rows = [
        {"kind": kind, "cohort": cohort, "sentence": sentence}
        for part in (_made_up(facts), _training(facts), _cases(facts), _tables(tables), _readers(facts))
        for kind, cohort, sentence in part
    ]
    rows += [{"kind": "said by the study", "cohort": "", "sentence": n} for n in facts.notes]
    return pd.DataFrame(rows, columns=list(STUDY_LIMITATIONS_COLUMNS))


Said = Iterator[tuple[str, str, str]]


def _made_up(facts: StudyFacts) -> Said:
    if facts.is_simulated:
        yield "films", "", "All films are simulated: no number here says anything about radiographs."
    if facts.stand_ins:
        names = ", ".join(facts.stand_ins)
        yield (
            "weights",
            "",
            f"Stand-in weights (seeded noise, no pretraining): {names}. Nothing follows about pretraining.",
        )


def _training(facts: StudyFacts) -> Said:
    if facts.one_seed:
        names = ", ".join(facts.one_seed)
        yield (
            "seeds",
            "",
            f"Trained once: {names}. How much the seed matters is unknown; nothing follows about pretraining.",
        )
    val = facts.cases[facts.cases["split"] == "val"]
    if len(val):
        said = (
            f"{len(val)} validation cases chose epochs, thresholds and the reference arm: numbers on them are too good."
        )
        yield "validation", "", said


def _cases(facts: StudyFacts) -> Said:
    cases = facts.cases
    if not facts.has_patients:
        yield (
            "patients",
            "",
            "Patients are unknown: each film counts as one, and intervals are too narrow if films share them.",
        )
    for cohort, own in cases.groupby("cohort", sort=True):
        yield from _cohort(str(cohort), own)
    if "centre" in cases:
        centres = cases.loc[cases["centre"].astype("string").fillna("") != "", "centre"].nunique()
        if 0 < centres < FEW_CENTRES:
            yield "centres", "", f"{centres} centres: no interval here speaks of a further centre."


def _cohort(cohort: str, own: pd.DataFrame) -> Said:
    if "size_source" in own and (n := int((own["size_source"] == "none").sum())):
        yield "spacing", cohort, f"Pixel spacing is unknown for {n} of {len(own)} cases: their size in mm is unknown."
    if "reference" in own:
        known = own["reference"].astype("string").fillna("")
        if n := int((known == "").sum()):
            yield "reference", cohort, f"The reference standard is not named for {n} of {len(own)} cases."
        elif n := int((known != "histology").sum()):
            yield "reference", cohort, f"{n} of {len(own)} cases have a reference standard other than histology."
    for column, word in (("subtype", "tumour subtype"), ("site", "anatomical site")):
        if column in own and (n := int((own[column].astype("string").fillna("") == "").sum())):
            yield column, cohort, f"The {word} is unknown for {n} of {len(own)} cases."


def _tables(tables: Mapping[str, pd.DataFrame]) -> Said:
    yield from _strata(tables.get("strata", pd.DataFrame()))
    yield from _lost(tables.get("flow", pd.DataFrame()))
    yield from _drift(tables.get("drift", pd.DataFrame()))


def _strata(strata: pd.DataFrame) -> Said:
    if strata.empty:
        return
    keep = (strata["by"] != "all") & (strata["perturbation"] == "nominal")
    rows = strata[keep & strata["metric"].isin(["sensitivity", "specificity"])]
    for cohort, own in rows.groupby("cohort", sort=True):
        small = own[own["value"].isna() & own["reason"].str.startswith("fewer")]
        n, of = (len(r[["by", "stratum"]].drop_duplicates()) for r in (small, own))
        if n:
            said = f"{n} of {of} strata have too few patients for a sensitivity or a specificity."
            yield "small strata", str(cohort), said


def _lost(flow: pd.DataFrame) -> Said:
    if flow.empty:
        return
    failed = flow[flow["step"].str.contains("fail", case=False) & (flow["n_cases"] > 0)]
    for cohort, own in failed.groupby("cohort", sort=True):
        n = int(own.groupby("model")["n_cases"].sum().max())
        yield "failed cases", str(cohort), f"{n} cases failed and are in no estimate."


def _drift(drift: pd.DataFrame) -> Said:
    if drift.empty:
        return
    is_large = (drift["value"].abs() >= APART) & (drift["p_adjusted"] < 0.05)
    rows = drift[(drift["part"] == "facts") & (drift["measure"] == "smd") & is_large]
    for cohort, own in rows.groupby("cohort_a", sort=True):
        said = ", ".join(f"{r['name']} ({r['value']:.2f})" for r in own.to_dict("records"))
        sentence = f"Differs from the internal cohort by half a standard deviation or more in: {said}."
        yield "cohorts differ", str(cohort), sentence


def _readers(facts: StudyFacts) -> Said:
    if facts.simulated_readers:
        yield "readers", "", "Readers are simulated: nothing follows about radiologists."
    if 0 < facts.readers < 3:
        said = f"{facts.readers} readers support conclusions about each of them, not about other readers."
        yield "readers", "", said


def limitation_sentences(table: pd.DataFrame) -> list[Mapping[str, Any]]:
    """Give the rows as records, those of the whole study first."""
    return [dict(r) for r in table.sort_values("cohort", kind="stable").to_dict("records")]
