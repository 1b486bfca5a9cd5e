"""The tables that a gate reads, brought into one form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

import pandas as pd

from robustkit.analysis.errors import KINDS
from robustkit.analysis.rules import Rule
from robustkit.errors import InputError, RunError, UnknownNameError

Table = Literal["strata", "errors", "comparisons"]

_EVERYWHERE = (
    "by", "stratum", "cohort", "perturbation", "level", "operating_point", "low", "high", "method", "n_cases",
    "n_patients", "reason",
)  # fmt: skip
_OWN: Mapping[str, tuple[str, ...]] = {
    "strata": ("model", "metric", "value", "se"),
    "errors": ("model", "kind", "rate"),
    "comparisons": ("model_a", "model_b", "metric", "diff", "se"),
}
_NAMES = {"kind": "metric", "rate": "value", "diff": "value"}
_JOINT = "all"
"""In ``model_a`` of a test of all models: no difference."""

_AT_PREVALENCE = ("ppv", "npv", "net_benefit")


def table_of(rule: Rule) -> Table:
    """Tell which table holds a rule's metric."""
    if rule.is_difference:
        return "comparisons"
    return "errors" if rule.metric in KINDS else "strata"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The run's tables, each with the columns ``metric`` and ``value`` and without the rows of tests.

    Attributes:
        frames: By table; comparisons in either direction.
    """

    frames: Mapping[str, pd.DataFrame]

    def table(self, rule: Rule) -> pd.DataFrame:
        """Give the table of a rule, all metrics of it.

        Raises:
            RunError: There is none.
        """
        name = table_of(rule)
        if name not in self.frames:
            fix = f"Run `robustkit {'compare' if name == 'comparisons' else 'stratify'}` first."
            raise RunError(f"the rule {rule.text!r} needs the table {name}.csv.", where=rule.where, fix=fix)
        return self.frames[name]

    def metric(self, rule: Rule) -> pd.DataFrame:
        """Give the rows of a rule's metric; none of a kind of error that the table does not hold.

        Raises:
            UnknownNameError: No table has the metric.
        """
        frame = self.table(rule)
        rows = frame[frame["metric"] == rule.metric]
        if len(rows) or table_of(rule) == "errors":
            return rows
        said = "diff." if rule.is_difference else ""
        known = {f"{said}{m}" for m in frame["metric"]} | ({*KINDS} if not rule.is_difference else set())
        what = f"no table has the metric {said + rule.metric!r}"
        where = f"{rule.where}, column 1"
        if rule.metric in _AT_PREVALENCE:
            fix = "Run `robustkit stratify --prevalence 0.2` first, with the share of positives where it is used."
            raise UnknownNameError(f"{what}.", where=where, fix=fix)
        raise unknown(what, said + rule.metric, sorted(known), where=where)


def make_evidence(tables: Mapping[str, pd.DataFrame]) -> Evidence:
    """Bring tables into one form.

    Args:
        tables: Any of ``strata``, ``errors``, ``comparisons``. Columns that are not known are ignored.

    Raises:
        RunError: A required column is missing; it is named.
    """
    frames = {}
    for name, table in tables.items():
        lacking = [c for c in (*_EVERYWHERE, *_OWN[name]) if c not in table]
        if lacking:
            what = f"the table lacks the columns {', '.join(lacking)}."
            raise RunError(what, where=f"{name}.csv", fix="Run `robustkit stratify` again.")
        kept = table[~table["stratum"].str.startswith("(")].rename(columns=_NAMES)
        frames[name] = _both_ways(kept) if name == "comparisons" else kept
    return Evidence(frames)


def _both_ways(table: pd.DataFrame) -> pd.DataFrame:
    """Add b minus a to every a minus b."""
    pairs = table[table["model_a"] != _JOINT]
    turned = pairs.assign(
        model_a=pairs["model_b"],
        model_b=pairs["model_a"],
        value=-pairs["value"],
        low=-pairs["high"],
        high=-pairs["low"],
    )
    return pd.concat([pairs, turned], ignore_index=True)


def unknown(what: str, name: str, known: Sequence[str], *, where: str) -> InputError:
    """Give the error of a name that is not known, with the nearest that are, or a few of them."""
    near = get_close_matches(name, known, n=3) or list(known)[:12]
    fix = f"Near: {', '.join(near)}." if near else "The table is empty: run `robustkit stratify`."
    return UnknownNameError(f"{what}.", where=where, fix=fix)
