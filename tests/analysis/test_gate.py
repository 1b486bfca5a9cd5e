"""The gate on tables made by hand: which rows a rule speaks of, which bound is compared, what is no evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from robustkit.analysis.evidence import Evidence, make_evidence
from robustkit.analysis.gate import Check, check_rules
from robustkit.analysis.rules import parse_rule
from robustkit.errors import InputError, RunError
from robustkit.results.schema import COMPARISONS_COLUMNS, ERRORS_COLUMNS, STRATA_COLUMNS
from robustkit.stats.estimate import Estimate
from robustkit.stats.proportion import clustered_proportion
from statsmodels.stats.proportion import proportion_confint

NAN = float("nan")
USUAL: dict[str, Any] = {
    "by": "all", "stratum": "all", "cohort": "all", "split": "test", "unit": "case", "model": "m",
    "perturbation": "nominal", "level": 0.0, "operating_point": "", "value": 0.9, "low": 0.8, "high": 0.95, "se": 0.03,
    "method": "clustered DeLong, logit scale", "n_cases": 50, "n_patients": 40, "reason": "",
}  # fmt: skip
SHIFT = {"perturbation": "shift", "level": 0.1}


def row(metric: str = "auc", **own: Any) -> dict[str, Any]:
    return {**USUAL, "metric": metric, **own}


def flips(k: int, n: int, **own: Any) -> dict[str, Any]:
    """k of n patients with one case each, all of whose decisions flip."""
    e: Estimate = clustered_proportion(np.arange(n) < k, np.arange(n))
    found = {f: getattr(e, f) for f in ("value", "low", "high", "se", "method", "n_cases", "n_patients", "reason")}
    return row("flip_rate", **{**SHIFT, **found, "operating_point": "youden", **own})


def size(stratum: str) -> dict[str, str]:
    return {"by": "size", "stratum": stratum}


def evidence(
    *rows: dict[str, Any], errors: list[dict[str, Any]] | None = None, diffs: list[dict[str, Any]] | None = None
) -> Evidence:
    frames = {"strata": pd.DataFrame(list(rows)).reindex(columns=[*STRATA_COLUMNS, "new column"])}
    if errors is not None:
        frames["errors"] = pd.DataFrame(errors).reindex(columns=ERRORS_COLUMNS)
    if diffs is not None:
        frames["comparisons"] = pd.DataFrame(diffs).reindex(columns=COMPARISONS_COLUMNS)
    return make_evidence(frames)


def check(rule: str, found: Evidence, *, allow_unknown: bool = False) -> tuple[Check, ...]:
    return check_rules([parse_rule(rule)], found, allow_unknown=allow_unknown)


def cells(rule: str, found: Evidence) -> list[str]:
    return [c.cell for c in check(rule, found)]


@pytest.mark.parametrize(
    ("rule", "verdict", "bound"),
    [
        ("auc < 0.96", "holds", 0.95), ("auc < 0.95", "fails", 0.95), ("auc <= 0.95", "holds", 0.95),
        ("auc < 0.94", "fails", 0.95), ("auc > 0.79", "holds", 0.8), ("auc > 0.8", "fails", 0.8), ("auc >= 0.8", "holds", 0.8),
        # the point, .9, would hold both
        ("auc > 0.85", "fails", 0.8), ("auc < 0.92", "fails", 0.95),
    ],
)  # fmt: skip
def test_the_bound_is_compared_and_not_the_point(rule: str, verdict: str, bound: float) -> None:
    (found,) = check(rule, evidence(row()))
    assert (found.verdict, found.bound, found.value) == (verdict, bound, 0.9)
    assert (found.n_cases, found.n_patients, found.adjusted_for) == (50, 40, 1)
    assert f"{found.side} bound" in found.said()
    assert "50 cases, 40 patients" in found.said()


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        ({"value": NAN, "low": NAN, "high": NAN, "reason": "fewer than 5 patients (3)"}, "fewer than 5 patients (3)"),
        ({"low": NAN, "high": NAN, "reason": "no variation between patients"}, "no variation between patients"),
        ({"low": NAN, "high": NAN}, "the bound is not a number"),
        ({"value": NAN}, "the bound is not a number"),
        ({"high": np.inf, "low": -np.inf}, "the bound is not a number"),
        ({"n_cases": 0}, "no cases"),
        ({"n_cases": NAN}, "no cases"),
    ],
)
def test_no_evidence_does_not_pass_unless_that_is_said(own: dict[str, Any], reason: str) -> None:
    table = evidence(row(**own))
    for rule in ("auc > -10", "auc < 10"):
        (found,) = check(rule, table)
        assert (found.verdict, found.passes, found.reason) == ("no evidence", False, reason)
        assert found.said().startswith(f"no evidence: {reason}")
        (found,) = check(rule, table, allow_unknown=True)
        assert (found.verdict, found.passes, found.reason) == ("allowed", True, reason)


def test_what_was_measured_and_fails_is_never_allowed() -> None:
    (found,) = check("auc > 0.99", evidence(row()), allow_unknown=True)
    assert (found.verdict, found.passes) == ("fails", False)


def test_a_stratum_of_five_patients_without_an_event_does_not_pass() -> None:
    # Wilson: 0 of 5 reaches to z^2 / (5 + z^2) = .434
    table = evidence(flips(0, 5, **size("<20 mm")), flips(0, 4, **size(">=20 mm")), row())
    (found,) = check("flip_rate{size=small,shift=0.1} < 0.05", table)
    assert found.value == 0.0
    assert (found.verdict, found.bound) == ("fails", pytest.approx(0.4345, abs=1e-4))
    (found,) = check("flip_rate{size=large,shift=0.1} < 0.99", table)
    assert (found.verdict, found.reason) == ("no evidence", "fewer than 5 patients (4)")


def test_every_stratum_is_checked_at_the_widened_bound() -> None:
    table = evidence(flips(2, 60, **size("<20 mm")), flips(1, 80, **size("20-50 mm")), flips(0, 200, **size(">=50 mm")))
    found = check("flip_rate{size=*,shift=0.1} < 0.13", table)
    highs = [proportion_confint(k, n, alpha=0.05 / 3, method="wilson")[1] for k, n in ((2, 60), (1, 80), (0, 200))]
    assert [c.bound for c in found] == pytest.approx(highs)
    assert {c.adjusted_for for c in found} == {3}
    # the table's own bound of the first, .114, would hold
    assert [c.verdict for c in found] == ["fails", "holds", "holds"]
    (alone,) = check("flip_rate{size=<20 mm} < 0.13", table)
    assert (alone.verdict, alone.adjusted_for) == ("holds", 1)
    two = check("flip_rate{size=<20 mm|>=50 mm} < 0.13", table)
    assert [c.adjusted_for for c in two] == [2, 2]


def test_stars_multiply_and_cohorts_add_their_own_strata() -> None:
    places = {"internal": ("<20 mm", ">=20 mm"), "external": ("<20 mm",)}
    table = evidence(
        *(flips(0, 50, cohort=c, level=v, **size(s)) for c, own in places.items() for s in own for v in (0.1, 0.2)),
        row(),
    )
    found = check("flip_rate{cohort=internal|external,size=*,shift=*} < 1", table)
    # 3 places x 2 levels, counted by hand
    assert (len(found), {c.adjusted_for for c in found}) == (6, {6})


def test_tests_are_no_strata() -> None:
    table = evidence(flips(0, 9, **size("<20 mm")), flips(0, 9, **size("(heterogeneity)")), row())
    assert cells("flip_rate{size=*} < 1", table) == ["m, all, size = <20 mm, shift 0.1, at youden"]


def test_a_stratum_that_one_cohort_lacks_is_no_evidence() -> None:
    table = evidence(
        *(flips(0, 90, cohort=c, by="centre", stratum=s) for c, s in (("internal", "A"), ("external", "B"))),
        row(),
        flips(0, 90),
    )
    (found,) = check("flip_rate{cohort=external,centre=A} < 1", table)
    assert (found.verdict, found.passes) == ("no evidence", False)
    assert "strata.csv has no such row" in found.reason
    # a star means every stratum of the cohort; a cohort without any is no evidence either
    assert [c.verdict for c in check("flip_rate{cohort=external,centre=*} < 1", table)] == ["holds"]
    (found,) = check("flip_rate{centre=*} < 1", table)
    assert (found.verdict, found.passes) == ("no evidence", False)


def test_a_stratum_of_the_other_class_is_no_evidence_under_a_star() -> None:
    table = evidence(
        row("sensitivity", by="subtype", stratum="osteosarcoma"),
        row("specificity", by="subtype", stratum="cyst"),
        row(),
    )
    found = check("sensitivity{subtype=*} > 0.1", table)
    assert {c.cell: c.verdict for c in found} == {
        "m, all, subtype = osteosarcoma, nominal": "holds", "m, all, subtype = cyst, nominal": "no evidence"
    }  # fmt: skip


def test_bins_have_words() -> None:
    names = ("<20 mm", "20-50 mm", "50-80 mm", "unknown")
    table = evidence(*(flips(0, 50, **size(n)) for n in names), row())
    assert cells("flip_rate{size=small} < 1", table) == ["m, all, size = <20 mm, shift 0.1, at youden"]
    medium = check("flip_rate{size=medium} < 1", table)
    assert ["20-50" in c.cell or "50-80" in c.cell for c in medium] == [True, True]
    assert {c.adjusted_for for c in medium} == {2}
    # no case is that large: that is no evidence, alone and beside others
    assert [c.verdict for c in check("flip_rate{size=large} < 1", table)] == ["no evidence"]
    assert [c.verdict for c in check("flip_rate{size=small|large} < 1", table)] == ["holds", "no evidence"]


def test_what_is_left_out_is_the_whole_cohort_the_nominal_box_and_every_model() -> None:
    table = evidence(
        *(row(model=m, cohort=c, **{**p}) for m in "ab" for c in ("all", "external") for p in ({}, SHIFT)),
        *(flips(0, 50, level=v) for v in (0.05, 0.1)),
        row(**size("<20 mm")),
    )
    assert cells("auc > 0", table) == ["a, all, nominal", "b, all, nominal", "m, all, nominal"]
    assert {c.adjusted_for for c in check("auc > 0", table)} == {1}
    assert cells("auc{model=a,cohort=external,shift=0.1} > 0", table) == ["a, external, shift 0.1"]
    assert cells("auc{model=a,cohort=*} > 0", table) == ["a, all, nominal", "a, external, nominal"]
    # a metric of moved boxes has no nominal value: every level that was tested
    levels = cells("flip_rate{model=m} < 1", table)
    assert levels == ["m, all, shift 0.05, at youden", "m, all, shift 0.1, at youden"]
    assert cells("flip_rate{model=m,shift=*} < 1", table) == levels
    assert cells("flip_rate{model=m,perturbation=*} < 1", table) == levels
    assert cells("flip_rate{model=m,perturbation=shift,level=0.1} < 1", table) == levels[1:]
    assert cells("flip_rate{model=m,level=0.05|0.1} < 1", table) == levels
    assert [c.adjusted_for for c in check("flip_rate{model=m,level=0.05|0.1} < 1", table)] == [2, 2]


def test_one_cohort_alone_needs_no_name() -> None:
    assert cells("auc > 0", evidence(row(cohort="external"))) == ["m, external, nominal"]


def test_a_condition_that_the_metric_does_not_have_is_no_evidence() -> None:
    table = evidence(row(), flips(0, 90))
    for rule in ("auc{shift=0.1} > 0", "flip_rate{perturbation=nominal} < 1"):
        (found,) = check(rule, table)
        assert (found.verdict, found.passes) == ("no evidence", False)


def test_operating_points_are_all_checked_or_chosen() -> None:
    table = evidence(*(row("sensitivity", operating_point=p, low=v) for p, v in (("youden", 0.8), ("rule-in", 0.5))))
    assert [c.verdict for c in check("sensitivity > 0.7", table)] == ["holds", "fails"]
    (found,) = check("sensitivity{operating_point=youden} > 0.7", table)
    assert (found.verdict, found.cell) == ("holds", "m, all, nominal, at youden")


def test_crossings_by_either_order() -> None:
    labels = [f"{r} * {s}" for r in ("axial", "limb") for s in ("<20 mm", ">=20 mm")][:3]
    table = evidence(
        *(row(by="region*size", stratum=x) for x in labels),
        *(row(by="region", stratum=r) for r in ("axial", "limb")),
        row(),
    )
    assert cells("auc{size=small,region=axial} > 0", table) == ["m, all, region*size = axial * <20 mm, nominal"]
    assert len(check("auc{size=*,region=axial} > 0", table)) == 2
    assert {c.adjusted_for for c in check("auc{size=*,region=*} > 0", table)} == {3}
    assert cells("auc{region*size=limb * <20 mm} > 0", table) == ["m, all, region*size = limb * <20 mm, nominal"]
    # both names are known, the crossing holds no case
    assert [c.verdict for c in check("auc{size=large,region=limb} > 0", table)] == ["no evidence"]


def difference(a: str, b: str, **own: Any) -> dict[str, Any]:
    base = {**row(), "diff": 0.01, "low": -0.03, "high": 0.05, "se": 0.02, "method": "clustered paired DeLong"}
    return {**base, "model_a": a, "model_b": b, **own}


def test_a_difference_has_a_direction() -> None:
    table = evidence(row(), diffs=[difference("x", "y"), difference("all", "", diff=NAN, low=NAN, high=NAN)])
    (found,) = check("diff.auc{model_a=x,model_b=y} > -0.04", table)
    assert (found.verdict, found.bound, found.cell) == ("holds", -0.03, "x - y, all, nominal")
    # y - x is from -.05 to .03
    (found,) = check("diff.auc{model_a=y,model_b=x} > -0.04", table)
    assert (found.verdict, found.bound, found.value) == ("fails", -0.05, -0.01)


def test_differences_from_every_other_model() -> None:
    joint = difference("all", "", diff=NAN, low=NAN, high=NAN)
    table = evidence(row(), diffs=[joint, difference("x", "y"), difference("x", "z"), difference("y", "z")])
    assert cells("diff.auc{model_b=z} > -1", table) == ["x - z, all, nominal", "y - z, all, nominal"]
    assert {c.adjusted_for for c in check("diff.auc{model_b=z} > -1", table)} == {1}
    assert {c.adjusted_for for c in check("diff.auc{model_a=*,model_b=z} > -1", table)} == {2}


def test_a_model_against_itself_shows_no_bound_and_is_no_evidence() -> None:
    same = difference("x", "y", diff=0.0, low=NAN, high=NAN, se=0.0, reason="both rank every case alike")
    (found,) = check("diff.auc{model_a=x,model_b=y} > -0.02", evidence(row(), diffs=[same]))
    assert (found.verdict, found.reason) == ("no evidence", "both rank every case alike")


def test_kinds_of_error_are_metrics() -> None:
    e = clustered_proportion(np.arange(40) < 1, np.arange(40))
    missed = {**row(), "kind": "missed_malignant", "rate": e.value, "low": e.low, "high": e.high, "method": e.method}
    table = evidence(row(), errors=[missed])
    (found,) = check("missed_malignant < 0.2", table)
    assert (found.verdict, found.bound) == ("holds", pytest.approx(proportion_confint(1, 40, method="wilson")[1]))
    # a kind that the table does not hold is known, and no evidence
    assert [c.verdict for c in check("missed_intermediate < 1", table)] == ["no evidence"]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("acu > 0.5", "column 1: no table has the metric 'acu'. Near: auc."),
        ("ppv > 0.5", "Run `robustkit stratify --prevalence 0.2` first"),
        ("auc{modle=m} > 0", "column 5: the table has no variable, perturbation or column 'modle'. Near: model"),
        ("auc{sise=small} > 0", "no variable, perturbation or column 'sise'. Near: size."),
        ("auc{cohort=all,size=<30 mm} > 0", "column 16: the table has no stratum of size '<30 mm'. Near: <20 mm"),
        ("auc{cohort=internal} > 0", "column 5: the table has no cohort 'internal'. Near: external"),
        ("auc{model=n} > 0", "the table has no model 'n'. Near: m."),
        ("flip_rate{operating_point=yuden} < 1", "the table has no operating point 'yuden'. Near: youden."),
        ("auc{perturbation=shifts} > 0", "the table has no perturbation 'shifts'. Near: shift."),
        ("auc{shift=0.2} > 0", "the level 0.2 was not tested in 'auc{shift=0.2} > 0'. Tested: shift 0.1."),
        ("auc{shift=far} > 0", "expected a level (a number), got 'far'"),
        ("auc{shift=0.1,level=0.1} > 0", "column 15: expected one perturbation"),
        ("auc{shift=0.1,perturbation=nominal} > 0", "column 15: expected one perturbation"),
        ("auc{size=small,centre=A} > 0", "no strata of size*centre in"),
        ("auc{model_a=m} > 0", "model_a belongs to a difference"),
        ("diff.auc > 0", "a difference has a direction"),
        ("diff.auc{model=m} > 0", "a difference has a direction"),
        ("diff.auc{model_a=m,model_b=m} > 0", "a model is compared with itself"),
        ("diff.brier{model_a=m} > 0", "no table has the metric 'diff.brier'. Near: diff.auc."),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(rule: str, said: str) -> None:
    table = evidence(
        row(), row(**size("<20 mm")), row(cohort="external", by="centre", stratum="A"), flips(0, 50),
        diffs=[difference("m", "n")],
    )  # fmt: skip
    with pytest.raises(InputError) as found:
        check(rule, table)
    assert said in str(found.value)


def test_a_missing_column_is_named() -> None:
    frame = pd.DataFrame([row()]).drop(columns=["low", "n_patients"])
    with pytest.raises(RunError, match="strata.csv: the table lacks the columns low, n_patients"):
        make_evidence({"strata": frame})


def test_a_missing_table_is_named() -> None:
    with pytest.raises(RunError, match="needs the table comparisons.csv. Run `robustkit compare` first"):
        check("diff.auc{model_a=x} > 0", evidence(row()))
