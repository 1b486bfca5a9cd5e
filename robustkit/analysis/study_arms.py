"""study_arms.csv: how well every arm tells the classes apart, beside the reference arm and beside published figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from robustkit.results.schema import STUDY_ARMS_COLUMNS
from robustkit.stats.estimate import NAN

METRICS = ("auc", "sensitivity", "specificity", "average_precision", "brier")
NOMINAL = "nominal"

Row = dict[str, Any]


def study_arms(
    tables: Mapping[str, pd.DataFrame], arms: Sequence[Mapping[str, Any]], published: Sequence[Mapping[str, Any]]
) -> pd.DataFrame:
    """Give one row per arm, cohort and metric.

    Args:
        tables: ``strata`` and ``comparisons`` of the run.
        arms: In order: ``model``, ``kind``, ``weights``, ``val_auc``, ``is_reference``.
        published: ``model, cohort, metric, value, low, high, source``.

    Returns:
        ``diff`` is the arm minus the reference arm, tested by paired DeLong (Holm over all pairs); other metrics have none.
    """
    strata = tables["strata"]
    whole = strata[(strata["by"] == "all") & (strata["perturbation"] == NOMINAL) & strata["metric"].isin(METRICS)]
    reference = next((str(a["model"]) for a in arms if a["is_reference"]), "")
    pairs = _pairs(tables.get("comparisons", pd.DataFrame()), reference)
    beside = {(p["model"], p["cohort"], p["metric"]): p for p in published}
    rows = []
    for arm in arms:
        for r in whole[whole["model"] == arm["model"]].to_dict("records"):
            key = (arm["model"], r["cohort"], r["metric"])
            rows.append({**arm, **_own(r), **pairs.get(key, {}), **_published(beside.pop(key, None))})
    rows += [_alone(p, arms) for p in beside.values()]
    return pd.DataFrame(rows, columns=list(STUDY_ARMS_COLUMNS))


def _own(r: Mapping[Any, Any]) -> Row:
    kept = (
        "cohort", "split", "metric", "operating_point", "value", "low", "high", "method", "n_cases", "n_patients",
        "n_positive", "reason",
    )  # fmt: skip
    return {k: r[k] for k in kept}


def _pairs(comparisons: pd.DataFrame, reference: str) -> dict[tuple[str, str, str], Row]:
    """Give every difference to the reference arm, its sign as arm minus reference."""
    found: dict[tuple[str, str, str], Row] = {}
    if comparisons.empty or not reference:
        return found
    rows = comparisons[(comparisons["by"] == "all") & (comparisons["perturbation"] == NOMINAL)]
    for r in rows[rows["metric"] == "auc"].to_dict("records"):
        for own, other, sign in (("model_a", "model_b", 1.0), ("model_b", "model_a", -1.0)):
            if r[other] != reference:
                continue
            low, high = sorted((sign * r["low"], sign * r["high"])) if r["low"] == r["low"] else (NAN, NAN)
            found[str(r[own]), str(r["cohort"]), "auc"] = {
                "diff": sign * r["diff"], "diff_low": low, "diff_high": high, "p": r["p"], "p_adjusted": r["p_adjusted"],
                "test": r["method"],
            }  # fmt: skip
    return found


def _published(p: Mapping[str, Any] | None) -> Row:
    if p is None:
        return {"published": NAN, "published_low": NAN, "published_high": NAN, "source": ""}
    return {
        "published": p["value"], "published_low": p["low"], "published_high": p["high"], "source": p["source"],
    }  # fmt: skip


def _alone(p: Mapping[str, Any], arms: Sequence[Mapping[str, Any]]) -> Row:
    """A published figure of a cohort that this study has not."""
    arm = next(a for a in arms if a["model"] == p["model"])
    reason = "published alone: this study has no such cohort"
    return {**arm, "cohort": p["cohort"], "metric": p["metric"], "reason": reason, **_published(p)}
