"""Several readers, several cases, two or more arms: Obuchowski and Rockette's analysis with Hillis' degrees of freedom.

Sources: Obuchowski and Rockette 1995, Communications in Statistics 24:285; Hillis 2007, Statistics in Medicine 26:596
(degrees of freedom); Hillis 2014, Statistics in Medicine 33:330 (fixed readers, fixed cases); Hillis, Obuchowski and
Berbaum 2011, Academic Radiology 18:129 (planning).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, f, ncf, norm, t

from robustkit.stats.auc import auc_covariances
from robustkit.stats.estimate import NAN
from robustkit.stats.placements import placements

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]
Covariance = Literal["jackknife", "DeLong"]
Inference = Literal["random readers and cases", "fixed readers", "fixed cases"]

INFERENCES: tuple[Inference, ...] = ("random readers and cases", "fixed readers", "fixed cases")
FEW_READERS = 3
"""Readers under which nothing follows about other readers."""


@dataclass(frozen=True, slots=True)
class Components:
    """Covariances of the errors of AUCs on the same cases.

    Attributes:
        var: Variance of one.
        cov1: Same reader, different arms.
        cov2: Different readers, same arm; NaN with one reader.
        cov3: Different readers and arms; NaN with one reader.
    """

    var: float
    cov1: float
    cov2: float
    cov3: float

    @property
    def between_readers(self) -> float:
        """``max(cov2 - cov3, 0)``; 0 with one reader."""
        return max(self.cov2 - self.cov3, 0.0) if self.cov2 == self.cov2 else 0.0


@dataclass(frozen=True, slots=True)
class Multireader:
    """One test that all arms have one AUC, and for two arms their difference.

    Attributes:
        inference: What is random.
        diff, low, high: First minus second arm, 95 % interval; NaN unless there are two arms.
        statistic: F, or chi-square for fixed readers.
        df1, df2: Degrees of freedom; df2 NaN for chi-square.
        p: Of the test.
        reason: Why it is missing.
    """

    inference: Inference
    diff: float = NAN
    low: float = NAN
    high: float = NAN
    statistic: float = NAN
    df1: float = NAN
    df2: float = NAN
    p: float = NAN
    reason: str = ""


def reader_aucs(labels: Flags, scores: Floats, patients: Codes, *, covariance: Covariance) -> tuple[Floats, Floats]:
    """Give the AUC of every arm and reader, and the covariances of their errors.

    Args:
        labels: ``(n,)``.
        scores: ``(T, R, n)`` ratings of T arms and R readers, no NaN.
        patients: ``(n,)`` codes: the unit that is left out, or over which DeLong's parts are summed.
        covariance: ``jackknife`` or ``DeLong``.

    Returns:
        ``(T, R)`` AUCs and ``(T R, T R)`` covariances, readers within arms.
    """
    arms, readers, _ = scores.shape
    placed = placements(labels, scores)
    aucs = np.asarray(placed.value, dtype=np.float64)
    if covariance == "DeLong":
        rows = [placements(labels, row[None]) for row in scores.reshape(arms * readers, -1)]
        return aucs, auc_covariances(labels, rows, patients=patients)
    left = np.stack([_left_out(labels, row, patients) for row in scores.reshape(arms * readers, -1)])
    away = left - left.mean(axis=1, keepdims=True)
    m = left.shape[1]
    return aucs, (m - 1) / m * away @ away.T


def _left_out(labels: Flags, scores: Floats, patients: Codes) -> Floats:
    """Give ``(m,)`` AUCs, each without one patient."""
    codes = np.unique(patients, return_inverse=True)[1]
    y, x = scores[labels], scores[~labels]
    wins = (y[:, None] > x[None]) + 0.5 * (y[:, None] == x[None])
    of_y, of_x, m = codes[labels], codes[~labels], int(codes.max()) + 1
    lost = np.bincount(of_y, weights=wins.sum(axis=1), minlength=m) + np.bincount(
        of_x, weights=wins.sum(axis=0), minlength=m
    )
    # pairs within a patient were taken away twice
    both = np.zeros(m)
    for k in np.intersect1d(of_y, of_x):
        both[k] = wins[np.ix_(of_y == k, of_x == k)].sum()
    n_y, n_x = len(y) - np.bincount(of_y, minlength=m), len(x) - np.bincount(of_x, minlength=m)
    return np.asarray((wins.sum() - lost + both) / (n_y * n_x), dtype=np.float64)


def components(covariances: Floats, *, arms: int, readers: int) -> Components:
    """Average the covariances of the errors by what two AUCs share.

    Args:
        covariances: ``(T R, T R)`` of ``reader_aucs``.
        arms, readers: T and R.
    """
    of_arm, of_reader = np.repeat(np.arange(arms), readers), np.tile(np.arange(readers), arms)
    same_arm, same_reader = of_arm[:, None] == of_arm[None], of_reader[:, None] == of_reader[None]
    means = [
        float(covariances[k].mean()) if k.any() else NAN
        for k in (same_arm & same_reader, ~same_arm & same_reader, same_arm & ~same_reader, ~same_arm & ~same_reader)
    ]
    return Components(*means)


def obuchowski_rockette(aucs: Floats, errors: Components) -> tuple[Multireader, ...]:
    """Test that all arms have one AUC: random readers and cases, fixed readers, fixed cases.

    Args:
        aucs: ``(T, R)``.
        errors: Covariances of their errors.
    """
    arms, readers = aucs.shape
    ms_t, ms_tr = mean_squares(aucs)
    shared = readers * errors.between_readers
    fixed = errors.var - errors.cov1 + (readers - 1) * errors.between_readers
    found = []
    for inference in INFERENCES:
        if inference == "fixed readers":
            found.append(_chi(aucs, ms_t, fixed))
        elif readers < 2:
            found.append(Multireader(inference, reason="one reader: how readers differ cannot be told"))
        elif inference == "fixed cases":
            found.append(_f(inference, aucs, ms_t, ms_tr, df2=(arms - 1.0) * (readers - 1)))
        else:
            below = ms_tr + shared
            df2 = below**2 / (ms_tr**2 / ((arms - 1) * (readers - 1))) if ms_tr > 0 else np.inf
            found.append(_f(inference, aucs, ms_t, below, df2=df2))
    return tuple(found)


def mean_squares(aucs: Floats) -> tuple[float, float]:
    """Give the mean squares of arms, and of arms x readers (NaN with one reader), of ``(T, R)`` AUCs."""
    arms, readers = aucs.shape
    of_arm, of_reader = aucs.mean(axis=1, keepdims=True), aucs.mean(axis=0, keepdims=True)
    ms_t = readers * float(((of_arm - aucs.mean()) ** 2).sum()) / (arms - 1)
    rest = aucs - of_arm - of_reader + aucs.mean()
    return ms_t, float((rest**2).sum()) / ((arms - 1) * (readers - 1)) if readers > 1 else NAN


def _f(inference: Inference, aucs: Floats, ms_t: float, below: float, *, df2: float) -> Multireader:
    arms, readers = aucs.shape
    if not below > 0:
        return Multireader(inference, _diff(aucs), reason="nothing varies between readers")
    statistic = ms_t / below
    low, high = _bounds(aucs, float(t.ppf(0.975, df2)) * np.sqrt(2 / readers * below))
    p = float(f.sf(statistic, arms - 1, df2))
    return Multireader(inference, _diff(aucs), low, high, statistic, arms - 1.0, df2, p)


def _chi(aucs: Floats, ms_t: float, below: float) -> Multireader:
    arms, readers = aucs.shape
    if not below > 0:
        return Multireader("fixed readers", _diff(aucs), reason="the errors of the two arms do not vary")
    statistic = (arms - 1) * ms_t / below
    low, high = _bounds(aucs, float(norm.ppf(0.975)) * np.sqrt(2 / readers * below))
    p = float(chi2.sf(statistic, arms - 1))
    return Multireader("fixed readers", _diff(aucs), low, high, statistic, arms - 1.0, NAN, p)


def _diff(aucs: Floats) -> float:
    return float(aucs[0].mean() - aucs[1].mean()) if len(aucs) == 2 else NAN


def _bounds(aucs: Floats, half: float) -> tuple[float, float]:
    diff = _diff(aucs)
    return diff - half, diff + half


def power(
    difference: float, errors: Components, ms_tr: float, *, pilot_readers: int, readers: int, case_ratio: float
) -> float:
    """Give the power of a planned study of two arms, random readers and cases, at 5 %.

    Args:
        difference: Between the arms' AUCs that is to be found.
        errors: Of the pilot.
        ms_tr: Mean square of arms x readers of the pilot.
        pilot_readers: Of the pilot; two at least.
        readers: Planned.
        case_ratio: Planned cases over those of the pilot, classes in the same proportion.

    A variance of arms x readers or of arms x cases that was estimated below 0 is 0.

    Source: Hillis, Obuchowski and Berbaum 2011, equations 3 to 6.
    """
    shared = errors.between_readers
    own = max(ms_tr - errors.var + errors.cov1 + shared, 0.0) if pilot_readers > 1 else 0.0
    below = own + (errors.var - errors.cov1 + (readers - 1) * shared) / case_ratio
    interaction = own + (errors.var - errors.cov1 - shared) / case_ratio
    df2 = below**2 / (interaction**2 / (readers - 1)) if interaction > 0 else np.inf
    away = readers * difference**2 / 2 / below
    # scipy's noncentral F has no value where nothing is shifted: it is F then
    cut = f.ppf(0.95, 1, df2)
    return float(ncf.sf(cut, 1, df2, away)) if away > 0 else float(f.sf(cut, 1, df2))
