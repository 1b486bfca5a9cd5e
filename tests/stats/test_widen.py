"""Widened intervals against the intervals that the methods themselves give at the wider level."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robustkit.stats import widen
from robustkit.stats.auc import clustered_auc, paired_auc_difference
from robustkit.stats.estimate import Estimate
from robustkit.stats.proportion import clustered_proportion
from robustkit.stats.widen import Interval, widened
from scipy.special import expit, logit
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

NAN = float("nan")


def interval(e: Estimate) -> Interval:
    return Interval(e.value, e.low, e.high, e.se, e.method)


def test_example_runs() -> None:
    found = doctest.testmod(widen)
    assert (found.attempted > 0, found.failed) == (True, 0)


@settings(max_examples=60)
@given(hits=st.integers(0, 60), n=st.integers(5, 60), k=st.integers(2, 500))
def test_wilson_is_that_of_statsmodels_at_the_wider_level(hits: int, n: int, k: int) -> None:
    hits = min(hits, n)
    table = clustered_proportion(np.arange(n) < hits, np.arange(n))
    found = widened(interval(table), k)
    low, high = proportion_confint(hits, n, alpha=0.05 / k, method="wilson")
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))
    assert not found.is_approximate


def test_wilson_at_an_effective_size_that_is_no_whole_number() -> None:
    patients = np.repeat(np.arange(15), 3)
    events = np.isin(patients, [0, 1, 2]) & (np.arange(45) % 3 > 0)
    table = clustered_proportion(events, patients)
    size = float(table.method.rsplit(" ", 1)[1])
    assert 15 < size < 45
    found = widened(interval(table), 4)
    # the method's text rounds the size to a tenth
    expected = proportion_confint(table.value * size, size, alpha=0.05 / 4, method="wilson")
    assert (found.low, found.high) == pytest.approx(expected, abs=2e-3)
    assert found.low < table.low < table.high < found.high


def test_auc_on_the_logit_scale() -> None:
    labels = np.arange(60) < 25
    scores = np.random.default_rng(0).normal(labels * 1.0)
    table = clustered_auc(labels, scores[None], np.arange(60))
    found = widened(interval(table), 6)
    # half a width on the logit scale: z x se / (A (1 - A)), z at .025 / 6
    half = norm.isf(0.025 / 6) * table.se / (table.value * (1 - table.value))
    expected = [expit(logit(table.value) + side) for side in (-half, half)]
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-12)
    assert not found.is_approximate


@pytest.mark.parametrize("inverted", [False, True])
def test_perfect_separation_keeps_its_exact_bound(inverted: bool) -> None:
    labels = np.arange(30) < 12
    table = clustered_auc(labels, (labels != inverted).astype(float)[None], np.arange(30))
    found = widened(interval(table), 5)
    # 12 pairs of patients: b^12 = .025 / 5
    bound = 0.005 ** (1 / 12)
    assert (found.low, found.high) == pytest.approx((0, 1 - bound) if inverted else (bound, 1))


def test_paired_delong_difference() -> None:
    labels = np.arange(80) < 30
    random = np.random.default_rng(1)
    a, b = (random.normal(labels * s)[None] for s in (1.0, 0.7))
    d = paired_auc_difference(labels, a, b, patients=np.arange(80))
    found = widened(Interval(d.diff, d.low, d.high, d.se, d.method), 3)
    z = norm.isf(0.025 / 3)
    assert (found.low, found.high) == pytest.approx((d.diff - z * d.se, d.diff + z * d.se))
    assert not found.is_approximate


def test_bootstrap_is_stretched_and_says_so() -> None:
    found = widened(Interval(0.5, 0.4, 0.7, 0.06, "patient bootstrap, BCa"), 2)
    ratio = norm.isf(0.0125) / norm.isf(0.025) - 1
    # below, 1.96 x .06 = .1176 is more than the .1 of the table; above, the table's .2 is more
    assert found.low == pytest.approx(0.4 - ratio * norm.isf(0.025) * 0.06)
    assert found.high == pytest.approx(0.7 + ratio * 0.2)
    assert found.is_approximate


def test_only_the_interval_known() -> None:
    found = widened(Interval(0.5, 0.4, 0.7, NAN, "of another program"), 2)
    ratio = norm.isf(0.0125) / norm.isf(0.025) - 1
    assert (found.low, found.high) == pytest.approx((0.4 - ratio * 0.1, 0.7 + ratio * 0.2))
    assert found.is_approximate


def test_a_value_outside_of_its_interval_does_not_narrow_it() -> None:
    # BCa can leave the value out
    found = widened(Interval(0.39, 0.4, 0.7, NAN, "patient bootstrap, BCa"), 10)
    assert found.low <= 0.4
    assert found.high > 0.7


def test_a_wilson_that_is_none_is_stretched() -> None:
    assert widened(Interval(0.5, 0.45, 0.9, NAN, "Wilson, effective size 9"), 2).is_approximate


@pytest.mark.parametrize("k", [0, 1])
def test_one_statement_is_the_table_s_own(k: int) -> None:
    table = Interval(0.5, 0.4, 0.7, 0.06, "patient bootstrap, BCa")
    assert widened(table, k) is table


def test_no_interval_stays_none() -> None:
    table = Interval(0.0, NAN, NAN, 0.0, "clustered paired DeLong")
    assert widened(table, 4) is table


@given(k=st.integers(2, 50), more=st.integers(1, 50))
def test_more_statements_never_narrow_it(k: int, more: int) -> None:
    for method in ("patient bootstrap, BCa", "clustered DeLong, logit scale"):
        table = Interval(0.8, 0.7, 0.86, 0.04, method)
        one, two = widened(table, k), widened(table, k + more)
        assert two.low < one.low < table.low
        assert two.high > one.high > table.high
