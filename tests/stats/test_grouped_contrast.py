"""Contrasts of many groups at once: each as if it were alone, and by Pearson's chi-square."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustkit.stats.contrast import score_contrast_p, two_sample_z
from robustkit.stats.estimate import Estimate, no_estimates
from robustkit.stats.grouped_contrast import independent_contrasts, score_contrasts_within, share_contrasts
from robustkit.stats.groups import groups_of, one_group
from robustkit.stats.paired_table import newcombe
from robustkit.stats.proportion import clustered_proportions
from scipy.stats import chi2, chi2_contingency


@given(st.integers(0, 2**32 - 1), st.sampled_from(["binary", "share", "constant", "missing"]))
def test_every_group_is_as_if_it_were_alone(seed: int, kind: str) -> None:
    random = np.random.default_rng(seed)
    n = int(random.integers(1, 80))
    patients, inside = random.integers(0, n // 2 + 1, n), random.random(n) < 0.4
    values = {
        "binary": (random.random(n) < 0.3).astype(float),
        "share": random.integers(0, 50, n) / 50,
        "constant": np.full(n, 0.7),
        "missing": np.where(random.random(n) < 0.05, np.nan, random.random(n)),
    }[kind]
    codes = [np.zeros(n, dtype=np.intp), random.integers(-1, 5, n)]
    groups = groups_of(codes, patients, sizes=[1, 6])
    found = score_contrasts_within(values, groups, inside)
    sides = [clustered_proportions(values, groups.only(side)) for side in (inside, ~inside)]
    shares = share_contrasts(*sides, found)
    for g in range(7):
        own = codes[0] == g if g < 1 else codes[1] == g - 1
        assert found[g] == pytest.approx(
            score_contrast_p(values[own], patients[own], inside[own]), rel=1e-9, nan_ok=True
        )
        a, b = (side.one(g) for side in sides)
        low, high = newcombe(a, b)
        assert [shares.low[g], shares.high[g]] == pytest.approx([low, high], nan_ok=True)
        assert shares.reason[g] == ("" if np.isfinite(a.value - b.value) else a.reason or b.reason)


def test_one_case_per_patient_is_pearson() -> None:
    values, inside = np.arange(60) % 3 == 0, np.arange(60) < 25
    values[:4] = True
    table = [[int((values[own] == v).sum()) for v in (0, 1)] for own in (inside, ~inside)]
    statistic = chi2_contingency(table, correction=False).statistic
    (p,) = score_contrasts_within(values.astype(float), one_group(np.arange(60)), inside)
    # Pearson's chi-square has n where this has n - 1
    assert p == pytest.approx(chi2.sf(statistic * 59 / 60, 1), rel=1e-12)


def test_independent_estimates_are_each_as_if_alone() -> None:
    sides = [
        [Estimate(0.7, se=0.1), Estimate(0.7, se=0.0), Estimate(reason="no cases"), Estimate(0.5, se=0.2), Estimate()],
        [Estimate(0.6, se=0.2), Estimate(0.5, se=0.0), Estimate(0.5, se=0.1), Estimate(0.4), Estimate(0.5, se=0.1)],
    ]
    a, b = (
        no_estimates(
            5, value=np.array([e.value for e in own]), se=np.array([e.se for e in own]),
            reason=np.array([e.reason for e in own], dtype=object),
        )
        for own in sides
    )  # fmt: skip
    found = independent_contrasts(a, b)
    for i, pair in enumerate(zip(*sides, strict=True)):
        alone = two_sample_z(*pair)
        own = [found.diff[i], found.low[i], found.high[i], found.p[i]]
        assert own == pytest.approx([alone.diff, alone.low, alone.high, alone.p], nan_ok=True)
        assert (found.method[i], found.reason[i]) == (alone.method, alone.reason)
