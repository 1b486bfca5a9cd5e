"""The gate: rules against the tables of a run. The interval's bound is compared, never the point.

A rule with ``*`` or ``|`` makes several statements; its intervals are widened for their number (``stats.widen``).
What is not estimable, missing, NaN or empty is no evidence, and no evidence does not pass.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from robustkit.analysis.cells import Cell, cells
from robustkit.analysis.cohort import ALL
from robustkit.analysis.evidence import Evidence, table_of
from robustkit.analysis.rules import Rule
from robustkit.stats.estimate import NAN
from robustkit.stats.widen import Interval, widened

Verdict = Literal["holds", "fails", "no evidence", "allowed"]

NO_EVIDENCE: Verdict = "no evidence"

_Row = Mapping[Hashable, object]


@dataclass(frozen=True, slots=True)
class Check:
    """One rule on one number of a table.

    Attributes:
        rule: As written.
        where: Which rule it is.
        cell: Model, cohort, stratum and condition, in words.
        verdict: ``holds``, ``fails``, ``no evidence``, or ``allowed``: no evidence where that was allowed.
        value: The point; it decides nothing.
        low, high: The interval, widened for ``adjusted_for`` statements.
        side: Which bound is compared.
        bound: This bound.
        limit: Of the rule.
        adjusted_for: Statements that the rule's ``*`` and ``|`` make; 1: the table's own 95 % interval.
        is_approximate: True where the widened bounds are stretched ones.
        method: Of the table's interval.
        n_cases, n_patients: What the number rests on.
        reason: Why there is no evidence; empty elsewhere.
    """

    rule: str
    where: str
    cell: str
    verdict: Verdict
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

    @property
    def passes(self) -> bool:
        """Tell whether the gate stays open."""
        return self.verdict in ("holds", "allowed")

    def said(self) -> str:
        """Give the finding in one line: the bound against the limit, or why there is no evidence, with n."""
        n = f"{self.n_cases} cases, {self.n_patients} patients"
        if self.reason:
            return f"no evidence: {self.reason} ({n})"
        level = f", adjusted for {self.adjusted_for}" if self.adjusted_for > 1 else ""
        level += ", approximate" if self.is_approximate else ""
        relation = "holds" if self.verdict == "holds" else "does not hold"
        return (
            f"{self.side} bound {self.bound:.4g}{level}, limit {self.limit:g}: {relation} (value {self.value:.4g}, {n})"
        )


def check_rules(rules: Sequence[Rule], evidence: Evidence, *, allow_unknown: bool = False) -> tuple[Check, ...]:
    """Check every rule on every number that it speaks of; each rule gives at least one check.

    Args:
        rules: At least one.
        evidence: The run's tables.
        allow_unknown: No evidence passes, as ``allowed``.

    Raises:
        InputError: A metric, model, cohort, variable, stratum, perturbation or level that the tables do not name.
    """
    return tuple(c for rule in rules for c in _checks(rule, evidence, allow_unknown=allow_unknown))


def _checks(rule: Rule, evidence: Evidence, *, allow_unknown: bool) -> Iterator[Check]:
    metric = evidence.metric(rule)
    asked = cells(rule, evidence)
    if not asked:
        yield _check(rule, None, None, allow_unknown=allow_unknown)
    for cell in asked:
        rows = cell.rows(metric).to_dict("records") or [None]
        for row in rows:
            yield _check(rule, cell, row, allow_unknown=allow_unknown)


def _check(rule: Rule, cell: Cell | None, row: _Row | None, *, allow_unknown: bool) -> Check:
    together = cell.together if cell else 1
    found = widened(_interval(row), together)
    n_cases, n_patients = (_count(row, c) for c in ("n_cases", "n_patients"))
    bound = found.high if rule.is_upper else found.low
    reason = _lack(row, n_cases, bound) if row else _no_row(rule, cell)
    verdict: Verdict = "holds" if rule.holds(bound) else "fails"
    if reason:
        verdict = "allowed" if allow_unknown else NO_EVIDENCE
    return Check(
        rule=rule.text,
        where=rule.where,
        cell=_said(cell, row),
        verdict=verdict,
        value=found.value,
        low=found.low,
        high=found.high,
        side="high" if rule.is_upper else "low",
        bound=bound,
        limit=rule.limit,
        adjusted_for=together,
        is_approximate=found.is_approximate,
        method=found.method,
        n_cases=n_cases,
        n_patients=n_patients,
        reason=reason,
    )


def _said(cell: Cell | None, row: _Row | None) -> str:
    if cell is None:
        return "nothing that it speaks of"
    point = str(row["operating_point"]) if row and "operating_point" not in cell.keys else ""
    return f"{cell.said()}, at {point}" if point else cell.said()


def _no_row(rule: Rule, cell: Cell | None) -> str:
    is_stratum = cell is not None and cell.keys["by"] != ALL
    why = ", as where a stratum holds one class and the metric is of the other" if is_stratum else ""
    return f"{table_of(rule)}.csv has no such row{why}"


def _lack(row: _Row, n_cases: int, bound: float) -> str:
    """Say why a row is no evidence; "" where it is some."""
    if n_cases < 1:
        return str(row["reason"]) or "no cases"
    if np.isfinite(bound):
        return ""
    return str(row["reason"]) or "the bound is not a number"


def _interval(row: _Row | None) -> Interval:
    if row is None:
        return Interval(NAN, NAN, NAN, NAN, "")
    value, low, high, se = (_number(row.get(c)) for c in ("value", "low", "high", "se"))
    # a bound without its value is a damaged row: it proves nothing
    return Interval(value, low, high, se, str(row["method"])) if value == value else Interval(value, NAN, NAN, se, "")


def _number(value: object) -> float:
    return float(str(value)) if value is not None and not pd.isna(value) else NAN


def _count(row: _Row | None, column: str) -> int:
    found = _number(row[column]) if row is not None else NAN
    return int(found) if np.isfinite(found) else 0
