"""The face of a search, and the noun SharedFolder that it searches."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from robustkit.errors import InputError
from robustkit.findings import Finding


@dataclass(frozen=True, slots=True)
class Cells:
    """Text of one column of one file.

    Attributes:
        file: Relative to the folder, with ``/``.
        column: Its heading; the path of a JSON value; "" for plain text.
        values: The different texts, in order of appearance.
        is_table: False where the column is no column of a table.
    """

    file: str
    column: str
    values: tuple[str, ...]
    is_table: bool = True


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, a file of its own or inside one.

    Attributes:
        file: Relative to the folder, of the picture or of what holds it.
        content: Its bytes.
    """

    file: str
    content: bytes


@dataclass(frozen=True, slots=True)
class SharedFolder:
    """A folder that is about to be given away.

    Attributes:
        path: Of the folder.
        files: All files below it, relative, with ``/``, sorted; links are among them and are not followed.
        records: run.json of every run in it, by the folder's relative path ("" for the folder itself).
        texts: Text of all files that hold tables or text.
        unread: Files that could not be read or whose kind is not known, with the reason.
    """

    path: Path
    files: tuple[str, ...]
    records: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    texts: tuple[Cells, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)

    def record_of(self, file: str) -> Mapping[str, Any]:
        """Give the run.json of the run that a file lies in; empty where it lies in none."""
        places = [p for p in self.records if not p or file == p or file.startswith(f"{p}/")]
        return self.records[max(places, key=len)] if places else {}

    def is_simulated(self, file: str) -> bool:
        """Tell whether a file belongs to a run of drawn films, which show nobody."""
        return bool(self.record_of(file).get("simulated"))


class Search(Protocol):
    """Looks for one kind of thing that should not leave the house."""

    name: str
    order: int

    def search(self, folder: SharedFolder) -> Iterator[Finding]:
        """Give what was found: files, kinds, numbers, never the text that could name a patient."""
        ...


def list_files(folder: Path) -> tuple[str, ...]:
    """Give all files below a folder.

    Raises:
        InputError: No such folder.
    """
    if not folder.is_dir():
        fix = "Give the folder of a run, or any folder that you mean to share."
        raise InputError("there is no such folder.", where=str(folder), fix=fix)
    found = []
    for place, folders, files in os.walk(folder):
        links = [f for f in folders if (Path(place) / f).is_symlink()]
        found += [(Path(place) / f).relative_to(folder).as_posix() for f in (*files, *links)]
    return tuple(sorted(found))


def read_records(folder: Path, files: tuple[str, ...]) -> dict[str, Mapping[str, Any]]:
    """Give every run.json that can be read, by its folder."""
    found: dict[str, Mapping[str, Any]] = {}
    for file in files:
        if Path(file).name != "run.json":
            continue
        try:
            record = json.loads((folder / file).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            place = Path(file).parent.as_posix()
            found["" if place == "." else place] = record
    return found


def some(values: int, what: str) -> str:
    """Give ``1 value`` or ``3 values``."""
    return f"{values:,} {what}{'' if values == 1 else 's'}"
