"""Where a threshold comes from: flag, checkpoint, development rows, 0.5."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.analysis.thresholds import Development, Threshold, choose_threshold, thresholds_table
from robustkit.results.schema import THRESHOLDS_COLUMNS


def development(n: int = 30) -> Development:
    scores = np.linspace(0.02, 0.98, n)
    return Development(scores, scores >= 0.4, np.arange(n))


def choose(entry: dict[str, object], own: Development | None = None, **given: object) -> Threshold:
    base = {"asked": None, "method": "empirical", "draws": 100, "seed": 0}
    return choose_threshold({"name": "m", **entry}, own or development(), **{**base, **given})  # type: ignore[arg-type]


CARRIED = {"operating_points": {"rule-in": 0.8, "youden": 0.31}}


def test_sources_in_their_order() -> None:
    asked = choose(CARRIED, asked=0.7)
    assert (asked.value, asked.source, asked.operating_point) == (0.7, "flag", "given")
    carried = choose(CARRIED)
    assert (carried.value, carried.source, carried.operating_point) == (0.31, "checkpoint", "youden")
    only = choose({"operating_points": {"rule-in": 0.8}})
    assert (only.value, only.operating_point) == (0.8, "rule-in")
    chosen = choose({})
    assert (chosen.source, chosen.n, chosen.n_positive) == ("development", 30, 18)
    # separable at .4: of the distinct scores the lowest positive one
    assert chosen.value == development().scores[development().positive].min()
    assert chosen.low <= chosen.value <= chosen.high


def test_run_json_may_tell_what_came_with_a_checkpoint() -> None:
    recorded = [
        {"model": "n", "operating_point": "youden", "value": 0.1, "source": "checkpoint"},
        {"model": "m", "operating_point": "youden", "value": 0.2, "source": "sidecar"},
    ]
    assert (choose({}, recorded=recorded).value, choose({}, recorded=recorded).source) == (0.2, "checkpoint")
    # what an earlier stratify chose or was told does not stick
    for source in ("flag", "development", "default 0.5"):
        again = [{"model": "m", "operating_point": "given", "value": 0.9, "source": source}]
        assert choose({}, recorded=again).source == "development"


@pytest.mark.parametrize("n_positive", [0, 3, 9])
def test_too_few_development_rows_give_a_half_and_a_warning(n_positive: int) -> None:
    labels = np.arange(30) < n_positive
    found = choose({}, Development(np.linspace(0, 1, 30), labels, np.arange(30)))
    assert (found.value, found.source, found.n, found.n_positive) == (0.5, "default 0.5", 30, n_positive)
    assert found.warning == (
        f"m: no threshold was given and development rows are too few ({n_positive} positive of 30): 0.5 is used."
    )


def test_table() -> None:
    table = thresholds_table([choose({}), choose(CARRIED)])
    assert tuple(table.columns) == THRESHOLDS_COLUMNS
    assert table["source"].tolist() == ["development", "checkpoint"]
    assert table["low"].isna().tolist() == [False, True]
