"""Asks whether a model's classes are the other way round than its checkpoint says."""

from __future__ import annotations

import pandas as pd

LOW = 0.4
"""AUC under which it is asked, where the interval leaves 0.5 out too."""


def swapped_warnings(strata: pd.DataFrame) -> tuple[str, ...]:
    """Give a sentence for every model whose nominal AUC is far below chance in a whole cohort.

    Args:
        strata: strata.csv.
    """
    keep = (strata["by"] == "all") & (strata["perturbation"] == "nominal") & (strata["metric"] == "auc")
    rows = strata[keep & (strata["value"] < LOW) & (strata["high"] < 0.5)].drop_duplicates("model")
    return tuple(
        f"{r['model']}: the AUC is {r['value']:.3f} ({r['low']:.3f} to {r['high']:.3f}) in the cohort {r['cohort']}: are its "
        "classes swapped? See `robustkit inspect`, and --classes and --positive of `perturb`."
        for r in rows.to_dict("records")
    )
