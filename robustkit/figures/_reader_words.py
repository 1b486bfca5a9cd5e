"""Words for the metrics of readers.csv."""

from __future__ import annotations

from robustkit.figures._words import MetricWords, metric_words

_OWN = {
    "sensitivity_referred": MetricWords(
        "Sensitivity of referral", "sensitivity (% of positives referred)", is_share=True
    ),
    "specificity_referred": MetricWords(
        "Specificity of referral", "specificity (% of negatives not referred)", is_share=True
    ),
    "seconds": MetricWords("Time per case", "time per case (s)"),
}

ANALYSES = {
    "per reader": "Aided against unaided",
    "reader against model": "Reader against model",
    "all readers": "Aided against unaided",
}

GAINS = {
    "gain_right_by_instability": "Share of readers put right, with instability",
    "gain_rating_by_instability": "Ratings moved towards the truth, with instability",
    "gain_right_steady_minus_unsteady": "Put right: steadier half minus the other",
    "gain_rating_steady_minus_unsteady": "Ratings: steadier half minus the other",
    "gain_right_steady_minus_flipping": "Put right: cases that never flip minus those that do",
    "gain_rating_steady_minus_flipping": "Ratings: cases that never flip minus those that do",
}


def reader_words(metric: str) -> MetricWords:
    """Give the words of a metric of readers."""
    return _OWN.get(metric) or metric_words(metric)


def said_number(metric: str, value: float, *, sign: bool = False) -> str:
    """Give ``0.812``, ``81.2%`` or ``41.3 s``; NaN is an empty text."""
    if value != value:
        return ""
    plus = "+" if sign else ""
    if metric == "seconds":
        return f"{value:{plus}.1f} s"
    return f"{100 * value:{plus}.1f}%" if reader_words(metric).is_share else f"{value:{plus}.3f}"


def said_count(value: float) -> str:
    """Give a whole number; NaN is ``?``."""
    return f"{value:.0f}" if value == value else "?"


def said_difference(metric: str, diff: float, low: float, high: float) -> str:
    """Give ``+0.041 (-0.003 to +0.085)``, with a true minus; NaN is ``not estimable``."""
    if diff != diff:
        return "not estimable"
    parts = [said_number(metric, v, sign=True).replace("-", "\N{MINUS SIGN}") for v in (diff, low, high)]
    return f"{parts[0]} ({parts[1]} to {parts[2]})" if low == low and high == high else parts[0]
