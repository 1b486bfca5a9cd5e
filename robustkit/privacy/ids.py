"""ids: patients and lesions by name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from robustkit.findings import Finding
from robustkit.privacy._base import Cells, SharedFolder, some

COLUMNS = ("patient_id", "lesion_id")
_HASH = re.compile("[0-9a-f]{32,128}")


class Ids:
    """Looks at the columns ``patient_id`` and ``lesion_id`` of every table."""

    name = "ids"
    order = 30

    def search(self, folder: SharedFolder) -> Iterator[Finding]:
        """Give a finding for every column whose ids are plain, or hashed by nobody knows what."""
        same = {(c.file, c.values) for c in folder.texts if c.column in ("case_id", "image")}
        for cells in folder.texts:
            # a default says no more than the case_id or the file's name, which are searched elsewhere
            is_default = (cells.file, cells.values) in same
            if cells.column in COLUMNS and cells.is_table and not is_default and not folder.is_simulated(cells.file):
                yield from self._judge(cells, folder)

    def _judge(self, cells: Cells, folder: SharedFolder) -> Iterator[Finding]:
        values = [v for v in cells.values if v.strip()]
        plain = sum(_HASH.fullmatch(v) is None for v in values)
        if plain:
            said = f"{cells.column} holds {some(plain, 'plain id')}."
            fix = "Run perturb again with --hash-ids, or leave the column out of what you share."
            yield Finding(self.name, cells.file, "found", said, fix)
        elif values and cells.column not in folder.record_of(cells.file).get("ids", {}).get("hashed", ()):
            said = (
                f"{cells.column} looks hashed, but no run.json beside it says how: hashes without a key can be guessed."
            )
            fix = "Make sure that they were made with a key that is not shared, or run perturb again with --hash-ids."
            yield Finding(self.name, cells.file, "found", said, fix)


PLUGIN = Ids()
