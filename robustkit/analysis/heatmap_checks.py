"""heatmap_checks.csv: what maps keep when weights become random, and what pixels do that they call strong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from robustkit.results.schema import HEATMAP_CHECKS_COLUMNS
from robustkit.stats.bootstrap import PatientDraws, clustered_mean
from robustkit.stats.estimate import NAN, Estimate

Floats = NDArray[np.float64]

RANDOMISED, DELETION, INSERTION = "randomised weights", "deletion", "insertion"


def randomised_rows(
    found: Sequence[tuple[str, Floats]],
    alike: Floats,
    *,
    patients: NDArray[np.intp],
    draws: PatientDraws,
    fixed: Mapping[str, object],
) -> Iterator[dict[str, object]]:
    """Give a row per part of the network.

    Args:
        found: Name of the part dealt out last, and ``(n,)`` correlations with the network's own maps.
        alike: ``(n,)`` correlation of each case's map with the mean map: what two maps share for lying in one kind of crop.
        patients: ``(n,)`` codes.
        draws: Of patients.
        fixed: Method and model.
    """
    for stage, values in found:
        known = np.isfinite(values)
        e = clustered_mean(values[known], patients[known], draws)
        e_row = _row(e, fixed, check=RANDOMISED, stage=stage)
        expected = alike[known & np.isfinite(alike)]
        lost = int((~known).sum())
        said = f"{lost} of {len(values)} maps became empty or constant" if lost else ""
        yield {
            **e_row,
            "expected": float(expected.mean()) if len(expected) else NAN,
            "reason": "; ".join(w for w in (e.reason, said) if w),
        }


def pixel_rows(
    check: str,
    own: Floats,
    other: Floats,
    *,
    patients: NDArray[np.intp],
    draws: PatientDraws,
    fixed: Mapping[str, object],
) -> dict[str, object]:
    """Give the row of deletion or insertion.

    Args:
        check: Which.
        own, other: ``(n,)`` areas in the order of the map, and of the shuffled map.
        patients: ``(n,)`` codes.
        draws: Of patients.
        fixed: Method and model.
    """
    known = np.isfinite(own) & np.isfinite(other)
    e = clustered_mean(own[known], patients[known], draws)
    d = clustered_mean(own[known] - other[known], patients[known], draws)
    z = d.value / d.se if d.se > 0 else NAN
    return {
        **_row(e, fixed, check=check, stage=""),
        "expected": float(other[known].mean()) if known.any() else NAN,
        "diff": d.value,
        "diff_low": d.low,
        "diff_high": d.high,
        "p": float(2 * norm.sf(abs(z))) if z == z else NAN,
    }


def _row(e: Estimate, fixed: Mapping[str, object], *, check: str, stage: str) -> dict[str, object]:
    return {
        **fixed, "check": check, "stage": stage, "value": e.value, "low": e.low, "high": e.high, "expected": NAN, "diff": NAN,
        "diff_low": NAN, "diff_high": NAN, "p": NAN, "method": e.method, "n_cases": e.n_cases, "n_patients": e.n_patients,
        "reason": e.reason,
    }  # fmt: skip


def checks_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Give heatmap_checks.csv."""
    return pd.DataFrame(list(rows), columns=list(HEATMAP_CHECKS_COLUMNS))
