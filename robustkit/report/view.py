"""The noun RunView: all that a page says about a run, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from robustkit.figures._base import FigureSet, Place, RunFacts, facts_of
from robustkit.report.case_answers import CaseAnswers
from robustkit.report.cases import ShownCase
from robustkit.report.heatmap_pictures import ShownMaps


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page.

    Attributes:
        anchor: Its id.
        title: Its heading and its name in the navigation.
        html: What stands below the heading; text in it is escaped.
        data: Plain data by name, for the script; the page packs it, ``robustkit.data(name)`` gives it there.
        script: Name of the asset that makes the section answer to its reader; "" where it stands still.
    """

    anchor: str
    title: str
    html: str
    data: Mapping[str, Any] = field(default_factory=dict)
    script: str = ""


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as a page sees it.

    Attributes:
        record: run.json.
        tables: By name, as they are on disk.
        cases: cases.parquet.
        figures: Drawn from the tables.
        shown: The least stable cases.
        has_images: False where films are left out.
        answers: Of every case at the primary level, for the table of cases.
        thumbnails: Of the run, a row each (``results.thumbnails``).
        heatmaps: Of the boxes as given.
    """

    record: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    cases: pd.DataFrame
    figures: Sequence[FigureSet]
    shown: Sequence[ShownCase]
    has_images: bool
    answers: CaseAnswers = field(default_factory=CaseAnswers)
    thumbnails: pd.DataFrame = field(default_factory=pd.DataFrame)
    heatmaps: ShownMaps = field(default_factory=ShownMaps)

    @property
    def is_simulated(self) -> bool:
        """True where the films are the phantom's."""
        return bool(self.record.get("simulated"))

    @property
    def shows_films(self) -> bool:
        """True where pictures of patients' films are on the page."""
        has_pictures = any(c.picture.uri for c in self.shown) or (bool(self.answers.given) and len(self.thumbnails) > 0)
        return self.has_images and has_pictures and not self.is_simulated

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, in the order of the run."""
        return model_names(self.record)

    def table(self, name: str) -> pd.DataFrame:
        """Give a table, an empty one where the run has none."""
        return self.tables.get(name, pd.DataFrame())

    def figures_of(self, place: Place) -> list[FigureSet]:
        """Give the figures of a section that have something to show."""
        return sorted((f for f in self.figures if f.place == place and f.drawings), key=lambda f: (f.order, f.name))


def model_names(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the names of a run's models."""
    return tuple(str(m["name"]) for m in record["models"])


def run_facts(record: Mapping[str, Any]) -> RunFacts:
    """Give what figures must know about a run."""
    return facts_of(record)
