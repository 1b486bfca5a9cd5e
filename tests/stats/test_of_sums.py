"""Numbers made of sums, against drawing the patients' cases one draw at a time."""

from __future__ import annotations

import numpy as np
import pytest
from robustkit.stats.bootstrap import bca, clustered_mean, patient_draws
from robustkit.stats.groups import groups_of
from robustkit.stats.of_sums import COUNT, Question, Statistic, Sums, bounds_of_sums

EVERYWHERE = np.array([True, True, True])


def _ratio(sums: Sums) -> np.ndarray:
    return sums["hit"] / sums["tried"]


def test_a_ratio_is_that_of_the_cases_drawn() -> None:
    random = np.random.default_rng(0)
    n, m = 120, 50
    patients, codes = random.integers(0, m, n), random.integers(0, 3, n)
    hit, tried = random.random((2, n)), 1.0 + random.random((1, n))
    draws = patient_draws(np.zeros(m, dtype=np.intp), draws=200, seed=0, purpose="test")
    groups = groups_of([codes], patients, sizes=[3])
    question = Question({"hit": hit, "tried": tried}, {"ratio": Statistic(_ratio, EVERYWHERE, "nothing tried")})
    (found,) = bounds_of_sums(groups, draws, [question])
    for row in range(2):
        for g in range(3):
            own = np.flatnonzero(codes == g)
            # every case as often as its patient was drawn
            drawn = []
            for b in range(200):
                rows = np.repeat(own, draws.by_patient[patients[own], b].astype(int))
                drawn.append(hit[row, rows].sum() / tried[0, rows].sum())
            without = [own[patients[own] != p] for p in np.unique(patients[own])]
            left_out = np.array([hit[row, rows].sum() / tried[0, rows].sum() for rows in without])
            value = hit[row, own].sum() / tried[0, own].sum()
            bounds = found["ratio"]
            ours = [float(getattr(bounds, f)[row, g]) for f in ("value", "low", "high", "se")]
            np.testing.assert_allclose(ours, (value, *bca(np.array(drawn), value, left_out)[:3]), rtol=1e-10)


@pytest.mark.parametrize("together", [1, 10_000])
def test_many_patients_are_fetched_some_at_a_time(monkeypatch: pytest.MonkeyPatch, together: int) -> None:
    monkeypatch.setattr("robustkit.stats.of_sums._PATIENTS", 7)
    monkeypatch.setattr("robustkit.stats.of_sums._TOGETHER", together)
    random = np.random.default_rng(1)
    values, patients = random.normal(size=90), random.integers(0, 40, 90)
    draws = patient_draws(np.zeros(40, dtype=np.intp), draws=300, seed=2, purpose="test")
    mean = Statistic(lambda s: s["x"] / s[COUNT], np.array([True]), "")
    question = Question({"x": values[None], COUNT: np.ones((1, 90))}, {"mean": mean})
    groups = groups_of([np.zeros(90, dtype=np.intp)], patients, sizes=[1])
    found = bounds_of_sums(groups, draws, [question])[0]["mean"]
    alone = clustered_mean(values, patients, draws)
    np.testing.assert_allclose(
        (found.value[0, 0], found.low[0, 0], found.high[0, 0], found.se[0, 0]),
        (alone.value, alone.low, alone.high, alone.se), rtol=1e-10,
    )  # fmt: skip


def test_what_is_not_wanted_or_not_defined_is_nan() -> None:
    patients = np.arange(60)
    draws = patient_draws(np.zeros(60, dtype=np.intp), draws=100, seed=0, purpose="test")
    groups = groups_of([patients % 2], patients, sizes=[3])
    wanted = np.array([True, False, True])
    columns = {"hit": np.ones((1, 60)), "tried": np.zeros((1, 60))}
    (found,) = bounds_of_sums(groups, draws, [Question(columns, {"ratio": Statistic(_ratio, wanted, "nothing tried")})])
    assert np.isnan(found["ratio"].value).all()
    assert found["ratio"].reason.tolist() == [["nothing tried", "", ""]]


def test_a_union_is_counted_from_its_parts() -> None:
    random = np.random.default_rng(3)
    n, m = 200, 70
    # patients have cases in several groups; group 3 holds the cases of 0 and 2, and is also counted by itself
    patients, codes = random.integers(0, m, n), random.integers(0, 3, n)
    groups = groups_of([codes, np.where(codes == 1, -1, 0)], patients, sizes=[3, 1])
    draws = patient_draws(np.zeros(m, dtype=np.intp), draws=200, seed=0, purpose="test")
    columns = {"hit": random.random((2, n)), "tried": 1.0 + random.random((1, n))}
    # what is not asked of the parts is still asked of the union
    wanted = np.array([False, True, True, True])
    question = Question(columns, {"ratio": Statistic(_ratio, wanted, "nothing tried")})
    alone = bounds_of_sums(groups, draws, [question])[0]["ratio"]
    found = bounds_of_sums(groups, draws, [question], unions={3: np.array([0, 2])})[0]["ratio"]
    assert np.isfinite(found.low[:, 3]).all()
    for field in ("value", "low", "high", "se"):
        np.testing.assert_allclose(getattr(found, field), getattr(alone, field), rtol=1e-10)
    assert found.reason.tolist() == alone.reason.tolist()
