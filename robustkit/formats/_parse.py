"""Reading single VOC and YOLO files."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from robustkit.errors import InputError
from robustkit.formats._frames import Corners


def read_voc(file: Path) -> tuple[list[Corners], list[str], tuple[int, int] | None]:
    """Give boxes, labels and the annotation's own width and height.

    Raises:
        InputError: Not XML, an entity or a document type in it (both can be bombs), or a box that is no box.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import parse

    try:
        top = parse(file, forbid_dtd=True).getroot()
    except (ParseError, DefusedXmlException, OSError, RecursionError, ValueError) as error:
        reason = type(error).__name__
        raise InputError(f"not readable XML ({reason}).", where=str(file), fix="Export it again.") from error
    try:
        boxes = [_corners(o) for o in top.iter("object")]
        labels = [str(o.findtext("name", "")).strip() for o in top.iter("object")]
        size = top.find("size")
        shape = None if size is None else (int(_number(size, "width")), int(_number(size, "height")))
    except (TypeError, ValueError) as error:
        what = "expected numbers in bndbox and size."
        raise InputError(what, where=str(file), fix="Correct the file, or leave it out.") from error
    return boxes, labels, shape


def _corners(element: Element) -> Corners:
    box = element.find("bndbox")
    if box is None:
        raise ValueError("no bndbox")
    return _number(box, "xmin"), _number(box, "ymin"), _number(box, "xmax"), _number(box, "ymax")


def _number(element: Element, name: str) -> float:
    return float(str(element.findtext(name)))


def read_lines(file: Path) -> list[tuple[int, Corners]]:
    """Give class and normalised corners (x0, y0, x1, y1 in 0..1) of every line.

    Raises:
        InputError: A line that is not a class and four numbers.
    """
    found = []
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError("not a text file.", where=str(file), fix="Leave it out.") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            kind, cx, cy, w, h = line.split()[:5]
            x, y, half_w, half_h = float(cx), float(cy), float(w) / 2, float(h) / 2
            found.append((int(float(kind)), (x - half_w, y - half_h, x + half_w, y + half_h)))
        except ValueError as error:
            what = f"line {number}: expected class, centre x, centre y, width, height, got {line[:60]!r}."
            raise InputError(what, where=str(file), fix="Correct the line, or leave the file out.") from error
    return found


def scale(box: Corners, width: int, height: int) -> Corners:
    """Give normalised corners in px."""
    x0, y0, x1, y1 = box
    return x0 * width, y0 * height, x1 * width, y1 * height


def read_voc_boxes(file: Path) -> list[Corners]:
    """Give the boxes of one VOC file alone."""
    return read_voc(file)[0]


def read_yolo_boxes(file: Path, size: tuple[int, int] | None) -> list[Corners]:
    """Give the boxes of one YOLO file in px of a film of that width and height."""
    lines = read_lines(file)
    if not lines:
        return []
    if size is None:
        raise InputError("boxes without the size of their film.", where=str(file), fix="Annotate it in COCO too.")
    return [scale(box, *size) for _, box in lines]
