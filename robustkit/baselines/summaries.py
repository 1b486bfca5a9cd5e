"""The no-network model: six grey summaries of the box, sizes, site, view and hardware, by logistic regression.

What it reaches is what a shortcut can reach: a network has learnt more only where it is better than this.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.errors import FilmError, InputError
from robustkit.features.grey import NAMES, Grey
from robustkit.images.film import read_film
from robustkit.stats.auc import auc

FACTS = ("site", "view", "hardware")
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Summaries:
    """What the model sees of the cases whose film can be read and whose box lies on it.

    Attributes:
        rows: ``(n,)`` positions in the frame.
        numbers: ``(n, d)`` grey summaries, log box sides, log film sides, share of the film.
        facts: One-hot columns of site, view, hardware.
    """

    rows: NDArray[np.intp]
    numbers: NDArray[np.float64]
    facts: pd.DataFrame


def summarise(frame: pd.DataFrame, paths: Sequence[Path], *, workers: int) -> Summaries:
    """Read the films and describe every box.

    Args:
        frame: Manifest rows with boxes.
        paths: Of the films, in the same order.
        workers: Threads.
    """
    boxes = frame[["x0", "y0", "x1", "y1"]].astype(float).to_numpy()
    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(_describe, paths, boxes))
    rows = np.array([i for i, f in enumerate(found) if f is not None], dtype=np.intp)
    numbers = np.array([f for f in found if f is not None]).reshape(len(rows), len(NAMES) + 5)
    columns = {c: frame[c].astype(str) if c in frame else pd.Series("", index=frame.index) for c in FACTS}
    facts = pd.get_dummies(pd.DataFrame(columns), dtype=float).iloc[rows].reset_index(drop=True)
    return Summaries(rows, numbers, facts)


def _describe(path: Path, box: NDArray[np.float64]) -> NDArray[np.float64] | None:
    try:
        film = read_film(path)
    except FilmError:
        return None
    width, height = box[2] - box[0], box[3] - box[1]
    sizes = [np.log(width), np.log(height), np.log(film.width), np.log(film.height), width * height / film.pixels.size]
    found = np.concatenate([Grey().values(film.pixels, box[None])[0], sizes])
    # a box off its film has no grey
    return found if np.isfinite(found).all() else None


def fit_predict(
    seen: Summaries, labels: NDArray[np.bool_], *, train: NDArray[np.bool_], judged: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Fit on some rows and score others.

    Args:
        seen: Of all rows.
        labels: ``(n,)`` of ``seen.rows``.
        train, judged: ``(n,)`` which rows.

    Returns:
        Scores of the judged rows, in order.

    Raises:
        InputError: One class only among the training rows.
    """
    if labels[train].all() or not labels[train].any():
        raise InputError("the no-network model needs both classes to learn from.", where="training rows")
    model = _model(seen.numbers.shape[1])
    model.fit(_table(seen)[train], labels[train])
    return np.asarray(model.predict_proba(_table(seen)[judged])[:, 1])


def cross_validated_auc(seen: Summaries, labels: NDArray[np.bool_], groups: NDArray[np.object_]) -> float:
    """Give the AUC of the no-network model over five folds that keep films together; NaN where a fold cannot be fitted."""
    from sklearn.model_selection import GroupKFold

    if len(set(groups)) < FOLDS or labels.all() or not labels.any():
        return float("nan")
    scores = np.full(len(labels), np.nan)
    for train, held in GroupKFold(FOLDS, shuffle=True, random_state=0).split(seen.numbers, labels, groups):
        inside = np.zeros(len(labels), dtype=bool)
        inside[train] = True
        if labels[train].all() or not labels[train].any():
            return float("nan")
        scores[held] = fit_predict(seen, labels, train=inside, judged=~inside)
    return auc(labels, scores)


def _table(seen: Summaries) -> NDArray[np.float64]:
    return np.concatenate([seen.numbers, seen.facts.to_numpy()], axis=1)


def _model(n_numbers: int) -> Any:
    """Numbers are standardised and squared too (dark and bright background both differ from bone)."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    numbers = make_pipeline(StandardScaler(), PolynomialFeatures(2, include_bias=False), StandardScaler())
    table = ColumnTransformer([("numbers", numbers, slice(0, n_numbers))], remainder="passthrough")
    return make_pipeline(table, LogisticRegression(C=0.3, max_iter=2000))
