"""The part of a written model that reads facts: its columns, their weights, and what must be said of cases beforehand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustkit.cohort.case import Case
from robustkit.cohort.facts import Facts, facts_of
from robustkit.cohort.vocabulary import Vocabulary
from robustkit.errors import InputError
from robustkit.models.terms import MISSING, Category, Design, Number
from robustkit.models.written import Written, texts

Floats = NDArray[np.float64]

_SHOWN = 4


@dataclass(frozen=True, slots=True)
class FactsPart:
    """Log-odds from facts.

    Attributes:
        design: Facts and columns.
        intercept: Log-odds where every column is 0.
        coefficients: One per column.
        allow_missing: A fact that a whole cohort lacks is stood in for, not refused.
        vocabulary: Of sites.
    """

    design: Design
    intercept: float
    coefficients: Floats
    allow_missing: bool
    vocabulary: Vocabulary

    def log_odds(self, case: Case, boxes: Floats) -> Floats:
        """Give ``(R,)`` float64 for ``(R, 4)`` boxes of a case."""
        facts = facts_of(case, boxes, vocabulary=self.vocabulary)
        return np.asarray(self.intercept + self.design.rows(facts, len(boxes)) @ self.coefficients)

    def remarks(self, cases: Sequence[Case]) -> tuple[str, ...]:
        """Say what stands in for facts that are missing, not known to the training, or beyond it; counts in all.

        Raises:
            InputError: A cohort lacks a fact in every case.
        """
        seen = [(c, facts_of(c, c.box.array()[None], vocabulary=self.vocabulary)) for c in cases]
        by_cohort: dict[str, list[Facts]] = {}
        for case, facts in seen:
            by_cohort.setdefault(case.facts.get("cohort", ""), []).append(facts)
        for term in self.design.terms:
            for cohort, own in by_cohort.items():
                if all(is_missing(term, f) for f in own) and not self.allow_missing:
                    raise lacking(term.fact, cohort, len(own))
        everyone = [f for _, f in seen]
        return tuple(s for term in self.design.terms for s in _said(term, everyone))


def lacking(fact: str, cohort: str, n: int) -> InputError:
    """Give the error about a cohort whose cases all lack a fact."""
    where = f"the cohort {cohort!r}" if cohort else "the cohort"
    what = f"all {n} cases of {where} lack the fact {fact}: the model would judge them by a value that is made up."
    fix = f"Fill the column, fit the model without {fact}, or fit it with --allow-missing."
    return InputError(what, where=f"the fact {fact}", fix=fix)


def is_missing(term: Number | Category, facts: Facts) -> bool:
    """Tell whether a case lacks a fact."""
    if isinstance(term, Number):
        return not np.isfinite(term.values(facts, 1)).all()
    return term.level(facts) == MISSING


def _said(term: Number | Category, cases: Sequence[Facts]) -> Iterator[str]:
    n_missing = sum(is_missing(term, f) for f in cases)
    if isinstance(term, Number):
        if n_missing:
            stand_in = f"{term.median:g}, the median of the training cases" + (
                ", and its own column says so" if term.has_missing_column else ""
            )
            yield f"{term.fact} is missing in {n_missing} of {len(cases)} cases: taken as {stand_in}."
        values = np.array([float(term.values(f, 1)[0]) for f in cases])
        beyond = int(np.count_nonzero((values < term.low) | (values > term.high)))
        if beyond:
            yield (
                f"{term.fact} of {beyond} of {len(cases)} cases lies beyond that of the training ({term.low:g} to "
                f"{term.high:g})."
            )
        return
    if n_missing and not term.knows(MISSING):
        yield f"{term.fact} is missing in {n_missing} of {len(cases)} cases: taken as {term.reference}."
    strange = Counter(v for f in cases if not term.knows(v := term.level(f)) and v != MISSING)
    if strange:
        names = ", ".join(f"{v!r}" for v, _ in strange.most_common(_SHOWN))
        more = ", ..." if len(strange) > _SHOWN else ""
        yield (
            f"{term.fact} of {strange.total()} of {len(cases)} cases was not in the training ({names}{more}): taken as "
            f"{term.reference}."
        )


def read_facts(written: Written, body: Mapping[str, Any], vocabulary: Vocabulary) -> FactsPart:
    """Read ``facts``, ``intercept``, ``coefficients`` and ``allow_missing`` of a body.

    Raises:
        CheckpointError: A field is missing or wrong.
    """
    design = Design(tuple(_terms(written, body.get("facts"))))
    weights = numbers(written, body, "coefficients")
    if len(weights) != len(design.columns):
        expected = f"{len(design.columns)} numbers, one for each of {', '.join(design.columns) or 'no columns'}"
        raise written.wrong("body.coefficients", expected, weights.tolist())
    allow = body.get("allow_missing", False)
    if not isinstance(allow, bool):
        raise written.wrong("body.allow_missing", "true or false", allow)
    return FactsPart(design, finite(written, body, "intercept"), weights, allow, vocabulary)


def finite(written: Written, body: Mapping[str, Any], name: str) -> float:
    """Give a field that is a finite number.

    Raises:
        CheckpointError: It is something else.
    """
    value = body.get(name)
    if not _is_number(value):
        raise written.wrong(f"body.{name}", "a number", value)
    return float(value)  # type: ignore[arg-type]  # checked above


def numbers(written: Written, body: Mapping[str, Any], name: str) -> Floats:
    """Give a field that is a list of finite numbers.

    Raises:
        CheckpointError: It is something else.
    """
    value = body.get(name)
    if not isinstance(value, list) or not all(_is_number(v) for v in value):
        raise written.wrong(f"body.{name}", "a list of numbers", value)
    return np.asarray(value, dtype=np.float64)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _terms(written: Written, said: object) -> Iterator[Number | Category]:
    if not isinstance(said, list) or not all(isinstance(t, dict) and isinstance(t.get("fact"), str) for t in said):
        raise written.wrong("body.facts", 'a list such as [{"kind": "name", "fact": "sex", ...}]', said)
    names = [t["fact"] for t in said]
    if len(set(names)) < len(names):
        raise written.wrong("body.facts", "each fact once", names)
    for i, term in enumerate(said):
        place = f"facts[{i}]"
        if term.get("kind") == "number":
            yield _number(written, term, place)
        elif term.get("kind") == "name":
            lists = {k: texts(term.get(k, []), f"body.{place}.{k}", written.path) for k in _LISTS}
            reference = term.get("reference")
            if not isinstance(reference, str):
                raise written.wrong(f"body.{place}.reference", "the name of a level", reference)
            yield Category(term["fact"], reference, **lists)
        else:
            raise written.wrong(f"body.{place}.kind", "number or name", term.get("kind"))


_LISTS = ("levels", "other", "as_reference")


def _number(written: Written, term: Mapping[str, Any], place: str) -> Number:
    flat = {f"{place}.{k}": v for k, v in term.items()}
    median, low, high = (finite(written, flat, f"{place}.{k}") for k in ("median", "low", "high"))
    knots = tuple(numbers(written, {f"{place}.knots": term.get("knots", [])}, f"{place}.knots").tolist())
    if (0 < len(knots) < 3) or not all(a < b for a, b in pairwise(knots)):
        raise written.wrong(f"body.{place}.knots", "no knots, or three or more rising ones", list(knots))
    own = term.get("has_missing_column", False)
    if not isinstance(own, bool):
        raise written.wrong(f"body.{place}.has_missing_column", "true or false", own)
    return Number(term["fact"], median, low, high, knots, own)
