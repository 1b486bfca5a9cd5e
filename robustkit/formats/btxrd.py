"""btxrd: the Bone Tumor X-ray Radiograph Dataset as published (doi 10.1038/s41597-024-04311-y).

Centres 2 and 3 are web teaching files. Nothing of the data set is kept here; tests use made-up files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from robustkit.errors import InputError
from robustkit.formats._base import Imported, ImportOptions, find_images, manifest_frame, read_json, root_and_paths
from robustkit.formats._frames import Corners, Frames
from robustkit.formats._masks import write_mask
from robustkit.formats._shapes import Shape, read_shapes

SITES = (
    "hand", "ulna", "radius", "humerus", "foot", "tibia", "fibula", "femur", "hip bone", "ankle-joint", "knee-joint",
    "hip-joint", "wrist-joint", "elbow-joint", "shoulder-joint",
)  # fmt: skip
SECOND_SPELLING = {
    "ankle": "ankle-joint", "knee": "knee-joint", "hip": "hip-joint", "wrist": "wrist-joint", "elbow": "elbow-joint",
    "shoulder": "shoulder-joint", "lower limbs": "lower limb",
}  # fmt: skip
SUBTYPES = (
    "osteochondroma", "multiple osteochondromas", "simple bone cyst", "giant cell tumor", "osteofibroma",
    "synovial osteochondroma", "other bt", "osteosarcoma", "other mt",
)  # fmt: skip
VIEWS = ("frontal", "lateral", "oblique")
EXPECTED = {
    "normal": 1879, "benign": 1525, "malignant": 342, "osteochondroma": 752, "osteosarcoma": 297,
    "multiple osteochondromas": 263, "simple bone cyst": 206, "other bt": 116, "giant cell tumor": 93,
    "synovial osteochondroma": 50, "other mt": 45, "osteofibroma": 44,
}  # fmt: skip
"""Published counts of films (facts of the data set's paper)."""


class Btxrd:
    """One case per tumour film (``largest``, ``union``) or per rectangle (``each``)."""

    name = "btxrd"

    def read(self, source: Path, options: ImportOptions) -> Imported:
        """Read the unpacked data set (``dataset.xlsx``, ``images/``, ``Annotations/``)."""
        table = _table(source / "dataset.xlsx")
        films = find_images(options.images or source / "images")
        groups = _groups(options.groups) if options.groups else {}
        frames = Frames(options.box_frame)
        rows: list[dict[str, object]] = []
        paths: list[Path] = []
        lacking: list[str] = []
        for facts in table.to_dict("records"):
            stem = Path(str(facts["image_id"])).stem
            if not _flag(facts, "tumor"):
                continue
            annotation = source / "Annotations" / f"{stem}.json"
            if stem not in films or not annotation.is_file():
                lacking.append(stem)
                continue
            content = read_json(annotation)
            for k, (box, polygons) in enumerate(
                _lesions(content, annotation, film=films[stem], frames=frames, options=options), start=1
            ):
                row = _row(facts, f"{stem}-{k}", box, options)
                row["patient_id"] = groups.get(stem, "")
                if options.masks and polygons:
                    row["mask"] = write_mask(options.masks, f"{stem}-{k}", polygons, content)
                rows.append(row)
                paths.append(films[stem])
        if not rows:
            raise InputError(
                "no tumour film with an annotation was found.", where=str(source), fix="Give the unpacked zip."
            )
        root, relative = root_and_paths(paths, options.images or source / "images")
        frame = manifest_frame({**r, "image": p} for r, p in zip(rows, relative, strict=True))
        said = [*_expected_found(table), *frames.notes()]
        if lacking:
            said.append(f"{len(lacking)} tumour films lack film or annotation ({', '.join(lacking[:5])})")
        said.append(
            "centres 2 and 3 are web teaching files; patients are unknown unless --groups tells which films belong together"
        )
        return Imported(frame, root, tuple(said))


def _table(file: Path) -> pd.DataFrame:
    if not file.is_file():
        raise InputError("dataset.xlsx is missing.", where=str(file), fix="Unpack the published zip.")
    try:
        table = pd.read_excel(file, dtype=str, keep_default_na=False)
    except (ValueError, OSError, KeyError) as error:
        raise InputError("dataset.xlsx cannot be read.", where=str(file), fix="Use the published file.") from error
    table.columns = [SECOND_SPELLING.get(c.strip().lower(), c.strip().lower()) for c in table.columns]
    lacking = [c for c in ("image_id", "center", "tumor", "malignant") if c not in table]
    if lacking:
        raise InputError(f"the table lacks {', '.join(lacking)}.", where=str(file), fix="Use the published file.")
    return table


def _flag(facts: Mapping[str, object], name: str) -> bool:
    return str(facts.get(name, "")).strip() in ("1", "1.0", "True", "true")


def _named(facts: Mapping[str, object], names: tuple[str, ...]) -> list[str]:
    return [n for n in names if _flag(facts, n)]


def _row(facts: Mapping[str, object], case_id: str, box: Corners, options: ImportOptions) -> dict[str, object]:
    subtypes = _named(facts, SUBTYPES)
    subtype = subtypes[0] if len(subtypes) == 1 else "unknown"
    centre = str(facts["center"]).strip().removesuffix(".0")
    x0, y0, x1, y1 = box
    return {
        "case_id": case_id, "image": "", "x0": x0, "y0": y0, "x1": x1, "y1": y1,
        "label": _label(facts, subtype, options.labels), "cohort": "internal" if centre in options.internal else "external",
        "centre": centre, "subtype": subtype, "site": "|".join(_named(facts, SITES)), "view": "|".join(_named(facts, VIEWS)),
        "age_years": str(facts.get("age", "")).strip(), "sex": str(facts.get("gender", "")).strip().lower(),
    }  # fmt: skip


def _label(facts: Mapping[str, object], subtype: str, scheme: str) -> str:
    """study: malignant and giant cell tumour are non-benign; btxrd: malignant alone; who2020: by WHO group."""
    malignant = _flag(facts, "malignant")
    intermediate = {
        "study": ("giant cell tumor",),
        "btxrd": (),
        "who2020": ("giant cell tumor", "synovial osteochondroma"),
    }
    return "non-benign" if malignant or subtype in intermediate[scheme] else "benign"


def _lesions(
    content: Mapping[str, object], file: Path, *, film: Path, frames: Frames, options: ImportOptions
) -> list[tuple[Corners, list[Shape]]]:
    """Give boxes in the displayed frame, each with the polygons whose middle lies in it."""
    shapes = read_shapes(content, file)
    own = [s for s in shapes if s.kind == "rectangle"] or shapes
    if not own:
        return []
    polygons = [s for s in shapes if s.kind == "polygon"]
    raw = [s.box for s in own]
    if options.lesions == "largest":
        raw = [max(raw, key=lambda b: (b[2] - b[0]) * (b[3] - b[1]))]
    elif options.lesions == "union":
        x0, y0, x1, y1 = zip(*raw, strict=True)
        raw = [(min(x0), min(y0), max(x1), max(y1))]
    width, height = content.get("imageWidth"), content.get("imageHeight")
    size = (width, height) if isinstance(width, int) and isinstance(height, int) else None
    shown = frames.displayed(raw, film, annotated=size)
    return [(s, [p for p in polygons if _holds(r, p.box)]) for r, s in zip(raw, shown, strict=True)]


def _holds(box: Corners, other: Corners) -> bool:
    x, y = (other[0] + other[2]) / 2, (other[1] + other[3]) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _groups(file: Path) -> dict[str, str]:
    """Give a hashed group key per film: the original names group the films of one case and are never written out."""
    table = pd.read_excel(file, dtype=str, keep_default_na=False)
    columns = {c.strip().lower(): c for c in table.columns}
    if not {"image_id", "original name"} <= set(columns):
        raise InputError(
            "expected the columns image_id and Original Name.", where=str(file), fix="Give the second table."
        )
    names = table[columns["original name"]].str.replace(r"[\s_-]*\(?\d+\)?\.\w+$", "", regex=True)
    keys = [hashlib.blake2b(n.encode(), digest_size=8, person=b"robustkit-group").hexdigest() for n in names]
    return {Path(i).stem: f"group-{k}" for i, k in zip(table[columns["image_id"]], keys, strict=True)}


def _expected_found(table: pd.DataFrame) -> list[str]:
    found = {n: int(table[n].isin(["1", "1.0"]).sum()) for n in EXPECTED if n in table}
    found["normal"] = int((~table["tumor"].isin(["1", "1.0"])).sum())
    lines = [f"{n}: {EXPECTED[n]} expected, {found.get(n, 0)} found" for n in EXPECTED]
    return [
        line + ("" if EXPECTED[n] == found.get(n) else "  <- differs") for n, line in zip(EXPECTED, lines, strict=True)
    ]


PLUGIN = Btxrd()
