"""size: in mm where the spacing is known (edges 20, 50, 80), else as a share of the film (tertiles)."""

from __future__ import annotations

import pandas as pd

from robustkit.strata._base import binned, tertiles

EDGES_MM = (20.0, 50.0, 80.0)


class Size:
    """Longest side of the lesion (estimands, section 5).

    One scale for all cases: mm where at least half of them have a spacing (the others are ``unknown``), else the
    share of the film's longest side.

    Example:
        >>> cases = pd.DataFrame({"size_mm": [12.0, 20.0, 90.0], "size_frac": [0.1, 0.2, 0.3]})
        >>> PLUGIN.assign(cases, development=pd.Series([False] * 3)).tolist()
        ['<20 mm', '20-50 mm', '>=80 mm']
    """

    name = "size"

    def assign(self, cases: pd.DataFrame, *, development: pd.Series) -> pd.Series:
        """Give size strata; tertiles of the development cases name their cut points."""
        if cases["size_mm"].notna().mean() >= 0.5:
            return binned(cases["size_mm"], EDGES_MM, "mm")
        return tertiles(cases["size_frac"] * 100, development, "% of film")


PLUGIN = Size()
