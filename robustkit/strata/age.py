"""age: in years, edges 20, 40, 60."""

from __future__ import annotations

import pandas as pd

from robustkit.strata._base import UNKNOWN, binned

EDGES_YEARS = (20.0, 40.0, 60.0)


class Age:
    """Age bands."""

    name = "age"

    def assign(self, cases: pd.DataFrame, *, development: pd.Series) -> pd.Series:
        """Give the age band of every case."""
        if "age_years" not in cases:
            return pd.Series(UNKNOWN, index=cases.index)
        return binned(pd.to_numeric(cases["age_years"], errors="coerce"), EDGES_YEARS, "years")


PLUGIN = Age()
