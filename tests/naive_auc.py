"""AUC and its error by loops over all pairs, as the papers write them: what the fast code is held to."""

from __future__ import annotations

import numpy as np


def kernel(x: float, y: float) -> float:
    """DeLong et al. 1988, equation 1: 1 in order, one half tied, 0 else."""
    return 1.0 if x > y else 0.5 if x == y else 0.0


def placements_of(labels: np.ndarray, scores: np.ndarray) -> tuple[dict[int, float], dict[int, float]]:
    """Give v10 by row of a positive and v01 by row of a negative."""
    positives, negatives = np.flatnonzero(labels), np.flatnonzero(~labels)
    v10 = {i: sum(kernel(scores[i], scores[j]) for j in negatives) / len(negatives) for i in positives}
    v01 = {j: sum(kernel(scores[i], scores[j]) for i in positives) / len(positives) for j in negatives}
    return v10, v01


def obuchowski(labels: np.ndarray, rows: list[np.ndarray], patients: np.ndarray) -> tuple[list[float], np.ndarray]:
    """Give the AUCs of several scores and their covariance: Obuchowski 1997, equations 4 to 7.

    Args:
        labels: ``(n,)`` bool.
        rows: One ``(n,)`` score row per model.
        patients: ``(n,)`` codes.
    """
    found = [placements_of(labels, row) for row in rows]
    values = [float(np.mean(list(v10.values()))) for v10, _ in found]
    n_positive, n_negative = int(labels.sum()), int((~labels).sum())
    everyone = sorted(set(patients.tolist()))
    with_positive = [p for p in everyone if any(labels[patients == p])]
    with_negative = [p for p in everyone if not all(labels[patients == p])]

    def centred(model: int, kind: int, patient: int) -> float:
        return sum(v - values[model] for row, v in found[model][kind].items() if patients[row] == patient)

    def product(a: int, b: int, kinds: tuple[int, int], among: list[int]) -> float:
        total = sum(centred(a, kinds[0], p) * centred(b, kinds[1], p) for p in among)
        return total * len(among) / (len(among) - 1)

    covariance = np.empty((len(rows), len(rows)))
    for a in range(len(rows)):
        for b in range(len(rows)):
            covariance[a, b] = (
                product(a, b, (0, 0), with_positive) / n_positive**2
                + product(a, b, (1, 1), with_negative) / n_negative**2
                + product(a, b, (0, 1), everyone) / (n_positive * n_negative)
                + product(a, b, (1, 0), everyone) / (n_positive * n_negative)
            )
    return values, covariance


def delong(labels: np.ndarray, rows: list[np.ndarray]) -> np.ndarray:
    """Give DeLong's covariance: DeLong et al. 1988, equations 5 and 6, with numpy's own sample covariance."""
    found = [placements_of(labels, row) for row in rows]
    s10 = np.atleast_2d(np.cov([list(v10.values()) for v10, _ in found]))
    s01 = np.atleast_2d(np.cov([list(v01.values()) for _, v01 in found]))
    return s10 / labels.sum() + s01 / (~labels).sum()
