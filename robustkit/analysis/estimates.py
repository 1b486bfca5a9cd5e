"""One condition in all strata of its cohorts: the estimate of every metric that needs no bootstrap, and what the others are
made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from robustkit.analysis.classed_strata import ClassedStrata
from robustkit.analysis.layout import Layout, Layouts
from robustkit.analysis.rates import AT_PREVALENCE, rate_columns
from robustkit.analysis.sample import Flags, Sample
from robustkit.stats.agreement import case_columns
from robustkit.stats.codes import n_distinct
from robustkit.stats.estimate import Estimate, Estimates
from robustkit.stats.grouped_auc import aucs_lost, clustered_aucs
from robustkit.stats.groups import Groups
from robustkit.stats.montecarlo import independent
from robustkit.stats.proportion import clustered_proportion, clustered_proportions
from robustkit.stats.stability import right_at, spread
from robustkit.stats.threshold import logit

RIGHT_AT = 10
FLIP_CAP = 4.0
"""Effective size of a flip rate: at most this many per patient (estimands, section 4)."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PerCase:
    """A metric that is a mean over cases: which cases count, their values, and the variance within a case."""

    keep: Flags
    values: Values
    within: Values | None = None
    repeats: int = 1

    def over_all(self, values: Values) -> Values:
        """Spread values of the cases that count over all ``(n,)``; 0 elsewhere."""
        found = np.zeros(len(self.keep))
        found[self.keep] = values
        return found

    def of(self, rows: NDArray[np.intp]) -> PerCase:
        """Give those of some of the ``(n,)`` cases."""
        keep = self.keep[rows]
        kept = (np.cumsum(self.keep) - 1)[rows[keep]]
        within = None if self.within is None else self.within[kept]
        return PerCase(keep, self.values[kept], within, self.repeats)


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


@dataclass(frozen=True, slots=True)
class Stratified:
    """One sample in the strata of a cohort, or of several cohorts side by side.

    Attributes:
        layout: The strata.
        repeats: 0 for the nominal condition.
        threshold, prevalence: See ``Sample``.
        is_positive, is_negative: ``(k,)`` True for a stratum of this class alone; with neither there are both, or no unit.
        counted: What every estimate rests on, without values.
        n_negative_patients: ``(k,)``.
        aucs: ``(R, k)`` AUC of each repeat; a stratum of one class is joined by the other class of its cohort.
        estimates: ``(k,)`` by metric: those that need no bootstrap.
        columns: ``(n,)`` per-case values whose sums the bootstrap needs; a metric that is not defined has none.
        tested: By metric: what strata are tested for.
        patients: ``(n,)`` codes.
    """

    layout: Layout
    repeats: int
    threshold: float
    prevalence: float | None
    is_positive: Flags
    is_negative: Flags
    counted: Estimates
    n_negative_patients: NDArray[np.intp]
    aucs: Values
    estimates: Mapping[str, Estimates]
    columns: Mapping[str, Values]
    tested: Mapping[str, PerCase]
    patients: NDArray[np.intp]

    def of(self, layouts: Layouts, name: str) -> Stratified:
        """Give what belongs to one cohort of those that are laid out side by side; the bootstrap's columns do not."""
        part, rows = layouts.together.parts[name], layouts.rows[name]
        return replace(
            self, layout=layouts.own[name], is_positive=self.is_positive[part], is_negative=self.is_negative[part],
            counted=self.counted.part(part), n_negative_patients=self.n_negative_patients[part], aucs=self.aucs[:, part],
            estimates={m: e.part(part) for m, e in self.estimates.items()},
            columns={},
            tested={m: share.of(rows) for m, share in self.tested.items()}, patients=self.patients[rows],
        )  # fmt: skip


def stratified(s: Sample, strata: ClassedStrata) -> Stratified:
    """Give every metric of every stratum that needs no bootstrap, and the columns of those that do.

    Args:
        s: Units of all cohorts.
        strata: Of these units.
    """
    groups, is_positive, is_negative = strata.layouts.together.groups, strata.is_positive, strata.is_negative
    placed = strata.classed.placements(s.scores.T, set_size=s.set_size)
    shares = {m: values(s) for m, values in PROPORTIONS.items() if not (s.is_nominal and m == "flip_rate")}
    found = {m: _proportions(s, share, groups, cap=_cap(m)) for m, share in shares.items()}
    found["auc"] = found["auc_against"] = _against(clustered_aucs(placed), is_positive, is_negative)
    if not s.is_nominal:
        lost = aucs_lost(strata.classed.placements(s.nominal[None]), placed)
        # the nominal scores have no repeats: the Monte-Carlo error is that of the other side
        found["auc_lost"] = replace(count_as(lost, strata.counted), mc_se=found["auc"].mc_se)
    means = {metric: _mean_values(s, metric) for metric in MEANS}
    columns = {m: v for m, v in means.items() if np.isfinite(v).all()} | rate_columns(s)
    if s.repeats > 1:
        columns |= case_columns(logit(s.scores), logit(s.nominal))
    everyone = np.ones(len(s.rows), dtype=bool)
    tested = {**shares, **{m: PerCase(everyone, means[m]) for m in ("rank_sd", "cut_distance")}}
    return Stratified(
        strata.layouts.together, 0 if s.is_nominal else s.repeats, s.threshold, s.prevalence, is_positive, is_negative,
        strata.counted, strata.n_negative_patients, placed.aucs, found, columns, tested, s.patients,
    )  # fmt: skip


def _against(found: Estimates, is_positive: Flags, is_negative: Flags) -> Estimates:
    """Say which class a stratum of one class is held against."""
    for own, others in ((is_positive, "negatives"), (is_negative, "positives")):
        named = own & (found.method != "")
        found.method[named] += f"; against all {others} of the cohort"
    return found


def _proportions(s: Sample, share: PerCase, groups: Groups, *, cap: float | None) -> Estimates:
    found = clustered_proportions(
        share.over_all(share.values), groups.only(share.keep),
        within=None if share.within is None else share.over_all(share.within), repeats=share.repeats, cap_by_patients=cap,
    )  # fmt: skip
    positive = groups.only(share.keep & s.positive)
    return replace(found, n_positive=positive.n_cases(), n_positive_patients=positive.n_patients())


def _cap(metric: str) -> float | None:
    return FLIP_CAP if metric == "flip_rate" else None


def count_as(found: Estimates, counted: Estimates) -> Estimates:
    """Let estimates rest on what ``counted`` says."""
    names = ("n_cases", "n_patients", "n_positive", "n_positive_patients")
    return replace(found, **{name: getattr(counted, name) for name in names})


def metrics_of(s: Stratified) -> dict[str, Flags]:
    """Give the metrics that can be asked, and ``(k,)`` of which strata: of one class alone, those of this class."""
    names = (PERTURBED_METRICS if s.repeats else NOMINAL_METRICS) + (AT_PREVALENCE if s.prevalence is not None else ())
    everywhere = np.ones(len(s.is_positive), dtype=bool)
    both = ~(s.is_positive | s.is_negative)
    some = {"auc": both, "auc_against": ~both, "sensitivity": ~s.is_negative, "specificity": ~s.is_positive}
    some |= dict.fromkeys((*RATES, "auc_lost"), both)
    return {m: some.get(m, everywhere) for m in names}


def _mean_values(s: Sample, metric: str) -> Values:
    if metric == "score_sd":
        return spread(s.scores)
    if metric == "rank_sd":
        return spread(s.ranks())
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


MEANS = ("brier", "right_at_10", "score_sd", "rank_sd", "cut_distance")
RATES = ("balanced_accuracy", *AT_PREVALENCE)
_ALWAYS = ("auc", "auc_against", "sensitivity", "specificity", "balanced_accuracy", "brier", "right_at_10")
NOMINAL_METRICS: tuple[str, ...] = (*_ALWAYS, "cut_distance")
PERTURBED_METRICS: tuple[str, ...] = (*_ALWAYS, "flip_rate", "score_sd", "rank_sd", "cut_distance", "auc_lost")
AT_THRESHOLD = ("sensitivity", "specificity", "flip_rate", "right_at_10", "cut_distance", *RATES)
