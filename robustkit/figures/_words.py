"""Words and number formats of figures and pages: one name per metric, one way to write an interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DISCLAIMER = "Research use; not for diagnosis or for the care of a patient"
SIMULATED = "simulated films"


@dataclass(frozen=True, slots=True)
class MetricWords:
    """How a metric is spoken of.

    Attributes:
        name: In menus and tables.
        axis: With its unit.
        is_share: Written as a percentage.
        from_zero: Its axis begins at 0.
        caption: What a reader must know beside the number.
    """

    name: str
    axis: str
    is_share: bool = False
    from_zero: bool = False
    caption: str = ""


METRICS: Mapping[str, MetricWords] = {
    "auc": MetricWords("AUC", "AUC (0.5 = chance, 1 = best)"),
    "auc_against": MetricWords("AUC against the other class", "AUC (0.5 = chance, 1 = best)"),
    "sensitivity": MetricWords("Sensitivity", "sensitivity (% of positives)", is_share=True),
    "specificity": MetricWords("Specificity", "specificity (% of negatives)", is_share=True),
    "flip_rate": MetricWords(
        "Decisions that change", "decisions that change (% of redrawn boxes)", is_share=True, from_zero=True
    ),
    "rank_sd": MetricWords(
        "Spread of the rank", "sd of the reference rank (share of development cases)", from_zero=True
    ),
    "score_sd": MetricWords(
        "Spread of the score",
        "sd of the score (each model on its own scale)",
        from_zero=True,
        caption="Scores of different models are on different scales: do not compare models by this metric.",
    ),
    "right_at_10": MetricWords(
        "Right at all of 10 boxes", "right at every one of 10 boxes (% of cases)", is_share=True
    ),
    "auc_lost": MetricWords("AUC lost", "AUC lost (nominal minus redrawn)"),
    "cut_distance": MetricWords(
        "Distance to the threshold", "distance to the threshold (reference ranks)", from_zero=True
    ),
    "average_precision": MetricWords("Average precision", "average precision (1 = best)", from_zero=True),
    "calibration_slope": MetricWords("Calibration slope", "calibration slope (1 = calibrated; under 1: too extreme)"),
    "calibration_intercept": MetricWords(
        "Calibration in the large", "calibration in the large (0 = calibrated; over 0: scores too low)"
    ),
    "ece": MetricWords("Calibration error (ECE)", "ECE (0 = best)", from_zero=True),
    "net_benefit": MetricWords(
        "Net benefit",
        "net benefit (true positives per patient)",
        caption="The threshold is taken for a probability: read it for calibrated scores alone.",
    ),
    "ppv": MetricWords("PPV", "PPV (% of those called positive)", is_share=True),
    "npv": MetricWords("NPV", "NPV (% of those called negative)", is_share=True),
    "brier": MetricWords("Brier score", "Brier score (0 = best)", from_zero=True),
}

KINDS: Mapping[str, str] = {
    "missed": "Missed",
    "missed_malignant": "Missed, malignant",
    "missed_intermediate": "Missed, intermediate",
    "false_alarm": "False alarms",
}

_AXES = {
    "shift": "shift of the box, at most",
    "scale": "change of the box size, at most",
    "aspect": "change of the box shape, at most",
    "edges": "shift of each edge, at most",
}
_UNITS = {"side": "% of its sides", "px": "px", "mm": "mm"}


def level_axis(kind: str, unit: str) -> str:
    """Give the title of an axis of levels: ``shift of the box, at most (% of its sides)``."""
    where = _UNITS.get(unit, unit)
    return f"{_AXES.get(kind, f'level of {kind}')} ({where})"


def level_text(level: float, unit: str) -> str:
    """Give a level with its unit: ``10%``, ``4 px``."""
    return f"{level * 100:g}%" if unit == "side" else f"{level:g} {unit}"


def metric_words(metric: str) -> MetricWords:
    """Give the words of a metric; one that is not known is called by its own name."""
    return METRICS.get(metric, MetricWords(metric, metric))


def number(value: float, *, is_share: bool = False) -> str:
    """Give ``0.812`` or ``81.2%``; NaN is an empty text."""
    if value != value:
        return ""
    return f"{value * 100:.1f}%" if is_share else f"{value:.3f}"


def with_interval(value: float, low: float, high: float, *, is_share: bool = False) -> str:
    """Give ``0.812 (0.744 to 0.866)``, without the bracket where there is no interval; NaN is ``not estimable``."""
    if value != value:
        return "not estimable"
    said = number(value, is_share=is_share)
    if low != low or high != high:
        return said
    return f"{said} ({number(low, is_share=is_share)} to {number(high, is_share=is_share)})"


def p_text(p: float) -> str:
    """Give ``0.012``, ``<0.001``, or nothing for NaN."""
    if p != p:
        return ""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def cohort_name(cohort: str) -> str:
    """Give the name of a cohort in a menu."""
    return "all cohorts" if cohort == "all" else cohort
