"""What the slider over the threshold shows: counts from sweep.csv, intervals at the carried threshold alone."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import pandas as pd

from robustkit.figures._base import RunFacts, known
from robustkit.figures._words import cohort_name, level_text, with_interval
from robustkit.results.schema import ERRORS_COLUMNS, STRATA_COLUMNS, SWEEP_COLUMNS

JUDGED_AT = "(judged at)"
"""How operating_points.csv and sweep.csv mark the threshold that all decisions of a run are judged at."""

KINDS = ("positive", "malignant", "intermediate", "negative")


def operating_asset(kind: str) -> str:
    """Give the script (``js``) or the style (``css``) of the slider."""
    return files("robustkit.figures").joinpath("assets", f"operating.{kind}").read_text(encoding="utf-8")


def operating_data(tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> dict[str, Any]:
    """Give plain data for ``robustkitOperating.mount``; ``views`` is empty where the tables say nothing.

    Args:
        tables: ``sweep``, ``strata``, ``errors`` as they are on disk.
        facts: Of the run.
    """
    swept = known(tables.get("sweep"), SWEEP_COLUMNS)
    strata, errors = known(tables.get("strata"), STRATA_COLUMNS), known(tables.get("errors"), ERRORS_COLUMNS)
    whole = strata[strata["by"] == "all"]
    given = errors[errors["perturbation"] == "nominal"]
    views = []
    for (model, cohort), rows in swept.groupby(["model", "cohort"], sort=False):
        own = whole[(whole["model"] == model) & (whole["cohort"] == cohort)]
        said = given[(given["model"] == model) & (given["cohort"] == cohort)]
        views.append(
            _view(rows, str(model), str(cohort)) | {"intervals": _intervals(own, facts), "errors": _errors(said)}
        )
    redrawn = (
        f"{facts.primary[0]} {level_text(facts.primary[1], facts.unit(facts.primary[0]))}" if facts.primary else ""
    )
    return {"views": views, "redrawn": redrawn}


def _view(rows: pd.DataFrame, model: str, cohort: str) -> dict[str, Any]:
    whole = rows[rows["by"] == "all"].sort_values("threshold")
    first = whole.iloc[0]
    return {
        "model": model,
        "cohort": cohort_name(cohort),
        "thresholds": whole["threshold"].astype(float).tolist(),
        "points": [[i, n] for i, names in enumerate(whole["operating_point"]) if names for n in str(names).split("; ")],
        "n": {k: int(first[f"n_{k}"]) for k in KINDS},
        "called": {k: _whole(whole[f"n_{k}_called"]) for k in KINDS},
        "answers": int(first["n_answers"]),
        "flips": [None if v != v else round(float(v), 6) for v in whole["flip_rate"]],
        "strata": {
            str(by): [_stratum(part, str(name)) for name, part in own.groupby("stratum", sort=False)]
            for by, own in rows[rows["by"] != "all"].groupby("by", sort=False)
        },
    }


def _stratum(part: pd.DataFrame, name: str) -> list[Any]:
    part = part.sort_values("threshold")
    first = part.iloc[0]
    found, false = _whole(part["n_positive_called"]), _whole(part["n_negative_called"])
    return [name, int(first["n_positive"]), found, int(first["n_negative"]), false]


def _whole(counts: pd.Series) -> list[int]:
    return [int(v) for v in counts]


def _intervals(own: pd.DataFrame, facts: RunFacts) -> dict[str, str]:
    nominal = own[own["perturbation"] == "nominal"].set_index("metric")
    found = {m: _said(nominal.loc[m]) for m in ("sensitivity", "specificity") if m in nominal.index}
    if facts.primary:
        redrawn = own[(own["perturbation"] == facts.primary[0]) & (own["level"] == facts.primary[1])].set_index(
            "metric"
        )
        if "flip_rate" in redrawn.index:
            found["flip_rate"] = _said(redrawn.loc["flip_rate"])
    return found


def _said(r: Any) -> str:
    return with_interval(float(r["value"]), float(r["low"]), float(r["high"]), is_share=True)


def _errors(rows: pd.DataFrame) -> dict[str, dict[str, dict[str, str]]]:
    found: dict[str, dict[str, dict[str, str]]] = {}
    for r in rows[rows["kind"].isin(["missed", "false_alarm"])].to_dict("records"):
        own = found.setdefault(str(r["by"]), {}).setdefault(str(r["stratum"]), {})
        own[str(r["kind"])] = with_interval(r["rate"], r["low"], r["high"], is_share=True)
    return found
