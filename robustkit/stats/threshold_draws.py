"""Operating points chosen anew on resampled development patients: how far their choice rests on who was drawn.

Two normals of a resample need no more than how often each case is in it, and their largest gain lies where the two
densities cross: all resamples are worked on at once. Every other choice is made resample by resample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from robustkit.seeds import generator
from robustkit.stats.estimate import NAN
from robustkit.stats.threshold import GRID, SMOOTHABLE, Method, choose_point, logit, smoothing_form

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

_APART = 1e-13
"""Gains that differ by less may be in either order by rounding."""


def youden_draws(
    labels: Flags,
    scores: Floats,
    patients: Codes,
    *,
    draws: int,
    random: np.random.Generator,
    method: Method = "smoothed",
) -> Floats:
    """Give the Youden threshold of every resample of development patients: see ``point_draws``."""
    return point_draws("youden", labels, scores, patients, draws=draws, random=random, method=method)


def youden_interval(
    labels: Flags, scores: Floats, patients: Codes, *, draws: int, seed: int, method: Method = "smoothed"
) -> tuple[float, float]:
    """Give the 95 % interval of the Youden threshold chosen anew on resampled development patients.

    Returns:
        Percentiles; NaN where over 5 % of the draws are undefined or all agree.
    """
    if not np.isfinite(scores).all():
        return NAN, NAN
    found = youden_draws(labels, scores, patients, draws=draws, random=generator(seed, "threshold"), method=method)
    known = found[np.isfinite(found)]
    if len(known) < 0.95 * draws:
        return NAN, NAN
    low, high = np.quantile(known, [0.025, 0.975])
    return (float(low), float(high)) if high > low else (NAN, NAN)


def point_draws(
    name: str,
    labels: Flags,
    scores: Floats,
    patients: Codes,
    *,
    draws: int,
    random: np.random.Generator,
    method: Method = "smoothed",
) -> Floats:
    """Choose an operating point anew on every resample of development patients.

    The form (normal or kernel) is that of the sample itself: a resample holds duplicates, which alone make
    Shapiro-Wilk reject normal scores in 12 to 27 % of the draws (20 to 1,000 cases).

    Args:
        name: Of the point: see ``choose_point``.
        labels: ``(n,)`` bool.
        scores: ``(n,)`` float64 in [0, 1], finite.
        patients: ``(n,)`` codes; they are drawn with all their cases.
        draws: B.
        random: The stream.
        method: See ``youden``.

    Returns:
        ``(B,)``; NaN where a draw has fewer than two cases of a class.
    """
    if not labels.any() or labels.all():
        return np.full(draws, np.nan)
    form = smoothing_form(labels, scores, method=method) if name == "youden" else method
    order = np.argsort(patients, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(patients[order])) + 1)
    drawn = random.integers(0, len(members), (draws, len(members)))
    found = np.full(draws, np.nan)
    is_left = np.ones(draws, dtype=bool)
    if name == "youden" and form == "normal":
        found, is_left = _normal_draws(labels, logit(scores), _times_drawn(drawn, members))
    for i in np.flatnonzero(is_left):
        rows = order[drawn[i]] if len(members) == len(order) else np.concatenate([members[j] for j in drawn[i]])
        found[i] = choose_point(name, labels[rows], scores[rows], method=form).value
    return found


def _times_drawn(drawn: Codes, members: Sequence[Codes]) -> Floats:
    """Give ``(B, n)`` how often each case is drawn, from ``(B, m)`` patients and the cases of each."""
    draws, m = drawn.shape
    by_patient = np.bincount((drawn + np.arange(draws)[:, None] * m).ravel(), minlength=draws * m).reshape(draws, m)
    times = np.empty((draws, sum(map(len, members))))
    times[:, np.concatenate(members)] = np.repeat(by_patient, [len(rows) for rows in members], axis=1)
    return times


def _normal_draws(labels: Flags, x: Floats, times: Floats) -> tuple[Floats, Flags]:
    """Give ``(B,)`` Youden thresholds from two normals in every resample, and which resamples cannot have them.

    Args:
        labels: ``(n,)`` bool.
        x: ``(n,)`` logits.
        times: ``(B, n)`` how often each case is in each resample.
    """
    negative, positive = (_normals(x[own], times[:, own]) for own in (~labels, labels))
    ends = np.minimum(negative.low, positive.low), np.maximum(negative.high, positive.high)
    is_left = ~(negative.is_smoothable & positive.is_smoothable)
    at, is_settled = _crossing(negative, positive, ends)
    for i in np.flatnonzero(~is_settled & ~is_left).tolist():
        grid = np.linspace(ends[0][i], ends[1][i], GRID)
        at[i] = grid[int(np.argmax(negative.cdf(grid, i) - positive.cdf(grid, i)))]
    return expit(at), is_left


@dataclass(frozen=True, slots=True)
class _Normals:
    """``(B,)`` the normal of one class in every resample: cases, lowest and highest, mean and sd (1 where there is none)."""

    n: Floats
    low: Floats
    high: Floats
    mean: Floats
    sd: Floats

    @property
    def is_smoothable(self) -> Flags:
        """Others are not smoothed: see ``youden``."""
        return np.asarray((self.n >= SMOOTHABLE) & (self.high > self.low))

    def cdf(self, at: Floats, i: int | slice = slice(None)) -> Floats:
        """Give the share below each threshold: ``(B, ...)`` of all resamples, or of one."""
        return np.asarray(ndtr((at - self.mean[i, ..., None]) / self.sd[i, ..., None]))


def _normals(x: Floats, times: Floats) -> _Normals:
    """Give the normals of one class's ``(n,)`` logits, drawn ``(B, n)`` times."""
    order = np.argsort(x)
    is_drawn = times[:, order] > 0
    n = times.sum(axis=1)
    mean = times @ x / np.maximum(n, 1)
    squares = np.einsum("bi,bi->b", times, (x - mean[:, None]) ** 2)
    sd = np.sqrt(squares / np.maximum(n - 1, 1))
    ends = x[order[is_drawn.argmax(axis=1)]], x[order[len(x) - 1 - is_drawn[:, ::-1].argmax(axis=1)]]
    return _Normals(n, *ends, mean, np.where(sd > 0, sd, 1.0))


def _crossing(negative: _Normals, positive: _Normals, ends: tuple[Floats, Floats]) -> tuple[Floats, Flags]:
    """Give ``(B,)`` the threshold of the grid with the largest gain, and where it is certain.

    The gain rises to where the two densities cross and falls from there: its slope is their difference, of one sign
    change downwards at most. So four thresholds about the crossing are looked at, and both ends. Where an outer one of
    these is as good as the best, by rounding, the largest may lie elsewhere.
    """
    apart = positive.mean - negative.mean
    # log density of negatives minus that of positives, a quadratic of the distance from the mean of the negatives
    a = (positive.sd**-2 - negative.sd**-2) / 2
    b = -apart / positive.sd**2
    c = apart**2 / (2 * positive.sd**2) + np.log(positive.sd / negative.sd)
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(b * b - 4 * a * c)
        # where it falls; either form of the root is exact where the other loses digits
        away = np.where(b <= 0, 2 * c / (root - b), (-b - root) / (2 * a))
        step = (ends[1] - ends[0]) / (GRID - 1)
        below = np.nan_to_num(np.floor((negative.mean + away - ends[0]) / step), nan=1, posinf=1, neginf=1)
    first = np.clip(below, 1, GRID - 3) - 1
    index = np.stack([first, first + 1, first + 2, first + 3, np.zeros(len(first)), np.full(len(first), GRID - 1)])
    points = index.T * step[:, None] + ends[0][:, None]
    gain = negative.cdf(points) - positive.cdf(points)
    best = 1 + gain[:, 1:3].argmax(axis=1)[:, None]
    outer = gain[:, [0, 3, 4, 5]].max(axis=1)
    is_settled = outer < np.take_along_axis(gain, best, axis=1)[:, 0] - _APART
    return np.take_along_axis(points, best, axis=1)[:, 0], is_settled
