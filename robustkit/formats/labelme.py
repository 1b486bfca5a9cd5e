"""labelme: LabelMe JSON, one file per film, rectangles and polygons."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robustkit.errors import InputError
from robustkit.formats._base import Imported, ImportOptions, find_images, manifest_frame, read_json, root_and_paths
from robustkit.formats._frames import Frames
from robustkit.formats._shapes import Shape, read_shapes


class LabelMe:
    """One case per rectangle; a film without rectangles has one per polygon."""

    name = "labelme"

    def read(self, source: Path, options: ImportOptions) -> Imported:
        """Read a folder of LabelMe files."""
        files = sorted(source.glob("*.json")) if source.is_dir() else []
        if not files:
            raise InputError(
                "expected a folder of LabelMe JSON files.", where=str(source), fix="Give the Annotations folder."
            )
        films = find_images(options.images or source.parent)
        frames = Frames(options.box_frame)
        rows: list[dict[str, object]] = []
        paths: list[Path] = []
        missing = 0
        for file in files:
            content = read_json(file)
            shapes = read_shapes(content, file)
            if file.stem not in films:
                missing += 1
                continue
            own = [s for s in shapes if s.kind == "rectangle"] or shapes
            boxes = frames.displayed([s.box for s in own], films[file.stem], annotated=_size(content))
            for k, (shape, box) in enumerate(zip(own, boxes, strict=True), start=1):
                rows.append(_row(f"{file.stem}-{k}", shape, box, options))
                paths.append(films[file.stem])
        if not rows:
            raise InputError(
                "no annotated film was found.", where=str(source), fix="Give the folder of the films with --images."
            )
        root, relative = root_and_paths(paths, options.images or source.parent)
        frame = manifest_frame({**r, "image": p} for r, p in zip(rows, relative, strict=True))
        lost = (f"{missing} films of the annotations are missing",) if missing else ()
        return Imported(frame, root, (*frames.notes(), *lost))


def _row(case_id: str, shape: Shape, box: tuple[float, ...], options: ImportOptions) -> dict[str, object]:
    x0, y0, x1, y1 = box
    label = options.label or shape.label
    return {
        "case_id": case_id,
        "image": "",
        "x0": x0,
        "y0": y0,
        "x1": x1,
        "y1": y1,
        "label": label,
        "subtype": shape.label,
    }


def _size(content: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = content.get("imageWidth"), content.get("imageHeight")
    return (int(width), int(height)) if isinstance(width, int) and isinstance(height, int) else None


PLUGIN = LabelMe()
