"""What the headers of all films say, read once before anything is drawn or written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from robustkit.cohort.case import Case
from robustkit.errors import FilmError
from robustkit.images.film import film_size, read_film
from robustkit.images.held import HeldFilm, Source
from robustkit.images.radiograph import Depth, Radiograph
from robustkit.provenance import file_digest


@dataclass(frozen=True, slots=True)
class FilmHeaders:
    """Sizes of the films of N cases.

    Attributes:
        size: ``(N, 2)`` float64 width and height in px after EXIF orientation; infinite where unknown.
        spacing_mm: ``(N,)`` float64 of film or manifest; NaN where neither says.
        spacing_source: ``(N,)`` text: calibrated, detector plane or none.
        faults: Why a case will fail; "" where nothing is known against it.
        sha256: ``(N,)`` of the files when the run began, "" where unknown; empty where nothing is compared.
    """

    size: NDArray[np.float64]
    spacing_mm: NDArray[np.float64]
    spacing_source: tuple[str, ...]
    faults: tuple[str, ...]
    sha256: tuple[str, ...] = ()

    def digest(self, index: int) -> str:
        """Give the SHA-256 that the film of a case must have; "" where any will do."""
        return self.sha256[index] if self.sha256 else ""

    def told(self, index: int, case: Case) -> Case:
        """Give a case as models are told of it: what its film's header says is among its facts.

        The spacing is the film's where the manifest has none; facts have the names of the table of cases.
        """
        (width, height), spacing_mm = self.size[index].tolist(), float(self.spacing_mm[index])
        found = {"film_width_px": width, "film_height_px": height, "film_spacing_mm": spacing_mm}
        facts = {k: str(v) for k, v in found.items() if np.isfinite(v)}
        own = case.spacing_mm if case.spacing_mm is not None or not np.isfinite(spacing_mm) else spacing_mm
        return replace(case, spacing_mm=own, facts={**case.facts, **facts})


def read_headers(cases: Sequence[Case], *, workers: int) -> FilmHeaders:
    """Read the headers of all films in threads; a film that cannot be read is a fault, not an error."""
    paths = sorted({c.image for c in cases})
    with ThreadPoolExecutor(workers) as pool:
        found = dict(zip(paths, pool.map(_header, paths), strict=True))
    rows = [_join(c, found[c.image]) for c in cases]
    return FilmHeaders(
        size=np.array([r[0] for r in rows], dtype=np.float64).reshape(-1, 2),
        spacing_mm=np.array([r[1] for r in rows], dtype=np.float64),
        spacing_source=tuple(r[2] for r in rows),
        faults=tuple(r[3] for r in rows),
    )


def film_digests(
    cases: Sequence[Case], *, workers: int, told: Callable[[int, int], None] | None = None
) -> tuple[str, ...]:
    """Give the SHA-256 of the film of every case, read in threads; "" where it cannot be read.

    Args:
        cases: Some may share a film.
        workers: Threads.
        told: Called with finished and all films.
    """
    paths = sorted({c.image for c in cases})
    found: dict[Path, str] = {}
    with ThreadPoolExecutor(workers) as pool:
        for path, sha256 in zip(paths, pool.map(_digest, paths), strict=True):
            found[path] = sha256
            if told:
                told(len(found), len(paths))
    return tuple(found[c.image] for c in cases)


def read_same_film(path: Path, sha256: str, *, depth: Depth, allow_truncated: bool) -> Radiograph:
    """Read a film whose bytes must be those of a digest; the bytes that are compared are those that are decoded.

    Args:
        path: The film.
        sha256: Of the file; "" takes any.
        depth, allow_truncated: As in ``read_film``.

    Raises:
        FilmError: It cannot be read, or is another file.
    """
    source: Source = path
    try:
        # what is too large to be held is read twice
        if sha256 and path.is_file() and path.stat().st_size <= _HELD_BYTES:
            source = HeldFilm(path.read_bytes(), name=str(path))
            same = source.sha256 == sha256
        else:
            same = not sha256 or not path.is_file() or file_digest(path) == sha256
    except OSError as error:
        what = f"the film cannot be read ({error.strerror or type(error).__name__})."
        raise FilmError(what, where=str(path), fix="Check the file and its permissions.") from error
    if not same:
        raise FilmError(CHANGED, where=str(path), fix="Put the film back, or begin a new run with --new.")
    return read_film(source, depth=depth, allow_truncated=allow_truncated)


CHANGED = "the film is another file than when the run began."
_HELD_BYTES = 2**29


def _digest(path: Path) -> str:
    try:
        return file_digest(path) if path.is_file() else ""
    except OSError:
        return ""


_Header = tuple[tuple[float, float], float, str, str]


def _header(path: Path) -> _Header:
    try:
        size = film_size(path)
    except FilmError as error:
        return (np.inf, np.inf), np.nan, "none", error.what
    return (size.width, size.height), size.spacing_mm or np.nan, size.spacing_source, ""


def _join(case: Case, header: _Header) -> _Header:
    size, spacing, source, fault = header
    if case.spacing_mm is not None:
        spacing, source = case.spacing_mm, "calibrated"
    if not fault and not case.box.touches(film_width=int(size[0]), film_height=int(size[1])):
        box = ", ".join(f"{v:g}" for v in case.box.array())
        fault = f"the box ({box}) does not touch its film of {size[0]:g} x {size[1]:g} px"
    return size, spacing, source, fault
