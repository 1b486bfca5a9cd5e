"""Reading single VOC and YOLO files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from robustkit.errors import InputError
from robustkit.formats._numbers import Corners, film_side, finite, four


@dataclass(frozen=True, slots=True)
class VocFile:
    """Boxes, their labels, and the film's width and height as annotated."""

    boxes: tuple[Corners, ...]
    labels: tuple[str, ...]
    size: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class YoloLine:
    """Class number and corners (x0, y0, x1, y1) as shares of the film's sides."""

    kind: int
    box: Corners


def read_voc(file: Path) -> VocFile:
    """Read one VOC file.

    Raises:
        InputError: Not XML, an entity or a document type in it (both can be bombs), or a box that is no box.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import parse

    try:
        top = parse(file, forbid_dtd=True).getroot()
    except (ParseError, DefusedXmlException, LookupError, OSError, RecursionError, ValueError) as error:
        reason = type(error).__name__
        raise InputError(f"not readable XML ({reason}).", where=str(file), fix="Export it again.") from error
    if top.tag != "annotation":
        what = f"expected a VOC annotation, got XML of {str(top.tag)[:40]!r}."
        raise InputError(
            what, where=str(file), fix="Leave the file out: without objects it would be a film without lesion."
        )
    try:
        boxes = tuple(_corners(o) for o in top.iter("object"))
        labels = tuple(str(o.findtext("name", "")).strip() for o in top.iter("object"))
        size = top.find("size")
        shape = {} if size is None else {side: size.findtext(side) for side in ("width", "height")}
        return VocFile(boxes, labels, film_side(shape, "width", "height"))
    except ValueError as error:
        what = f"expected numbers in bndbox and size ({error})."
        raise InputError(what, where=str(file), fix="Correct the file, or leave it out.") from error


def _corners(element: Element) -> Corners:
    box = element.find("bndbox")
    if box is None:
        raise ValueError("no bndbox")
    return four(box.findtext(edge) for edge in ("xmin", "ymin", "xmax", "ymax"))


def read_lines(file: Path) -> list[YoloLine]:
    """Read one YOLO file: boxes, with or without confidence, and polygons, which become the box around them.

    Raises:
        InputError: A line that is not a class and its numbers.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("not a readable text file.", where=str(file), fix="Leave it out.") from error
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found.append(_line(line.split()))
        except ValueError as error:
            what = f"line {number}: expected class, centre x, centre y, width, height, got {line[:60]!r}."
            raise InputError(what, where=str(file), fix="Correct the line, or leave the file out.") from error
    return found


def _line(words: list[str]) -> YoloLine:
    kind = int(words[0].removesuffix(".0"))
    if kind < 0:
        raise ValueError("a class is numbered from 0")
    if len(words) in (5, 6):
        x, y, w, h = four(words[1:5])
        return YoloLine(kind, (x - w / 2, y - h / 2, x + w / 2, y + h / 2))
    if len(words) < 7 or len(words) % 2 == 0:
        raise ValueError("neither a box nor a polygon")
    xs, ys = [finite(v) for v in words[1::2]], [finite(v) for v in words[2::2]]
    return YoloLine(kind, (min(xs), min(ys), max(xs), max(ys)))


def scale(box: Corners, width: int, height: int) -> Corners:
    """Give shares of a film's sides in px."""
    x0, y0, x1, y1 = box
    return x0 * width, y0 * height, x1 * width, y1 * height
