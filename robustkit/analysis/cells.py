"""Which numbers of the tables a rule speaks of.

What a rule leaves out: the whole cohort (``all``), the boxes as given where the metric has a value there and else every
tested level, and every model. A ``*`` or a ``|`` that is written makes several statements, and these are counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import ALL
from robustkit.analysis.evidence import Evidence, unknown
from robustkit.analysis.matrix import NOMINAL
from robustkit.analysis.rules import Choice, Rule
from robustkit.errors import InputError
from robustkit.strata._base import UNKNOWN
from robustkit.strata._order import SEPARATOR, in_order

COLUMNS = ("model", "model_a", "model_b", "cohort", "perturbation", "level", "operating_point")
"""Keys that are columns; others are perturbations of the run and variables of its strata."""

_LEVEL_RTOL = 1e-6
_FIRST, _LAST = "<", ">="
_SIZES = {"small": (True, False), "medium": (False, False), "large": (False, True)}
"""Words for the first, the middle and the last of bins: are they the first, the last?"""


@dataclass(frozen=True, slots=True)
class Cell:
    """One number that is asked for.

    Attributes:
        keys: Columns of the table and their values, text or number.
        together: Statements that the rule makes together.
    """

    keys: Mapping[str, str | float]
    together: int = 1

    def rows(self, table: pd.DataFrame) -> pd.DataFrame:
        """Give the rows of a metric's table that are this cell."""
        keep = np.ones(len(table), dtype=bool)
        for column, value in self.keys.items():
            if isinstance(value, str):
                keep &= (table[column] == value).to_numpy(dtype=bool)
            else:
                keep &= _is_level(table[column].to_numpy(dtype=np.float64), value)
        return table[keep]

    def said(self) -> str:
        """Give it in words: ``m, internal, size = <20 mm, shift 0.1``."""
        k = self.keys
        model = k["model"] if "model" in k else f"{k['model_a']} - {k['model_b']}"
        stratum = [] if k["by"] == ALL else [f"{k['by']} = {k['stratum']}"]
        box = "nominal" if k["perturbation"] == NOMINAL else f"{k['perturbation']} {k['level']:g}"
        point = [f"at {k['operating_point']}"] if "operating_point" in k else []
        return ", ".join([str(model), str(k["cohort"]), *stratum, box, *point])


@dataclass(frozen=True, slots=True)
class _Part:
    """Values of one or two columns, and how many statements they make."""

    keys: tuple[Mapping[str, str | float], ...]
    count: int


def cells(rule: Rule, evidence: Evidence) -> tuple[Cell, ...]:
    """Give every number that a rule speaks of; it need not be in the table.

    Raises:
        InputError: The rule names something that the table does not know, or contradicts itself.
    """
    table, metric = evidence.table(rule), evidence.metric(rule)
    variables = _variables(rule, table)
    cohorts = _cohorts(rule, table)
    strata = [_strata(rule, table, variables, cohort=str(c["cohort"])) for c in cohorts.keys]
    conditions = _conditions(rule, table, metric)
    points = _column(rule, table, "operating_point") or _Part(({},), 1)
    models = _pairs(rule, table) if rule.is_difference else _models(rule, table)
    places = sum(s.count for s in strata) if cohorts.count > 1 else 0
    found = []
    for cohort, own in zip(cohorts.keys, strata, strict=True):
        together = (places or own.count) * conditions.count * points.count * models.count
        for parts in product(models.keys, own.keys, conditions.keys, points.keys):
            found.append(Cell({**cohort, **{k: v for part in parts for k, v in part.items()}}, max(1, together)))
    return tuple(found)


def _fail(rule: Rule, choice: Choice | None, what: str, fix: str) -> InputError:
    column = choice.column if choice else 1
    return InputError(f"{what} in {rule.text!r}.", where=f"{rule.where}, column {column}", fix=fix)


def _known(table: pd.DataFrame, column: str) -> tuple[str, ...]:
    return tuple(str(v) for v in dict.fromkeys(table[column]) if v != "")


def _named(rule: Rule, choice: Choice, known: Sequence[str], *, what: str) -> tuple[str, ...]:
    """Give the values of a choice, all of them known."""
    for value in choice.values:
        if value not in known:
            where = f"{rule.where}, column {choice.column}"
            raise unknown(f"the table has no {what} {value!r}", value, known, where=where)
    return choice.values or tuple(known)


def _count(choices: Sequence[Choice | None], n: int) -> int:
    """Count statements: n where one of these choices is ``*`` or has several values."""
    return n if any(c is not None and len(c.values) != 1 for c in choices) else 1


def _column(rule: Rule, table: pd.DataFrame, column: str) -> _Part | None:
    """Give the values chosen for a column; None where nothing is said of it."""
    choice = rule.choice(column)
    if choice is None:
        return None
    values = _named(rule, choice, _known(table, column), what=column.replace("_", " "))
    return _Part(tuple({column: v} for v in values), _count([choice], len(values)))


def _models(rule: Rule, table: pd.DataFrame) -> _Part:
    for key in ("model_a", "model_b"):
        if choice := rule.choice(key):
            raise _fail(rule, choice, f"{key} belongs to a difference", "Write diff. before the metric, or model=.")
    return _column(rule, table, "model") or _Part(tuple({"model": m} for m in _known(table, "model")), 1)


def _pairs(rule: Rule, table: pd.DataFrame) -> _Part:
    sides = [rule.choice(key) for key in ("model_a", "model_b")]
    if rule.choice("model") or not any(sides):
        what = "expected model_a=, model_b= or both, for a difference has a direction,"
        raise _fail(rule, rule.choice("model"), what, "Write diff.auc{model_a=new,model_b=old} > -0.02.")
    known = _known(table, "model_a")
    names = [_named(rule, c, known, what="model") if c else known for c in sides]
    found = [(a, b) for a, b in product(*names) if a != b]
    if not found:
        raise _fail(rule, sides[1], "a model is compared with itself", "Give two models.")
    return _Part(tuple({"model_a": a, "model_b": b} for a, b in found), _count(sides, len(found)))


def _cohorts(rule: Rule, table: pd.DataFrame) -> _Part:
    known = _known(table, "cohort")
    usual = (ALL,) if ALL in known else known
    return _column(rule, table, "cohort") or _Part(tuple({"cohort": c} for c in usual), 1)


def _conditions(rule: Rule, table: pd.DataFrame, metric: pd.DataFrame) -> _Part:
    """Give perturbations with their levels."""
    kinds = _known(table, "perturbation")
    short = next((c for c in rule.choices if c.key in kinds and c.key not in COLUMNS), None)
    kind, level = rule.choice("perturbation"), rule.choice("level")
    named = [c for c in rule.choices if c.key in kinds and c.key not in COLUMNS] + [c for c in (kind,) if c]
    if len(named) > 1 or (short and level):
        raise _fail(rule, level or named[-1], "expected one perturbation", "Write one rule for each.")
    own = _tested(metric)
    if not (named or level):
        return _conditions_part([c for c in own if c[0] == NOMINAL] or own, 1)
    chosen: Sequence[str] = kinds
    if short:
        chosen, level = (short.key,), short
    elif kind:
        chosen = _named(rule, kind, kinds, what="perturbation")
    is_any = short is None and (kind is None or kind.is_every)
    found = _at_levels(rule, level, [c for c in (own if is_any else _tested(table)) if c[0] in chosen])
    return _conditions_part(found, _count([kind, level], len(found)))


def _conditions_part(found: Sequence[tuple[str, float]], count: int) -> _Part:
    return _Part(tuple({"perturbation": k, "level": v} for k, v in found), count)


def _tested(table: pd.DataFrame) -> list[tuple[str, float]]:
    pairs = zip(table["perturbation"], table["level"], strict=True)
    return sorted({(str(k), float(v)) for k, v in pairs}, key=lambda c: (c[0] != NOMINAL, c))


def _at_levels(rule: Rule, choice: Choice | None, tested: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    if choice is None or choice.is_every:
        return list(tested)
    found = []
    for value in choice.values:
        try:
            wanted = float(value)
        except ValueError:
            raise _fail(rule, choice, f"expected a level (a number), got {value!r}", "Write shift=0.1.") from None
        own = [c for c in tested if _is_level(np.array([c[1]]), wanted)[0]]
        if not own:
            levels = ", ".join(f"{k} {v:g}" for k, v in tested)
            raise _fail(rule, choice, f"the level {value} was not tested", f"Tested: {levels}.")
        found += own
    return found


def _is_level(levels: NDArray[np.float64], wanted: float) -> NDArray[np.bool_]:
    return np.asarray(np.isclose(levels, wanted, rtol=_LEVEL_RTOL, atol=0))


def _variables(rule: Rule, table: pd.DataFrame) -> tuple[Choice, ...]:
    """Give what is said of variables; every other key is a column or a perturbation."""
    kinds, names = _known(table, "perturbation"), [b for b in _known(table, "by") if b != ALL]
    found = [c for c in rule.choices if c.key not in COLUMNS and c.key not in kinds]
    parts = {part for name in names for part in name.split("*")}
    for choice in found:
        if choice.key not in {*names, *parts}:
            known = sorted({*names, *(k for k in kinds if k != NOMINAL), *COLUMNS})
            where = f"{rule.where}, column {choice.column}"
            what = f"the table has no variable, perturbation or column {choice.key!r}"
            error = unknown(what, choice.key, known, where=where)
            command = "compare" if rule.is_difference else "stratify"
            error.fix += f" Of a fact that is not there `robustkit {command} --by FACT` makes strata."
            raise error
    return tuple(found)


def _strata(rule: Rule, table: pd.DataFrame, variables: Sequence[Choice], *, cohort: str) -> _Part:
    if not variables:
        return _Part(({"by": ALL, "stratum": ALL},), 1)
    by, chosen = _crossing(rule, table, variables)
    known = table[table["by"] == by]
    labels = _split(known["stratum"], len(chosen))
    own = _split(known.loc[known["cohort"] == cohort, "stratum"], len(chosen))
    values = [_strata_of(rule, c, in_order({x[i] for x in labels})) for i, c in enumerate(chosen)]
    if any(c.is_every for c in chosen):
        found = [x for x in own if all(part in allowed for part, allowed in zip(x, values, strict=True))]
    else:
        found = list(product(*values))
    keys = tuple({"by": by, "stratum": SEPARATOR.join(x)} for x in found)
    return _Part(keys, max(1, len(keys)))


def _crossing(rule: Rule, table: pd.DataFrame, variables: Sequence[Choice]) -> tuple[str, Sequence[Choice]]:
    """Give the variable of the table and the choices in its order."""
    known = _known(table, "by")
    for order in permutations(variables):
        name = "*".join(c.key for c in order)
        if name in known:
            return name, order
    name = "*".join(c.key for c in variables)
    command = "compare" if rule.is_difference else "stratify"
    fix = f"Run `robustkit {command} --by '{name}'` first, or write a rule for each."
    raise _fail(rule, variables[-1], f"the table has no strata of {name}", fix)


def _split(strata: pd.Series, n: int) -> list[tuple[str, ...]]:
    distinct = [str(s) for s in dict.fromkeys(strata)]
    if n == 1:
        return [(s,) for s in distinct]
    return [parts for s in distinct if len(parts := tuple(s.split(SEPARATOR))) == n]


def _strata_of(rule: Rule, choice: Choice, known: Sequence[str]) -> tuple[str, ...]:
    """Give strata by name; bins also by ``small``, ``medium`` and ``large``."""
    bins = {s: (s.startswith(_FIRST), s.startswith(_LAST)) for s in known}
    is_binned = any(first or last for first, last in bins.values())
    found: list[str] = []
    for value in choice.values:
        if value in known or not is_binned or value not in _SIZES:
            found += _named(rule, Choice(choice.key, (value,), choice.column), known, what=f"stratum of {choice.key}")
        else:
            # a bin that holds no case is asked for all the same: there is no evidence of it
            found += [s for s, ends in bins.items() if ends == _SIZES[value] and s != UNKNOWN] or [value]
    return tuple(dict.fromkeys(found)) if choice.values else tuple(known)
