"""labelme: LabelMe JSON, one file per film, rectangles and polygons."""

from __future__ import annotations

from pathlib import Path

from robustkit.errors import InputError
from robustkit.formats._base import Imported, ImportOptions, read_json
from robustkit.formats._collect import start
from robustkit.formats._shapes import annotated_size, read_shapes


class LabelMe:
    """One case per rectangle; a film without rectangles has one per polygon, one without shapes has no box."""

    name = "labelme"

    def read(self, source: Path, options: ImportOptions) -> Imported:
        """Read a folder of LabelMe files."""
        files = sorted(source.glob("*.json")) if source.is_dir() else []
        if not files:
            raise InputError(
                "expected a folder of LabelMe JSON files.", where=str(source), fix="Give the Annotations folder."
            )
        rows = start(source, options)
        strange = 0
        for file in files:
            content = read_json(file)
            shapes = read_shapes(content, file)
            if content["shapes"] and not shapes:
                strange += 1
                continue
            own = [s for s in shapes if s.kind == "rectangle"] or shapes
            facts = [{"label": options.label or s.label, "subtype": s.label} for s in own]
            rows.add(file.stem, [s.box for s in own], facts=facts, annotated=annotated_size(content, file))
        if strange:
            rows.frames.counts["neither rectangle nor polygon among their shapes, left out"] = strange
        return rows.imported(source)


PLUGIN = LabelMe()
