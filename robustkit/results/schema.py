"""Names and types of what a run folder holds (design, section 3.3; estimands, section 8)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

FORMAT = 1

PREDICTION_COLUMNS = (
    "model", "case_id", "perturbation", "level", "repeat", "x0", "y0", "x1", "y1", "score", "logits", "status",
    "reason",
)  # fmt: skip

PREDICTION_TEXTS = ("model", "case_id", "perturbation", "status", "reason")
"""Columns of the predictions that hold text: few values, many rows."""

STRATA_COLUMNS = (
    "by", "stratum", "cohort", "split", "unit", "model", "perturbation", "level", "metric", "operating_point",
    "value", "low", "high", "low_threshold", "high_threshold", "se", "mc_se", "repeats", "method", "n_cases",
    "n_patients", "n_positive", "n_positive_patients", "p", "p_adjusted", "family", "reason",
)  # fmt: skip

CURVES_COLUMNS = (*STRATA_COLUMNS, "x", "achieved_iou", "share_unmoved")

ERRORS_COLUMNS = (
    "by", "stratum", "cohort", "split", "model", "perturbation", "level", "operating_point", "kind", "k",
    "n_cases", "n_patients", "rate", "low", "high", "method", "reason",
)  # fmt: skip

STABILITY_COLUMNS = (
    "model", "case_id", "perturbation", "level", "repeats", "n_distinct", "n_failed", "nominal", "mean", "sd",
    "sd_logit", "rank_sd", "low", "high", "flips", "flip_rate", "to_wrong", "to_right", "smallest_flip",
    "censored", "achieved_iou", "share_unmoved",
)  # fmt: skip

THRESHOLDS_COLUMNS = ("model", "operating_point", "value", "source", "n", "n_positive", "low", "high")

FLOW_COLUMNS = ("step", "cohort", "split", "model", "n_cases", "n_patients", "reason")

COMPARISONS_COLUMNS = (
    "model_a", "model_b", "by", "stratum", "cohort", "split", "perturbation", "level", "metric",
    "operating_point", "diff", "low", "high", "se", "mc_se", "statistic", "p", "p_adjusted", "family", "method",
    "n_cases", "n_patients", "reason",
)  # fmt: skip

AGREEMENT_COLUMNS = (
    "by", "stratum", "cohort", "split", "model", "perturbation", "level", "measure", "unit", "value", "low", "high",
    "method", "n_cases", "n_patients", "reason",
)  # fmt: skip

REPEATS_COLUMNS = (
    "by", "stratum", "cohort", "split", "model", "perturbation", "level", "metric", "repeats", "mean", "sd", "q05",
    "q25", "median", "q75", "q95", "n_cases", "n_patients", "reason",
)  # fmt: skip

TRANSFER_COLUMNS = (
    "by", "stratum", "cohort_a", "cohort_b", "model", "perturbation", "level", "metric", "operating_point", "value_a",
    "low_a", "high_a", "n_cases_a", "n_patients_a", "value_b", "low_b", "high_b", "n_cases_b", "n_patients_b", "diff",
    "low", "high", "p", "p_adjusted", "family", "method", "reason",
)  # fmt: skip

OPERATING_POINTS_COLUMNS = (
    "model", "cohort", "split", "operating_point", "threshold", "metric", "value", "low", "high", "n_cases",
    "n_patients", "n_development", "method", "reason",
)  # fmt: skip

SWEEP_COLUMNS = (
    "model", "cohort", "split", "by", "stratum", "threshold", "operating_point", "n_positive", "n_positive_called",
    "n_malignant", "n_malignant_called", "n_intermediate", "n_intermediate_called", "n_negative", "n_negative_called",
    "n_answers", "flip_rate",
)  # fmt: skip

ROC_COLUMNS = (
    "cohort", "split", "model", "x", "value", "low", "high", "method", "n_cases", "n_patients", "n_positive", "reason",
)  # fmt: skip

DECISION_CURVE_COLUMNS = (
    "cohort", "split", "model", "x", "value", "low", "high", "treat_all", "method", "n_cases", "n_patients",
    "n_positive", "reason",
)  # fmt: skip

FLIP_CURVE_COLUMNS = (
    "cohort", "split", "model", "perturbation", "x", "value", "low", "high", "n_changed", "method", "n_cases",
    "n_patients", "reason",
)  # fmt: skip

CALIBRATION_COLUMNS = (
    "cohort", "split", "model", "bin", "score_low", "score_high", "mean_score", "value", "low", "high", "n_cases",
    "n_patients", "method", "reason",
)  # fmt: skip

SIZE_CURVE_COLUMNS = (
    "cohort", "split", "model", "perturbation", "level", "metric", "operating_point", "scale", "x", "value", "low",
    "high", "method", "n_cases", "n_patients", "reason",
)  # fmt: skip

SLICES_COLUMNS = (
    "slice", "depth", "cohort", "split", "model", "perturbation", "level", "metric", "operating_point", "verdict",
    "under", "also", "value", "low", "high", "method", "n_cases", "n_patients", "parent", "parent_value", "diff",
    "diff_low", "diff_high", "p", "p_adjusted", "search_value", "search_parent_value", "search_n_cases",
    "search_n_patients", "search_p", "search_p_adjusted", "n_tried", "n_proposed", "family", "reason",
)  # fmt: skip

DRIFT_COLUMNS = (
    "part", "name", "place", "category", "measure", "unit", "cohort_a", "cohort_b", "split", "model", "metric",
    "operating_point", "value_a", "sd_a", "value_b", "sd_b", "reweighted", "value", "low", "high", "by_chance", "method",
    "test", "statistic", "p", "p_adjusted", "p_shape", "family", "n_cases_a", "n_patients_a", "n_missing_a", "n_cases_b",
    "n_patients_b", "n_missing_b", "effective_cases", "support", "reason",
)  # fmt: skip
"""a is the external cohort, b the internal one; see docs of ``analysis.drift`` for what each part fills."""

HEATMAP_CASES_COLUMNS = (
    "heatmap", "model", "case_id", "measure", "value", "uniform", "mean_map", "lesion", "margin", "near_empty", "reason",
)  # fmt: skip

HEATMAP_STABILITY_COLUMNS = (
    "heatmap", "model", "case_id", "perturbation", "level", "repeats", "n_compared", "correlation", "ssim", "overlap",
    "mean_map_correlation", "mean_map_ssim", "mean_map_overlap", "reason",
)  # fmt: skip

HEATMAP_MEASURES_COLUMNS = (
    "heatmap", "by", "stratum", "cohort", "split", "model", "perturbation", "level", "measure", "value", "low", "high", "se",
    "uniform", "mean_map", "margin", "p", "p_adjusted", "family", "method", "n_cases", "n_patients", "n_undefined", "reason",
)  # fmt: skip

HEATMAP_CONTRASTS_COLUMNS = (
    "heatmap", "a", "b", "adjusted", "cohort", "split", "model", "perturbation", "level", "measure", "value_a", "value_b",
    "diff", "low", "high", "se", "statistic", "p", "method", "n_cases", "n_patients", "reason",
)  # fmt: skip

HEATMAP_CHECKS_COLUMNS = (
    "heatmap", "model", "check", "stage", "value", "low", "high", "expected", "diff", "diff_low", "diff_high", "p", "method",
    "n_cases", "n_patients", "reason",
)  # fmt: skip

READERS_COLUMNS = (
    "analysis", "reader_id", "by", "stratum", "cohort", "metric", "arm_a", "arm_b", "value_a", "value_b", "diff", "low", "high",
    "statistic", "df", "p", "null_rate", "method", "n_cases", "n_patients", "reason",
)  # fmt: skip

BASELINES_COLUMNS = (
    "model", "kind", "cohort", "split", "metric", "value", "low", "high", "features", "n_cases", "n_patients", "method", "reason",
)  # fmt: skip
"""Cohort and split of the rows that a baseline was developed on stand in words, e.g. ``nested CV``."""

BASELINE_COEFFICIENTS_COLUMNS = (
    "model", "kind", "fact", "column", "value", "low", "high", "odds_ratio", "odds_low", "odds_high", "method", "reason",
)  # fmt: skip

NOMOGRAM_COLUMNS = ("model", "kind", "fact", "label", "x", "log_odds", "points", "n_cases")
"""``fact`` is ``score`` for the scale from the sum of points to the score."""

STUDY_COHORTS_COLUMNS = (
    "fact", "category", "cohort", "split", "n", "of", "share", "unit", "mean", "sd", "median", "low_quartile", "high_quartile",
    "n_missing",
)  # fmt: skip
"""Of a study: who is in it."""

STUDY_ARMS_COLUMNS = (
    "model", "kind", "weights", "val_auc", "is_reference", "cohort", "split", "metric", "operating_point", "value", "low",
    "high", "method", "n_cases", "n_patients", "n_positive", "diff", "diff_low", "diff_high", "p", "p_adjusted", "test",
    "published", "published_low", "published_high", "source", "reason",
)  # fmt: skip

STUDY_SEEDS_COLUMNS = (
    "analysis", "arm", "arm_b", "cohort", "split", "metric", "n_seeds", "value", "low", "high", "sd_seeds", "least", "most",
    "p", "p_adjusted", "method", "n_cases", "n_patients", "n_positive", "reason",
)  # fmt: skip

STUDY_TRAINING_COLUMNS = (
    "arm", "seed", "arch", "weights", "epochs", "best_epoch", "val_auc", "threshold", "n_train", "n_val", "is_chosen",
    "seconds", "sha256",
)  # fmt: skip

STUDY_LIMITATIONS_COLUMNS = ("kind", "cohort", "sentence")

STUDY_CROSSWALK_COLUMNS = ("guideline", "item", "about", "where", "is_served")

TEXT_COLUMNS = (
    "model", "model_a", "model_b", "case_id", "by", "stratum", "cohort", "split", "unit", "perturbation", "metric",
    "operating_point", "method", "family", "reason", "kind", "source", "step", "measure", "cohort_a", "cohort_b",
    "scale", "slice", "verdict", "under", "also", "parent", "part", "name", "place", "category", "test",
    "lesion", "heatmap", "a", "b", "adjusted", "check", "stage", "analysis", "reader_id", "arm_a", "arm_b",
    "fact", "weights", "arm", "arch", "sha256", "sentence", "guideline", "item", "about", "where", "column", "label",
)  # fmt: skip
"""Columns of the tables that hold text: an empty cell is empty text."""

TRUTH_COLUMNS = ("censored", "near_empty", "is_reference", "is_chosen", "is_served")
"""Columns of the tables that hold True and False."""

TABLES: Mapping[str, tuple[str, ...]] = {
    "strata": STRATA_COLUMNS,
    "curves": CURVES_COLUMNS,
    "errors": ERRORS_COLUMNS,
    "stability": STABILITY_COLUMNS,
    "thresholds": THRESHOLDS_COLUMNS,
    "flow": FLOW_COLUMNS,
    "comparisons": COMPARISONS_COLUMNS,
    "agreement": AGREEMENT_COLUMNS,
    "repeats": REPEATS_COLUMNS,
    "transfer": TRANSFER_COLUMNS,
    "operating_points": OPERATING_POINTS_COLUMNS,
    "sweep": SWEEP_COLUMNS,
    "roc": ROC_COLUMNS,
    "decision_curve": DECISION_CURVE_COLUMNS,
    "flip_curve": FLIP_CURVE_COLUMNS,
    "calibration": CALIBRATION_COLUMNS,
    "size_curve": SIZE_CURVE_COLUMNS,
    "slices": SLICES_COLUMNS,
    "drift": DRIFT_COLUMNS,
    "heatmap_cases": HEATMAP_CASES_COLUMNS,
    "heatmap_stability": HEATMAP_STABILITY_COLUMNS,
    "heatmap_measures": HEATMAP_MEASURES_COLUMNS,
    "heatmap_contrasts": HEATMAP_CONTRASTS_COLUMNS,
    "heatmap_checks": HEATMAP_CHECKS_COLUMNS,
    "readers": READERS_COLUMNS,
    "study_cohorts": STUDY_COHORTS_COLUMNS,
    "study_arms": STUDY_ARMS_COLUMNS,
    "study_seeds": STUDY_SEEDS_COLUMNS,
    "study_training": STUDY_TRAINING_COLUMNS,
    "study_limitations": STUDY_LIMITATIONS_COLUMNS,
    "study_crosswalk": STUDY_CROSSWALK_COLUMNS,
}
"""Columns of ``tables/<name>.csv``."""


_REMARKS = ("method", "family", "reason")
"""Text columns that say something about a row, and do not say which row it is."""


def table_fault(name: str, table: pd.DataFrame) -> str:
    """Say what of a table is not as it is written; "" where nothing is, or nobody knows the table.

    Further columns are no fault, any column may be empty, and columns of values may be lacking: versions add them.
    """
    known = TABLES.get(name, ())
    lacking = [c for c in known if c in TEXT_COLUMNS and c not in _REMARKS and c not in table]
    if lacking:
        return f"lacks {', '.join(lacking[:5])}"
    numbers = [c for c in known if c in table and c not in (*TEXT_COLUMNS, *TRUTH_COLUMNS) and table[c].notna().any()]
    strange = [c for c in numbers if not pd.api.types.is_numeric_dtype(table[c].dtype)]
    return f"holds text in {', '.join(strange[:5])}, where numbers stand" if strange else ""


def completed(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Give the table with every column of this version: what an older one did not write is missing (NaN, or "" in text)."""
    lacking = {c: "" if c in TEXT_COLUMNS else float("nan") for c in TABLES.get(name, ()) if c not in table}
    return table.fillna(dict.fromkeys(set(TEXT_COLUMNS) & set(table.columns), "")).assign(**lacking)
