"""dicom_films: DICOM files, whose headers name the patient."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from robustkit.findings import Finding
from robustkit.privacy._base import SharedFolder
from robustkit.privacy._kinds import FILMS


class DicomFilms:
    """Told by content, and by name where the preamble is missing."""

    name = "dicom_films"
    order = 10

    def search(self, folder: SharedFolder) -> Iterator[Finding]:
        """Give a finding for every DICOM file."""
        for file in folder.files:
            if is_dicom(folder.path / file):
                said = "a DICOM film: its header names patient, dates and hospital."
                yield Finding(self.name, file, "found", said, "Leave it out; nothing that robustkit makes needs it.")


def is_dicom(path: Path) -> bool:
    """Tell whether a file is a DICOM film."""
    if path.suffix.lower() in FILMS or path.name == "DICOMDIR":
        return True
    if path.is_symlink() or not path.is_file():
        return False
    try:
        with path.open("rb") as handle:
            return handle.read(132)[128:] == b"DICM"
    except OSError:
        return False


PLUGIN = DicomFilms()
