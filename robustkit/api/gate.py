"""gate: does a run keep the rules? The bound of each interval is compared, never the point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from robustkit.errors import InputError

if TYPE_CHECKING:
    from robustkit.analysis.evidence import Evidence
    from robustkit.analysis.rules import Rule
    from robustkit.results.folder import RunFolder


@dataclass(frozen=True, slots=True)
class Checked:
    """One rule on one number; see ``analysis.gate.Check``."""

    rule: str
    where: str
    cell: str
    verdict: Literal["holds", "fails", "no evidence", "allowed"]
    said: str
    value: float
    low: float
    high: float
    side: Literal["low", "high"]
    bound: float
    limit: float
    adjusted_for: int
    is_approximate: bool
    method: str
    n_cases: int
    n_patients: int
    reason: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """Every check, in the order of the rules.

    Attributes:
        run: The run folder.
        passed: True where no check closes the gate.
        checks: At least one for each rule.
        junit: The file written; None: none was asked for.
        warnings: Of the run's tables, one sentence each.
    """

    run: Path
    passed: bool
    checks: tuple[Checked, ...]
    junit: Path | None
    warnings: tuple[str, ...]


def gate(
    *,
    run: Path | None = None,
    rules: Sequence[str] = (),
    rules_file: Path | None = None,
    allow_unknown: bool = False,
    junit: Path | None = None,
) -> GateResult:
    """Check rules such as ``flip_rate{size=small,shift=0.1} < 0.05`` against the tables of a run.

    For ``<`` and ``<=`` the high bound of the 95 % interval is compared, for ``>`` and ``>=`` the low one. A rule over
    ``{size=*}`` is checked in every stratum, and its bounds are widened for their number (Bonferroni; see
    ``stats.widen.widened``). What is not estimable, missing, NaN or empty does not pass.

    Args:
        run: Run folder; default the newest complete one. A rule in its place is taken for a rule.
        rules: Of ``metric{key=value,...} < number``; see ``analysis.rules``.
        rules_file: One rule a line, ``#`` begins a comment; checked after ``rules``.
        allow_unknown: No evidence passes; it is listed as allowed.
        junit: XML file to write.

    Raises:
        InputError: No rule, one that cannot be read, or a name that the tables do not have; it says where.
        RunError: No run, a damaged one, or one that is not complete.
    """
    from robustkit.analysis.cohort import check_run
    from robustkit.analysis.gate import check_rules
    from robustkit.analysis.junit import junit_xml
    from robustkit.atomic import write_bytes
    from robustkit.config import read_config
    from robustkit.results.folder import RunFolder
    from robustkit.results.runs import newest_run

    if run is not None and not run.exists() and any(mark in str(run) for mark in "<>"):
        run, rules = None, (str(run), *rules)
    asked = _read(rules, rules_file)
    folder = RunFolder(run) if run else newest_run(read_config(Path.cwd()).runs)
    check_run(folder, folder.record())
    checks = check_rules(asked, _evidence(folder, asked), allow_unknown=allow_unknown)
    if junit is not None:
        write_bytes(junit, junit_xml(checks, name=folder.path.resolve().name))
    return GateResult(
        run=folder.path,
        passed=all(c.passes for c in checks),
        checks=tuple(_checked(c) for c in checks),
        junit=junit,
        warnings=tuple(str(w) for w in folder.record().get("stratify", {}).get("warnings", ())),
    )


def _read(rules: Sequence[str], file: Path | None) -> tuple[Rule, ...]:
    from robustkit.analysis.rules import parse_rule, read_rules

    found = tuple(parse_rule(text, where=f"rule {i}") for i, text in enumerate(rules, start=1))
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            fix = "Give a text file with one rule a line."
            raise InputError(f"the rules cannot be read ({error}).", where=str(file), fix=fix) from error
        found += read_rules(text, where=str(file))
    if not found:
        where = str(file) if file else "gate"
        raise InputError("there is no rule to check.", where=where, fix="Give 'auc > 0.8', or --rules FILE.")
    return found


def _evidence(folder: RunFolder, rules: Sequence[Rule]) -> Evidence:
    """Read the tables that the rules need; those that are missing are made first."""
    from robustkit.analysis.evidence import make_evidence, table_of
    from robustkit.api.compare import compare
    from robustkit.api.stratify import stratify

    needed = sorted({table_of(rule) for rule in rules})
    missing = {name for name in needed if not (folder.path / "tables" / f"{name}.csv").is_file()}
    if missing - {"comparisons"}:
        stratify(run=folder.path)
    if not (folder.path / "tables" / "comparisons.csv").is_file() and "comparisons" in missing:
        compare(runs=[folder.path])
    return make_evidence({name: folder.table(name) for name in needed})


def _checked(check: Any) -> Checked:
    fields = [f for f in Checked.__dataclass_fields__ if f != "said"]
    return Checked(said=check.said(), **{f: getattr(check, f) for f in fields})
