"""btxrd: the Bone Tumor X-ray Radiograph Dataset as published (doi 10.1038/s41597-024-04311-y).

Centres 2 and 3 are web teaching files. Nothing of the data set is kept here; tests use made-up files.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from robustkit.errors import FilmError, InputError
from robustkit.formats._base import Imported, ImportOptions, Mask, Outlines, manifest_frame, read_json
from robustkit.formats._btxrd_table import SITES, SUBTYPES, VIEWS, expected_found, flag, named, read_groups, read_table
from robustkit.formats._collect import FREE, NO_BOX
from robustkit.formats._films import find_films
from robustkit.formats._frames import Frames
from robustkit.formats._numbers import Corners
from robustkit.formats._shapes import annotated_size, read_shapes
from robustkit.images.film import film_size

INTERMEDIATE = {
    "study": {"giant cell tumor"},
    "btxrd": set(),
    "who2020": {"giant cell tumor", "synovial osteochondroma"},
}
"""Subtypes that count as non-benign beside the malignant ones: as in the study, as the data set says, by WHO group."""


class Btxrd:
    """One case per tumour film (``largest``, ``union``) or per rectangle (``each``); normal films have no box."""

    name = "btxrd"

    def read(self, source: Path, options: ImportOptions) -> Imported:
        """Read the unpacked data set (``dataset.xlsx``, ``images/``, ``Annotations/``)."""
        table = read_table(source / "dataset.xlsx")
        groups = read_groups(options.groups) if options.groups else {}
        films = find_films(options.images or source / "images")
        found = _Found(Frames(options.box_frame), _common(films.folder, options.masks))
        for facts in table.to_dict("records"):
            stem = Path(str(facts["image_id"])).stem
            image = films.find(stem)
            if image is None:
                found.lacking.append(stem)
                continue
            shared = {"image": found.below(films.folder / image), "patient_id": groups.get(stem, "")}
            if not flag(facts, "tumor"):
                row = {"case_id": f"{stem}-c", **shared, **NO_BOX, "label": FREE, **_facts(facts, [], options)}
                found.rows.append(row)
                continue
            annotation = source / "Annotations" / f"{stem}.json"
            if not annotation.is_file():
                found.lacking.append(stem)
                continue
            film = _Film(stem, films.folder / image, annotation, shared)
            _add(found, facts, film=film, content=read_json(annotation), options=options)
        if not any("label" in r and r["label"] != FREE for r in found.rows):
            raise InputError(
                "no tumour film with an annotation was found.", where=str(source), fix="Give the unpacked zip."
            )
        said = (*expected_found(table, found.shapes), *found.frames.notes(), *found.quirks(), *_said_always(groups))
        frame = manifest_frame(found.rows)
        return Imported(frame, found.root, said, tuple(found.masks), needs_patients=True)


@dataclass(slots=True)
class _Found:
    """What is collected: rows, masks and counts."""

    frames: Frames
    root: Path
    rows: list[dict[str, object]] = field(default_factory=list)
    masks: list[Mask] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    shapes: Counter[str] = field(default_factory=Counter)
    odd: Counter[str] = field(default_factory=Counter)

    def below(self, path: Path) -> str:
        return path.absolute().relative_to(self.root).as_posix()

    def quirks(self) -> list[str]:
        said = [f"{n} tumour films {what}" for what, n in self.odd.items()]
        if self.lacking:
            said.append(f"{len(self.lacking)} films lack film or annotation ({', '.join(self.lacking[:5])})")
        return said


@dataclass(frozen=True, slots=True)
class _Film:
    """One tumour film and its annotation."""

    stem: str
    path: Path
    annotation: Path
    shared: Mapping[str, object]


def _common(images: Path, masks: Path | None) -> Path:
    """Give one folder above films and masks, since both are found below the manifest's ``image_root``."""
    places = [images.absolute(), *([masks.absolute()] if masks else [])]
    return Path(os.path.commonpath(places))


def _said_always(groups: Mapping[str, str]) -> tuple[str, ...]:
    who = "films of one original name" if groups else "no table of original names (--groups):"
    return (
        "centres 2 and 3 are web teaching files",
        f"{who} share a patient; elsewhere films of equal perceptual hash do, and patients are otherwise unknown",
    )


def _facts(facts: Mapping[str, object], subtypes: list[str], options: ImportOptions) -> dict[str, object]:
    centre = str(facts["center"]).strip().removesuffix(".0")
    sites = named(facts, SITES) or named(facts, ("pelvis", "upper limb", "lower limb"))
    return {
        "cohort": "internal" if centre in options.internal else "external", "centre": centre,
        "subtype": subtypes[0] if len(subtypes) == 1 else "unknown" if subtypes else "",
        # the columns of sites speak of tumours only
        "site": "|".join(sites) if flag(facts, "tumor") else "", "view": "|".join(named(facts, VIEWS)),
        "age_years": str(facts.get("age", "")).strip(), "sex": str(facts.get("gender", "")).strip().lower(),
    }  # fmt: skip


def _add(
    found: _Found, facts: Mapping[str, object], *, film: _Film, content: Mapping[str, Any], options: ImportOptions
) -> None:
    """Add the cases of one tumour film."""
    shapes = read_shapes(content, film.annotation)
    found.shapes.update(s.kind for s in shapes)
    own = [s for s in shapes if s.kind == "rectangle"] or shapes
    subtypes = named(facts, SUBTYPES)
    positive = flag(facts, "malignant") or bool(INTERMEDIATE[options.labels] & set(subtypes))
    row = {"label": "non-benign" if positive else "benign", **_facts(facts, subtypes or ["unknown"], options)}
    odd = {
        "have several subtypes: unknown": len(subtypes) > 1,
        "have no view": not row["view"],
        "have several views": len(named(facts, VIEWS)) > 1,
        "have several sites": len(named(facts, SITES)) > 1,
        "have an annotation without a lesion and are left out": not own,
    }
    found.odd.update(what for what, is_so in odd.items() if is_so)
    if not own:
        return
    raw = _chosen([s.box for s in own], options.lesions)
    polygons = [s for s in shapes if s.kind == "polygon"] if options.masks else []
    points = [(x, y, x, y) for p in polygons for x, y in p.points]
    # boxes and outlines go through the same door, so that both end in the same frame
    shown = found.frames.displayed([*raw, *points], film.path, annotated=annotated_size(content, film.annotation))
    moved = iter(shown[len(raw) :])
    outlines = [tuple(next(moved)[:2] for _ in p.points) for p in polygons]
    for k, (drawn, (x0, y0, x1, y1)) in enumerate(zip(raw, shown, strict=False), start=1):
        name = f"{film.stem}-{k}"
        case = {"case_id": name, **film.shared, "x0": x0, "y0": y0, "x1": x1, "y1": y1, **row}
        inside = tuple(o for p, o in zip(polygons, outlines, strict=True) if _holds(drawn, p.box))
        mask = _mask(options.masks / f"{name}.png", inside, film.path) if options.masks and inside else None
        if mask:
            found.masks.append(mask)
            case["mask"] = found.below(mask.path)
        found.rows.append(case)


def _chosen(boxes: list[Corners], which: str) -> list[Corners]:
    if which == "largest":
        return [max(boxes, key=lambda b: (b[2] - b[0]) * (b[3] - b[1]))]
    if which == "union":
        x0, y0, x1, y1 = zip(*boxes, strict=True)
        return [(min(x0), min(y0), max(x1), max(y1))]
    return boxes


def _holds(box: Corners, other: Corners) -> bool:
    x, y = (other[0] + other[2]) / 2, (other[1] + other[3]) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _mask(path: Path, outlines: Outlines, film: Path) -> Mask | None:
    """Give the outlines with the size of their film; None where it cannot be read."""
    try:
        size = film_size(film)
    except FilmError:
        return None
    return Mask(path, outlines, size.width, size.height)


PLUGIN = Btxrd()
