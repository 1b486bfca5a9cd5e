"""Rows of formats that annotate film by film: boxes in the displayed frame, one case each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from robustkit.errors import InputError
from robustkit.formats._base import Imported, ImportOptions, manifest_frame
from robustkit.formats._films import Films, find_films
from robustkit.formats._frames import Frames
from robustkit.formats._numbers import Corners

NO_BOX = dict.fromkeys(("x0", "y0", "x1", "y1"), np.nan)
FREE = "normal"
"""Label of a film without a lesion; the vocabulary calls it benign."""


@dataclass(slots=True)
class Rows:
    """Collects the cases of an import, and what a person should know of it."""

    films: Films
    frames: Frames
    rows: list[dict[str, object]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def add(
        self,
        film: str,
        boxes: Sequence[Corners],
        *,
        facts: Sequence[Mapping[str, object]],
        annotated: tuple[int, int] | None,
    ) -> None:
        """Add the boxes of one film, or the film alone where it has none.

        Args:
            film: As the annotation calls it; counted as missing where there is no such film.
            boxes: As annotated.
            facts: Further columns, one mapping per box.
            annotated: Width and height of the film as the annotation gives them.
        """
        path = self.films.find(film)
        if path is None:
            self.missing.append(film)
            return
        name = self.films.name(path)
        if not boxes:
            self.rows.append({"case_id": f"{name}-c", "image": path, **NO_BOX, "label": FREE})
            return
        shown = self.frames.displayed(boxes, self.films.folder / path, annotated=annotated)
        for k, ((x0, y0, x1, y1), own) in enumerate(zip(shown, facts, strict=True), start=1):
            self.rows.append({"case_id": f"{name}-{k}", "image": path, "x0": x0, "y0": y0, "x1": x1, "y1": y1, **own})

    def imported(self, source: Path) -> Imported:
        """Give what was collected.

        Raises:
            InputError: Nothing was.
        """
        names = ", ".join(self.missing[:5]) + (", ..." if len(self.missing) > 5 else "")
        if not self.rows:
            what = "no annotated film was found" + (f" ({len(self.missing)} are missing: {names})." if names else ".")
            raise InputError(what, where=str(source), fix="Give the folder of the films with --images.")
        lost = (f"{len(self.missing)} films of the annotations are missing: {names}",) if names else ()
        return Imported(manifest_frame(self.rows), self.films.folder.resolve(), (*self.frames.notes(), *lost))


def start(source: Path, options: ImportOptions) -> Rows:
    """Begin with the films of ``--images``, else those beside the annotations."""
    return Rows(find_films(options.images or source.parent), Frames(options.box_frame))
