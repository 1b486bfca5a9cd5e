"""What a baseline may learn from: rows of the development cohort, their truth, their patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustkit.api._cohort import choose_cohort, name_classes
from robustkit.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from robustkit.cohort.case import Case
    from robustkit.cohort.manifest import Manifest
    from robustkit.config import FolderConfig
    from robustkit.engine.films import FilmHeaders

INTERNAL = "internal"
FEWEST = 2
"""Cases of either class that one can learn from."""


@dataclass(frozen=True, slots=True)
class Development:
    """All cases of the manifests, and which of them are learnt from.

    Attributes:
        cases: With what their films' headers say among the facts.
        headers: Of their films.
        positive: ``(n,)`` truth.
        groups: ``(n,)`` codes of patients; patients who share a film are one.
        classes: Names of negative and positive.
        cohort: On which models are developed; "" where rows name none.
        manifest: Where the cases come from.
        is_simulated: True where the films are the phantom's.
    """

    cases: tuple[Case, ...]
    headers: FilmHeaders
    positive: NDArray[np.bool_]
    groups: NDArray[np.intp]
    classes: tuple[str, str]
    cohort: str
    manifest: Manifest
    is_simulated: bool

    def rows(self, split: str) -> NDArray[np.intp]:
        """Give the positions of the development cohort's rows of one split."""
        import numpy as np

        own = [i for i, c in enumerate(self.cases) if c.split == split and _cohort(c) == self.cohort]
        return np.array(own, dtype=np.intp)

    def check(self, split: str, rows: NDArray[np.intp], *, failures: Sequence[str] = ()) -> None:
        """Refuse a split with fewer than two cases of either class.

        Args:
            split: Its name.
            rows: Its positions, those that can be used.
            failures: Why others cannot.

        Raises:
            InputError: It counts them, and names the subtype where there is one only.
        """
        n = int(self.positive[rows].sum())
        if min(n, len(rows) - n) >= FEWEST:
            return
        what = f"expected at least two cases of either class with split={split}, got {n} positive of {len(rows)}"
        lost = f" ({len(failures)} cases cannot be used; {failures[0]})" if failures else ""
        subtypes = {self.cases[i].facts.get("subtype", "").strip() for i in rows} - {""}
        alone = f"; all of them are {subtypes.pop()}" if len(subtypes) == 1 else ""
        fix = "Fill the column split with train, val and test, by patient: `robustkit split` does."
        where = f"--manifest, split={split}"
        raise InputError(f"{what}{alone}{lost}.", where=where, fix="Run `robustkit validate`." if failures else fix)

    def others(self) -> list[Case]:
        """Give the cases that a model is to judge: those of any cohort and split but train."""
        return [c for c in self.cases if c.split != "train"]

    def seen(self, rows: NDArray[np.intp]) -> dict[str, Any]:
        """Give what `perturb` needs to refuse what was learnt from, as in the checkpoints of `train`."""
        from robustkit.provenance import digest, file_digest, keyed_hashes

        films = sorted({file_digest(p) for p in {self.cases[i].image for i in rows} if p.is_file()})
        salt = digest(films)[:32]
        # without a column patient_id the paths of films stand in for patients: they say nothing about other cohorts
        names = {self.cases[i].patient_id for i in rows}
        patients = sorted(keyed_hashes(names, salt=salt)) if self.manifest.has_patients else []
        return {"films": films, "patients": patients, "salt": salt}

    def warnings(self, rows: NDArray[np.intp]) -> list[str]:
        """Say what the rows that are learnt from cannot teach."""
        said = []
        if not self.manifest.has_patients:
            said.append(
                "patients are unknown (no patient_id): each film counts as one; intervals are too narrow if not."
            )
        for side, name in zip((True, False), reversed(self.classes), strict=True):
            own = {self.cases[i].facts.get("subtype", "").strip() for i in rows if self.positive[i] == side}
            if len(own) == 1 and "" not in own:
                said.append(
                    f"all {name} cases that it learns from are {own.pop()}: it learns that subtype, not the class."
                )
        return said


def development_of(
    manifest: Sequence[Path],
    *,
    fill: Sequence[str],
    positive: str | None,
    config: FolderConfig,
    workers: int,
    split: str = "train",
    told: Any = None,
) -> Development:
    """Read the manifests, and refuse what must not be learnt from.

    Args:
        manifest, fill, positive: As given to the command.
        config: Of the working folder.
        workers: Threads that read the headers of films.
        split: Whose rows are fitted.
        told: While the phantom's films are drawn.

    Raises:
        InputError: No rows to be fitted, those of an external cohort, or patients that stand in train or val and elsewhere.
    """
    import numpy as np

    from robustkit.cohort.splits import groups_of
    from robustkit.cohort.vocabulary import read_vocabulary
    from robustkit.engine.films import read_headers

    vocabulary = read_vocabulary()
    named = tuple(p.strip() for p in positive.split(",") if p.strip()) if positive else ()
    labels = None if named else vocabulary.labels
    chosen = choose_cohort(manifest, fill=fill, config=config, labels=labels, progress=told)
    cases = tuple(chosen.manifest.cases())
    if strange := sorted(set(named) - {c.label for c in cases}):
        what = f"no row has the label {strange[0]!r}; found: {', '.join(sorted({c.label for c in cases}))}."
        raise InputError(what, where="--positive", fix="Choose among these.")
    sides = {x: x in named if named else bool(vocabulary.is_positive(x)) for x in {c.label for c in cases}}
    cohort = _development_cohort(cases, split)
    frame = chosen.manifest.frame
    groups = groups_of([frame["patient_id"].astype(str), frame["image_path"].astype(str)])
    _check_splits(cases, groups.tolist())
    headers = read_headers(cases, workers=workers)
    return Development(
        cases=tuple(headers.told(i, c) for i, c in enumerate(cases)),
        headers=headers,
        positive=np.array([sides[c.label] for c in cases], dtype=bool),
        groups=groups,
        classes=name_classes(sides, vocabulary, fix="Give them one label in the manifest."),
        cohort=cohort,
        manifest=chosen.manifest,
        is_simulated=chosen.simulated,
    )


def _cohort(case: Case) -> str:
    return case.facts.get("cohort", "").strip()


def _development_cohort(cases: Sequence[Case], split: str) -> str:
    """Give the cohort on which models are developed; refuse rows of any other that would be fitted."""
    cohorts = {_cohort(c) for c in cases}
    fitted = [c for c in cases if c.split == split]
    if not fitted:
        found = ", ".join(sorted({c.split or "(none)" for c in cases}))
        what = f"no row has split={split}; found: {found}."
        raise InputError(what, where="--manifest", fix="Fill the column split: `robustkit split` does.")
    own = INTERNAL if INTERNAL in cohorts else _cohort(fitted[0])
    others = [c for c in fitted if _cohort(c) != own]
    if others:
        what = (
            f"{len(others)} rows with split={split} are of the cohort {_cohort(others[0])!r} (case {others[0].case_id}), and "
            f"models are developed on {own!r}: what is learnt from is no external cohort any more."
        )
        raise InputError(what, where="--manifest", fix="Empty their column split.")
    return own


def _check_splits(cases: Sequence[Case], groups: Sequence[int]) -> None:
    """Refuse patients and films that stand in train or val and elsewhere."""
    first: dict[int, dict[str, str]] = {}
    for case, group in zip(cases, groups, strict=True):
        first.setdefault(group, {}).setdefault(case.split, case.case_id)
    torn = [found for found in first.values() if len(found) > 1 and set(found) & {"train", "val"}]
    if torn:
        shown = " and ".join(f"case {case_id} in {split or 'none'}" for split, case_id in list(torn[0].items())[:2])
        what = f"{len(torn)} patients (or films) stand in more than one split ({shown} are of one)."
        raise InputError(what, where="--manifest", fix="Split by patient: `robustkit split` does.")
