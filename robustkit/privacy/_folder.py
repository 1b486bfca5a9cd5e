"""From a path to a SharedFolder, and all searches over it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import cast

from robustkit.findings import Finding
from robustkit.privacy._base import Cells, Search, SharedFolder, list_files, read_records
from robustkit.privacy._kinds import FILMS, MODELS, PICTURES
from robustkit.privacy._texts import read_texts
from robustkit.registry import load, names

FAMILY = "privacy"


def open_folder(path: Path) -> SharedFolder:
    """Read the text of every file of a folder; what cannot be read is kept with the reason.

    Raises:
        InputError: No such folder.
    """
    files = list_files(path)
    texts = [Cells(file, "the name of the file", (file,), is_table=False) for file in files]
    unread: dict[str, str] = {}
    for file in files:
        found = _text_of(path / file, file)
        if isinstance(found, str):
            unread[file] = found
        else:
            texts += found
    return SharedFolder(path, files, read_records(path, files), tuple(texts), unread)


def scan(folder: SharedFolder) -> tuple[Finding, ...]:
    """Give what all searches find, search by search."""
    searches = sorted((cast(Search, load(FAMILY, n)) for n in names(FAMILY)), key=lambda s: s.order)
    return tuple(finding for s in searches for finding in s.search(folder))


def _text_of(path: Path, file: str) -> tuple[Cells, ...] | str:
    """Give the text of a file, or why nothing can be said of it."""
    if path.is_symlink():
        return "a link; what it points to would go along in some archives"
    if not path.is_file():
        return "neither a file nor a folder"
    if path.suffix.lower() in (*PICTURES, *FILMS, *MODELS):
        return ()
    try:
        found = read_texts(path, file)
    except (OSError, ValueError, csv.Error, RecursionError, MemoryError) as error:
        return f"it cannot be read ({type(error).__name__})"
    return "a kind of file that is not known here" if found is None else found
