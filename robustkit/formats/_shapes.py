"""LabelMe's shapes: rectangles (two points in any order) and polygons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from robustkit.errors import InputError
from robustkit.formats._numbers import Corners, film_side, finite


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape.

    Attributes:
        kind: rectangle or polygon.
        label: As annotated.
        points: x, y in px.
    """

    kind: Literal["rectangle", "polygon"]
    label: str
    points: tuple[tuple[float, float], ...]

    @property
    def box(self) -> Corners:
        """The smallest box around all points."""
        x, y = zip(*self.points, strict=True)
        return min(x), min(y), max(x), max(y)


def read_shapes(content: Any, file: Path) -> list[Shape]:
    """Give rectangles and polygons of one file; other kinds (points, lines) are no lesions.

    Raises:
        InputError: No shapes, or points that are no numbers.
    """
    if not isinstance(content, Mapping) or not isinstance(content.get("shapes"), list):
        raise InputError("expected LabelMe JSON with shapes.", where=str(file), fix="Export it again.")
    found = []
    for number, shape in enumerate(content["shapes"], start=1):
        try:
            kind = shape.get("shape_type", "polygon")
            points = tuple((finite(x), finite(y)) for x, y in shape["points"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            what = f"shape {number}: expected points of two numbers."
            raise InputError(what, where=str(file), fix="Correct it, or leave it out.") from error
        if kind in ("rectangle", "polygon") and len(points) >= 2:
            found.append(Shape(kind, str(shape.get("label", "")), points))
    return found


def annotated_size(content: Mapping[str, Any], file: Path) -> tuple[int, int] | None:
    """Give the film's width and height as annotated.

    Raises:
        InputError: They are no whole numbers.
    """
    try:
        return film_side(content, "imageWidth", "imageHeight")
    except ValueError as error:
        raise InputError(f"{error}.", where=str(file), fix="Export it again.") from error
