"""yolo: one text file per film, class and normalised centre x, centre y, width, height in each line."""

from __future__ import annotations

from pathlib import Path

from robustkit.errors import FilmError, InputError
from robustkit.formats._base import Imported, ImportOptions, find_images, manifest_frame, root_and_paths
from robustkit.formats._frames import Corners, Frames
from robustkit.formats._parse import read_lines, scale
from robustkit.images.film import film_size

CLASS_FILES = ("classes.txt", "obj.names")


class Yolo:
    """One case per line of every text file of a folder."""

    name = "yolo"

    def read(self, source: Path, options: ImportOptions) -> Imported:
        """Read a folder of YOLO label files."""
        files = sorted(p for p in source.glob("*.txt") if p.name not in CLASS_FILES) if source.is_dir() else []
        if not files:
            raise InputError("expected a folder of YOLO text files.", where=str(source), fix="Give the labels folder.")
        films = find_images(options.images or source.parent)
        classes = _classes(source)
        frames = Frames(options.box_frame)
        rows: list[dict[str, object]] = []
        paths: list[Path] = []
        missing = 0
        for file in files:
            lines = read_lines(file)
            if not lines:
                continue
            if file.stem not in films:
                missing += 1
                continue
            for k, (number, box) in enumerate(_pixels(lines, films[file.stem], frames, options), start=1):
                label = options.label or (classes[number] if number < len(classes) else f"class {number}")
                x0, y0, x1, y1 = box
                rows.append(
                    {"case_id": f"{file.stem}-{k}", "image": "", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "label": label}
                )
                paths.append(films[file.stem])
        if not rows:
            raise InputError(
                "no annotated film was found.", where=str(source), fix="Give the folder of the films with --images."
            )
        root, relative = root_and_paths(paths, options.images or source.parent)
        frame = manifest_frame({**r, "image": p} for r, p in zip(rows, relative, strict=True))
        lost = (f"{missing} films of the annotations are missing or cannot be read",) if missing else ()
        return Imported(frame, root, (*frames.notes(), *lost))


def _pixels(
    lines: list[tuple[int, Corners]], film: Path, frames: Frames, options: ImportOptions
) -> list[tuple[int, Corners]]:
    """Numbers without a frame of their own: displayed unless the user says stored."""
    try:
        size = film_size(film)
    except FilmError:
        return []
    if options.box_frame == "stored":
        boxes = [scale(b, size.stored_width, size.stored_height) for _, b in lines]
    else:
        boxes = [scale(b, size.width, size.height) for _, b in lines]
    return list(zip((n for n, _ in lines), frames.displayed(boxes, film, annotated=None), strict=True))


def _classes(source: Path) -> list[str]:
    for folder in (source, source.parent):
        for name in CLASS_FILES:
            if (folder / name).is_file():
                return [t.strip() for t in (folder / name).read_text(encoding="utf-8-sig").splitlines() if t.strip()]
    return []


PLUGIN = Yolo()
