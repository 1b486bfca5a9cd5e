"""yolo: one text file per film, class and normalised centre x, centre y, width, height in each line."""

from __future__ import annotations

from pathlib import Path

from robustkit.errors import FilmError, InputError
from robustkit.formats._base import Imported, ImportOptions
from robustkit.formats._collect import Rows, start
from robustkit.formats._parse import YoloLine, read_lines, scale
from robustkit.images.film import film_size

CLASS_FILES = ("classes.txt", "obj.names")


class Yolo:
    """One case per line of every text file of a folder; a film with an empty file has no box.

    The numbers are shares of a film's sides, so they say nothing of the frame that they were drawn in: on a film
    that EXIF turns they are read in the displayed one, and the film is listed.
    """

    name = "yolo"

    def read(self, source: Path, options: ImportOptions) -> Imported:
        """Read a folder of YOLO label files."""
        files = sorted(p for p in source.glob("*.txt") if p.name not in CLASS_FILES) if source.is_dir() else []
        if not files:
            raise InputError("expected a folder of YOLO text files.", where=str(source), fix="Give the labels folder.")
        classes = _classes(source)
        rows = start(source, options)
        damaged = 0
        for file in files:
            lines = read_lines(file)
            side = _side(rows, file.stem, options) if lines else (1, 1)
            if side is None:
                damaged += 1
                continue
            boxes = [scale(line.box, *side) for line in lines]
            facts = [{"label": options.label or _label(line, classes)} for line in lines]
            rows.add(file.stem, boxes, facts=facts, annotated=None)
        if damaged:
            rows.frames.counts["film not readable, its boxes are left out: shares of an unknown size"] = damaged
        return rows.imported(source)


def _side(rows: Rows, name: str, options: ImportOptions) -> tuple[int, int] | None:
    """Give the sides that the shares are of; None where the film is there but cannot be read."""
    path = rows.films.find(name)
    if path is None:
        return 1, 1
    try:
        size = film_size(rows.films.folder / path)
    except FilmError:
        return None
    return (size.stored_width, size.stored_height) if options.box_frame == "stored" else (size.width, size.height)


def _label(line: YoloLine, classes: list[str]) -> str:
    return classes[line.kind] if line.kind < len(classes) else f"class {line.kind}"


def _classes(source: Path) -> list[str]:
    for folder in (source, source.parent):
        for name in CLASS_FILES:
            file = folder / name
            if file.is_file():
                try:
                    text = file.read_text(encoding="utf-8-sig")
                except (OSError, UnicodeDecodeError) as error:
                    raise InputError("not a readable text file.", where=str(file), fix="Save it as UTF-8.") from error
                return [t.strip() for t in text.splitlines() if t.strip()]
    return []


PLUGIN = Yolo()
