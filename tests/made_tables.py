"""Tables of a run made by hand: values that can be told apart, no statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from robustkit.results.schema import (
    CALIBRATION_COLUMNS,
    COMPARISONS_COLUMNS,
    CURVES_COLUMNS,
    DECISION_CURVE_COLUMNS,
    ERRORS_COLUMNS,
    FLOW_COLUMNS,
    HEATMAP_CHECKS_COLUMNS,
    HEATMAP_CONTRASTS_COLUMNS,
    HEATMAP_MEASURES_COLUMNS,
    OPERATING_POINTS_COLUMNS,
    REPEATS_COLUMNS,
    ROC_COLUMNS,
    SIZE_CURVE_COLUMNS,
    STABILITY_COLUMNS,
    STRATA_COLUMNS,
    SWEEP_COLUMNS,
    THRESHOLDS_COLUMNS,
    TRANSFER_COLUMNS,
)

from made_readers_table import readers
from made_rows import FORMULA, HOSTILE, LONG, NAN, STRATA, TINY, made_row
from made_study import study_tables

__all__ = ["FORMULA", "HOSTILE", "LONG"]


def strata(models: Sequence[str], cohorts: Sequence[str], groups: Mapping[str, Sequence[str]] = STRATA) -> pd.DataFrame:
    """Give strata.csv: row k has value 0.5 + k / 1000; a stratum ``tiny`` is not estimable; p only for osteosarcoma."""
    rows: list[dict[str, Any]] = []
    for model in models:
        for cohort in cohorts:
            for by, names in {"all": ("all",), **groups}.items():
                for name in names:
                    rows += _conditions(len(rows), by=by, stratum=name, cohort=cohort, model=model)
    return pd.DataFrame(rows, columns=list(STRATA_COLUMNS))


def _conditions(k: int, **who: str) -> list[dict[str, Any]]:
    wanted = [("nominal", 0.0, m) for m in ("auc", "sensitivity", "specificity", "brier")]
    wanted += [("shift", v, m) for v in (0.1, 0.05) for m in ("auc", "sensitivity", "flip_rate", "rank_sd", "score_sd")]
    found = []
    for i, (kind, level, metric) in enumerate(wanted):
        lost = who["stratum"] == "tiny"
        value = NAN if lost else 0.5 + (k + i) / 1000
        found.append(
            made_row(
                STRATA_COLUMNS, **who, split="test", unit="case", perturbation=kind, level=level, metric=metric, value=value,
                low=value - 0.05, high=value + 0.05, repeats=12 if level else 0, n_cases=20 + k, n_patients=10 + k, n_positive=9,
                n_positive_patients=8, p_adjusted=0.01 if who["stratum"] == "osteosarcoma" else NAN, reason=TINY if lost else "",
            )
        )  # fmt: skip
    return found


def curves(table: pd.DataFrame) -> pd.DataFrame:
    """Give curves.csv of a strata.csv, level 0 from the nominal rows."""
    nominal = table[(table["perturbation"] == "nominal") & table["metric"].isin(["auc", "sensitivity"])]
    rows = pd.concat([nominal.assign(perturbation="shift"), table[table["perturbation"] != "nominal"]])
    rows = rows.assign(
        x=rows["level"], achieved_iou=1 - rows["level"], share_unmoved=(rows["level"] == 0).astype(float)
    )
    return rows[list(CURVES_COLUMNS)].reset_index(drop=True)


def errors(models: Sequence[str], cohorts: Sequence[str], groups: Mapping[str, Sequence[str]] = STRATA) -> pd.DataFrame:
    """Give errors.csv: 3 of 10 everywhere, 7 of 10 malignant missed for osteosarcoma; ``tiny`` is 1 of 2 without a rate."""
    rows = []
    for model in models:
        for cohort in cohorts:
            for by, names in {"all": ("all",), **groups}.items():
                for name in names:
                    for kind in ("missed", "missed_malignant", "missed_intermediate", "false_alarm"):
                        k, n = (7, 10) if name == "osteosarcoma" else (1, 2) if name == "tiny" else (3, 10)
                        lost = name == "tiny"
                        rows.append(
                            made_row(
                                ERRORS_COLUMNS, by=by, stratum=name, cohort=cohort, split="test", model=model, perturbation="nominal",
                                level=0.0, kind=kind, k=float(k), n_cases=n, n_patients=n, rate=NAN if lost else k / n,
                                low=NAN if lost else k / n - 0.1, high=NAN if lost else k / n + 0.1, reason=TINY if lost else "",
                            )
                        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(ERRORS_COLUMNS))


def stability(models: Sequence[str], cases: Sequence[str]) -> pd.DataFrame:
    """Give stability.csv: case i of n changes its decision in i of 12 redrawn boxes."""
    rows = [
        made_row(
            STABILITY_COLUMNS, model=m, case_id=c, perturbation="shift", level=v, repeats=12, n_distinct=12, n_failed=0, nominal=0.4,
            mean=0.4, sd=0.01 * i, low=0.3, high=0.5, flips=float(i), flip_rate=i / 12, censored=False,
        )
        for m in models for v in (0.1, 0.05) for i, c in enumerate(cases)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(STABILITY_COLUMNS))


def thresholds(models: Sequence[str]) -> pd.DataFrame:
    """Give thresholds.csv: 0.45 everywhere."""
    rows = [
        made_row(THRESHOLDS_COLUMNS, model=m, operating_point="youden", value=0.45, source="development", n=30)
        for m in models
    ]
    return pd.DataFrame(rows, columns=list(THRESHOLDS_COLUMNS))


def flow(n: int) -> pd.DataFrame:
    """Give flow.csv: n + 5 cases, 5 set aside, n judged."""
    steps = [("in the run", n + 5, ""), ("set aside", 5, "split=val"), ("to be judged", n, ""), ("estimated", n, "")]
    rows = [
        made_row(FLOW_COLUMNS, step=s, cohort="internal", split="test", model="", n_cases=k, n_patients=k, reason=r)
        for s, k, r in steps
    ]
    return pd.DataFrame(rows, columns=list(FLOW_COLUMNS))


def comparisons(a: str, b: str) -> pd.DataFrame:
    """Give comparisons.csv: the AUC of a is 0.05 lower."""
    row = made_row(
        COMPARISONS_COLUMNS, model_a=a, model_b=b, by="all", stratum="all", cohort="all", split="test", perturbation="nominal",
        level=0.0, metric="auc", diff=-0.05, low=-0.09, high=-0.01, p_adjusted=0.014, n_cases=40, n_patients=30,
    )  # fmt: skip
    return pd.DataFrame([row], columns=list(COMPARISONS_COLUMNS))


def size_curve(models: Sequence[str], cohorts: Sequence[str]) -> pd.DataFrame:
    """Give size_curve.csv: missed falls from 0.8 at 10 mm to 0.2 at 100 mm; false alarms have no curve."""
    rows = []
    for m in models:
        for c in cohorts:
            fixed = {"cohort": c, "split": "test", "model": m, "perturbation": "nominal", "level": 0.0, "scale": "size_mm",
                     "n_cases": 40, "n_patients": 30}  # fmt: skip
            for i, x in enumerate((10.0, 20.0, 50.0, 100.0)):
                value = 0.8 - 0.2 * i
                point = {"x": x, "value": value, "low": value - 0.1, "high": value + 0.1}
                rows.append(made_row(SIZE_CURVE_COLUMNS, **fixed, **point, metric="missed"))
            rows.append(made_row(SIZE_CURVE_COLUMNS, **fixed, metric="false_alarm", reason=TINY))
    return pd.DataFrame(rows, columns=list(SIZE_CURVE_COLUMNS))


def transfer(models: Sequence[str], groups: Mapping[str, Sequence[str]] = STRATA) -> pd.DataFrame:
    """Give transfer.csv: missed 0.6 of 30 external and 0.2 of 20 internal; ``tiny`` has no external rate."""
    rows = []
    for m in models:
        for by, names in groups.items():
            for name in names:
                lost = name == "tiny"
                outside = {"value_a": NAN, "diff": NAN} if lost else {
                    "value_a": 0.6, "low_a": 0.5, "high_a": 0.7, "diff": 0.4, "low": 0.2, "high": 0.55, "p_adjusted": 0.01,
                }  # fmt: skip
                rows.append(
                    made_row(
                        TRANSFER_COLUMNS, by=by, stratum=name, cohort_a="external", cohort_b="internal", model=m,
                        perturbation="nominal", level=0.0, metric="missed", value_b=0.2, low_b=0.1, high_b=0.3, n_cases_a=30,
                        n_patients_a=25, n_cases_b=20, n_patients_b=15, reason=TINY if lost else "", **outside,
                    )
                )  # fmt: skip
    return pd.DataFrame(rows, columns=list(TRANSFER_COLUMNS))


def calibration(models: Sequence[str], cohorts: Sequence[str]) -> pd.DataFrame:
    """Give calibration.csv: three bins, a tenth too high each."""
    rows = [
        made_row(
            CALIBRATION_COLUMNS, cohort=c, split="test", model=m, bin=i, mean_score=v, value=v - 0.1, low=v - 0.2, high=v,
            n_cases=20, n_patients=15,
        )
        for c in cohorts for m in models for i, v in enumerate((0.2, 0.5, 0.8))
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(CALIBRATION_COLUMNS))


def repeats(models: Sequence[str], cohorts: Sequence[str]) -> pd.DataFrame:
    """Give repeats.csv: a median of 0.8 and quantiles around it, at two levels."""
    rows = [
        made_row(
            REPEATS_COLUMNS, by="all", stratum="all", cohort=c, split="test", model=m, perturbation="shift", level=v, metric=metric,
            repeats=12, mean=0.8, sd=0.02, q05=0.7, q25=0.75, median=0.8, q75=0.85, q95=0.9, n_cases=30, n_patients=20,
        )
        for c in cohorts for m in models for v in (0.05, 0.1) for metric in ("auc", "flip_rate")
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(REPEATS_COLUMNS))


def crossed_errors(models: Sequence[str], groups: Mapping[str, Sequence[str]] = STRATA) -> pd.DataFrame:
    """Give rows of errors.csv where the first two variables meet: i of i + 4; ``tiny`` has no rate."""
    (first, down), (second, across) = (
        list(groups.items())[:2] if len(groups) > 1 else [*groups.items(), *STRATA.items()][:2]
    )
    rows = []
    for model in models:
        for i, (a, b) in enumerate((a, b) for a in down for b in across):
            lost = a == "tiny"
            rows.append(
                made_row(
                    ERRORS_COLUMNS, by=f"{first}*{second}", stratum=f"{a} * {b}", cohort="all", split="test", model=model,
                    perturbation="nominal", level=0.0, kind="missed", k=float(i), n_cases=i + 4, n_patients=i + 4,
                    rate=NAN if lost else i / (i + 4), low=NAN if lost else 0.0, high=NAN if lost else 1.0, reason=TINY if lost else "",
                )
            )  # fmt: skip
    return pd.DataFrame(rows, columns=list(ERRORS_COLUMNS))


def roc(models: Sequence[str], cohorts: Sequence[str]) -> pd.DataFrame:
    """Give roc.csv: three points above the diagonal."""
    points = ((0.0, 0.2), (0.5, 0.8), (1.0, 1.0))
    rows = [
        made_row(
            ROC_COLUMNS, cohort=c, split="test", model=m, x=x, value=v, low=v - 0.1, high=min(1.0, v + 0.1), n_cases=30, n_patients=20,
            n_positive=12,
        )
        for c in cohorts for m in models for x, v in points
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(ROC_COLUMNS))


def decision_curve(models: Sequence[str], cohorts: Sequence[str]) -> pd.DataFrame:
    """Give decision_curve.csv: ten points falling from 0.4."""
    rows = [
        made_row(
            DECISION_CURVE_COLUMNS, cohort=c, split="test", model=m, x=i / 20, value=0.4 - i / 40, low=0.3 - i / 40, high=0.5 - i / 40,
            treat_all=0.4 - i / 20, n_cases=30, n_patients=20, n_positive=12,
        )
        for c in cohorts for m in models for i in range(1, 11)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(DECISION_CURVE_COLUMNS))


def operating_points(models: Sequence[str], cohorts: Sequence[str]) -> pd.DataFrame:
    """Give operating_points.csv: the carried one and a sensitivity of 0.9."""
    rows = [
        made_row(
            OPERATING_POINTS_COLUMNS, model=m, cohort=c, split="test", operating_point=p, threshold=t, metric=k, value=v, low=v - 0.1,
            high=v + 0.1, n_cases=12, n_patients=10, n_development=40,
        )
        for m in models for c in cohorts for p, t in (("youden (judged at)", 0.5), ("sensitivity=0.9", 0.3))
        for k, v in (("sensitivity", 0.6), ("specificity", 0.7))
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(OPERATING_POINTS_COLUMNS))


def sweep(models: Sequence[str], cohorts: Sequence[str], groups: Mapping[str, Sequence[str]] = STRATA) -> pd.DataFrame:
    """Give sweep.csv: of 10 + j positives and 20 negatives ever fewer are called; j counts strata."""
    points = {0.3: "sensitivity=0.9", 0.5: "youden (judged at)"}
    rows = []
    for m in models:
        for c in cohorts:
            for by, strata_ in {"all": ("all",), **groups}.items():
                for j, name in enumerate(strata_):
                    for i, cut in enumerate((0.1, 0.3, 0.5, 0.7, 0.9)):
                        rows.append(
                            made_row(
                                SWEEP_COLUMNS, model=m, cohort=c, split="test", by=by, stratum=name, threshold=cut,
                                operating_point=points.get(cut, ""), n_positive=10 + j, n_positive_called=10 + j - 2 * i, n_malignant=6,
                                n_malignant_called=6 - i, n_intermediate=4 + j, n_intermediate_called=4 + j - i, n_negative=20,
                                n_negative_called=20 - 4 * i, n_answers=120 if by == "all" else 0,
                                flip_rate=0.01 * (i + 1) if by == "all" else NAN,
                            )
                        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(SWEEP_COLUMNS))


def heatmap_measures(
    models: Sequence[str], cohorts: Sequence[str], groups: Mapping[str, Sequence[str]] = STRATA
) -> pd.DataFrame:
    """Give heatmap_measures.csv: shares of the boxes as given by stratum, likeness of two levels of whole cohorts."""
    fixed = {"heatmap": "grad_cam", "split": "test", "n_cases": 20, "n_patients": 15, "n_undefined": 1, "margin": 0.5}
    rows = []
    for model in models:
        for cohort in cohorts:
            who = {"model": model, "cohort": cohort, **fixed}
            for by, names in {"all": ("all",), "answer": ("correct", "missed"), **groups}.items():
                for name in names:
                    value = NAN if name == "tiny" else 0.4 + len(rows) / 1000
                    rows.append(made_row(
                        HEATMAP_MEASURES_COLUMNS, **who, by=by, stratum=name, perturbation="nominal", level=0.0, measure="inside",
                        value=value, low=value - 0.1, high=value + 0.1, uniform=0.2, mean_map=0.3,
                        reason=TINY if name == "tiny" else "",
                    ))  # fmt: skip
            rows += [
                made_row(
                    HEATMAP_MEASURES_COLUMNS, **who, by="all", stratum="all", perturbation="shift", level=v,
                    measure="map_correlation", value=0.9 - v, low=0.8 - v, high=0.95 - v, mean_map=0.4,
                )
                for v in (0.1, 0.05)
            ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(HEATMAP_MEASURES_COLUMNS))


def heatmap_contrasts(models: Sequence[str], cohorts: Sequence[str]) -> pd.DataFrame:
    """Give heatmap_contrasts.csv: correct against wrong, crude and adjusted."""
    rows = [
        made_row(
            HEATMAP_CONTRASTS_COLUMNS, heatmap="grad_cam", a="correct", b="wrong", adjusted=adjusted, cohort=c, split="test",
            model=m, perturbation="nominal", level=0.0, measure="inside", value_a=0.5, value_b=0.4, diff=0.1, low=0.02, high=0.18,
            p=0.01, n_cases=20, n_patients=15,
        )
        for m in models for c in cohorts for adjusted in ("", "size, region")
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(HEATMAP_CONTRASTS_COLUMNS))


def heatmap_checks(models: Sequence[str]) -> pd.DataFrame:
    """Give heatmap_checks.csv: three parts of a network, one of which leaves no map, and deletion."""
    fixed = {"heatmap": "grad_cam", "n_patients": 9, "n_cases": 12}
    rows = []
    for m in models:
        for stage, value in (("fc", 0.5), ("layer4", NAN), ("conv1", 0.1)):
            rows.append(made_row(
                HEATMAP_CHECKS_COLUMNS, **fixed, model=m, check="randomised weights", stage=stage, value=value, low=value - 0.1,
                high=value + 0.1, expected=0.4,
            ))  # fmt: skip
        rows.append(made_row(
            HEATMAP_CHECKS_COLUMNS, **fixed, model=m, check="deletion", stage="", value=0.3, low=0.2, high=0.4, expected=0.5,
            diff=-0.2, diff_low=-0.3, diff_high=-0.1, p=0.001,
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=list(HEATMAP_CHECKS_COLUMNS))


def all_tables(
    models: Sequence[str] = ("a", "b"),
    cohorts: Sequence[str] = ("all", "internal", "external"),
    *,
    groups: Mapping[str, Sequence[str]] = STRATA,
    cases: Sequence[str] = ("c00", "c01", "c02"),
) -> dict[str, pd.DataFrame]:
    """Give every table of a run."""
    own = strata(models, cohorts, groups)
    found = {
        "strata": own, "curves": curves(own), "stability": stability(models, cases),
        "thresholds": thresholds(models), "flow": flow(len(cases)), "size_curve": size_curve(models, cohorts),
        "transfer": transfer(models, groups), "calibration": calibration(models, cohorts),
        "errors": pd.concat([errors(models, cohorts, groups), crossed_errors(models, groups)], ignore_index=True),
        "repeats": repeats(models, cohorts), "roc": roc(models, cohorts), "decision_curve": decision_curve(models, cohorts),
        "operating_points": operating_points(models, cohorts), "sweep": sweep(models, cohorts, groups),
        "heatmap_measures": heatmap_measures(models, cohorts, groups), "heatmap_checks": heatmap_checks(models),
        "heatmap_contrasts": heatmap_contrasts(models, cohorts), "readers": readers(cohorts, groups),
        **study_tables(models, cohorts),
    }  # fmt: skip
    return {**found, "comparisons": comparisons(*models[:2])} if len(models) > 1 else found


def empty_tables() -> dict[str, pd.DataFrame]:
    """Give every table without a row."""
    return {name: frame.iloc[:0] for name, frame in all_tables().items()}
