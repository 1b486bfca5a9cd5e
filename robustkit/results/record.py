"""What run.json may hold: every field that a reader looks at, of its kind, before anything is computed from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

NEEDED = ("format", "seed", "repeats", "perturbations", "models")


def record_faults(record: Mapping[str, Any]) -> Iterator[str]:
    """Name the fields of run.json that are of another kind than the contract says; those it does not know are not looked at.

    Example:
        >>> list(record_faults({"seed": 0, "repeats": "many"}))
        ["repeats: expected a whole number of 0 or more, got 'many'"]
    """
    yield from _fields(record, _RECORD, "")


Check = Callable[[Any, str], Iterator[str]]
"""Gives the faults of a value at a place."""


def _kind(said: str, holds: Callable[[Any], bool]) -> Check:
    def check(value: Any, place: str) -> Iterator[str]:
        if not holds(value):
            shown = repr(value)
            yield f"{place}: expected {said}, got {shown if len(shown) <= 60 else f'{shown[:57]}...'}"

    return check


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**64


_TEXT = _kind("text", lambda v: isinstance(v, str))
_NAME = _kind("a name", lambda v: isinstance(v, str) and bool(v.strip()))
_WHOLE = _kind("a whole number of 0 or more", _is_whole)
_COUNT = _kind("a whole number of 1 or more", lambda v: _is_whole(v) and v >= 1)
_NUMBER = _kind("a finite number", _is_number)
_MEASURE = _kind("a number", lambda v: isinstance(v, int | float) and not isinstance(v, bool))
"""NaN and infinity are answers, too."""
_ERROR = _kind("a number or null", lambda v: v is None or (isinstance(v, int | float) and not isinstance(v, bool)))
_OBJECT = _kind("an object", lambda v: isinstance(v, dict))
_LIST = _kind("a list", lambda v: isinstance(v, list))


def _listed(item: Check, *, least: int = 0) -> Check:
    is_list = _kind(
        f"a list of {least} or more" if least else "a list", lambda v: isinstance(v, list) and len(v) >= least
    )

    def check(value: Any, place: str) -> Iterator[str]:
        wrong = list(is_list(value, place))
        yield from wrong
        if not wrong:
            for i, entry in enumerate(value):
                yield from item(entry, f"{place}[{i}]")

    return check


def _valued(item: Check) -> Check:
    """An object whose values are all of one kind."""

    def check(value: Any, place: str) -> Iterator[str]:
        wrong = list(_OBJECT(value, place))
        yield from wrong
        if not wrong:
            for key, entry in value.items():
                yield from item(entry, f"{place}.{key}")

    return check


def _entry(fields: Mapping[str, Check], *needed: str) -> Check:
    """An object with fields of their own kinds; others are not looked at."""

    def check(value: Any, place: str) -> Iterator[str]:
        wrong = list(_OBJECT(value, place))
        yield from wrong
        if not wrong:
            lacking = [n for n in needed if n not in value]
            if lacking:
                yield f"{place} lacks {', '.join(lacking)}"
            yield from _fields(value, fields, f"{place}.")

    return check


def _fields(value: Mapping[str, Any], fields: Mapping[str, Check], before: str) -> Iterator[str]:
    for name, check in fields.items():
        if name in value:
            yield from check(value[name], f"{before}{name}")


_INPUT: dict[str, Check] = {
    "height_px": _COUNT, "width_px": _COUNT, "kernel": _TEXT, "scaling": _TEXT, "mean": _listed(_NUMBER), "std": _listed(_NUMBER),
    "channels": _TEXT, "margin": _NUMBER, "fit": _TEXT, "layout": _TEXT,
}  # fmt: skip
_MODEL: dict[str, Check] = {
    "name": _NAME, "classes": _listed(_TEXT), "positive": _listed(_TEXT), "sha256": _TEXT, "arch": _TEXT, "lineage": _TEXT,
    "input": _entry(_INPUT), "operating_points": _valued(_NUMBER), "assumed": _listed(_TEXT), "training": _OBJECT,
}  # fmt: skip
_MODEL["members"] = _listed(_entry(_MODEL, "name"))

_TRIAL: dict[str, Check] = {
    "model": _TEXT, "backend": _TEXT, "precision": _TEXT, "error": _ERROR, "n_crops": _WHOLE, "tolerance": _MEASURE,
}  # fmt: skip
_RECORD: dict[str, Check] = {
    "status": _TEXT, "identity": _TEXT, "seed": _WHOLE, "repeats": _WHOLE, "set_size": _COUNT,
    "perturbations": _listed(_entry({"kind": _NAME, "levels": _listed(_NUMBER), "units": _TEXT}, "kind", "levels")),
    "models": _listed(_entry(_MODEL, "name", "classes", "positive"), least=1),
    "command": _LIST, "manifests": _listed(_entry({"path": _TEXT, "sha256": _TEXT})),
    "thresholds": _listed(_entry({"value": _MEASURE}, "value")), "counts": _valued(_WHOLE), "trials": _listed(_entry(_TRIAL, *_TRIAL)),
    "packages": _OBJECT,
    "timings_s": _valued(_NUMBER), "warnings": _LIST, "stratify": _entry({"warnings": _LIST}), "positive_labels": _listed(_TEXT),
    "sampler": _TEXT, "border": _TEXT, "snap": _TEXT, "precision": _TEXT, "depth": _TEXT, "device": _TEXT,
}  # fmt: skip
