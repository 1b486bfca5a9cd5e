"""Fits one model's score and facts together, and answers each case by a fit that did not see its patient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from robustkit.baselines.clinical import FactsFit, fit_facts
from robustkit.baselines.judged import Found, calibration
from robustkit.baselines.nested import deal_folds
from robustkit.cohort.facts import Facts
from robustkit.errors import InputError
from robustkit.stats.auc import auc
from robustkit.stats.codes import n_distinct
from robustkit.stats.cross_validated import cross_validated_auc

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

FOLDS = 5
ROWS = "cross-validated on validation"


def fit_combined(
    logits: Floats, cases: Sequence[Facts], names: Sequence[str], labels: Flags, *, patients: Codes, knots: int
) -> FactsFit:
    """Fit log-odds = intercept + weight x logit of the score + facts.

    Args:
        logits: ``(n,)`` of the model's score.
        cases: Facts of n cases.
        names: Of the facts; none: the score alone is fitted again.
        labels: ``(n,)`` bool.
        patients: ``(n,)`` codes.
        knots: Of the splines.
    """
    return fit_facts(cases, names, labels, patients=patients, knots=knots, given=logits[:, None])


def cross_fitted(
    logits: Floats,
    cases: Sequence[Facts],
    names: Sequence[str],
    labels: Flags,
    *,
    patients: Codes,
    knots: int,
    seed: int,
) -> tuple[Floats, Codes]:
    """Give ``(n,)`` log-odds of each case by a fit, its knots and levels too, without its patient; and the folds.

    Args:
        logits, cases, names, labels, patients, knots: See ``fit_combined``.
        seed: Of the folds.

    Raises:
        InputError: Too few patients.
    """
    fewest = min(n_distinct(patients[labels]), n_distinct(patients[~labels]))
    if fewest < 2:
        what = f"expected at least two patients of either class with split=val, got {fewest} of one."
        raise InputError(what, where="--manifest, split=val", fix="Give more validation cases.")
    folds = deal_folds(labels, patients, min(FOLDS, fewest), seed=seed, purpose="combined")
    answers = np.empty(len(labels))
    for k in np.unique(folds):
        held = folds == k
        own = [f for f, out in zip(cases, held, strict=True) if not out]
        usable = [n for n in names if _is_there(n, own)]
        found = fit_combined(logits[~held], own, usable, labels[~held], patients=patients[~held], knots=knots)
        rows = np.concatenate([found.design.rows(f, 1) for f, out in zip(cases, held, strict=True) if out])
        answers[held] = found.intercept + logits[held] * found.given[0] + rows @ found.coefficients
    return answers, folds


def combined_estimates(
    labels: Flags, answers: Floats, patients: Codes, *, folds: Codes, seed: int
) -> tuple[Found, ...]:
    """Give AUC within folds, calibration slope and calibration in the large of cross-fitted answers."""
    codes = np.unique(patients, return_inverse=True)[1].astype(np.intp)
    found = Found("auc", ROWS, cross_validated_auc(labels, answers, codes, folds=folds))
    return (found, *calibration(labels, answers, codes, rows=ROWS, seed=seed))


def best_of(labels: Flags, logits: Sequence[Floats]) -> tuple[int, tuple[float, ...]]:
    """Give the position of the model with the highest AUC on these rows (the first of equal ones), and all AUCs."""
    found = tuple(auc(labels, z) for z in logits)
    return int(np.argmax(np.nan_to_num(found, nan=-1.0))), found


def _is_there(name: str, cases: Sequence[Facts]) -> bool:
    return any((v if isinstance(v, str) else np.isfinite(v).any()) for f in cases if (v := f.get(name, "")) is not None)
