"""validate: every bad row and every film that cannot be read, all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from robustkit.api._outcome import Progress

if TYPE_CHECKING:
    from robustkit.cohort.case import Case
    from robustkit.errors import BadRow

SHOWN = 3
"""Shared case_ids that are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class BadValue:
    """One value of one row that no command could use; row 1 is the first below the column names."""

    manifest: Path
    row: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class BadFilm:
    """One film (or box on it) that would fail."""

    case_id: str
    image: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Validation:
    """What is wrong with the manifests.

    Attributes:
        n_cases, n_films: Looked at: the cases of good rows, and their films.
        rows: Bad values; such a manifest cannot be used.
        films: Films that would fail; a run goes on without them.
        problems: Faults of whole files, one sentence each.
    """

    n_cases: int
    n_films: int
    rows: tuple[BadValue, ...]
    films: tuple[BadFilm, ...]
    problems: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """True where nothing is wrong."""
        return not (self.rows or self.films or self.problems)


def validate(
    *, manifest: Sequence[Path], workers: int = 0, allow_truncated: bool = False, progress: Progress | None = None
) -> Validation:
    """Check every row and open every film of the good ones.

    Args:
        manifest: Manifests.
        workers: Threads; 0: one per core.
        allow_truncated: A truncated film is no fault.
        progress: Told of films opened.
    """
    from robustkit.cohort.manifest import check_manifest
    from robustkit.cohort.vocabulary import read_vocabulary
    from robustkit.engine.equip import resolve_workers
    from robustkit.errors import InputError

    labels = read_vocabulary().labels
    rows: list[BadValue] = []
    problems: list[str] = []
    cases: list[Case] = []
    seen: dict[str, Path] = {}
    for path in manifest:
        try:
            checked = check_manifest(path, labels=labels)
        except InputError as error:
            problems.append(str(error))
            continue
        rows += _values(path, checked.faults)
        own = list(checked.manifest.cases()) if checked.manifest else []
        problems += _shared(path, [c.case_id for c in own], seen)
        seen = {c.case_id: path for c in own} | seen
        cases += own
    films = _films(cases, workers=resolve_workers(workers), allow_truncated=allow_truncated, progress=progress)
    return Validation(len(cases), len({c.image for c in cases}), tuple(rows), tuple(films), tuple(problems))


def _shared(path: Path, ids: Sequence[str], seen: Mapping[str, Path]) -> list[str]:
    """Say which case_ids of a manifest stand in earlier ones, a sentence for each of those, and how it is mended."""
    from robustkit.cohort.manifest import UNIQUE

    shared: dict[Path, list[str]] = {}
    for name in ids:
        if name in seen:
            shared.setdefault(seen[name], []).append(name)
    said = []
    for other, names in shared.items():
        count = "1 case_id stands" if len(names) == 1 else f"{len(names):,} case_ids stand"
        some = ", ".join(map(repr, names[:SHOWN])) + (", ..." if len(names) > SHOWN else "")
        said.append(f"{path}: {count} in {other} too ({some}). {UNIQUE}")
    return said


def _values(path: Path, faults: Sequence[BadRow]) -> list[BadValue]:
    return [BadValue(path, f.row, f.column, f.value, f.reason) for f in faults]


def _films(cases: Sequence[Case], *, workers: int, allow_truncated: bool, progress: Progress | None) -> list[BadFilm]:
    """Open every film once and look at all boxes on it."""
    from concurrent.futures import ThreadPoolExecutor

    by_film: dict[Path, list[Case]] = {}
    for case in cases:
        by_film.setdefault(case.image, []).append(case)
    found: list[BadFilm] = []
    with ThreadPoolExecutor(workers) as pool:
        told = pool.map(lambda film: _faults(*film, allow_truncated=allow_truncated), by_film.items())
        for done, faults in enumerate(told, start=1):
            found += faults
            if progress:
                progress("films", done, len(by_film))
    return found


def _faults(image: Path, cases: Sequence[Case], *, allow_truncated: bool) -> list[BadFilm]:
    from robustkit.errors import FilmError
    from robustkit.images.film import read_film

    try:
        film = read_film(image, allow_truncated=allow_truncated)
    except FilmError as error:
        return [BadFilm(c.case_id, image, error.what) for c in cases]
    reason = f"the box does not touch its film of {film.width} x {film.height} px"
    off = [c for c in cases if not c.box.touches(film_width=film.width, film_height=film.height)]
    return [BadFilm(c.case_id, image, reason) for c in off]
