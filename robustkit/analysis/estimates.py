"""One stratum, one condition: the estimate of every metric, and the part of it that contrasts need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from robustkit.analysis.drawn import COUNT, DrawnSums
from robustkit.analysis.rates import AT_PREVALENCE, rate_columns, rates_estimate
from robustkit.analysis.sample import Sample
from robustkit.stats.auc import clustered_auc, paired_auc_difference
from robustkit.stats.bootstrap import mean_of_sums
from robustkit.stats.codes import n_distinct
from robustkit.stats.estimate import Estimate
from robustkit.stats.montecarlo import independent
from robustkit.stats.proportion import clustered_proportion
from robustkit.stats.stability import right_at, spread

RIGHT_AT = 10
FLIP_CAP = 4.0
"""Effective size of a flip rate: at most this many per patient (estimands, section 4)."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PerCase:
    """A metric that is a mean over cases: which cases count, their values, and the variance within a case."""

    keep: NDArray[np.bool_]
    values: Values
    within: Values | None = None
    repeats: int = 1


def sensitivity_values(s: Sample) -> PerCase:
    """Right decisions among the positives, as a share over repeats."""
    return _share(s.right(), s.positive, s.set_size)


def specificity_values(s: Sample) -> PerCase:
    """Right decisions among the negatives, as a share over repeats."""
    return _share(s.right(), ~s.positive, s.set_size)


def flip_values(s: Sample) -> PerCase:
    """Decisions that differ from the nominal one, as a share over repeats."""
    return _share(s.flips(), np.ones(len(s.positive), dtype=bool), s.set_size)


def _share(events: NDArray[np.bool_], keep: NDArray[np.bool_], set_size: int) -> PerCase:
    chosen = events[keep].astype(np.float64)
    parts = independent(chosen.T, set_size)
    within = parts.var(axis=0, ddof=1) if len(parts) > 1 else None
    return PerCase(keep, chosen.mean(axis=1) if chosen.size else np.empty(0), within, len(parts))


PROPORTIONS: dict[str, Callable[[Sample], PerCase]] = {
    "sensitivity": sensitivity_values,
    "specificity": specificity_values,
    "flip_rate": flip_values,
}


def proportion(s: Sample, metric: str) -> Estimate:
    """Give sensitivity, specificity or flip rate with its Wilson interval at the effective size."""
    part = PROPORTIONS[metric](s)
    patients = s.patients[part.keep]
    kind = {"sensitivity": "positive", "specificity": "negative"}.get(metric)
    if kind and not part.keep.any():
        reason = f"no {kind} case" if len(s.positive) else "no cases"
        return _counted(Estimate(reason=reason), s, part.keep)
    cap = FLIP_CAP if metric == "flip_rate" else None
    estimate = clustered_proportion(
        part.values, patients, within=part.within, repeats=part.repeats, cap_by_patients=cap
    )
    return _counted(estimate, s, part.keep)


def auc_estimate(s: Sample) -> Estimate:
    """Give the AUC, averaged over repeats."""
    return clustered_auc(s.positive, s.scores.T, s.patients, set_size=s.set_size)


def auc_lost(s: Sample) -> Estimate:
    """Give the nominal AUC minus the AUC averaged over repeats."""
    d = paired_auc_difference(s.positive, s.nominal[None], s.scores.T, patients=s.patients, set_size=s.set_size)
    e = Estimate(d.diff, d.low, d.high, d.se, d.mc_se, d.method, reason=d.reason)
    return _counted(e, s, np.ones(len(s.positive), dtype=bool))


def auc_against(stratum: Sample, cohort: Sample) -> Estimate:
    """Give the AUC of a one-class stratum against the other class of its whole cohort."""
    if stratum.positive.all() == (~stratum.positive).all():
        return Estimate(reason="the stratum has both classes: see auc")
    is_positive = bool(stratum.positive[0])
    other = cohort.only(cohort.positive != is_positive)
    scores = np.concatenate([stratum.scores, other.scores])
    labels = np.concatenate([stratum.positive, other.positive])
    patients = np.concatenate([stratum.patients, other.patients])
    estimate = clustered_auc(labels, scores.T, patients, set_size=stratum.set_size)
    against = "negatives" if is_positive else "positives"
    method = f"{estimate.method}; against all {against} of the cohort" if estimate.method else ""
    return replace(estimate, method=method)


def columns(s: Sample) -> dict[str, Values]:
    """Give the per-case columns whose sums ``estimates`` needs; a metric that is not defined has none."""
    found = {metric: _mean_values(s, metric) for metric in MEANS}
    return {**{m: v for m, v in found.items() if np.isfinite(v).all()}, **rate_columns(s)}


def mean_estimate(metric: str, sums: DrawnSums) -> Estimate:
    """Give a metric of MEANS, a mean over cases, with a patient bootstrap interval."""
    if metric not in sums.by_patient:
        no_rank = "no development rows to rank against"
        why = {"rank_sd": no_rank, "cut_distance": no_rank, "right_at_10": f"fewer than {RIGHT_AT} repeats"}
        return Estimate(reason=why.get(metric, "fewer than two repeats"))
    total, size = sums.by_patient[metric], sums.by_patient[COUNT]
    return mean_of_sums(total, size, drawn_total=sums.drawn[metric], drawn_size=sums.drawn[COUNT])


def every_case(s: Sample, metric: str) -> PerCase:
    """Give the values of a metric of MEANS: every case counts."""
    return PerCase(np.ones(len(s.rows), dtype=bool), _mean_values(s, metric))


def _mean_values(s: Sample, metric: str) -> Values:
    if metric == "score_sd":
        return spread(s.scores)
    if metric == "rank_sd":
        return spread(s.ranks)
    if metric == "cut_distance":
        return s.cut_distance
    if metric == "right_at_10" and s.is_nominal:
        return s.right()[:, 0].astype(np.float64)
    if metric == "right_at_10":
        return right_at(s.right(), RIGHT_AT)
    return np.asarray(((s.scores - s.positive[:, None]) ** 2).mean(axis=1))


def _counted(estimate: Estimate, s: Sample, keep: NDArray[np.bool_]) -> Estimate:
    positive = s.positive & keep
    return replace(
        estimate,
        n_cases=int(keep.sum()),
        n_patients=n_distinct(s.patients[keep]),
        n_positive=int(positive.sum()),
        n_positive_patients=n_distinct(s.patients[positive]),
    )


def estimates(stratum: Sample, cohort: Sample, sums: DrawnSums | None) -> dict[str, Estimate]:
    """Give every metric of one stratum.

    Args:
        stratum: Its units.
        cohort: All units of the cohort, for ``auc_against``.
        sums: Of the stratum's ``columns``; None where it has no unit.
    """
    if sums is None:
        return {m: Estimate(reason="no cases") for m in metrics_of(stratum)}
    everyone = np.ones(len(stratum.positive), dtype=bool)
    found: dict[str, Estimate] = {}
    for metric in metrics_of(stratum):
        if metric == "auc":
            found[metric] = auc_estimate(stratum)
        elif metric == "auc_against":
            found[metric] = auc_against(stratum, cohort)
        elif metric == "auc_lost":
            # the nominal scores have no repeats: the Monte-Carlo error is that of the other side
            found[metric] = replace(auc_lost(stratum), mc_se=found["auc"].mc_se)
        elif metric in PROPORTIONS:
            found[metric] = proportion(stratum, metric)
        else:
            e = rates_estimate(stratum, metric, sums) if metric in RATES else mean_estimate(metric, sums)
            found[metric] = _counted(e, stratum, everyone)
    return found


def is_one_class(s: Sample) -> bool:
    """Tell a stratum of positives or of negatives alone."""
    return len(s.positive) > 0 and bool(s.positive.all() or (~s.positive).all())


def metrics_of(s: Sample) -> tuple[str, ...]:
    """Give the metrics that can be asked of a stratum: of one class alone, those of this class."""
    names = NOMINAL_METRICS if s.is_nominal else PERTURBED_METRICS
    names += AT_PREVALENCE if s.prevalence is not None else ()
    if not is_one_class(s):
        return names
    useless = {*RATES, "auc_lost", "specificity" if s.positive.all() else "sensitivity"}
    return tuple("auc_against" if m == "auc" else m for m in names if m not in useless)


MEANS = ("brier", "right_at_10", "score_sd", "rank_sd", "cut_distance")
RATES = ("balanced_accuracy", *AT_PREVALENCE)
_ALWAYS = ("auc", "sensitivity", "specificity", "balanced_accuracy", "brier", "right_at_10")
NOMINAL_METRICS: tuple[str, ...] = (*_ALWAYS, "cut_distance")
PERTURBED_METRICS: tuple[str, ...] = (*_ALWAYS, "flip_rate", "score_sd", "rank_sd", "cut_distance", "auc_lost")
AT_THRESHOLD = ("sensitivity", "specificity", "flip_rate", "right_at_10", "cut_distance", *RATES)
