"""Errors that say what was expected and came, where, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass


class RobustkitError(Exception):
    """A fault that a user can understand and mend; shown as one sentence, never as a traceback.

    Args:
        what: What was expected and what came, with the value.
        where: File, row, case or DICOM tag, e.g. ``(0028,0004) Photometric Interpretation``.
        fix: The next step.
    """

    exit_code = 2

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        mend = f" {self.fix}" if self.fix else ""
        return printable(f"{place}{self.what}{mend}")


def printable(text: str) -> str:
    """Give text with everything escaped that could move a cursor, change a colour or not be written at all.

    Example:
        >>> printable("a\\x1b[31mb")
        'a\\\\x1b[31mb'
    """
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


class InputError(RobustkitError):
    """Wrong input that flags, configuration and files alone can tell (exit 2)."""


class UnknownNameError(InputError):
    """A name that no plug-in, case or model answers to."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """One fault of one manifest row: row number (1 = first data row), column, value, reason."""

    row: int
    column: str
    value: str
    reason: str


class ManifestError(InputError):
    """A manifest with faults; ``rows`` holds all of them, not only the first."""

    def __init__(self, what: str, *, where: str = "", fix: str = "", rows: tuple[BadRow, ...] = ()) -> None:
        super().__init__(what, where=where, fix=fix)
        self.rows = rows

    def __str__(self) -> str:
        shown = [f"  row {r.row}, {r.column} = {_cut(r.value)}: {r.reason}" for r in self.rows[:20]]
        if len(self.rows) > 20:
            shown.append(f"  and {len(self.rows) - 20} more; `robustkit validate` lists all")
        return "\n".join([super().__str__(), *(printable(line) for line in shown)])


class ReadingsError(InputError):
    """Readings with faults; ``rows`` holds all of them, and all of them are said."""

    def __init__(self, what: str, *, where: str = "", fix: str = "", rows: tuple[BadRow, ...] = ()) -> None:
        super().__init__(what, where=where, fix=fix)
        self.rows = rows

    def __str__(self) -> str:
        alike: dict[tuple[str, str], list[BadRow]] = {}
        for r in self.rows:
            alike.setdefault((r.column, r.reason), []).append(r)
        shown = []
        for (column, reason), rows in alike.items():
            if len(rows) > _ALONE:
                shown.append(f"  rows {_ranges([r.row for r in rows])}, {column}: {reason} ({len(rows)} rows)")
            else:
                shown += [f"  row {r.row}, {column} = {r.value!r}: {reason}" for r in rows]
        return "\n".join([super().__str__(), *(printable(line) for line in shown)])


def _cut(value: str) -> str:
    return repr(value if len(value) <= _LONGEST else f"{value[: _LONGEST - 3]}...")


_LONGEST = 80
_ALONE = 5
"""Rows of one fault up to which each has a line of its own."""


def _ranges(rows: list[int]) -> str:
    """Give ``1-3, 7``."""
    said: list[str] = []
    start = last = rows[0]
    for row in [*rows[1:], -1]:
        if row != last + 1:
            said.append(f"{start}-{last}" if last > start else f"{start}")
            start = row
        last = row
    return ", ".join(said)


class FilmError(RobustkitError):
    """A film that cannot be read, or a box off its film: the case fails, the run goes on."""


class CheckpointError(InputError):
    """A model file that cannot be loaded, or not safely."""


class RunError(InputError):
    """A run folder that is missing, damaged, or of another run."""


class MissingExtraError(InputError):
    """An optional package is not installed; ``fix`` names the extra that brings it."""


class DiskError(RobustkitError):
    """The disk is full or does not allow writing; finished parts are kept."""


class BackendError(InputError):
    """A backend that cannot prepare a network, or whose outputs are too far from the reference."""


class DeviceMemoryError(RobustkitError):
    """The device has no memory left; finished parts are kept."""
