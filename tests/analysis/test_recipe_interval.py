"""The recipe's interval, its threshold chosen anew: where it is given, and in which tables."""

from __future__ import annotations

import pandas as pd
import pytest
from robustkit.analysis.tables import Choices, make_tables
from robustkit.cohort.vocabulary import read_vocabulary
from robustkit.results.folder import RunFolder

from factories import Answers, cohort, redrawn, scores_of, write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    cases = cohort(80, 40)
    nominal = [scores_of(cases, seed=seed) for seed in (0, 3)]
    models = {
        name: Answers(n, {("shift", 0.1): redrawn(cases, n)}) for name, n in zip(("m", "other"), nominal, strict=True)
    }
    return write_run(tmp_path_factory.mktemp("run") / "run", cases, models)


def tables(run: RunFolder, *, threshold: float | None = None) -> dict[str, pd.DataFrame]:
    choices = Choices(("region",), threshold, "smoothed", "case", (), None, 200, 0)
    return dict(make_tables(run, read_vocabulary(), choices).frames)


def test_the_recipe_interval_is_there_for_thresholds_from_development_rows_alone(run: RunFolder) -> None:
    chosen = tables(run)
    assert set(chosen["thresholds"]["source"]) == {"development"}
    rows = chosen["strata"].query("metric == 'sensitivity' and perturbation == 'nominal' and by == 'all'")
    assert (rows["low_threshold"] < rows["value"]).all()
    assert (rows["value"] < rows["high_threshold"]).all()
    # choosing anew adds an error, it takes none away
    wide = rows["high_threshold"] - rows["low_threshold"]
    assert (wide > 0.9 * (rows["high"] - rows["low"])).all()
    given = tables(run, threshold=0.5)["strata"]
    assert given["low_threshold"].isna().all()


def test_curves_begin_with_the_recipe_interval_of_the_boxes_as_given(run: RunFolder) -> None:
    frames = tables(run)
    key, bounds = ["model", "cohort", "by", "stratum", "metric"], ["low_threshold", "high_threshold"]
    wanted = frames["strata"].query("perturbation == 'nominal'").set_index(key)[bounds].dropna()
    found = frames["curves"].query("level == 0").set_index(key)[bounds].dropna()
    assert len(wanted) > 10
    pd.testing.assert_frame_equal(found.sort_index(), wanted.sort_index())
