"""The noun Shelf: the runs that a dashboard shows, their tables joined and narrowed to what a visitor chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import pandas as pd

from robustkit.figures._base import Figure, FigureSet, RunFacts, facts_of
from robustkit.registry import load, names
from robustkit.results.folder import RunFolder

ALL = "all"
_MODEL_COLUMNS = ("model", "model_a", "model_b")


@dataclass(frozen=True, slots=True)
class ShelvedRun:
    """One run as it was when the dashboard began.

    Attributes:
        name: The folder's name; unlike that of every other run on the shelf.
        folder: On disk.
        record: run.json.
        tables: By name.
        cases: cases.parquet.
    """

    name: str
    folder: RunFolder
    record: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    cases: pd.DataFrame

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models."""
        return tuple(str(m["name"]) for m in self.record["models"])


@dataclass(frozen=True, slots=True)
class Choice:
    """What a visitor looks at: names of runs, models (with their run where several are shown) and cohorts; () is all."""

    runs: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    cohorts: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: Mapping[str, Sequence[str] | None] | None) -> Choice:
        """Read what the page keeps."""
        own = data or {}
        return cls(tuple(own.get("runs") or ()), tuple(own.get("models") or ()), tuple(own.get("cohorts") or ()))


class Shelf:
    """Runs side by side."""

    def __init__(self, runs: Sequence[ShelvedRun]) -> None:
        """Keep the runs, in the order in which they are shown."""
        self.runs = tuple(runs)
        self._drawn = lru_cache(maxsize=64)(self._draw)
        self._joined = lru_cache(maxsize=16)(self._join)

    def chosen(self, choice: Choice) -> tuple[ShelvedRun, ...]:
        """Give the runs of a choice; all where it names none that is here."""
        return tuple(r for r in self.runs if r.name in choice.runs) or self.runs

    def models(self, choice: Choice) -> tuple[str, ...]:
        """Give the models of the chosen runs, as they are shown."""
        runs = self.chosen(choice)
        return tuple(_label(m, run, n=len(runs)) for run in runs for m in run.models)

    def cohorts(self, choice: Choice) -> tuple[str, ...]:
        """Give the cohorts of the chosen runs."""
        found = [c for r in self.chosen(choice) for c in r.tables.get("strata", pd.DataFrame({"cohort": []}))["cohort"]]
        return tuple(dict.fromkeys(str(c) for c in found))

    def tables(self, choice: Choice) -> Mapping[str, pd.DataFrame]:
        """Give the tables of the chosen runs, joined, with the rows of the chosen models and cohorts."""
        return self._joined(choice)

    def facts(self, choice: Choice) -> RunFacts:
        """Give what figures must know; colours stay with their models whatever is chosen."""
        runs = self.chosen(choice)
        own = [facts_of(r.record) for r in runs]
        units = {kind: unit for f in own for kind, unit in f.units.items()}
        return RunFacts(self.models(choice), any(f.is_simulated for f in own), units, own[0].primary)

    def figure_names(self, places: Sequence[str]) -> tuple[str, ...]:
        """Give the figures of these sections that have something to show for all runs together."""
        sets = [self.figure(n, Choice()) for n in names("figures")]
        kept = sorted((s for s in sets if s.place in places and s.drawings), key=lambda s: (s.place, s.order, s.name))
        return tuple(s.name for s in kept)

    def figure(self, name: str, choice: Choice) -> FigureSet:
        """Draw a figure for a choice; drawings are kept."""
        return self._drawn(name, choice)

    def _draw(self, name: str, choice: Choice) -> FigureSet:
        return cast(Figure, load("figures", name)).draw(self.tables(choice), self.facts(choice))

    def _join(self, choice: Choice) -> Mapping[str, pd.DataFrame]:
        runs = self.chosen(choice)
        every = dict.fromkeys(n for r in runs for n in r.tables)
        return {n: _narrowed(pd.concat(_parts(n, runs), ignore_index=True), choice) for n in every}


def _parts(name: str, runs: Sequence[ShelvedRun]) -> list[pd.DataFrame]:
    parts = []
    for run in runs:
        if name not in run.tables:
            continue
        frame = run.tables[name]
        own = [c for c in _MODEL_COLUMNS if c in frame]
        labels = {m: _label(m, run, n=len(runs)) for m in run.models}
        told = frame.assign(**{c: frame[c].map(lambda m, to=labels: to.get(m, m)) for c in own})
        if "reader_id" in told and len(runs) > 1:
            # people of one name in two studies are not one reader
            told["reader_id"] += f" ({run.name})"
        parts.append(told)
    return parts


def _narrowed(frame: pd.DataFrame, choice: Choice) -> pd.DataFrame:
    for column in _MODEL_COLUMNS:
        if choice.models and column in frame:
            frame = frame[frame[column].isin(choice.models) | (frame[column] == "")]
    if choice.cohorts and "cohort" in frame:
        frame = frame[frame["cohort"].isin(choice.cohorts)]
    return frame


def _label(model: str, run: ShelvedRun, *, n: int) -> str:
    return model if n == 1 else f"{model} ({run.name})"
