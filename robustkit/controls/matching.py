"""Which film's candidates stand for which lesion: the assignment with the least distance in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from robustkit.controls.pairing import MOST_PER_FILM
from robustkit.geometry import Boxes


@dataclass(frozen=True, slots=True)
class Offer:
    """The candidates of one film.

    Attributes:
        boxes: ``(K, 4)``.
        looks: ``(K, F)`` how they look, each feature in sd of the lesions.
    """

    boxes: Boxes
    looks: NDArray[np.float64]


def hand_out(offers: Sequence[Offer | None], goals: NDArray[np.float64]) -> dict[int, tuple[int, ...]]:
    """Hand lesions to films: one each while there are films enough, else up to three.

    Args:
        offers: By film; None where it cannot be read.
        goals: ``(n, F)`` what the lesions look like, in sd.

    Returns:
        By film the positions of its lesions; n lesions in all, or as many as the films can take.
    """
    films = [i for i, o in enumerate(offers) if o is not None]
    if not films or not len(goals):
        return {}
    away = np.stack([_nearest(o, goals) for o in offers if o is not None])
    copies = min(MOST_PER_FILM, -(-len(goals) // len(films)))
    # a film's further boxes are worse than any first one, so that all films are used before one is used twice
    dearer = np.arange(copies)[:, None, None] * (1.0 + away.max() * len(goals))
    film, lesion = linear_sum_assignment((away[None] + dearer).reshape(copies * len(films), len(goals)))
    handed: dict[int, list[int]] = {}
    for f, goal in sorted(zip((film % len(films)).tolist(), lesion.tolist(), strict=True)):
        handed.setdefault(films[f], []).append(goal)
    return {f: tuple(own) for f, own in handed.items()}


def _nearest(offer: Offer, goals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give ``(n,)`` squared distance of the nearest candidate to each goal."""
    squares = (offer.looks**2).sum(axis=1)[:, None] + (goals**2).sum(axis=1) - 2 * offer.looks @ goals.T
    return np.asarray(np.maximum(squares, 0.0).min(axis=0))
