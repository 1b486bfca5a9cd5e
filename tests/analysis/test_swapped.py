"""A model far below chance is asked about its classes; one that is not sure of being below chance is not."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from robustkit.analysis.swapped import swapped_warnings
from robustkit.api.stratify import stratify

from factories import Answers, cohort, scores_of, write_run
from made_tables import strata


def _nominal(value: float, high: float) -> pd.DataFrame:
    table = strata(("a", "b"), ("internal",))
    own = (table["model"] == "a") & (table["metric"] == "auc")
    table.loc[own, ["value", "low", "high"]] = (value, value - 0.1, high)
    return table


def test_far_below_chance_is_asked_about_once() -> None:
    said = swapped_warnings(_nominal(0.2, 0.3))
    assert len(said) == 1
    assert said[0].startswith("a: the AUC is 0.200 (0.100 to 0.300) in the cohort internal: are its classes swapped?")


def test_near_chance_or_unsure_is_not() -> None:
    assert swapped_warnings(_nominal(0.45, 0.49)) == ()
    assert swapped_warnings(_nominal(0.3, 0.55)) == ()
    assert swapped_warnings(_nominal(float("nan"), float("nan"))) == ()


def test_a_run_with_its_scores_turned_round(tmp_path: Path) -> None:
    cases = cohort(60, 40)
    right = scores_of(cases)
    run = write_run(tmp_path / "run", cases, {"right": Answers(right), "turned": Answers(1 - right)})
    said = [w for w in stratify(run=run.path, draws=100, threshold=0.5).warnings if "swapped" in w]
    assert len(said) == 1
    assert said[0].startswith("turned: ")
