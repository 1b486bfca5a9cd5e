"""From a model's outputs to the score: the summed probability of the positive classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustkit.inputs import OutputKind


def scores(
    logits: NDArray[np.float32], *, kind: OutputKind, classes: tuple[str, ...], positive: tuple[str, ...]
) -> NDArray[np.float64]:
    """Give the score of every row, computed in float64.

    Args:
        logits: ``(N, K)`` float32 outputs.
        kind: What they are; a sigmoid logit is that of ``classes[-1]``.
        classes: Names; two for one sigmoid logit, else K.
        positive: Names of the positive classes.

    Returns:
        ``(N,)`` float64 in [0, 1]; NaN where a logit is NaN.
    """
    values = logits.astype(np.float64)
    if kind == "sigmoid-logit" or (kind == "probabilities" and values.shape[1] == 1):
        one = values[:, 0] if kind == "probabilities" else _sigmoid(values[:, 0])
        last_is_positive = classes[-1] in positive
        return one if last_is_positive else 1.0 - one
    if kind == "softmax-logits":
        shifted = np.exp(values - values.max(axis=1, keepdims=True))
        values = shifted / shifted.sum(axis=1, keepdims=True)
    chosen = [i for i, name in enumerate(classes) if name in positive]
    return np.asarray(values[:, chosen].sum(axis=1))


def log_probabilities(outputs: NDArray[np.float32], *, kind: OutputKind) -> NDArray[np.float64]:
    """Give the logarithm of every class's probability, computed in float64 so that none becomes 0 or 1.

    Args:
        outputs: ``(..., K)`` float32.
        kind: What they are; one sigmoid logit or one probability is that of the last of two classes.

    Returns:
        ``(..., C)`` float64, C = 2 for one output, else K; NaN where an output is. Probabilities of a model that gives
        them are kept above the smallest normal float32.
    """
    values = outputs.astype(np.float64)
    if kind == "sigmoid-logit":
        return -np.logaddexp(0.0, np.concatenate([values, -values], axis=-1))
    if kind == "softmax-logits":
        with np.errstate(invalid="ignore"):  # an infinite logit leaves NaN, as it does in the score
            return np.asarray(values - np.logaddexp.reduce(values, axis=-1, keepdims=True))
    if values.shape[-1] == 1:
        values = np.concatenate([1.0 - values, values], axis=-1)
    return np.asarray(np.log(np.maximum(values, _LEAST)))


_LEAST = float(np.finfo(np.float32).tiny)


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)
