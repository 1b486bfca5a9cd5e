"""size: in mm where the spacing is known (edges 20, 50, 80), else as a share of the film (tertiles)."""

from __future__ import annotations

import pandas as pd

from robustkit.strata._base import UNKNOWN, binned

EDGES_MM = (20.0, 50.0, 80.0)


class Size:
    """Longest side of the lesion (estimands, section 5)."""

    name = "size"

    def assign(self, cases: pd.DataFrame, *, development: pd.Series) -> pd.Series:
        """Give size strata; tertiles of the development cases name their cut points."""
        if cases["size_mm"].notna().any():
            return binned(cases["size_mm"], EDGES_MM, "mm")
        share = cases["size_frac"] * 100
        base = share[development] if development.any() else share
        edges = tuple(sorted({round(float(q), 1) for q in base.dropna().quantile([1 / 3, 2 / 3])}))
        return binned(share, edges, "% of film") if edges else pd.Series(UNKNOWN, index=cases.index)


PLUGIN = Size()
