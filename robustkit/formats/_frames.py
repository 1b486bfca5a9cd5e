"""Boxes on films that an EXIF tag turns: in which frame they were drawn, and where they are as displayed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from robustkit.errors import FilmError
from robustkit.formats._base import BoxFrame
from robustkit.formats._numbers import Corners
from robustkit.images.film import FilmSize, film_size


@dataclass(slots=True)
class Frames:
    """Turns boxes into the displayed frame and counts what was decided.

    Attributes:
        choice: ``stored`` or ``displayed`` decide for all films; ``auto`` looks at the sizes.
        counts: Films by decision.
        unclear: Names of films whose annotation fits both frames.
        strange: Names of films whose annotation fits neither: their boxes may be in another scale.
    """

    choice: BoxFrame
    counts: Counter[str] = field(default_factory=Counter)
    unclear: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    def displayed(self, boxes: Sequence[Corners], film: Path, *, annotated: tuple[int, int] | None) -> list[Corners]:
        """Give the boxes of one film in the displayed frame.

        Args:
            boxes: x0, y0, x1, y1 as annotated.
            film: The file; where it cannot be read the boxes stay as they are.
            annotated: The annotation's own width and height, if it has them.
        """
        try:
            size = film_size(film)
        except FilmError:
            self.counts["film not readable, boxes as they are"] += 1
            return list(boxes)
        stored, shown = (size.stored_width, size.stored_height), (size.width, size.height)
        if annotated not in (None, stored, shown):
            self.strange.append(film.name)
        if size.orientation == 1:
            return list(boxes)
        frame = self._frame(size, film, annotated)
        self.counts[f"turned by EXIF, boxes in the {frame} frame"] += 1
        return [to_displayed(b, size) for b in boxes] if frame == "stored" else list(boxes)

    def _frame(self, size: FilmSize, film: Path, annotated: tuple[int, int] | None) -> str:
        if self.choice != "auto":
            return self.choice
        fits_stored = annotated in (None, (size.stored_width, size.stored_height))
        fits_displayed = annotated in (None, (size.width, size.height))
        if fits_stored and not fits_displayed:
            return "stored"
        if fits_stored and fits_displayed:
            self.unclear.append(film.name)
        return "displayed"

    def notes(self) -> tuple[str, ...]:
        """Give what was decided, one sentence each."""
        said = [f"{n} films: {what}" for what, n in sorted(self.counts.items())]
        if self.unclear:
            what = "films fit both frames, displayed is taken (--box-frame decides)"
            said.append(f"{len(self.unclear)} {what}: {_names(self.unclear)}")
        if self.strange:
            what = "films have another size than their annotation says, boxes are taken as they are: look at them"
            said.append(f"{len(self.strange)} {what}: {_names(self.strange)}")
        return tuple(said)


def _names(films: list[str]) -> str:
    return ", ".join(sorted(films)[:10]) + (", ..." if len(films) > 10 else "")


def to_displayed(box: Corners, size: FilmSize) -> Corners:
    """Turn a box from the stored into the displayed frame (EXIF 2.32, tag 0x0112).

    Example:
        >>> size = FilmSize(100, 50, 50, 100, orientation=6)
        >>> to_displayed((0, 0, 10, 5), size)
        (45, 0, 50, 10)
    """
    x0, y0, x1, y1 = box
    w, h = size.stored_width, size.stored_height
    if size.orientation in (2, 3, 7, 8):
        x0, x1 = w - x1, w - x0
    if size.orientation in (3, 4, 6, 7):
        y0, y1 = h - y1, h - y0
    return (y0, x0, y1, x1) if size.orientation >= 5 else (x0, y0, x1, y1)
