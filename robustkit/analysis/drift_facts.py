"""Facts of the cases, external against internal: standardised differences, and tests with the patient as the unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import Judged
from robustkit.stats.difference import Difference
from robustkit.stats.estimate import NAN, Estimate
from robustkit.stats.multiplicity import holm
from robustkit.stats.paired_table import newcombe
from robustkit.stats.proportion import clustered_proportion
from robustkit.stats.sides import Sides
from robustkit.stats.standardised import category_difference, cliffs_delta, number_difference
from robustkit.stats.two_sample_tests import TwoSampleTest, category_test, number_test
from robustkit.strata._base import MANY, UNKNOWN
from robustkit.strata._order import in_order

FACTS = ("age", "sex", "subtype", "group", "site", "region", "size", "label")
"""What is compared where nothing else is asked for."""

PERMUTATIONS_PER_FACT = 400
"""20 x family / .05 (estimands, section 4)."""

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of all N cases of a run.

    Attributes:
        name: As asked for.
        strata: ``(N,)`` text, ``unknown`` where the fact is missing.
        numbers: ``(N,)`` NaN where missing; None for a fact of categories.
        unit: Of the numbers.
    """

    name: str
    strata: NDArray[np.object_]
    numbers: NDArray[np.float64] | None = None
    unit: str = ""

    def is_known(self) -> NDArray[np.bool_]:
        """``(N,)`` True where the fact is given."""
        return np.asarray(self.strata != UNKNOWN if self.numbers is None else np.isfinite(self.numbers), dtype=bool)


def read_facts(cohort: Judged, strata: Mapping[str, pd.Series]) -> tuple[Fact, ...]:
    """Give the facts: numbers where the fact is one, with the strata that it is reweighted by.

    Args:
        cohort: All cases.
        strata: ``(N,)`` strata of each fact.
    """
    return tuple(Fact(n, s.to_numpy(dtype=object), *_numbers(cohort.frame, n)) for n, s in strata.items())


def _numbers(frame: pd.DataFrame, name: str) -> tuple[NDArray[np.float64] | None, str]:
    if name == "age":
        return frame["age_years"].to_numpy(dtype=np.float64), "years"
    # one scale for all cases, the one that the strata of size have
    if name == "size" and frame["size_mm"].notna().mean() >= 0.5:
        return frame["size_mm"].to_numpy(dtype=np.float64), "mm"
    if name == "size":
        return 100 * frame["size_frac"].to_numpy(dtype=np.float64), "% of film"
    if name not in frame or not pd.api.types.is_numeric_dtype(frame[name]) or frame[name].nunique() <= MANY:
        return None, ""
    return frame[name].to_numpy(dtype=np.float64), ""


def fact_rows(
    facts: Sequence[Fact], rows: NDArray[np.intp], sides: Sides, *, draws: int, seed: int, family: str
) -> list[Row]:
    """Give the rows of one external cohort.

    Args:
        facts: Of all cases.
        rows: ``(n,)`` positions of the cases of both cohorts.
        sides: Of these cases.
        draws: Least number of permutations.
        seed: Of them.
        family: Name of the tests that are adjusted together.
    """
    permutations = max(draws, PERMUTATIONS_PER_FACT * len(facts))
    found: list[Row] = []
    for fact in facts:
        known = fact.is_known()[rows]
        part = sides.only(known)
        fixed: Row = {"part": "facts", "name": fact.name, "unit": fact.unit, **counts(sides, known)}
        if fact.numbers is None:
            found += _category_rows(fact.strata[rows][known], part, fixed, draws=permutations, seed=seed)
        else:
            found += _number_rows(fact.numbers[rows][known], part, fixed)
    tested = [r for r in found if r["test"]]
    adjusted = holm(np.array([float(str(r["p"])) for r in tested]))
    for row, p in zip(tested, adjusted, strict=True):
        row["p_adjusted"], row["family"] = float(p), family
    return found


def counts(sides: Sides, known: NDArray[np.bool_]) -> Row:
    """Give cases, patients and missing values of either side."""
    part = sides.only(known)
    return {
        "n_cases_a": int(part.is_a.sum()), "n_patients_a": part.patients_of(is_a=True),
        "n_missing_a": int((sides.is_a & ~known).sum()), "n_cases_b": int((~part.is_a).sum()),
        "n_patients_b": part.patients_of(is_a=False), "n_missing_b": int((~sides.is_a & ~known).sum()),
    }  # fmt: skip


def number_rows(values: NDArray[np.float64], sides: Sides, fixed: Row) -> list[Row]:
    """Give both effect sizes of a number, without a test."""
    a, b = values[sides.is_a], values[~sides.is_a]
    moments = {"value_a": _mean(a), "sd_a": _sd(a), "value_b": _mean(b), "sd_b": _sd(b)}
    smd = number_difference(values, sides) if len(values) else Estimate(reason="no cases")
    delta = cliffs_delta(values, sides) if len(values) else Estimate(reason="no cases")
    return [
        {**fixed, **moments, "measure": "smd", **estimate_columns(smd), "test": ""},
        {**fixed, **moments, "measure": "cliffs_delta", **estimate_columns(delta), "test": ""},
    ]


def estimate_columns(e: Estimate) -> Row:
    """Give value, interval, method and reason."""
    return {"value": e.value, "low": e.low, "high": e.high, "method": e.method, "reason": e.reason}


def _number_rows(values: NDArray[np.float64], sides: Sides, fixed: Row) -> list[Row]:
    smd, delta = number_rows(values, sides, fixed)
    test = number_test(values, sides) if len(values) else TwoSampleTest("", reason="no cases")
    return [{**smd, **_test_columns(test)}, delta]


def _category_rows(names: NDArray[np.object_], sides: Sides, fixed: Row, *, draws: int, seed: int) -> list[Row]:
    if not len(names):
        nothing = estimate_columns(Estimate(reason="no case has this fact"))
        return [{**fixed, "measure": "smd", **nothing, "test": ""}]
    found, codes = np.unique(names.astype(str), return_inverse=True)
    k = len(found)
    e = category_difference(codes, sides, n_categories=k)
    test = category_test(codes, sides, n_categories=k, draws=draws, seed=seed, purpose=str(fixed["name"]))
    whole: Row = {**fixed, "measure": "smd", **estimate_columns(e), **_test_columns(test)}
    return [whole, *(_share_row(c, names.astype(str) == c, sides, fixed) for c in in_order(map(str, found)))]


def _share_row(category: str, inside: NDArray[np.bool_], sides: Sides, fixed: Row) -> Row:
    """Give the share of one category in both cohorts, and the difference with its interval."""
    a, b = (clustered_proportion(inside[s], sides.patients[s]) for s in (sides.is_a, ~sides.is_a))
    d = Difference(a.value - b.value, *newcombe(a, b), method="Newcombe, effective sizes", reason=a.reason or b.reason)
    return {
        **fixed, "category": category, "measure": "share", "value_a": a.value, "value_b": b.value, "value": d.diff,
        "low": d.low, "high": d.high, "method": d.method if d.diff == d.diff else "", "test": "", "reason": d.reason,
    }  # fmt: skip


def _test_columns(test: TwoSampleTest) -> Row:
    return {
        "test": test.name, "statistic": test.statistic, "p": test.p, "p_shape": test.p_shape,
        "by_chance": test.by_chance,
    }  # fmt: skip


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else NAN


def _sd(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else NAN
