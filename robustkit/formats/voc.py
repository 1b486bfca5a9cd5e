"""voc: Pascal VOC XML, one file per film, bndbox = xmin, ymin, xmax, ymax in px."""

from __future__ import annotations

from pathlib import Path

from robustkit.errors import InputError
from robustkit.formats._base import Imported, ImportOptions
from robustkit.formats._collect import start
from robustkit.formats._parse import read_voc


class Voc:
    """One case per object of every XML file of a folder; a film without objects has no box."""

    name = "voc"

    def read(self, source: Path, options: ImportOptions) -> Imported:
        """Read a folder of VOC files."""
        files = sorted(source.glob("*.xml")) if source.is_dir() else []
        if not files:
            raise InputError(
                "expected a folder of VOC XML files.", where=str(source), fix="Give the Annotations folder."
            )
        rows = start(source, options)
        for file in files:
            found = read_voc(file)
            facts = [{"label": options.label or label} for label in found.labels]
            rows.add(file.stem, found.boxes, facts=facts, annotated=found.size)
        return rows.imported(source)


PLUGIN = Voc()
