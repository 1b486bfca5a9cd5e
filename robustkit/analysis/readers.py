"""readers.csv: every reader without and with the model, readers among each other and against the model, all together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from robustkit.analysis.reader_gain import gain_rows
from robustkit.analysis.reader_groups import agreement_rows, multireader_rows
from robustkit.analysis.reader_pairs import (
    AGAINST_MODEL,
    PER_READER,
    Pair,
    against_model,
    change_rows,
    pair_rows,
    time_rows,
)
from robustkit.analysis.reader_truth import ALL, Place, Truth, places
from robustkit.analysis.readings import DECISIONS, REFER, Readings
from robustkit.results.schema import READERS_COLUMNS, TEXT_COLUMNS


@dataclass(frozen=True, slots=True)
class ReadChoices:
    """How readings become numbers.

    Attributes:
        cut: A rating at or above it calls the case positive.
        scale: Ends of the rating.
    """

    cut: float
    scale: tuple[float, float]


def readers_table(readings: Readings, truth: Truth, choices: ReadChoices) -> pd.DataFrame:
    """Give readers.csv: differences are first arm (aided) minus second (unaided).

    Args:
        readings: Of two arms.
        truth: Of their cases.
        choices: Cut and scale.
    """
    wide, seconds = _wide(readings, "score"), _wide(readings, "seconds")
    rows: list[dict[str, object]] = []
    for place, ids in places(truth, wide.index):
        pairs = list(_pairs(readings, wide.loc[ids], choices))
        for pair in pairs:
            rows += pair_rows(pair, truth, place, analysis=PER_READER)
            rows += time_rows(pair, seconds, truth, place)
            rows += change_rows(pair, truth, place)
            for other in against_model(pair, truth) if truth.model else ():
                rows += pair_rows(other, truth, place, analysis=AGAINST_MODEL)
        rows += agreement_rows(wide.loc[ids], readings, truth, place)
        rows += multireader_rows(wide.loc[ids], readings, truth, place)
        rows += _gains(pairs, truth, place, choices)
    table = pd.DataFrame(rows, columns=list(READERS_COLUMNS))
    texts = [c for c in READERS_COLUMNS if c in TEXT_COLUMNS]
    return table.assign(**{c: table[c].fillna("") for c in texts})


def _gains(pairs: list[Pair], truth: Truth, place: Place, choices: ReadChoices) -> Iterator[dict[str, object]]:
    if truth.model and place.by == ALL:
        yield from gain_rows(pairs, truth, place, scale=choices.scale)


def _wide(readings: Readings, column: str) -> pd.DataFrame:
    return readings.frame.pivot(index="case_id", columns=["arm", "reader_id"], values=column)


def _pairs(readings: Readings, wide: pd.DataFrame, choices: ReadChoices) -> Iterator[Pair]:
    """Give both arms of every reader, on the cases read in both; decisions where every one of them was given."""
    decided = _wide(readings, "decision")
    for reader in readings.readers:
        both = [(a, reader) for a in readings.arms]
        own = wide[both].dropna()
        a, b = (own[c].to_numpy(dtype=np.float64) for c in both)
        called = {"": (a >= choices.cut, b >= choices.cut)}
        said = decided.loc[own.index, both]
        if len(said) and said.isin(DECISIONS).all(axis=None):
            first, second = ((said[c] == REFER).to_numpy(dtype=bool) for c in both)
            called["_referred"] = (first, second)
        yield Pair(reader, readings.arms, own.index, a, b, called)
