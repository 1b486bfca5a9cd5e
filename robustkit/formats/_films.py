"""Finding the film that an annotation means: by its path, else by its name, else by its stem."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from robustkit.errors import InputError

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".dcm", ".dicom")


@dataclass(frozen=True, slots=True)
class Films:
    """The films below a folder.

    Attributes:
        folder: As the user gave it.
        by_stem: Paths relative to the folder, by file name without suffix.
    """

    folder: Path
    by_stem: Mapping[str, tuple[PurePosixPath, ...]]

    def find(self, name: str) -> str | None:
        """Give the path, relative to the folder, of the film that an annotation calls ``name``; None where it is missing.

        Raises:
            InputError: Several films answer to the name.
        """
        wanted = PurePosixPath(name.replace("\\", "/"))
        # a name may come without suffix and hold dots: "1.2.840" is not film "1.2"
        found = self.by_stem.get(wanted.name) or self.by_stem.get(wanted.stem) or ()
        ranked = (
            [p for p in found if p == wanted],
            [p for p in found if wanted.parts and p.parts[-len(wanted.parts) :] == wanted.parts],
            list(found),
        )
        best = next((r for r in ranked if r), [])
        if len(best) > 1:
            what = f"{name!r} may be {best[0]} or {best[1]}."
            raise InputError(what, where=str(self.folder), fix="Give the folder of one of them with --images.")
        return str(best[0]) if best else None

    def name(self, path: str) -> str:
        """Give a name for the film's cases: its stem, with the folder where two films share the stem."""
        place = PurePosixPath(path)
        return place.stem if len(self.by_stem.get(place.stem, ())) < 2 else str(place.with_suffix(""))


def find_films(folder: Path) -> Films:
    """List the films below a folder.

    Raises:
        InputError: No such folder.
    """
    if not folder.is_dir():
        raise InputError("there is no such folder of films.", where=str(folder), fix="Give it with --images.")
    found: dict[str, list[PurePosixPath]] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            place = PurePosixPath(path.relative_to(folder).as_posix())
            found[place.stem].append(place)
    return Films(folder, {k: tuple(v) for k, v in found.items()})
