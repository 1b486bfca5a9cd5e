"""One half of the patients: every slice in it, its mean, interval, and tests against the wider ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from robustkit.analysis._conjunctions import Conjunctions
from robustkit.analysis._nested import Moments, above_p, moments
from robustkit.analysis._slice_questions import Question
from robustkit.analysis.estimates import FLIP_CAP
from robustkit.stats.bootstrap import PatientDraws, bca, clustered_mean, sums_by_patient
from robustkit.stats.estimate import NAN, Estimate
from robustkit.stats.proportion import clustered_proportion

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Half:
    """The cases of one half that a question is asked of.

    Attributes:
        members: ``(K, n)`` sparse, 1 for the cases of each slice.
        values: ``(n,)`` per case.
        patients: ``(n,)`` codes of all patients of the run.
        sums: Of every slice.
        metric, step: Of the question.
    """

    members: csr_array
    values: Floats
    patients: Codes
    sums: Moments
    metric: str
    step: float


def take_half(found: Conjunctions, question: Question, patients: Codes, *, inside: NDArray[np.bool_]) -> Half:
    """Take one half.

    Args:
        found: The slices.
        question: What is asked, of n cases.
        patients, inside: ``(n,)`` codes of all patients of the run, and True for the half.
    """
    members: csr_array = found.members[:, np.flatnonzero(inside)]
    values, own = question.values[inside], patients[inside]
    sums = moments(members, values, np.unique(own, return_inverse=True)[1])
    return Half(members, values, own, sums, question.metric, question.step)


def above_all(half: Half, links: Conjunctions) -> Floats:
    """Give ``(K,)`` the p that a slice is above every wider one: the largest of all; NaN for the whole.

    Source: Berger 1982, Technometrics 24:295: it needs no adjustment for the number of parents.
    """
    p = above_p(half.sums, links.child, links.parent, step=half.step)
    out = np.full(len(links.facts), -np.inf)
    np.maximum.at(out, links.child, p)
    return np.where(np.isneginf(out), NAN, out)


def best_parent(half: Half, links: Conjunctions) -> Codes:
    """Give ``(K,)`` the wider slice with the highest mean, of equal ones the largest; the whole is its own."""
    order = np.lexsort((half.sums.n[links.parent], half.sums.mean[links.parent], links.child))
    out = np.zeros(len(links.facts), dtype=np.intp)
    out[links.child[order]] = links.parent[order]
    return out


def half_estimates(half: Half, draws: PatientDraws) -> list[Estimate]:
    """Give every slice with its interval: Wilson with effective size; rank sd by patient bootstrap."""
    found = []
    for start, stop in zip(half.members.indptr[:-1], half.members.indptr[1:], strict=True):
        own = half.members.indices[start:stop]
        if half.metric == "rank_sd":
            found.append(clustered_mean(half.values[own], half.patients[own], draws))
        else:
            cap = FLIP_CAP if half.metric == "flip_rate" else None
            found.append(clustered_proportion(half.values[own], half.patients[own], cap_by_patients=cap))
    return found


def difference_bounds(half: Half, chosen: Codes, parent: Codes, *, draws: PatientDraws) -> Floats:
    """Give ``(K, 2)`` the 95 % bounds of slice minus parent by patient bootstrap; NaN but for the chosen ones."""
    out = np.full((len(parent), 2), NAN)
    for k in chosen:
        inside = half.members[[k, parent[k]]].toarray()
        sums = sums_by_patient(
            np.concatenate([inside * half.values, inside]), half.patients, n_patients=len(draws.by_patient)
        )
        members = sums[3] > 0
        own = sums[:, members]
        drawn = _difference(own @ draws.by_patient[members])
        left_out = _difference(own.sum(axis=1, keepdims=True) - own)
        value = float(half.sums.mean[k] - half.sums.mean[parent[k]])
        out[k] = bca(drawn, value, left_out[np.isfinite(left_out)])[:2]
    return out


def _difference(sums: Floats) -> Floats:
    """Give ``(B,)`` from ``(4, B)``: values of slice and parent, cases of slice and parent; NaN without cases."""
    size = sums[2:]
    means = np.divide(sums[:2], size, out=np.full(size.shape, NAN), where=size > 0)
    return np.asarray(means[0] - means[1])
