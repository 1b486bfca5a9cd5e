"""voc: Pascal VOC XML, one file per film, bndbox = xmin, ymin, xmax, ymax in px."""

from __future__ import annotations

from pathlib import Path

from robustkit.errors import InputError
from robustkit.formats._base import Imported, ImportOptions, find_images, manifest_frame, root_and_paths
from robustkit.formats._frames import Corners, Frames
from robustkit.formats._parse import read_voc


class Voc:
    """One case per object of every XML file of a folder."""

    name = "voc"

    def read(self, source: Path, options: ImportOptions) -> Imported:
        """Read a folder of VOC files."""
        files = sorted(source.glob("*.xml")) if source.is_dir() else []
        if not files:
            raise InputError(
                "expected a folder of VOC XML files.", where=str(source), fix="Give the Annotations folder."
            )
        films = find_images(options.images or source.parent)
        frames = Frames(options.box_frame)
        rows: list[dict[str, object]] = []
        paths: list[Path] = []
        missing = 0
        for file in files:
            boxes, labels, size = read_voc(file)
            if boxes and file.stem not in films:
                missing += 1
                continue
            for k, (box, label) in enumerate(
                zip(_shown(frames, boxes, film=films.get(file.stem), size=size), labels, strict=True), start=1
            ):
                x0, y0, x1, y1 = box
                text = options.label or label
                rows.append(
                    {"case_id": f"{file.stem}-{k}", "image": "", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "label": text}
                )
                paths.append(films[file.stem])
        if not rows:
            raise InputError(
                "no annotated film was found.", where=str(source), fix="Give the folder of the films with --images."
            )
        root, relative = root_and_paths(paths, options.images or source.parent)
        frame = manifest_frame({**r, "image": p} for r, p in zip(rows, relative, strict=True))
        lost = (f"{missing} films of the annotations are missing",) if missing else ()
        return Imported(frame, root, (*frames.notes(), *lost))


def _shown(frames: Frames, boxes: list[Corners], *, film: Path | None, size: tuple[int, int] | None) -> list[Corners]:
    return frames.displayed(boxes, film, annotated=size) if film else []


PLUGIN = Voc()
