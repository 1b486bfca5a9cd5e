"""readers.csv made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from robustkit.results.schema import READERS_COLUMNS

from made_rows import NAN, TINY, made_row


def readers(cohorts: Sequence[str], groups: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Give readers.csv of r1 and r2: r2 gains 0.05 AUC more than r1, who gains 0.02; both change 3 for better, 1 for worse."""
    arms = {"arm_a": "aided", "arm_b": "unaided"}
    rows = []
    places = [("all", "all", c) for c in cohorts] + [(by, s, "all") for by, names in groups.items() for s in names]
    for by, stratum, cohort in places:
        place = {"by": by, "stratum": stratum, "cohort": cohort, "n_cases": 40, "n_patients": 38}
        lost = stratum == "tiny"
        for reader, gain in (("r1", 0.02), ("r2", 0.07)):
            for metric in ("auc", "sensitivity", "seconds"):
                rows.append(
                    made_row(
                        READERS_COLUMNS, analysis="per reader", reader_id=reader, metric=metric, value_a=0.8 + gain, value_b=0.8,
                        diff=NAN if lost else gain, low=gain - 0.03, high=gain + 0.03, p=0.04, reason=TINY if lost else "", **place, **arms,
                    )
                )  # fmt: skip
            for metric, k in (("better", 3.0), ("worse", 1.0)):
                for side in ("_with_model", "_against_model", ""):
                    rows.append(
                        made_row(
                            READERS_COLUMNS, analysis="changes of mind", reader_id=reader, metric=f"{metric}{side}", value_a=k,
                            value_b=40.0, **place, **arms,
                        )
                    )  # fmt: skip
        rows.append(
            made_row(
                READERS_COLUMNS, analysis="all readers", reader_id="all readers", metric="auc", value_a=0.845, value_b=0.8, diff=0.045,
                low=-0.2, high=0.29, p=0.3, df=1.0, null_rate=0.09, reason="2 readers: nothing follows about other readers",
                **{**place, **arms, "method": "Obuchowski-Rockette, random readers and cases, jackknife"},
            )
        )  # fmt: skip
        if by == "all":
            rows.append(
                made_row(
                    READERS_COLUMNS, analysis="agreement", reader_id="r1, r2", metric="weighted_kappa", value_a=0.61, arm_a="aided",
                    **place,
                )
            )  # fmt: skip
            rows.append(
                made_row(
                    READERS_COLUMNS, analysis="gain by stability", reader_id="all readers", metric="gain_right_by_instability",
                    value_a=-0.25, low=-0.4, high=-0.1, **place, **arms,
                )
            )  # fmt: skip
    return pd.DataFrame(rows, columns=list(READERS_COLUMNS))
