"""Reweighted rates: by hand, against a plain loop, and where they are not estimable."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustkit.stats.bootstrap import patient_draws
from robustkit.stats.reweighting import reweight
from robustkit.stats.sides import Sides


def counted(*cells: tuple[str, int, int, int], draws: int = 300) -> tuple[np.ndarray, np.ndarray, Sides]:
    """Give events, codes and sides of cells (side, stratum, cases, events), a patient per case."""
    is_a = np.concatenate([np.full(n, side == "a") for side, _, n, _ in cells])
    codes = np.concatenate([np.full(n, stratum) for _, stratum, n, _ in cells])
    events = np.concatenate([np.arange(n) < k for _, _, n, k in cells]).astype(float)
    drawn = patient_draws(is_a.astype(np.intp), draws=draws, seed=0, purpose="test")
    return events, codes, Sides(is_a, np.arange(len(is_a)), drawn)


def test_two_strata_by_hand() -> None:
    # a: 6 of 60 and 20 of 40 wrong, .26; b has 25 % and 75 %: .25 x .1 + .75 x .5 = .4
    events, codes, both = counted(("a", 0, 60, 6), ("a", 1, 40, 20), ("b", 0, 25, 3), ("b", 1, 75, 9))
    found = reweight(events, codes, both, n_strata=2)
    assert (found.observed, found.value, found.change.value) == pytest.approx((0.26, 0.4, 0.14))
    # (sum w)^2 / sum w^2 with w = .25 / .6 and .75 / .4
    w = np.repeat([0.25 / 0.6, 0.75 / 0.4], [60, 40])
    assert found.effective == pytest.approx(w.sum() ** 2 / (w**2).sum())
    assert found.support == 1.0
    assert found.change.low < 0.14 < found.change.high


def test_weights_are_estimated_anew_in_every_draw() -> None:
    events, codes, both = counted(("a", 0, 60, 6), ("a", 1, 40, 20), ("b", 0, 10, 0), ("b", 1, 10, 0), draws=200)
    plain = []
    for counts in both.draws.counts.astype(int):
        rows = np.repeat(np.arange(120), counts)
        a, b = rows[both.is_a[rows]], rows[~both.is_a[rows]]
        weights = [np.mean(codes[b] == codes[i]) / np.mean(codes[a] == codes[i]) for i in a]
        plain.append(np.average(events[a], weights=weights) - events[a].mean())
    assert reweight(events, codes, both, n_strata=2).change.se == pytest.approx(np.std(plain, ddof=1), rel=1e-9)


def test_the_error_of_the_internal_shares_is_in_the_interval() -> None:
    # .4 is the difference of the strata's rates: var = .16 q (1 - q) / n_b + sum q^2 r (1 - r) / n_a + covariances;
    # with 20 internal cases instead of 2,000 the first term is the largest
    few = counted(("a", 0, 600, 60), ("a", 1, 400, 200), ("b", 0, 10, 0), ("b", 1, 10, 0))
    many = counted(("a", 0, 600, 60), ("a", 1, 400, 200), ("b", 0, 1000, 0), ("b", 1, 1000, 0))
    narrow, wide = (reweight(e, c, s, n_strata=2).change for e, c, s in (many, few))
    assert wide.value == pytest.approx(narrow.value)
    # sqrt(.16 x .25 / 20) = .045
    assert np.sqrt(wide.se**2 - narrow.se**2) == pytest.approx(np.sqrt(0.16 * 0.25 / 20), rel=0.15)


@given(st.lists(st.integers(5, 40), min_size=2, max_size=4), st.integers(1, 3))
def test_equal_shares_change_nothing(sizes: list[int], times: int) -> None:
    n = sum(sizes)
    scale = -(-60 // n)
    cells = [("a", i, k * scale, i) for i, k in enumerate(sizes)] + [
        ("b", i, k * times, 0) for i, k in enumerate(sizes)
    ]
    events, codes, both = counted(*cells, draws=10)
    found = reweight(events, codes, both, n_strata=len(sizes))
    assert found.change.value == pytest.approx(0.0, abs=1e-12)
    assert found.effective == pytest.approx(n * scale)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        # 12 % of the internal cases are in a stratum without external ones
        ((("a", 0, 80, 8), ("a", 1, 20, 8), ("b", 0, 48, 0), ("b", 1, 40, 0), ("b", 2, 12, 0)),
         "support 88%, under 90%: internal cases without external ones like them"),
        # w = .1 / .9 and .9 / .1: 1 / (.01 / 90 + .81 / 10) = 12.3
        ((("a", 0, 90, 8), ("a", 1, 10, 8), ("b", 0, 10, 0), ("b", 1, 90, 0)), "12.3 effective cases, under 50"),
        ((("a", 0, 60, 8), ("a", 1, 20, 8), ("a", -1, 20, 0), ("b", 0, 50, 0), ("b", 1, 50, 0)),
         "the fact is known for 80% of the external cases, under 90%"),
        # internal cases of unknown strata are not supported
        ((("a", 0, 60, 8), ("a", 1, 40, 8), ("b", 0, 40, 0), ("b", 1, 40, 0), ("b", -1, 20, 0)),
         "support 80%, under 90%: internal cases without external ones like them"),
        ((("a", 0, 60, 8), ("b", 0, 40, 0)), "one stratum only: there is nothing to exchange"),
        ((("a", 0, 60, 8), ("a", 1, 60, 8), ("b", 0, 4, 0)), "fewer than 5 patients on one side (4)"),
        ((("a", 0, 60, 8), ("a", 1, 60, 8)), "no case on one side"),
    ],
)  # fmt: skip
def test_not_estimable(cells: tuple[tuple[str, int, int, int], ...], reason: str) -> None:
    events, codes, both = counted(*cells, draws=20)
    found = reweight(events, codes, both, n_strata=3)
    assert found.change.reason == reason
    assert np.isnan([found.value, found.change.value, found.change.low, found.change.high]).all()


def test_limits_are_inclusive() -> None:
    # support exactly 90 %, effective size (.9)^2 / (.81 / 50) = 50
    events, codes, both = counted(("a", 0, 50, 8), ("b", 0, 90, 0), ("b", 1, 10, 0))
    found = reweight(events, codes, both, n_strata=2)
    assert (found.support, found.effective) == pytest.approx((0.9, 50.0))
    assert found.change.value == pytest.approx(0.0)


def test_no_error_at_all_changes_nothing_and_has_no_interval() -> None:
    events, codes, both = counted(("a", 0, 60, 0), ("a", 1, 60, 0), ("b", 0, 30, 0), ("b", 1, 60, 0))
    found = reweight(events, codes, both, n_strata=2).change
    assert (found.value, found.reason) == (0.0, "no variation between patients")
    assert np.isnan([found.low, found.high]).all()


def test_a_stratum_that_many_draws_miss_gives_no_interval() -> None:
    # half of b lies in a stratum of two external cases: (1 - 2/102)^102 = 13 % of the draws have none of them.
    # Effective: 1 / (.25 / 100 + .25 / 2) is under 50, so the share is smaller: .15 of b
    events, codes, both = counted(("a", 0, 500, 50), ("a", 1, 2, 1), ("b", 0, 880, 0), ("b", 1, 120, 0), draws=400)
    found = reweight(events, codes, both, n_strata=2)
    # 1 / (.88^2 / 500 + .12^2 / 2) = 114
    assert found.effective == pytest.approx(114.3, abs=0.1)
    assert np.isfinite(found.change.value)
    assert np.isnan(found.change.low)
    assert found.change.reason.startswith("undefined in 1")
