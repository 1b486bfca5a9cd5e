"""Which features a radiomics model may use, decided by the rows it is fitted on and by nothing else.

Sources: Shrout and Fleiss 1979, Psychological Bulletin 86:420 (ICC(1,1)); Zwanenburg et al. 2019, Scientific Reports 9:614
(features that do not survive a perturbation of the region are left out).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from robustkit.errors import InputError
from robustkit.stats.agreement import COLUMNS, case_columns, icc
from robustkit.stats.of_sums import COUNT

Floats = NDArray[np.float64]
Table = NDArray[np.float64]
"""``(n, F, 1 + C)`` float64: of every case and feature the value for the box as given, and the C columns of its ICC."""

MAX_UNDEFINED = 0.1
"""Share of the training rows in which a feature may be undefined; there it is taken as the median."""


def feature_table(given: Floats, redrawn: Floats | None) -> Table:
    """Put together what ``Selection`` needs to know.

    Args:
        given: ``(n, F)`` features of the boxes as given; NaN where undefined.
        redrawn: ``(n, R, F)`` of redrawn boxes, R at least 2; None where stability is not asked for.
    """
    if redrawn is None:
        return given[:, :, None]
    columns = case_columns(redrawn, given)
    return np.stack([given, *(columns[c] for c in COLUMNS)], axis=2)


@dataclass(frozen=True, slots=True)
class Limits:
    """When a feature is left out.

    Attributes:
        min_icc: Least ICC(1,1) over redrawn boxes; 0: any.
        repeats: Redrawn boxes of each case.
        max_correlation: Greatest absolute rank correlation with a feature that is kept; 1: any.
    """

    min_icc: float = 0.75
    repeats: int = 10
    max_correlation: float = 0.95


class Selection(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A step of a pipeline: learns which features to keep from the rows it is fitted on, passes on their values.

    A feature is left out where it is undefined in over a tenth of the rows, the same in all of them, unstable, or nearly
    the same as one that is more stable (without ICC: that comes first).

    Args:
        limits: When a feature is left out.

    Attributes:
        kept_: ``(k,)`` positions, ascending.
        reasons_: Why each of the others is not, by position.
        icc_: ``(F,)`` NaN where it was not asked for or cannot be told.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def fit(self, X: Table, y: object = None) -> Selection:
        """Look at the features of the training rows; their labels are not looked at.

        Raises:
            InputError: No feature is left.
        """
        values, limits = X[:, :, 0], self.limits
        self.icc_ = stability(X, limits.repeats) if X.shape[2] > 1 else np.full(X.shape[1], np.nan)
        reasons: dict[int, str] = {}
        undefined = ~np.isfinite(values)
        for j in range(values.shape[1]):
            there = values[~undefined[:, j], j]
            if undefined[:, j].mean() > MAX_UNDEFINED:
                reasons[j] = "undefined"
            elif np.ptp(there) <= 1e-12 * max(1.0, float(np.abs(there).max())):
                reasons[j] = "constant"
            elif limits.min_icc > 0 and not self.icc_[j] >= limits.min_icc:
                reasons[j] = "unstable"
        left = [j for j in range(values.shape[1]) if j not in reasons]
        reasons |= dict.fromkeys(_alike(values, left, self.icc_, limits.max_correlation), "correlated")
        self.reasons_ = reasons
        self.kept_ = np.array([j for j in left if j not in reasons], dtype=np.intp)
        if not len(self.kept_):
            raise InputError(
                f"of {values.shape[1]} features none is left ({counted(reasons)}).", where="--min-icc",
                fix="Lower it, or give other settings of the features.",
            )  # fmt: skip
        return self

    def transform(self, X: Table) -> Floats:
        """Give ``(n, k)`` values of the features kept, for the boxes as given."""
        check_is_fitted(self, "kept_")
        return np.asarray(X[:, self.kept_, 0])


def stability(table: Table, repeats: int) -> Floats:
    """Give ``(F,)`` ICC(1,1) of every feature over redrawn boxes; cases in which it is undefined are left out."""
    there = np.isfinite(table).all(axis=2)
    sums = {COUNT: there.sum(axis=0).astype(np.float64)}
    for k, name in enumerate(COLUMNS, start=1):
        sums[name] = np.where(there, table[:, :, k], 0.0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return icc(sums, repeats)


def counted(reasons: Mapping[int, str]) -> str:
    """Give ``12 unstable, 3 constant``."""
    words = sorted(set(reasons.values()), key=lambda w: (-list(reasons.values()).count(w), w))
    return ", ".join(f"{list(reasons.values()).count(w)} {w}" for w in words)


def _alike(values: Floats, left: list[int], stable: Floats, most: float) -> list[int]:
    """Give the features that a better one says already, of those that are left."""
    if most >= 1 or len(left) < 2:
        return []
    own = values[:, left]
    ranks = rankdata(np.where(np.isfinite(own), own, np.nanmedian(own, axis=0)), axis=0)
    alike = np.abs(np.corrcoef(ranks, rowvar=False)) > most
    order = np.lexsort([np.arange(len(left)), -np.nan_to_num(stable[left])])
    kept: list[int] = []
    lost = []
    for j in order:
        if alike[j, kept].any():
            lost.append(left[j])
        else:
            kept.append(int(j))
    return lost
