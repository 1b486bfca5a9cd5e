"""An elastic net on features, and how good it is by nested cross-validation: everything is learnt inside the fold.

Sources: Zou and Hastie 2005, JRSS B 67:301 (elastic net); Varma and Simon 2006, BMC Bioinformatics 7:91 (why the folds must
be nested); scikit-learn fits (SAGA: Defazio, Bach and Lacoste-Julien 2014).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from robustkit.baselines.selection import Limits, Selection, Table
from robustkit.errors import InputError
from robustkit.seeds import generator
from robustkit.stats.codes import n_distinct
from robustkit.stats.cross_validated import cross_validated_auc
from robustkit.stats.estimate import Estimate

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

PENALTIES = tuple(float(c) for c in np.geomspace(0.001, 1, 7))
"""C of scikit-learn, the strongest penalty first: of equally good ones the first is taken."""

MIXTURES = (1.0, 0.5, 0.1)
"""Share of the lasso in the penalty."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """How the model is chosen.

    Attributes:
        limits: When a feature is left out.
        folds: Outer and inner.
        seed: Of the folds.
        most_steps: Of the solver.
    """

    limits: Limits
    folds: int = 5
    seed: int = 0
    most_steps: int = 5000


@dataclass(frozen=True, slots=True)
class Nested:
    """What nested cross-validation found.

    Attributes:
        auc: Of all training rows, each answered by a model that did not see its patient.
        scores: ``(n,)`` these answers, log-odds.
        folds: ``(n,)`` codes.
        n_features: Features with a weight, fold by fold.
        n_unsettled: Fits that had not converged.
    """

    auc: Estimate
    scores: Floats
    folds: Codes
    n_features: tuple[int, ...]
    n_unsettled: int


@dataclass(frozen=True, slots=True)
class Tuned:
    """A fitted pipeline of selection, imputation, scaling and elastic net, and how its penalty was found.

    Attributes:
        pipeline: Fitted on all rows that were given.
        penalty, mixture: C and the share of the lasso.
        inner_auc: Mean over inner folds, of the best: too good by that choice.
        n_unsettled: Fits that had not converged.
    """

    pipeline: Any
    penalty: float
    mixture: float
    inner_auc: float
    n_unsettled: int

    @property
    def selection(self) -> Selection:
        """The fitted first step."""
        found: Selection = self.pipeline.named_steps["selection"]
        return found

    @property
    def n_features(self) -> int:
        """Features with a weight."""
        return int(np.count_nonzero(self.pipeline.named_steps["net"].coef_))


def cross_validate(
    table: Table, labels: Flags, groups: Codes, *, tuning: Tuning, told: Callable[[int, int], None] | None = None
) -> Nested:
    """Answer every row by a model whose features, scale and penalty were learnt without its group.

    Args:
        table: ``(n, F, 1 + C)``: see ``feature_table``. All features: nothing may have been chosen before.
        labels: ``(n,)`` bool.
        groups: ``(n,)`` codes of patients (and films): never divided.
        tuning: How.
        told: Of folds done.

    Raises:
        InputError: A fold lacks a class, or no feature is left in one.
    """
    folds = deal_folds(labels, groups, tuning.folds, seed=tuning.seed, purpose="outer")
    scores, n_features, unsettled = np.empty(len(labels)), [], 0
    for k in range(tuning.folds):
        held = folds == k
        found = tune(table[~held], labels[~held], groups[~held], tuning=tuning, purpose=f"inner {k}")
        scores[held] = found.pipeline.decision_function(table[held])
        n_features.append(found.n_features)
        unsettled += found.n_unsettled
        if told:
            told(k + 1, tuning.folds)
    auc = cross_validated_auc(labels, scores, groups, folds=folds)
    return Nested(auc, scores, folds, tuple(n_features), unsettled)


def tune(table: Table, labels: Flags, groups: Codes, *, tuning: Tuning, purpose: str = "final") -> Tuned:
    """Find the penalty by cross-validation within these rows, and fit all of them with it.

    Args:
        table, labels, groups: See ``cross_validate``.
        tuning: How.
        purpose: Names the stream of the folds.

    Raises:
        InputError: A fold lacks a class, or no feature is left in one.
    """
    folds = deal_folds(labels, groups, tuning.folds, seed=tuning.seed, purpose=purpose)
    splits = [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(tuning.folds)]
    state = int(generator(tuning.seed, "elastic net", purpose).integers(2**31))
    net = LogisticRegression(solver="saga", max_iter=tuning.most_steps, tol=1e-4, random_state=state)
    steps = [
        ("selection", Selection(tuning.limits)), ("imputer", SimpleImputer(strategy="median")),
        ("scaler", StandardScaler()), ("net", net),
    ]  # fmt: skip
    grid = {"net__C": list(PENALTIES), "net__l1_ratio": list(MIXTURES)}
    search = GridSearchCV(Pipeline(steps), grid, scoring="roc_auc", cv=splits, error_score="raise")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        search.fit(table, labels)
    unsettled = sum(issubclass(w.category, ConvergenceWarning) for w in caught)
    best = search.best_params_
    return Tuned(
        search.best_estimator_,
        float(best["net__C"]),
        float(best["net__l1_ratio"]),
        float(search.best_score_),
        unsettled,
    )


def deal_folds(labels: Flags, groups: Codes, n: int, *, seed: int, purpose: str) -> Codes:
    """Deal rows into folds, groups whole, classes in proportion.

    Args:
        labels: ``(n,)`` bool.
        groups: ``(n,)`` codes.
        n: Folds.
        seed: Of their order.
        purpose: Names the stream.

    Raises:
        InputError: Too few groups of a class, or a fold that lacks one.
    """
    fewest = min(n_distinct(groups[labels]), n_distinct(groups[~labels]))
    if fewest < n:
        which = "positives" if n_distinct(groups[labels]) == fewest else "negatives"
        what = f"expected at least {n} patients with {which} for {n} folds, got {fewest}."
        raise InputError(what, where="--folds", fix="Give fewer folds, or more training cases.")
    state = int(generator(seed, "folds", purpose).integers(2**31))
    found = np.empty(len(labels), dtype=np.intp)
    dealt = StratifiedGroupKFold(n, shuffle=True, random_state=state).split(np.zeros(len(labels)), labels, groups)
    for k, (_, held) in enumerate(dealt):
        if not len(held) or labels[held].all() or not labels[held].any():
            lacked = "negative" if len(held) and labels[held].all() else "positive"
            what = f"fold {k + 1} of {n} has no {lacked} case ({n_distinct(groups[labels])} patients with positives)."
            raise InputError(what, where="--folds", fix="Give fewer folds, or more training cases.")
        found[held] = k
    return found
