"""Variance of a score split into case, model, box and what is left, for models that saw the same boxes.

Source: Searle, Casella and McCulloch 1992, Variance Components, chapter 4 (analysis of variance estimators, balanced).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ROUNDING = 1e-24
"""A variance smaller than this part of the mean square is rounding."""


@dataclass(frozen=True, slots=True)
class Components:
    """Variances of y = case + model + case x model + box within case + rest.

    Attributes:
        case: Cases differ, for every model and box alike.
        model: One model scores higher than another everywhere; NaN of one model.
        disagreement: Models differ about a case (case x model); NaN of one model.
        box: A redrawn box moves every model alike; of one model: all that a redrawn box does.
        rest: A redrawn box moves one model and not another; NaN of one model.
    """

    case: float
    model: float
    disagreement: float
    box: float
    rest: float

    def shares(self) -> dict[str, float]:
        """Give each part of the total variance; parts that were estimated below 0 count as 0."""
        parts = {
            k: max(0.0, getattr(self, k))
            for k in ("case", "model", "disagreement", "box", "rest")
            if np.isfinite(getattr(self, k))
        }
        total = sum(parts.values())
        return {k: v / total if total > 0 else float("nan") for k, v in parts.items()}


@dataclass(frozen=True, slots=True)
class CaseParts:
    """What n cases give to the sums of squares, so that those of any of them are sums over cases.

    Attributes:
        mean: ``(k, n)`` of k models' answers to the R boxes of a case.
        box: ``(n,)`` sum over boxes of the squared difference between the mean over models and that of the case.
        rest: ``(n,)`` sum over models and boxes of the square of what model, case and box leave.
        repeats: R.
    """

    mean: Floats
    box: Floats
    rest: Floats
    repeats: int

    def only(self, keep: NDArray[np.bool_]) -> CaseParts:
        """Give some of the cases: ``(n,)`` True for those."""
        return CaseParts(self.mean[:, keep], self.box[keep], self.rest[keep], self.repeats)


def case_parts(values: Floats) -> CaseParts:
    """Give what each case gives to the sums of squares.

    Args:
        values: ``(k, n, R)`` of k models, n cases, R boxes of each case that all models saw; on one scale.
    """
    by_box, by_pair = values.mean(axis=0), values.mean(axis=2)
    apart = by_box - by_box.mean(axis=1)[:, None]
    left = values - by_pair[:, :, None] - apart
    return CaseParts(by_pair, (apart**2).sum(axis=1), (left**2).sum(axis=(0, 2)), values.shape[2])


def components(parts: CaseParts) -> Components:
    """Split the variance.

    Args:
        parts: Of n cases; finite.

    Raises:
        ValueError: Fewer than two cases or two boxes.
    """
    (k, n), repeats = parts.mean.shape, parts.repeats
    if n < 2 or repeats < 2:
        raise ValueError(f"expected at least 2 cases and 2 boxes, got {n} and {repeats}")
    least = _ROUNDING * float((parts.mean**2).mean())

    def mean_square(total: float, df: int) -> float:
        """A mean square that is the rounding of equal numbers is none."""
        return total / df if total / df > least else 0.0

    by_case, by_model, grand = parts.mean.mean(axis=0), parts.mean.mean(axis=1), float(parts.mean.mean())
    ms_box = mean_square(k * float(parts.box.sum()), n * (repeats - 1))
    ms_case = mean_square(k * repeats * float(((by_case - grand) ** 2).sum()), n - 1)
    if k == 1:
        return Components((ms_case - ms_box) / repeats, np.nan, np.nan, ms_box, np.nan)
    ms_rest = mean_square(float(parts.rest.sum()), n * (repeats - 1) * (k - 1))
    apart = parts.mean - by_case[None] - by_model[:, None] + grand
    ms_pair = mean_square(repeats * float((apart**2).sum()), (n - 1) * (k - 1))
    ms_model = mean_square(n * repeats * float(((by_model - grand) ** 2).sum()), k - 1)
    return Components(
        case=(ms_case - ms_pair - ms_box + ms_rest) / (k * repeats),
        model=(ms_model - ms_pair) / (n * repeats),
        disagreement=(ms_pair - ms_rest) / repeats,
        box=(ms_box - ms_rest) / k,
        rest=ms_rest,
    )
