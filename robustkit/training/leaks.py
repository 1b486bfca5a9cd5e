"""What must not be learnt from: patients and films that are judged elsewhere, and rows of another cohort."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from robustkit.cohort.case import Case
from robustkit.errors import InputError
from robustkit.provenance import file_digest
from robustkit.training.windows import Window

LEARNT = ("train", "val")
"""Splits that a training reads: one is learnt from, the other stops it and gives the threshold."""

_EXTERNAL = "external"


def check_patients(cases: Sequence[Case]) -> None:
    """Refuse patients that stand in more than one split where one of them is train or val.

    Raises:
        InputError: It counts them and names two cases.
    """
    first: dict[str, dict[str, str]] = {}
    for case in cases:
        first.setdefault(case.patient_id, {}).setdefault(case.split, case.case_id)
    torn = [found for found in first.values() if len(found) > 1 and set(found) & set(LEARNT)]
    if torn:
        what = f"{len(torn)} patients (or films) stand in more than one split ({_two(torn[0])} are of one)."
        raise InputError(what, where="--manifest", fix="Split by patient: `robustkit split` does.")


def external_rows(cases: Sequence[Case], *, allow: bool) -> int:
    """Count the rows of ``cohort=external`` that would be learnt from.

    Raises:
        InputError: There are some and ``allow`` is False.
    """
    found = [c for c in cases if c.split in LEARNT and c.facts.get("cohort", "").strip().lower() == _EXTERNAL]
    if found and not allow:
        what = (
            f"{len(found)} rows of cohort=external have split=train or val (case {found[0].case_id}): what is learnt from is "
            "no external cohort any more."
        )
        fix = "Empty their column split, or say --allow-external, which the checkpoint records."
        raise InputError(what, where="--manifest", fix=fix)
    return len(found)


def equal_films(windows: Mapping[str, Sequence[Window]], cases: Sequence[Case]) -> tuple[str, ...]:
    """Find films that are byte for byte the same in two splits, whatever their names and patients.

    Args:
        windows: By split, those of train and val.
        cases: Of all splits: films elsewhere are looked at where their size is that of a film in train or val.

    Returns:
        A sentence where train and val share films: the epoch is then chosen on what was learnt.

    Raises:
        InputError: Films of train or val that are judged elsewhere; it counts them and names two cases.
    """
    places: dict[str, dict[str, str]] = {}
    for split, held in windows.items():
        for window in held:
            places.setdefault(window.film_sha256, {}).setdefault(split, window.case_id)
    for film, case in _elsewhere(cases):
        if film in places:
            places[film].setdefault(case.split, case.case_id)
    torn = [found for found in places.values() if len(found) > 1]
    judged = [found for found in torn if set(found) - set(LEARNT)]
    if judged:
        what = f"{len(judged)} films stand in more than one split, byte for byte the same ({_two(judged[0])})."
        raise InputError(what, where="--manifest", fix="Give equal films one patient, then split by patient.")
    if torn:
        said = f"{len(torn)} films of train and val are byte for byte the same ({_two(torn[0])})"
        return (f"{said}: the validation AUC may be too good",)
    return ()


def _elsewhere(cases: Sequence[Case]) -> Iterator[tuple[str, Case]]:
    """Give digest and case of films outside of train and val, but only those whose size is that of a film inside."""
    sizes = {_size(c.image) for c in cases if c.split in LEARNT}
    looked: dict[Path, str] = {}
    for case in cases:
        size = _size(case.image)
        if case.split in LEARNT or size < 0 or size not in sizes:
            continue
        if case.image not in looked:
            looked[case.image] = file_digest(case.image)
        yield looked[case.image], case


def _two(found: Mapping[str, str]) -> str:
    return " and ".join(f"case {case_id} in {split or 'none'}" for split, case_id in list(found.items())[:2])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
