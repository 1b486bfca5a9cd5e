"""Tables about a run's models without a network, from what their files said of their making: run.json has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from robustkit.results.schema import BASELINE_COEFFICIENTS_COLUMNS, BASELINES_COLUMNS, NOMOGRAM_COLUMNS

DEVELOPMENT = "development"
METRICS = ("auc", "calibration_slope", "calibration_intercept")


def baseline_tables(record: Mapping[str, Any], strata: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Give ``baselines``, ``baseline_coefficients`` and ``nomogram``; none for a run without such models.

    Args:
        record: run.json.
        strata: strata.csv, for how good they are on the cases of the run.
    """
    entries = [m for m in record["models"] if (m.get("training") or {}).get("estimates")]
    if not entries:
        return {}
    rows = [row for m in entries for row in (*_developed(m), *_judged(m, strata))]
    parts = [model_tables(str(m["name"]), str(m.get("arch", "")), m["training"]) for m in entries]
    return {
        "baselines": pd.DataFrame(rows, columns=list(BASELINES_COLUMNS)),
        **{name: pd.concat([p[name] for p in parts], ignore_index=True) for name in parts[0] if any(len(p[name]) for p in parts)},
    }  # fmt: skip


def model_tables(model: str, kind: str, training: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Give the coefficients and the nomogram of one model.

    Args:
        model: Its name.
        kind: ``clinical``, ``combined`` or ``radiomics``.
        training: As in the model file.
    """
    who = {"model": model, "kind": kind}
    method = (training.get("choices") or {}).get("method", "")
    coefficients = pd.DataFrame(
        [{**who, **c, "method": method} for c in training.get("coefficients") or ()],
        columns=list(BASELINE_COEFFICIENTS_COLUMNS),
    )
    for column, source in (("odds_ratio", "value"), ("odds_low", "low"), ("odds_high", "high")):
        log_odds = pd.to_numeric(coefficients[source], errors="coerce").astype("float64")
        coefficients[source] = log_odds
        with np.errstate(over="ignore"):
            coefficients[column] = np.exp(log_odds).where(coefficients["fact"] != "intercept")
    ticks = pd.DataFrame([{**who, **t} for t in training.get("nomogram") or ()], columns=list(NOMOGRAM_COLUMNS))
    for column in ("x", "log_odds", "points"):
        ticks[column] = pd.to_numeric(ticks[column], errors="coerce").astype("float64")
    return {"baseline_coefficients": coefficients, "nomogram": ticks}


def _developed(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give how good the model was on rows that it was not fitted on, when it was made."""
    training = entry["training"]
    for e in training["estimates"]:
        number = {k: np.nan if e.get(k) is None else float(e[k]) for k in ("value", "low", "high")}
        yield {
            "model": entry["name"], "kind": entry.get("arch", ""), "cohort": DEVELOPMENT, "split": e.get("rows", ""),
            "metric": e.get("metric", ""), **number, "features": training.get("n_features"), "n_cases": e.get("n_cases"),
            "n_patients": e.get("n_patients"), "method": e.get("method", ""), "reason": e.get("reason", ""),
        }  # fmt: skip


def _judged(entry: Mapping[str, Any], strata: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Give how good it is on the cohorts of the run, boxes as given."""
    keep = (strata["by"] == "all") & (strata["model"] == entry["name"]) & (strata["perturbation"] == "nominal")
    for row in strata[keep & strata["metric"].isin(METRICS)].to_dict("records"):
        own = {k: row[k] for k in BASELINES_COLUMNS if k in row}
        yield {**own, "kind": entry.get("arch", ""), "features": entry["training"].get("n_features")}
