"""dates: days in text, and numbers that are days."""

from __future__ import annotations

import re
from collections.abc import Iterator

from robustkit.findings import Finding
from robustkit.privacy._base import Cells, SharedFolder, some

_MONTH = "(?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-zä]*"
_DAY, _NUMBER = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
_YEAR = r"(?:19|20)\d\d"
_DATE = re.compile(
    rf"(?<![\d.])(?:{_YEAR}([-/ ]){_NUMBER}\1{_DAY}|{_DAY}([-/. ]){_NUMBER}\2{_YEAR}|{_NUMBER}/{_DAY}/{_YEAR}"
    rf"|{_YEAR}(?P<dot>\.?)(?:0[1-9]|1[0-2])(?P=dot)(?:0[1-9]|[12]\d|3[01])"
    rf"|{_DAY}\.?[ -]{_MONTH}\.?,?[ -]{_YEAR}|{_MONTH}\.? {_DAY}(?:st|nd|rd|th)?,? {_YEAR})(?!\d|\.\d)",
    re.IGNORECASE,
)
_RUN = re.compile(r"\d{8}T\d{6}Z|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00 identity")
"""When a run began: in the name of its folder, and in the report."""
_HEX = re.compile("[0-9a-fA-F]{16,}")
OWN = ("started_at", "read_at", "made_at", "packages", "git_commit", "until", "version")
"""When a run or a reading took place, and versions: nobody's dates."""


class Dates:
    """Counts the texts of every column that hold a date."""

    name = "dates"
    order = 50

    def search(self, folder: SharedFolder) -> Iterator[Finding]:
        """Give a finding for every column with dates in it."""
        for cells in folder.texts:
            if set(cells.column.split(".")) & set(OWN):
                continue
            n = sum(has_date(v) for v in cells.values)
            if n:
                yield Finding(self.name, cells.file, "found", _said(cells, n), _FIX)


_FIX = "Take the dates out of the manifest (an age or a year is enough) and run again, or leave the column out."


def has_date(text: str) -> bool:
    """Tell whether a text holds a day of a year from 1900 to 2099."""
    return _DATE.search(_HEX.sub("", _RUN.sub("", text)) if len(text) >= 16 else text) is not None


def _said(cells: Cells, n: int) -> str:
    where = (
        f"the column {cells.column!r}"
        if cells.is_table
        else (f"the entry {cells.column!r}" if cells.column else "its text")
    )
    return f"{where} holds {some(n, 'text')} with a date."


PLUGIN = Dates()
