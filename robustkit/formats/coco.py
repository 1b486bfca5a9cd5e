"""coco: COCO detection JSON, bbox = x, y, width, height in px."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robustkit.errors import InputError
from robustkit.formats._base import Imported, ImportOptions, find_images, manifest_frame, read_json, root_and_paths
from robustkit.formats._frames import Corners, Frames


class Coco:
    """One case per annotation; films without one have no box."""

    name = "coco"

    def read(self, source: Path, options: ImportOptions) -> Imported:
        """Read a COCO JSON file."""
        content = read_json(source)
        if not isinstance(content, dict) or not {"images", "annotations", "categories"} <= set(content):
            what = "expected COCO JSON with images, annotations and categories."
            raise InputError(what, where=str(source), fix="Give the detection file, not the captions.")
        films = find_images(options.images or source.parent)
        names = {c["id"]: str(c["name"]) for c in content["categories"]}
        boxes = _boxes(content, source)
        frames = Frames(options.box_frame)
        rows: list[dict[str, object]] = []
        paths: list[Path] = []
        missing = []
        for image in content["images"]:
            stem = Path(str(image["file_name"])).stem
            if stem not in films:
                missing.append(stem)
                continue
            own = boxes.get(image["id"], [])
            size = (int(image["width"]), int(image["height"])) if "width" in image and "height" in image else None
            shown = frames.displayed([b for b, _ in own], films[stem], annotated=size)
            for k, (box, (_, category)) in enumerate(zip(shown, own, strict=True), start=1):
                rows.append(_row(stem, k, box, options.label or names.get(category, "")))
                paths.append(films[stem])
        if not rows:
            fix = "Give the folder of the films with --images."
            raise InputError(f"no annotated film was found ({len(missing)} are missing).", where=str(source), fix=fix)
        root, relative = root_and_paths(paths, options.images or source.parent)
        frame = manifest_frame({**r, "image": p} for r, p in zip(rows, relative, strict=True))
        lost = (f"{len(missing)} films of the annotations are missing",) if missing else ()
        return Imported(frame, root, (*frames.notes(), *lost))


def _boxes(content: Mapping[str, Any], source: Path) -> dict[Any, list[tuple[Corners, Any]]]:
    found: dict[Any, list[tuple[Corners, Any]]] = {}
    for annotation in content["annotations"]:
        try:
            x, y, w, h = (float(v) for v in annotation["bbox"])
            found.setdefault(annotation["image_id"], []).append(((x, y, x + w, y + h), annotation.get("category_id")))
        except (KeyError, TypeError, ValueError) as error:
            what = f"annotation {annotation.get('id', '?')}: expected a bbox of four numbers and an image_id."
            raise InputError(what, where=str(source), fix="Correct it, or leave it out.") from error
    return found


def _row(stem: str, k: int, box: Corners, label: str) -> dict[str, object]:
    x0, y0, x1, y1 = box
    return {"case_id": f"{stem}-{k}", "image": "", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "label": label}


PLUGIN = Coco()
