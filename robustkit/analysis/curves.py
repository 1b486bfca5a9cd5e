"""curves.csv: each metric over the levels of a perturbation, beginning with level 0, the nominal row."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from robustkit.results.schema import CURVES_COLUMNS

BY_DEFINITION = {"flip_rate": 0.0, "score_sd": 0.0, "rank_sd": 0.0, "auc_lost": 0.0}
"""At level 0 nothing moves: these are 0 by definition, without an interval."""

_KEY = ["by", "stratum", "cohort", "model", "metric"]

Reached = Mapping[tuple[str, float, str, str, str], tuple[float, float]]
"""(perturbation, level, cohort, by, stratum) to mean IoU and share of unmoved boxes."""


def curves_table(strata: pd.DataFrame, reached: Reached) -> pd.DataFrame:
    """Give curves.csv from strata.csv.

    Args:
        strata: strata.csv, without its tests.
        reached: What the boxes of a level came to, by cohort and stratum.
    """
    rows = strata[~strata["stratum"].str.startswith("(")]
    perturbed = rows[rows["perturbation"] != "nominal"]
    parts = [_begin(rows, perturbed, kind) for kind in perturbed["perturbation"].unique()]
    table = pd.concat([*parts, perturbed], ignore_index=True) if parts else rows.iloc[:0].copy()
    table["x"] = table["level"]
    keys = zip(*(table[c] for c in ("perturbation", "level", "cohort", "by", "stratum")), strict=True)
    found = np.array([(1.0, 1.0) if k[1] == 0 else reached.get(k, (np.nan, np.nan)) for k in keys]).reshape(-1, 2)
    table["achieved_iou"], table["share_unmoved"] = found[:, 0], found[:, 1]
    table[["p", "p_adjusted"]] = np.nan
    table["family"] = ""
    order = ["perturbation", *_KEY, "level"]
    return table.sort_values(order, kind="stable", ignore_index=True)[list(CURVES_COLUMNS)]


def _begin(rows: pd.DataFrame, perturbed: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Give level 0 of one perturbation: nominal rows, and the metrics that are 0 there by definition."""
    nominal = rows[rows["perturbation"] == "nominal"].assign(perturbation=kind, level=0.0)
    nominal = nominal[nominal["metric"].isin(set(perturbed["metric"]))]
    first = perturbed[(perturbed["perturbation"] == kind) & perturbed["metric"].isin(BY_DEFINITION)]
    still = first.drop_duplicates(_KEY).copy()
    still["value"] = still["metric"].map(BY_DEFINITION).where(still["value"].notna())
    still[["low", "high", "se", "mc_se"]] = np.nan
    still["level"] = 0.0
    still["repeats"] = 0
    still["method"] = np.where(still["value"].notna(), "0 by definition", "")
    return pd.concat([nominal, still], ignore_index=True)
