"""coco: COCO detection JSON, bbox = x, y, width, height in px."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robustkit.errors import InputError
from robustkit.formats._base import Imported, ImportOptions, read_json
from robustkit.formats._collect import start
from robustkit.formats._numbers import Corners, film_side, four

PARTS = ("images", "annotations", "categories")


class Coco:
    """One case per annotation; films without one have no box."""

    name = "coco"

    def read(self, source: Path, options: ImportOptions) -> Imported:
        """Read a COCO JSON file."""
        content = read_json(source)
        if not isinstance(content, dict) or not all(isinstance(content.get(p), list) for p in PARTS):
            what = "expected COCO JSON with images, annotations and categories."
            raise InputError(what, where=str(source), fix="Give the detection file, not the captions.")
        try:
            names = {c["id"]: str(c["name"]) for c in content["categories"]}
            films = {i["id"]: (str(i["file_name"]), film_side(i, "width", "height")) for i in content["images"]}
        except (KeyError, TypeError, ValueError) as error:
            what = f"expected images with id, file_name, width, height and categories with id, name ({_reason(error)})."
            raise InputError(what, where=str(source), fix="Export it again.") from error
        boxes = _boxes(content["annotations"], source)
        lost = sum(len(b) for key, b in boxes.items() if key not in films)
        if lost:
            what = f"{lost} annotations belong to no image of the file."
            raise InputError(what, where=str(source), fix="Export it again.")
        rows = start(source, options)
        for key, (film, size) in films.items():
            own = boxes.get(key, [])
            facts = [{"label": options.label or names.get(category, "")} for _, category in own]
            rows.add(film, [b for b, _ in own], facts=facts, annotated=size)
        return rows.imported(source)


def _boxes(annotations: list[Any], source: Path) -> dict[Any, list[tuple[Corners, Any]]]:
    found: dict[Any, list[tuple[Corners, Any]]] = {}
    for number, annotation in enumerate(annotations, start=1):
        try:
            x, y, w, h = four(annotation["bbox"])
            category = annotation.get("category_id")
            hash(category)
            found.setdefault(annotation["image_id"], []).append(((x, y, x + w, y + h), category))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            name = annotation.get("id", number) if isinstance(annotation, Mapping) else number
            what = f"annotation {name}: expected a bbox of four numbers and an image_id ({_reason(error)})."
            raise InputError(what, where=str(source), fix="Correct it, or leave it out.") from error
    return found


def _reason(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)[:100]


PLUGIN = Coco()
