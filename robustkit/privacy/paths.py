"""paths: absolute paths, which tell how users and folders of a machine are called."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterator

from robustkit.findings import Finding, Status
from robustkit.privacy._base import Cells, SharedFolder, some

_HOME = re.compile(
    r"(?:/home/|/Users/|/export/home/|/media/|/run/media/|[A-Za-z]:[\\/]+Users[\\/]+|/mnt/[a-z]/Users/)[^/\\\s\"']+"
)
_ABSOLUTE = re.compile(r"(?:^|[\s\"'=:,(])(?:/(?!/)[^/\s\"'<>]+/[^\s\"'<>]+|[A-Za-z]:\\[^\s\"'<>]+|\\\\[^\s\\]+\\\S+)")
_FIX = "In a copy for others, replace the path: only replay, heatmaps and the lesion page need films and checkpoints again."


class Paths:
    """Home folders close the check; other absolute paths are named."""

    name = "paths"
    order = 60

    def search(self, folder: SharedFolder) -> Iterator[Finding]:
        """Give a finding for every column or entry with absolute paths."""
        user = _user()
        for cells in folder.texts:
            homes = sum(has_home(v, user=user) for v in cells.values)
            others = 0 if homes else sum(_ABSOLUTE.search(v) is not None for v in cells.values)
            if homes:
                said = f"{_place(cells)} holds {some(homes, 'path')} with the name of a user."
                yield Finding(self.name, cells.file, "found", said, _FIX)
            elif others and (cells.column or cells.is_table):
                status: Status = "note"
                said = f"{_place(cells)} holds {some(others, 'absolute path')}: read whether its folders name anybody."
                yield Finding(self.name, cells.file, status, said, _FIX)


def has_home(text: str, *, user: str) -> bool:
    """Tell whether a text holds a path through a home folder, or through a folder called as the user is.

    Args:
        text: Of a cell.
        user: Who looks; "" where unknown.
    """
    if _HOME.search(text):
        return True
    return bool(user) and any(part == user for part in re.split(r"[/\\]", text)[:-1])


def _user() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""
    # says nothing about anybody
    return "" if name in ("root", "user", "runner", "ubuntu") else name


def _place(cells: Cells) -> str:
    if not cells.column:
        return "its text"
    return f"the column {cells.column!r}" if cells.is_table else f"the entry {cells.column!r}"


PLUGIN = Paths()
