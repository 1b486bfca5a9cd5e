"""Rows of readers.csv on the question whether help depends on the model being stable.

A case's gain is how much better its readers were with the model: the share of them who were right aided minus unaided
(``right``), and how far their ratings moved towards the truth, in shares of the scale (``rating``). A case's instability is
the spread of the model's score (sd of the logit) over redrawn boxes at the run's first level.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from robustkit.analysis.reader_pairs import Pair
from robustkit.analysis.reader_truth import EVERYONE, Codes, Flags, Floats, Place, Truth
from robustkit.stats.bootstrap import clustered_mean
from robustkit.stats.group_difference import mean_difference
from robustkit.stats.rank_correlation import clustered_spearman

GAIN = "gain by stability"
BY = "model"
"""Variable of the rows on cases where the model is right, and where it is wrong."""


def gain_rows(
    pairs: Sequence[Pair], truth: Truth, place: Place, *, scale: tuple[float, float]
) -> Iterator[dict[str, object]]:
    """Give correlation of gain and instability, the mean gain of steadier and less steady cases, and their difference.

    All cases, then those where the model is right and those where it is wrong: a model that wavers is wrong more often, and
    gain would follow instability for that reason alone.

    Args:
        pairs: Aided and unaided, a reader each.
        truth: Of the cases, with the model's answers.
        place: A whole cohort.
        scale: Ends of the rating.
    """
    frame = _gains(pairs, truth, scale).join(truth.frame, how="left")
    frame = frame[np.isfinite(frame["sd_logit"].to_numpy(dtype=np.float64))]
    fixed = {"reader_id": EVERYONE, "arm_a": pairs[0].arms[0], "arm_b": pairs[0].arms[1]}
    if frame.empty:
        yield place.row(
            GAIN,
            **fixed,
            metric="gain_right_by_instability",
            n_cases=0,
            n_patients=0,
            reason="the run has no redrawn boxes",
        )
        return
    is_right = (frame["above"] == frame["positive"]).to_numpy(dtype=bool)
    for own_place, keep in (
        (place, np.ones(len(frame), dtype=bool)),
        (Place(BY, "right", place.cohort), is_right),
        (Place(BY, "wrong", place.cohort), ~is_right),
    ):
        own = frame[keep]
        patients = own["patient"].to_numpy(dtype=np.intp)
        unstable, flips = own["sd_logit"].to_numpy(dtype=np.float64), own["flip_rate"].to_numpy(dtype=np.float64) > 0
        for gain in ("right", "rating"):
            for row in _one(own[gain].to_numpy(), unstable, flips, patients, truth=truth):
                yield own_place.row(GAIN, **fixed, **{**row, "metric": f"gain_{gain}_{row['metric']}"})


def _gains(pairs: Sequence[Pair], truth: Truth, scale: tuple[float, float]) -> pd.DataFrame:
    """Give the mean gain over a case's readers, by case_id."""
    parts = []
    for pair in pairs:
        positive, _ = truth.of(pair.cases)
        aided, unaided = pair.called[""]
        right = (aided == positive).astype(np.float64) - (unaided == positive)
        rating = np.where(positive, 1, -1) * (pair.a - pair.b) / (scale[1] - scale[0])
        parts.append(pd.DataFrame({"right": right, "rating": rating}, index=pair.cases))
    return pd.concat(parts).groupby(level=0).mean()


def _one(gain: Floats, unstable: Floats, flips: Flags, patients: Codes, *, truth: Truth) -> Iterator[dict[str, object]]:
    together = clustered_spearman(gain, unstable, patients, truth.draws)
    yield {
        "metric": "by_instability", "value_a": together.value, "low": together.low, "high": together.high,
        "n_cases": together.n_cases, "n_patients": together.n_patients, "method": f"Spearman; {together.method}",
        "reason": together.reason,
    }  # fmt: skip
    middle = np.median(unstable) if len(unstable) else np.nan
    for name, less in (("unsteady", unstable > middle), ("flipping", flips)):
        sides = [clustered_mean(gain[k], patients[k], truth.draws) for k in (~less, less)]
        d = mean_difference(gain, patients, ~less, truth.draws)
        yield {
            "metric": f"steady_minus_{name}", "value_a": sides[0].value, "value_b": sides[1].value, "diff": d.diff, "low": d.low,
            "high": d.high, "statistic": d.statistic, "p": d.p, "n_cases": d.n_cases, "n_patients": d.n_patients,
            "method": d.method, "reason": d.reason,
        }  # fmt: skip
