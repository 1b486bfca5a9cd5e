"""The sentences of the first screen: from templates, each with its interval, without adjectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and the question it answers."""

    question: str
    text: str


def first_sentences(record: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> tuple[Sentence, ...]:
    """Give what must be read first, then for each model how good, how stable, where it fails."""
    found = []
    strangers = [m["name"] for m in record["models"] if record.get("simulated") and not _knows_phantom(m)]
    if record.get("simulated"):
        who = f"{', '.join(strangers)}: judged" if strangers else "All models are judged"
        found.append(Sentence("Mind", f"{who} on simulated films. Nothing here says anything about radiographs."))
    for model in (m["name"] for m in record["models"]):
        name = f"{model}: " if len(record["models"]) > 1 else ""
        found.append(Sentence("How good", name + how_good(tables["strata"], model)))
        found.append(Sentence("How stable", name + how_stable(tables["strata"], model)))
        found.append(Sentence("Where it fails", name + where_it_fails(tables, model)))
    return tuple(found)


def _knows_phantom(entry: Mapping[str, Any]) -> bool:
    return str(entry.get("arch", "")).startswith("oracle") or entry.get("path") is None


def how_good(strata: pd.DataFrame, model: str) -> str:
    """Say the AUC of every cohort on the nominal boxes."""
    rows = _whole(strata, model, "auc", "nominal")
    parts = [_said(r, f"on {_cases(r)} the AUC is") for r in rows]
    return _joined(parts) or "no AUC can be estimated."


def how_stable(strata: pd.DataFrame, model: str) -> str:
    """Say the share of decisions that change at the primary level."""
    own = strata[(strata["model"] == model) & (strata["metric"] == "flip_rate") & (strata["by"] == "all")]
    if own.empty:
        return "no box was perturbed in this run."
    first = own.iloc[0]
    rows = own[(own["perturbation"] == first["perturbation"]) & (own["level"] == first["level"])]
    moved = f"when every box is redrawn ({first['perturbation']}, level {first['level']:g})"
    parts = [_said(r, f"on {_cases(r)}", "of the decisions change", percent=True) for r in _cohorts(rows)]
    return f"{moved}, {_joined(parts)}"


def where_it_fails(tables: Mapping[str, pd.DataFrame], model: str) -> str:
    """Name strata called worse (adjusted p < .05), and the malignant subtype missed most."""
    strata = tables["strata"]
    worse = _worse(strata, model)
    return f"{worse} {missed_most(tables['errors'], model)}".strip()


def _worse(strata: pd.DataFrame, model: str) -> str:
    rows = strata[
        (strata["model"] == model)
        & (strata["perturbation"] == "nominal")
        & strata["metric"].isin(["sensitivity", "specificity"])
    ]
    rows = rows[~rows["stratum"].str.startswith("(")]
    cohorts = [c for c in dict.fromkeys(rows["cohort"]) if c != "all"] or list(dict.fromkeys(rows["cohort"]))
    rows = rows[rows["cohort"].isin(cohorts)]
    whole = rows[rows["by"] == "all"].set_index(["cohort", "metric"])["value"]
    tested = rows[rows["p_adjusted"].notna()]
    sure = tested[tested["p_adjusted"] < 0.05]
    below = [r for r in sure.to_dict("records") if r["value"] < whole.get((r["cohort"], r["metric"]), np.nan)]
    if not below:
        half = ((tested["high"] - tested["low"]) / 2).median()
        seen = (
            f"; a difference smaller than about {half:.0%} could not have been seen in a stratum of usual size"
            if half == half
            else ""
        )
        return f"no difference between strata shown{seen}."
    below.sort(key=lambda r: (r["p_adjusted"], r["value"]))
    parts = [
        f"{r['by']} {r['stratum']} ({r['cohort']}): {r['metric']} {r['value']:.0%} ({r['low']:.0%} to {r['high']:.0%})"
        for r in below[:4]
    ]
    return "below the rest of their cohort are " + "; ".join(parts) + "."


def missed_most(errors: pd.DataFrame, model: str) -> str:
    """Name the malignant subtype missed most, with k of n."""
    rows = errors[(errors["model"] == model) & (errors["by"] == "subtype") & (errors["kind"] == "missed_malignant")]
    rows = rows[(rows["perturbation"] == "nominal") & (rows["k"] > 0)]
    rows = rows[rows["cohort"] == "all"] if (rows["cohort"] == "all").any() else rows
    if rows.empty:
        return ""
    ordered = rows.assign(share=rows["k"] / rows["n_cases"]).sort_values(["share", "k"], ascending=False)
    sure = ordered[ordered["rate"].notna()]
    r = (sure if len(sure) else ordered).iloc[0]
    bounds = f" ({r['low']:.0%} to {r['high']:.0%})" if r["low"] == r["low"] else ""
    return f"The malignant subtype missed most is {r['stratum']}: {r['k']:g} of {r['n_cases']:g}{bounds}."


def _whole(strata: pd.DataFrame, model: str, metric: str, kind: str) -> list[dict[str, Any]]:
    rows = strata[
        (strata["model"] == model)
        & (strata["metric"] == metric)
        & (strata["by"] == "all")
        & (strata["perturbation"] == kind)
    ]
    return _cohorts(rows)


def _cohorts(rows: pd.DataFrame) -> list[dict[str, Any]]:
    parts = rows[rows["cohort"] != "all"] if (rows["cohort"] != "all").any() else rows
    found: list[dict[str, Any]] = parts.to_dict("records")
    return found


def _cases(row: Mapping[str, Any]) -> str:
    cohort = "" if row["cohort"] in ("all", "cohort") else f"{row['cohort']} "
    return f"{row['n_cases']:g} {cohort}cases of {row['n_patients']:g} patients"


def _said(row: Mapping[str, Any], before: str, after: str = "", *, percent: bool = False) -> str:
    if row["value"] != row["value"]:
        return f"{before} not estimable ({row['reason']})"
    form = "{:.1%}" if percent else "{:.3f}"
    value = form.format(row["value"])
    bounds = f" ({form.format(row['low'])} to {form.format(row['high'])})" if row["low"] == row["low"] else ""
    return f"{before} {value}{bounds} {after}".strip()


def _joined(parts: Sequence[str]) -> str:
    return "; ".join(parts) + "." if parts else ""
