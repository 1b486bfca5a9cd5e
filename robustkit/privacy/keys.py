"""keys: files that undo what hides names: the key of hashed ids, the key of a reader study."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from robustkit.findings import Finding
from robustkit.privacy._base import SharedFolder

_HASH_KEY = re.compile(rb"\s*[0-9a-fA-F]{64}\s*")
_LARGEST = 256
_CODES = {"code", "case_id"}


class Keys:
    """Told by content."""

    name = "keys"
    order = 80

    def search(self, folder: SharedFolder) -> Iterator[Finding]:
        """Give a finding for every key."""
        for file in folder.files:
            if _is_hash_key(folder.path / file):
                said = "64 hex digits, as the key of hashed ids has them: who has it can try patient ids."
                yield Finding(self.name, file, "found", said, "Keep it where only you can read it, and share the rest.")
        columns: dict[str, set[str]] = {}
        for cells in folder.texts:
            if cells.is_table and PurePosixPath(cells.file).suffix == ".csv":
                columns.setdefault(cells.file, set()).add(cells.column)
        for file, headings in columns.items():
            if headings >= _CODES:
                said = "says which case stands behind which code of a reader study."
                fix = "Give it neither to readers nor with the packs."
                yield Finding(self.name, file, "found", said, fix)


def _is_hash_key(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    try:
        return path.stat().st_size <= _LARGEST and _HASH_KEY.fullmatch(path.read_bytes()) is not None
    except OSError:
        return False


PLUGIN = Keys()
