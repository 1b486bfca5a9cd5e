"""validate: every bad row and every film that cannot be read, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from robustkit.api._outcome import Progress
from robustkit.errors import BadRow


@dataclass(frozen=True, slots=True)
class BadFilm:
    """One film (or box on it) that would fail."""

    case_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Validation:
    """What is wrong with the manifests.

    Attributes:
        n_cases, n_films: Looked at.
        rows: Bad rows; such a manifest cannot be used.
        films: Films that would fail; a run goes on without them.
        problems: Faults of whole files, one sentence each.
    """

    n_cases: int
    n_films: int
    rows: tuple[BadRow, ...]
    films: tuple[BadFilm, ...]
    problems: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """True where nothing is wrong."""
        return not (self.rows or self.films or self.problems)


def validate(
    *, manifest: Sequence[Path], workers: int = 0, allow_truncated: bool = False, progress: Progress | None = None
) -> Validation:
    """Check every row and open every film.

    Args:
        manifest: Manifests.
        workers: Threads; 0: one per core.
        allow_truncated: A truncated film is no fault.
        progress: Told of films opened.
    """
    from concurrent.futures import ThreadPoolExecutor

    from robustkit.cohort.manifest import join_manifests, read_manifest
    from robustkit.cohort.vocabulary import read_vocabulary
    from robustkit.engine.equip import resolve_workers
    from robustkit.errors import InputError, ManifestError

    labels = read_vocabulary().labels
    rows: list[BadRow] = []
    problems: list[str] = []
    parts = []
    for path in manifest:
        try:
            parts.append(read_manifest(path, labels=labels))
        except ManifestError as error:
            rows += error.rows
        except InputError as error:
            problems.append(str(error))
    if not parts:
        return Validation(0, 0, tuple(rows), (), tuple(problems))
    try:
        joined = join_manifests(parts) if len(parts) > 1 else parts[0]
    except ManifestError as error:
        return Validation(0, 0, (*rows, *error.rows), (), tuple(problems))
    cases = list(joined.cases())
    films: list[BadFilm] = []
    with ThreadPoolExecutor(resolve_workers(workers)) as pool:
        for done, (case, reason) in enumerate(
            zip(cases, pool.map(lambda c: _fault(c, allow_truncated), cases), strict=True), start=1
        ):
            if reason:
                films.append(BadFilm(case.case_id, reason))
            if progress:
                progress("films", done, len(cases))
    return Validation(len(cases), len({c.image for c in cases}), tuple(rows), tuple(films), tuple(problems))


def _fault(case, allow_truncated: bool) -> str:  # type: ignore[no-untyped-def]  # Case is imported where it is used
    from robustkit.errors import FilmError
    from robustkit.images.film import read_film

    try:
        film = read_film(case.image, allow_truncated=allow_truncated)
    except FilmError as error:
        return error.what
    if not case.box.touches(film_width=film.width, film_height=film.height):
        return f"the box does not touch its film of {film.width} x {film.height} px"
    return ""
