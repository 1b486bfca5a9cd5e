"""Is the mean of a part above that of the set it lies in? One score test for thousands of parts at once.

The patient is the unit: variance and correlation within patients are those of the wider set, as they are if the part
does not differ (as in ``stats.contrast``). The upper tail is that of a gamma distribution of the same skewness, for
errors are rare and parts are small: a normal tail would reject twice as often as it says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import gammaincc, ndtr

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_ROUNDING = 1e-12
_NO_SKEW = 1e-3
"""Skewness under which the tail is normal: the gamma's shape would be over 4 million."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over the cases of each of K sets.

    Attributes:
        n, m: ``(K,)`` cases and patients.
        powers: ``(3, K)`` sum of the values, their squares and cubes.
        size_size, size_sum, sum_sum: ``(K,)`` over patients: sum of (cases)^2, cases x value, (value)^2.
        sizes: ``(K, m)`` sparse, cases by patient.
    """

    n: Floats
    m: Floats
    powers: Floats
    size_size: Floats
    size_sum: Floats
    sum_sum: Floats
    sizes: csr_array

    @property
    def mean(self) -> Floats:
        """``(K,)``."""
        return np.asarray(self.powers[0] / self.n)


def moments(members: csr_array, values: Floats, patients: Codes) -> Moments:
    """Add up what the test needs.

    Args:
        members: ``(K, n)`` sparse, 1 for the cases of each set; none of them empty.
        values: ``(n,)`` finite.
        patients: ``(n,)`` codes.
    """
    n = len(values)
    by_patient = csr_array((np.ones(n), (np.arange(n), patients)))
    sizes = csr_array(members @ by_patient)
    sums = csr_array(members @ csr_array((values, (np.arange(n), patients)), shape=by_patient.shape))
    return Moments(
        n=members.sum(axis=1),
        m=np.diff(sizes.indptr).astype(np.float64),
        powers=np.stack([members @ values**k for k in (1, 2, 3)]),
        size_size=sizes.power(2).sum(axis=1),
        size_sum=sizes.multiply(sums).sum(axis=1),
        sum_sum=sums.power(2).sum(axis=1),
        sizes=sizes,
    )


def above_p(found: Moments, child: Codes, parent: Codes, *, step: float = 0.0) -> Floats:
    """Give the one-sided p that the mean of each part is above that of the wider set.

    Args:
        found: Of all sets.
        child, parent: ``(L,)`` positions; every child lies within its parent.
        step: Distance of neighbouring values (1 for events, 0 for continuous ones): half of it is taken off.

    Returns:
        ``(L,)``; 1 where nothing varies within the parent, or the part is all of it.

    Source: Rao's score test with exchangeable correlation (Rotnitzky and Jewell 1990, Biometrika 77:485); skewness of
    a sample from a finite set and Pearson's type III: Kazi-Aoual et al. 1995, Comput Stat Data Anal 20:643.
    """
    excess, spread, skew = _standardised(found, child, parent)
    is_tested = spread > 0
    z = np.divide(excess - step / 2, spread, out=np.full(len(child), -np.inf), where=is_tested)
    return np.where(is_tested, _tail(z, skew), 1.0)


def _standardised(found: Moments, child: Codes, parent: Codes) -> tuple[Floats, Floats, Floats]:
    """Give the excess sum of each part, its standard error and skewness if the part does not differ."""
    n, share = found.n[parent], found.n[child] / found.n[parent]
    mean = found.mean[parent]
    second, third = found.powers[1:, parent]
    squares = np.maximum(second - n * mean**2, 0.0)
    cubes = third - 3 * mean * second + 2 * n * mean**3
    between = found.sum_sum[parent] - 2 * mean * found.size_sum[parent] + mean**2 * found.size_size[parent]
    few = found.m[parent] / np.maximum(found.m[parent] - 1, 1)
    pairs = found.size_size[parent] - n
    alone = np.where(squares > _ROUNDING * second, few * squares / n, 0.0)
    shared = np.divide(few * (between - squares), pairs, out=np.zeros(len(n)), where=pairs > 0)
    shared = np.clip(shared, 0.0, alone)
    two, three = _by_patient(found, child, parent, share)
    two_alone = n * share * (1 - share)
    three_alone = two_alone * (1 - 2 * share)
    variance = (alone - shared) * two_alone + shared * two
    of_patient = np.divide(shared, alone, out=np.zeros(len(n)), where=alone > 0)
    cubed = cubes / n * ((1 - of_patient) * three_alone + of_patient * three)
    spread = np.sqrt(np.maximum(variance, 0.0))
    skew = np.divide(cubed, spread**3, out=np.zeros(len(n)), where=spread > 0)
    return found.powers[0, child] - found.n[child] * mean, spread, skew


def _by_patient(found: Moments, child: Codes, parent: Codes, share: Floats) -> tuple[Floats, Floats]:
    """Give sums over patients of (cases in the part - share x cases)^2, and of the third power."""
    part, whole = found.sizes[child], found.sizes[parent]
    both = part.multiply(whole)
    once, part_twice = both.sum(axis=1), part.multiply(both).sum(axis=1)
    whole_twice = both.multiply(whole).sum(axis=1)
    two = found.size_size[child] - 2 * share * once + share**2 * found.size_size[parent]
    cube = found.sizes.power(3).sum(axis=1)
    three = cube[child] - 3 * share * part_twice + 3 * share**2 * whole_twice - share**3 * cube[parent]
    return two, three


def _tail(z: Floats, skew: Floats) -> Floats:
    """Give the larger of the normal upper tail and that of a standardised gamma of this skewness."""
    shape = 4 / np.maximum(skew, _NO_SKEW) ** 2
    gamma = gammaincc(shape, np.maximum(shape + z * np.sqrt(shape), 0.0))
    return np.asarray(np.maximum(ndtr(-z), np.where(skew > _NO_SKEW, gamma, 0.0)))
