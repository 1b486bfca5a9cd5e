"""Refuses to judge a model on films or patients that its training saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from robustkit.cohort.case import Case
from robustkit.errors import InputError
from robustkit.models.classifier import Classifier
from robustkit.provenance import file_digest, keyed_hashes

DEVELOPMENT = ("train", "val")


def overlap(model: Classifier, cases: Sequence[Case], *, has_patients: bool) -> tuple[str, ...]:
    """Name the cases outside train and val whose film or patient the training of ``model``, or of a member, saw.

    Args:
        model: With ``seen["films"]`` (sha256) and ``seen["patients"]`` (hashes keyed by ``seen["salt"]``).
        cases: Of any split.
        has_patients: False where patients are unknown: then only films are compared.
    """
    judged = [c for c in cases if c.split not in DEVELOPMENT]
    met = set(_met(model, judged, has_patients=has_patients))
    for member in model.members:
        met |= set(overlap(member, judged, has_patients=has_patients))
    return tuple(c.case_id for c in judged if c.case_id in met)


def _met(model: Classifier, judged: Sequence[Case], *, has_patients: bool) -> Iterator[str]:
    films = frozenset(model.seen.get("films", ()))
    patients = frozenset(model.seen.get("patients", ())) if has_patients else frozenset()
    salt = str(model.seen.get("salt", ""))
    known: dict[Path, bool] = {}
    for case in judged:
        if films and case.image not in known:
            known[case.image] = case.image.is_file() and file_digest(case.image) in films
        if known.get(case.image) or (patients and keyed_hashes([case.patient_id], salt=salt) & patients):
            yield case.case_id


def check_seen(
    models: Sequence[Classifier], cases: Sequence[Case], *, has_patients: bool, allow: bool
) -> dict[str, int]:
    """Give the number of seen cases by model where any are; 0 models where all is well.

    Raises:
        InputError: Cases were seen in training and ``allow`` is False.
    """
    counts = {}
    for model in models:
        met = overlap(model, cases, has_patients=has_patients)
        if met and not allow:
            what = (
                f"{len(met)} cases to be judged were seen in the training of {model.name} ({', '.join(met[:3])}, ...)."
            )
            fix = "Set split=train or val for them, or go on with --allow-seen (every page will say so)."
            raise InputError(what, where="--manifest", fix=fix)
        if met:
            counts[model.name] = len(met)
    return counts
