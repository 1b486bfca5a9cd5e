"""Reader studies of Roe and Metz' model, many at once: scores, AUCs and the components of their errors as arrays.

Roe and Metz 1997, Academic Radiology 4:587. The two structures are those of Chakraborty 2010, Academic Radiology 17:628, table 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

Floats = NDArray[np.float64]

_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Structure:
    """Variances of ratings.

    Attributes:
        reader, arm_reader: Drawn for positive and negative cases apart.
        case, arm_case, reader_case, rest: They sum to 1.
    """

    reader: float
    arm_reader: float
    case: float
    arm_case: float
    reader_case: float
    rest: float


LH = Structure(0.0055, 0.0055, 0.3, 0.3, 0.2, 0.2)
HL = Structure(0.03, 0.03, 0.1, 0.1, 0.2, 0.6)
"""Readers who differ little, cases that differ much; readers who differ much, cases that differ little."""


@dataclass(frozen=True, slots=True)
class Studies:
    """S studies of two arms and R readers.

    Attributes:
        aucs: ``(S, 2, R)``.
        errors: ``(S, 4)``: var, cov1, cov2, cov3, by jackknife.
        n_cases: Of each, half of them positive.
    """

    aucs: Floats
    errors: Floats
    n_cases: int

    @property
    def ms_tr(self) -> Floats:
        """``(S,)`` mean squares of arms x readers."""
        a = self.aucs
        rest = a - a.mean(axis=1, keepdims=True) - a.mean(axis=2, keepdims=True) + a.mean(axis=(1, 2), keepdims=True)
        return np.asarray((rest**2).sum(axis=(1, 2)) / (a.shape[2] - 1))

    @property
    def pseudovalues(self) -> Floats:
        """``(S, 3)`` variances of pseudovalues, below 0 where so estimated: arm x reader, arm x case, error.

        What Dorfman, Berbaum and Metz' analysis gives from the same mean squares (Hillis et al. 2005, Statistics in Medicine
        24:1579).
        """
        var, cov1, cov2, cov3 = self.errors.T
        rest = var - cov1 - cov2 + cov3
        return np.stack([self.ms_tr - rest, self.n_cases * (cov2 - cov3), self.n_cases * rest], axis=1)


def made_studies(structure: Structure, arms: tuple[float, float], *, readers: int, cases: int, studies: int) -> Studies:
    """Draw studies.

    Args:
        structure: Variances.
        arms: AUC of either arm, of a reader without an effect of his own.
        readers, cases, studies: How many; half of the cases are positive.
    """
    random = np.random.default_rng(20261128)
    parts = [
        judged(np.stack(list(_scores(random, structure, arms, (min(_AT_ONCE, studies - k), 2, readers, cases // 2)))))
        for k in range(0, studies, _AT_ONCE)
    ]
    return Studies(np.concatenate([a for a, _ in parts]), np.concatenate([e for _, e in parts]), cases)


def _scores(
    random: np.random.Generator, structure: Structure, arms: tuple[float, float], shape: tuple[int, int, int, int]
) -> Iterator[Floats]:
    """Give ``(S, 2, R, k)`` ratings of negative, then of positive cases."""
    s, _, r, k = shape
    for shift in (np.zeros(2), np.sqrt(2) * norm.ppf(arms)):
        yield (
            shift[:, None, None]
            + random.normal(0, np.sqrt(structure.reader), (s, 1, r, 1))
            + random.normal(0, np.sqrt(structure.arm_reader), (s, 2, r, 1))
            + random.normal(0, np.sqrt(structure.case), (s, 1, 1, k))
            + random.normal(0, np.sqrt(structure.arm_case), (s, 2, 1, k))
            + random.normal(0, np.sqrt(structure.reader_case), (s, 1, r, k))
            + random.normal(0, np.sqrt(structure.rest), shape)
        )


def judged(scores: Floats) -> tuple[Floats, Floats]:
    """Give ``(S, 2, R)`` AUCs and ``(S, 4)`` components from ``(2, S, 2, R, k)`` ratings, negative cases first.

    An AUC without one case is a mean of placements: the jackknife needs no loop.
    """
    x, y = scores
    k, readers = x.shape[-1], x.shape[-2]
    ranks = rankdata(np.concatenate([x, y], axis=-1), axis=-1)
    below = (ranks[..., k:] - rankdata(y, axis=-1)) / k
    above = 1 - (ranks[..., :k] - rankdata(x, axis=-1)) / k
    aucs = below.mean(axis=-1)
    away = np.concatenate([below, above], axis=-1) - aucs[..., None]
    away *= np.sqrt((2 * k - 1) / (2 * k)) / (k - 1)
    # sums of all covariances of a block, less those of smaller blocks
    var = (away**2).sum(axis=-1).mean(axis=(1, 2))
    of_reader = (away.sum(axis=1) ** 2).sum(axis=-1).mean(axis=1)
    of_arm = (away.sum(axis=2) ** 2).sum(axis=-1).mean(axis=1)
    whole = (away.sum(axis=(1, 2)) ** 2).sum(axis=-1)
    cov1 = of_reader / 2 - var
    pairs = readers * (readers - 1)
    cov2 = (of_arm - readers * var) / pairs
    cov3 = (whole - 2 * of_arm - 2 * readers * cov1) / (2 * pairs)
    return aucs, np.stack([var, cov1, cov2, cov3], axis=1)
