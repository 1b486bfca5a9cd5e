"""The sentences of the first screen: from templates, each with its interval, without adjectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from robustkit.figures._base import facts_of
from robustkit.figures._words import level_text, metric_words, number, with_interval
from robustkit.report.contrast_sentences import where_it_does_not_carry, who_flips_more
from robustkit.report.rows import as_mappings, cohorts_apart, of_model, whole_rows

NOMINAL = ("nominal", 0.0)
MOST_NAMED = 4
"""Strata named in one sentence; the figures show all."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and the question it answers."""

    question: str
    text: str


def about_films(record: Mapping[str, Any]) -> str:
    """Give what must be read first where the films are simulated; nothing otherwise."""
    if not record.get("simulated"):
        return ""
    strangers = [str(m["name"]) for m in record["models"] if m.get("arch") != "oracle"]
    judged = f"{', '.join(strangers)}: judged on simulated films. " if strangers else "The films are simulated. "
    return judged + "Nothing on this page says anything about radiographs."


def model_sentences(
    record: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], model: str
) -> tuple[Sentence, Sentence, Sentence]:
    """Give how good, how stable and where it fails, for one model."""
    own = {name: of_model(tables[name], model) for name in ("strata", "transfer", "errors") if name in tables}
    strata = own.get("strata", pd.DataFrame())
    return (
        Sentence("How good", how_good(strata, model)),
        Sentence("How stable", how_stable(record, strata, model)),
        Sentence("Where it fails", where_it_fails(own, model)),
    )


def how_good(strata: pd.DataFrame, model: str) -> str:
    """Say the AUC of every cohort on the boxes as given."""
    rows = as_mappings(cohorts_apart(whole_rows(strata, model, "auc", condition=NOMINAL)))
    return _joined([f"{_value('auc', r)} on {_cases(r)}" for r in rows], "AUC ") or "No AUC can be estimated."


def how_stable(record: Mapping[str, Any], strata: pd.DataFrame, model: str) -> str:
    """Say the share of decisions that change at the primary level."""
    facts = facts_of(record)
    if facts.primary is None:
        return "No box was redrawn in this run."
    kind, level = facts.primary
    rows = as_mappings(cohorts_apart(whole_rows(strata, model, "flip_rate", condition=facts.primary)))
    if not rows:
        return "No share of changed decisions can be estimated."
    before = f"With every box redrawn ({kind} up to {level_text(level, facts.unit(kind))}), the decision changes in "
    share = _joined([f"{_value('flip_rate', r)} on {_cases(r)}" for r in rows], before)
    return f"{share} {who_flips_more(strata, model, condition=facts.primary)}".strip()


def where_it_fails(tables: Mapping[str, pd.DataFrame], model: str) -> str:
    """Name strata called worse (adjusted p < .05), errors that grow outside, and the malignant subtype missed most."""
    nothing = pd.DataFrame()
    said = (
        worse_strata(tables.get("strata", nothing), model),
        where_it_does_not_carry(tables.get("transfer", nothing), model),
        missed_most(tables.get("errors", nothing), model),
    )
    return " ".join(s for s in said if s)


def worse_strata(strata: pd.DataFrame, model: str) -> str:
    """Say which strata have a sensitivity or specificity below the rest of their cohort, or what could be seen."""
    if strata.empty:
        return "No stratum can be estimated."
    keep = (strata["model"] == model) & (strata["perturbation"] == "nominal")
    rows = cohorts_apart(strata[keep & strata["metric"].isin(["sensitivity", "specificity"])])
    whole = {(r["cohort"], r["metric"]): r["value"] for r in as_mappings(rows[rows["by"] == "all"])}
    tested = rows[rows["p_adjusted"].notna() & ~rows["stratum"].str.startswith("(")]
    if tested.empty:
        return "No stratum has enough patients for a test."
    sure = as_mappings(tested[tested["p_adjusted"] < 0.05].sort_values(["p_adjusted", "value"], kind="stable"))
    below = [r for r in sure if r["value"] < whole.get((r["cohort"], r["metric"]), float("-inf"))]
    if not below:
        return _not_seen(tested)
    more = f"; and {len(below) - MOST_NAMED} more, see the strata" if len(below) > MOST_NAMED else ""
    return (
        "Below the rest of the cohort (adjusted p < .05): "
        + "; ".join(_named(r) for r in below[:MOST_NAMED])
        + more
        + "."
    )


def _named(r: Mapping[str, Any]) -> str:
    cohort = f", {r['cohort']}" if r["cohort"] not in ("all", "cohort") else ""
    return f"{r['by']} {r['stratum']}{cohort}: {metric_words(r['metric']).name.lower()} {_value(r['metric'], r)}"


def _not_seen(tested: pd.DataFrame) -> str:
    half = float(((tested["high"] - tested["low"]) / 2).median())
    if half != half:
        return "No difference between strata shown."
    return (
        f"No difference between strata shown; one smaller than {number(half, is_share=True)} could not have been seen "
        "(half the interval of a stratum, median over strata)."
    )


def missed_most(errors: pd.DataFrame, model: str) -> str:
    """Name the malignant subtype missed most, with k of n: of those with a rate, else of all."""
    if errors.empty:
        return ""
    keep = (errors["model"] == model) & (errors["by"] == "subtype") & (errors["kind"] == "missed_malignant")
    rows = errors[keep & (errors["perturbation"] == "nominal") & (errors["k"] > 0)]
    rows = rows[rows["cohort"] == "all"] if (rows["cohort"] == "all").any() else rows
    if rows.empty:
        return ""
    sure = rows[rows["rate"].notna()]
    pool = sure if len(sure) else rows
    ordered = pool.assign(share=pool["k"] / pool["n_cases"]).sort_values(["share", "k"], ascending=False, kind="stable")
    r = ordered.iloc[0]
    bounds = (
        f" ({number(r['low'], is_share=True)} to {number(r['high'], is_share=True)})" if r["low"] == r["low"] else ""
    )
    return f"The malignant subtype missed most is {r['stratum']}: {r['k']:g} of {r['n_cases']:g}{bounds}."


def _cases(row: Mapping[str, Any]) -> str:
    cohort = "" if row["cohort"] in ("all", "cohort") else f"{row['cohort']} "
    return f"{row['n_cases']:g} {cohort}cases of {row['n_patients']:g} patients"


def _value(metric: str, row: Mapping[str, Any]) -> str:
    said = with_interval(row["value"], row["low"], row["high"], is_share=metric_words(metric).is_share)
    return f"{said} ({row['reason']})" if row["value"] != row["value"] and row["reason"] else said


def _joined(parts: Sequence[str], before: str) -> str:
    return before + "; ".join(parts) + "." if parts else ""
