"""How far readers' boxes of one lesion lie apart, in the units of a perturbation's level.

Two readers who each draw with variance s^2 about the same place differ by 2 s^2: what one reader does is half of the
variance of a difference (Bland and Altman 1996, BMJ 313:106). A shift of level L is uniform within L sides, so that its
sd is L / sqrt(3); a scale of level L multiplies by (1 + L)^u, u uniform in -1 to 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from robustkit.geometry import overlap
from robustkit.seeds import generator
from robustkit.stats.estimate import Estimate

Floats = NDArray[np.float64]

MIN_PATIENTS = 5


@dataclass(frozen=True, slots=True)
class Pairs:
    """Differences between the boxes of two readers, a row per lesion and pair of readers.

    Attributes:
        patients: ``(n,)`` codes.
        dx, dy: ``(n,)`` difference of centres in mean box sides.
        log_size: ``(n,)`` log of the ratio of box sizes (geometric mean of the sides).
        log_aspect: ``(n,)`` log of the ratio of width over height.
        iou: ``(n,)`` overlap.
    """

    patients: NDArray[np.intp]
    dx: Floats
    dy: Floats
    log_size: Floats
    log_aspect: Floats
    iou: Floats

    def only(self, rows: NDArray[np.intp]) -> Pairs:
        """Give some rows."""
        return Pairs(*(getattr(self, f)[rows] for f in self.__dataclass_fields__))


def pairs(first: Floats, second: Floats, patients: NDArray[np.intp]) -> Pairs:
    """Compare ``(n, 4)`` boxes of one reader with those of another."""
    a, b = first[:, 2:] - first[:, :2], second[:, 2:] - second[:, :2]
    apart = first - second
    centre = (apart[:, :2] + apart[:, 2:]) / 2
    away = centre / ((a + b) / 2)
    ratio = np.log(a / b)
    return Pairs(
        patients=patients,
        dx=away[:, 0],
        dy=away[:, 1],
        log_size=ratio.mean(axis=1),
        log_aspect=ratio[:, 0] - ratio[:, 1],
        iou=overlap(first, second),
    )


def shift_level(p: Pairs) -> float:
    """Give the level of ``shift`` whose boxes scatter as one reader's do: sqrt(3) x sd, both axes together."""
    return float(np.sqrt(3 * (p.dx**2 + p.dy**2).mean() / 2 / 2))


def scale_level(p: Pairs) -> float:
    """Give the level of ``scale``: log(1 + L) = sqrt(3) x sd of the log size."""
    return float(np.expm1(np.sqrt(3 * (p.log_size**2).mean() / 2)))


def aspect_level(p: Pairs) -> float:
    """Give the level of ``aspect``: log(1 + L) = sqrt(3) x sd of the log aspect."""
    return float(np.expm1(np.sqrt(3 * (p.log_aspect**2).mean() / 2)))


def mean_iou(p: Pairs) -> float:
    """Give the mean overlap of two readers' boxes."""
    return float(p.iou.mean())


def bias_x(p: Pairs) -> float:
    """Give how far the first reader's boxes lie to the right, in sides."""
    return float(p.dx.mean())


def bias_y(p: Pairs) -> float:
    """Give how far the first reader's boxes lie below, in sides."""
    return float(p.dy.mean())


def bias_size(p: Pairs) -> float:
    """Give how much larger the first reader's boxes are, as a ratio of sides."""
    return float(np.exp(p.log_size.mean()))


MEASURES: dict[str, Callable[[Pairs], float]] = {
    "shift": shift_level,
    "scale": scale_level,
    "aspect": aspect_level,
    "iou": mean_iou,
    "bias_x": bias_x,
    "bias_y": bias_y,
    "bias_size": bias_size,
}


def estimate(name: str, p: Pairs, *, draws: int, seed: int) -> Estimate:
    """Give one measure with a patient bootstrap interval (percentile: a level is at least 0).

    Args:
        name: Of MEASURES.
        p: All pairs.
        draws: Of patients.
        seed: Names the stream.
    """
    codes = np.unique(p.patients, return_inverse=True)[1] if len(p.patients) else p.patients
    m = int(codes.max(initial=-1)) + 1
    counted = Estimate(n_cases=len(codes), n_patients=m)
    if m < MIN_PATIENTS:
        return replace(counted, reason=f"fewer than {MIN_PATIENTS} patients ({m})")
    function = MEASURES[name]
    rows = [np.flatnonzero(codes == i) for i in range(m)]
    random = generator(seed, "box noise", "")
    found = np.array(
        [function(p.only(np.concatenate([rows[i] for i in random.integers(0, m, m)]))) for _ in range(draws)]
    )
    if np.ptp(found) == 0:
        return replace(counted, value=function(p), reason="no variation between patients")
    low, high = np.quantile(found, [0.025, 0.975])
    return replace(
        counted, value=function(p), low=float(low), high=float(high), se=float(found.std(ddof=1)),
        method="patient bootstrap, percentile",
    )  # fmt: skip
