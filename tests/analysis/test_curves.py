"""curves.csv from rows of strata.csv, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
from robustkit.analysis.curves import curves_table
from robustkit.results.schema import CURVES_COLUMNS, STRATA_COLUMNS

REACHED = {("shift", 0.1, "all", "all", "all"): (0.8, 0.25), ("shift", 0.2, "all", "all", "all"): (0.6, 0.0)}


def _rows(*rows: tuple[str, float, str, str, float]) -> pd.DataFrame:
    own = ("perturbation", "level", "stratum", "metric", "value")
    table = pd.DataFrame([dict(zip(own, r, strict=True)) for r in rows])
    texts = dict.fromkeys(("split", "unit", "operating_point", "method", "family", "reason"), "")
    numbers = {c: 0.5 for c in STRATA_COLUMNS if c not in table and c not in texts}
    return table.assign(**{**numbers, **texts, "by": "all", "cohort": "all", "model": "m", "repeats": 5})[
        list(STRATA_COLUMNS)
    ]


STRATA = _rows(
    ("nominal", 0.0, "all", "auc", 0.9),
    ("nominal", 0.0, "all", "ece", 0.1),
    ("nominal", 0.0, "(heterogeneity)", "auc", 0.5),
    ("shift", 0.1, "all", "auc", 0.8),
    ("shift", 0.1, "all", "flip_rate", 0.2),
    ("shift", 0.1, "all", "rank_sd", np.nan),
    ("shift", 0.2, "all", "auc", 0.7),
    ("shift", 0.2, "all", "flip_rate", 0.3),
    ("scale", 0.1, "all", "auc", 0.85),
)


def test_each_curve_begins_at_level_0() -> None:
    found = curves_table(STRATA, REACHED)
    assert tuple(found.columns) == CURVES_COLUMNS
    lines = found[["perturbation", "metric", "level", "value"]].to_numpy().tolist()
    # the test and the metric of no curve are left out; each perturbation begins with the nominal row
    assert lines[:2] == [["scale", "auc", 0.0, 0.9], ["scale", "auc", 0.1, 0.85]]
    assert lines[2:8] == [
        ["shift", "auc", 0.0, 0.9], ["shift", "auc", 0.1, 0.8], ["shift", "auc", 0.2, 0.7],
        ["shift", "flip_rate", 0.0, 0.0], ["shift", "flip_rate", 0.1, 0.2], ["shift", "flip_rate", 0.2, 0.3],
    ]  # fmt: skip
    assert [line[:3] for line in lines[8:]] == [["shift", "rank_sd", 0.0], ["shift", "rank_sd", 0.1]]
    assert (found["x"] == found["level"]).all()
    assert found["p"].isna().all()


def test_at_level_0_nothing_moves_and_there_is_no_interval() -> None:
    found = curves_table(STRATA, REACHED).query("perturbation == 'shift'")
    still = found.query("metric == 'flip_rate' and level == 0").iloc[0]
    assert (still["value"], still["method"], still["repeats"]) == (0.0, "0 by definition", 0)
    assert still[["low", "high", "se", "mc_se"]].isna().all()
    # what cannot be ranked where boxes are redrawn is not 0 where they are not
    unknown = found.query("metric == 'rank_sd' and level == 0").iloc[0]
    assert np.isnan(unknown["value"])
    assert unknown["method"] == ""
    nominal = found.query("metric == 'auc' and level == 0").iloc[0]
    assert (nominal["low"], nominal["repeats"]) == (0.5, 5)


def test_boxes_are_those_of_the_level() -> None:
    found = curves_table(STRATA, REACHED)
    of = found.query("perturbation == 'shift' and metric == 'auc'").set_index("level")
    assert of["achieved_iou"].tolist() == [1.0, 0.8, 0.6]
    assert of["share_unmoved"].tolist() == [1.0, 0.25, 0.0]
    assert found.query("perturbation == 'scale' and level == 0.1")["achieved_iou"].isna().all()


def test_a_run_without_redrawn_boxes_has_no_curve() -> None:
    assert curves_table(STRATA[STRATA["perturbation"] == "nominal"], {}).empty
