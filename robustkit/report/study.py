"""The sections that only a study has: its arms, its cohorts, its seeds, what it cannot say, and which items it serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from robustkit.figures._words import cohort_name, number, p_text
from robustkit.report.markup import figure_block, name, table, text
from robustkit.report.view import RunView, Section

_ARMS = (
    "Every arm on the same cases. The reference arm was chosen by its AUC on validation rows, before a test row was judged; "
    "differences are arm minus reference, paired DeLong by patient, p adjusted by Holm over all pairs of the cohort. "
    "Published figures stand beside ours and are no target."
)
_STAND_INS = "Arms marked stand-in began with seeded noise in the place of pretrained weights: nothing follows about pretraining."
_SEEDS = (
    "Trainings that differ in their seed alone. The interval of a mean holds further patients and further seeds "
    "(Obuchowski-Rockette, seeds in the place of readers). The other sections show the training with the best validation AUC."
)
_COHORTS = (
    "Counts with shares, or mean (sd). Standardised differences are in units of the pooled standard deviation, of judged cases, "
    "tested with the patient as the unit and adjusted over the facts; all of them stand in drift.csv."
)
_CROSSWALK = "Which table serves which item of a guideline; items are named by their numbers and in our words."
MOST_VALUES = 12
"""Categories of a fact on the page; all are in study_cohorts.csv."""

Row = Mapping[Any, Any]


def arms_section(view: RunView) -> Section | None:
    """Give how well every arm tells the classes apart; None outside a study."""
    found = view.table("study_arms")
    if found.empty:
        return None
    rows = found[found["metric"] == "auc"]
    head = [
        "Arm",
        "Kind",
        "Validation AUC",
        "Cohort",
        "AUC (95 % interval)",
        "Minus reference",
        "Adjusted p",
        "Published",
    ]
    body = [_arm(r) for r in rows.to_dict("records")]
    said = _ARMS + (f" {_STAND_INS}" if rows["kind"].str.contains("stand-in").any() else "")
    figures = "".join(figure_block(f) for f in view.figures_of("study"))
    html = f'<p class="caption">{text(said)}</p>{table(head, body, numeric_from=4)}{figures}{_training(view)}'
    return Section("arms", "The arms", html)


def _arm(r: Row) -> list[str]:
    is_reference = str(r["is_reference"]) == "True"
    tag = " <b>reference</b>" if is_reference else ""
    difference = "" if r["diff"] != r["diff"] else f"<b>{_signed(r['diff'])}</b>{_between(r, 'diff_', signed=True)}"
    published = ""
    if r["published"] == r["published"]:
        published = f"{r['published']:.3f}{_between(r, 'published_')}<small>{text(r['source'])}</small>"
    own = f'<small class="none">{text(r["reason"])}</small>' if r["value"] != r["value"] else (
        f"<b>{r['value']:.3f}</b>{_between(r, '')}"
    )  # fmt: skip
    val = "" if r["val_auc"] != r["val_auc"] else f"{r['val_auc']:.3f}"
    return [
        f"{name(r['model'])}{tag}", text(r["kind"]), val, name(cohort_name(str(r["cohort"]))), own, difference,
        text(p_text(r["p_adjusted"])) if r["p_adjusted"] == r["p_adjusted"] else "", published,
    ]  # fmt: skip


def _between(r: Row, prefix: str, *, signed: bool = False) -> str:
    low, high = r[f"{prefix}low"], r[f"{prefix}high"]
    if low != low:
        return ""
    said = (_signed(low), _signed(high)) if signed else (f"{low:.3f}", f"{high:.3f}")
    return f"<small>{said[0]} to {said[1]}</small>"


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def _training(view: RunView) -> str:
    found = view.table("study_training")
    if found.empty:
        return ""
    head = ["Arm", "Seed", "Architecture", "Weights", "Best epoch", "Validation AUC", "Judged", "Seconds"]
    body = [
        [
            name(r["arm"]), text(f"{r['seed']:g}"), text(r["arch"]), text(r["weights"]), text(f"{r['best_epoch']:g} of {r['epochs']:g}"),
            f"{r['val_auc']:.3f}", "yes" if str(r["is_chosen"]) == "True" else "", f"{r['seconds']:.0f}",
        ]
        for r in found.to_dict("records")
    ]  # fmt: skip
    return f"<details><summary>Every training</summary>{table(head, body, numeric_from=4)}</details>"


def cohorts_section(view: RunView) -> Section | None:
    """Give who is in the study, by cohort and split, and how cohorts differ; None outside a study."""
    found = view.table("study_cohorts")
    if found.empty:
        return None
    columns = list(dict.fromkeys(zip(found["cohort"], found["split"], strict=True)))
    differences = _differences(view.table("drift"))
    others = list(dict.fromkeys(c for _, c in differences))
    head = ["", *(f"{cohort_name(str(c))}{'' if s == 'all' else f', {s}'}" for c, s in columns)]
    head += [f"{cohort_name(c)} against internal, standardised" for c in others]
    body = []
    for fact, own in found[~found["fact"].isin(_not_shown(found))].groupby("fact", sort=False):
        beside = [differences.get((str(fact), c), "") for c in others]
        body += _fact_rows(str(fact), own, columns, beside)
    html = f'<p class="caption">{text(_COHORTS)}</p>{table(head, body, numeric_from=1)}'
    return Section("cohorts", "Who is in the study", html)


def _not_shown(found: pd.DataFrame) -> set[str]:
    """Leave out scales of size that a better one stands for, and what is the same for everyone."""
    facts = set(found["fact"])
    hidden = {"size_px"} | ({"size_frac"} if "size_mm" in facts else set())
    one = found[found["fact"] == "size_source"]["category"].nunique() == 1
    return hidden | ({"size_source"} if one else set())


def _fact_rows(
    fact: str, own: pd.DataFrame, columns: Sequence[tuple[str, str]], beside: Sequence[str]
) -> list[list[str]]:
    """Give a row per category; the fact and what differs stand in a row of their own above them."""
    words, categories = text(fact.replace("_", " ")), list(dict.fromkeys(own["category"]))
    by_category = {
        c: {(r["cohort"], r["split"]): _cell(r) for r in own[own["category"] == c].to_dict("records")}
        for c in categories
    }
    if categories == [""]:
        return [[f"<b>{words}</b>", *(by_category[""].get(c, "") for c in columns), *beside]]
    rows = [[f"<b>{words}</b>", *("" for _ in columns), *beside]]
    rows += [
        [f"&emsp;{name(c)}", *(by_category[c].get(at, "0") for at in columns), *("" for _ in beside)]
        for c in categories[:MOST_VALUES]
    ]
    if (more := len(categories) - MOST_VALUES) > 0:
        rows.append([f"&emsp;and {more} more", *("" for _ in (*columns, *beside))])
    return rows


def _differences(drift: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Give the standardised difference of each fact, by fact and external cohort."""
    if drift.empty:
        return {}
    rows = drift[(drift["part"] == "facts") & (drift["measure"] == "smd")]
    found: dict[tuple[str, str], str] = {}
    for r in rows.to_dict("records"):
        if r["value"] != r["value"]:
            continue
        p = f", p {p_text(r['p_adjusted'])}" if r["p_adjusted"] == r["p_adjusted"] else ""
        said = f"{r['value']:.2f}<small>{r['low']:.2f} to {r['high']:.2f}{text(p)}</small>"
        for fact in _SAME.get(str(r["name"]), (str(r["name"]),)):
            found[fact, str(r["cohort_a"])] = said
    return found


_SAME = {"age": ("age_years",), "size": ("size_mm", "size_frac")}
"""Names of facts in the table of drift, and here."""


def _cell(r: Row) -> str:
    missing = f"<small>unknown {r['n_missing']:g}</small>" if r["n_missing"] and r["mean"] == r["mean"] else ""
    if r["mean"] == r["mean"]:
        scale, unit = (100, "% of film") if r["unit"] == "share of film" else (1, str(r["unit"]))
        sd = f" ({scale * r['sd']:.3g})" if r["sd"] == r["sd"] else ""
        return f"{scale * r['mean']:.3g}{sd} {text(unit)}{missing}"
    return f"{r['n']:g}" + (f" ({100 * r['share']:.0f} %)" if r["share"] == r["share"] else "")


def seeds_section(view: RunView) -> Section | None:
    """Give every way of training over its seeds; None where every arm was trained once."""
    found = view.table("study_seeds")
    if found.empty:
        return None
    means, differences = (found[found["analysis"] == a] for a in ("mean", "difference"))
    head = ["Arm", "Cohort", "Seeds", "Mean AUC (95 % interval)", "Sd between seeds", "Least", "Most"]
    body = [
        [
            name(r["arm"]), name(cohort_name(str(r["cohort"]))), f"{r['n_seeds']:g}", _estimate(r), number(r["sd_seeds"], is_share=False),
            number(r["least"], is_share=False), number(r["most"], is_share=False),
        ]
        for r in means.to_dict("records")
    ]  # fmt: skip
    html = f'<p class="caption">{text(_SEEDS)}</p>{table(head, body, numeric_from=2)}'
    if len(differences):
        head = ["Arm", "Minus", "Cohort", "Difference of mean AUCs (95 % interval)", "Adjusted p"]
        body = [
            [
                name(r["arm"]), name(r["arm_b"]), name(cohort_name(str(r["cohort"]))), _estimate(r, signed=True),
                text(p_text(r["p_adjusted"])) if r["p_adjusted"] == r["p_adjusted"] else "",
            ]
            for r in differences.to_dict("records")
        ]  # fmt: skip
        html += table(head, body, numeric_from=3)
    return Section("seeds", "Over seeds", html)


def _estimate(r: Row, *, signed: bool = False) -> str:
    if r["value"] != r["value"]:
        return f'<small class="none">not estimable: {text(r["reason"])}</small>'
    value = _signed(r["value"]) if signed else f"{r['value']:.3f}"
    note = f"<small>{text(r['reason'])}</small>" if r["reason"] else ""
    return f"<b>{value}</b>{_between(r, '', signed=signed)}{note}"


def limitations_section(view: RunView) -> Section | None:
    """Give what the data show to be weak, and the crosswalk to guidelines; None outside a study."""
    found = view.table("study_limitations")
    if found.empty:
        return None
    items = "".join(f"<li>{_place(r)}{text(r['sentence'])}</li>" for r in found.to_dict("records"))
    html = f'<p class="caption">What the data of this study themselves show to be weak.</p><ul>{items}</ul>'
    return Section("limitations", "What this study cannot say", html + _crosswalk(view.table("study_crosswalk")))


def _place(r: Row) -> str:
    return f"<b>{name(cohort_name(str(r['cohort'])))}:</b> " if r["cohort"] else ""


def _crosswalk(found: pd.DataFrame) -> str:
    if found.empty:
        return ""
    head = ["Guideline", "Item", "About", "Tables here"]
    body: Sequence[Sequence[str]] = [
        [
            text(r["guideline"]),
            text(r["item"]),
            text(r["about"]),
            text(r["where"]) or '<small class="none">none</small>',
        ]
        for r in found.to_dict("records")
    ]
    return f'<h3>Reporting guidelines</h3><p class="caption">{text(_CROSSWALK)}</p>{table(head, body, numeric_from=len(head))}'
