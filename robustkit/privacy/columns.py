"""columns: headings that promise a name, a birthday or a number that a hospital gave."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePosixPath

from robustkit.cohort.columns import KNOWN
from robustkit.findings import Finding
from robustkit.privacy._base import Cells, SharedFolder
from robustkit.results.schema import TEXT_COLUMNS

WORDS = frozenset({
    "surname", "forename", "firstname", "lastname", "fullname", "initials", "birth", "birthday", "birthdate", "dob", "mrn",
    "ssn", "nhs", "address", "street", "zip", "zipcode", "postcode", "postal", "phone", "telephone", "email", "accession",
    "insurance", "passport", "physician", "radiologist", "operator", "referrer", "uid", "patientname", "patientid",
    "studydate", "accessionnumber", "pid", "vorname", "nachname", "geburtsdatum", "adresse", "nom", "prenom",
})  # fmt: skip
"""Words of a heading; ``patient_id`` is judged by what stands in it."""
_PAIRS = (
    ("patient", "name"),
    ("study", "date"),
    ("exam", "date"),
    ("medical", "record"),
    ("hospital", "number"),
    ("case", "number"),
)
_NAME = "name"
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class Columns:
    """Looks at headings of tables and at keys of JSON; what robustkit's own tables call their columns is known."""

    name = "columns"
    order = 40

    def search(self, folder: SharedFolder) -> Iterator[Finding]:
        """Give a finding for every telling heading that has something below it."""
        told: set[tuple[str, str]] = set()
        for cells in folder.texts:
            heading = cells.column if cells.is_table else cells.column.rpartition(".")[2]
            if (cells.file, heading) in told or _is_own(cells) or not is_telling(heading, is_table=cells.is_table):
                continue
            told.add((cells.file, heading))
            fix = "Leave the column out of the manifest and run again, or out of what you share."
            yield Finding(self.name, cells.file, "found", f"the column {heading!r} sounds like an identifier.", fix)


def is_telling(heading: str, *, is_table: bool) -> bool:
    """Tell whether a heading sounds like an identifier; a bare ``name`` does in a table, where it is of a row."""
    if heading in KNOWN:
        return False
    words = [w.lower() for w in _PARTS.findall(heading)]
    pairs = set(pairwise(words))
    return bool(WORDS & {*words, "".join(words)}) or any(p in pairs for p in _PAIRS) or (is_table and _NAME in words)


def _is_own(cells: Cells) -> bool:
    """Tell whether a heading is of a table that robustkit makes."""
    is_made = PurePosixPath(cells.file).parent.name == "tables" or cells.file.endswith(".html")
    return is_made and cells.column in TEXT_COLUMNS


PLUGIN = Columns()
