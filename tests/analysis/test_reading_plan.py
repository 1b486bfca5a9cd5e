"""Who reads what: balance, order, codes and sample, whatever the numbers."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robustkit.analysis.reading_plan import AIDED, UNAIDED, key_table, ranks_among, sample_cases, sittings


@settings(max_examples=40)
@given(st.integers(2, 41), st.integers(1, 5), st.integers(0, 4), st.integers(0, 1000))
def test_everyone_reads_every_case_once_in_each_arm(n: int, readers: int, practice: int, seed: int) -> None:
    cases, trial = [f"c{i}" for i in range(n)], [f"t{i}" for i in range(practice)]
    names = [f"r{i}" for i in range(readers)]
    planned = sittings(names, cases, trial, design="crossover", seed=seed)
    for name in names:
        own = [s for s in planned if s.reader == name]
        for arm in (UNAIDED, AIDED):
            read = [c for s in own if s.arm == arm for c in s.cases[s.n_practice :]]
            assert sorted(read) == sorted(cases)
        for session in (1, 2):
            read = [c for s in own if s.session == session for c in s.cases[s.n_practice :]]
            # each session shows each case once: its two readings are a washout apart
            assert sorted(read) == sorted(cases)
        assert all(s.cases[: s.n_practice] == tuple(trial) for s in own)


def test_readers_begin_with_different_halves() -> None:
    planned = sittings(["a", "b"], [f"c{i}" for i in range(20)], [], design="crossover", seed=3)
    first = {s.reader: set(s.cases) for s in planned if s.session == 1 and s.arm == UNAIDED}
    assert first["a"] & first["b"] == set()


def test_sequential_is_unaided_first() -> None:
    planned = sittings(["a"], ["c1", "c2", "c3"], [], design="sequential", seed=0)
    assert [(s.session, s.arm, len(s.cases)) for s in planned] == [(1, UNAIDED, 3), (2, AIDED, 3)]


def test_orders_differ_and_are_drawn_again_the_same() -> None:
    cases = [f"c{i}" for i in range(30)]
    one, two = (sittings(["a", "b"], cases, [], design="sequential", seed=s) for s in (0, 0))
    assert one == two
    assert len({s.cases for s in one}) == 4
    assert sittings(["a", "b"], cases, [], design="sequential", seed=1) != one


def test_codes_tell_nothing_and_name_one_case() -> None:
    planned = sittings(["a", "b"], [f"c{i}" for i in range(300)], ["t"], design="crossover", seed=0)
    key = key_table(planned)
    by_reader = key.drop_duplicates(["reader_id", "code"]).groupby("reader_id")
    assert (by_reader["case_id"].nunique() == by_reader["code"].nunique()).all()
    both = key.drop_duplicates(["reader_id", "case_id"]).pivot(index="case_id", columns="reader_id", values="code")
    assert (both["a"] != both["b"]).mean() > 0.99
    assert set("".join(key["code"])) <= set("ABCDEFGHJKLMNPQRTUVWXYZ2346789")
    assert key["practice"].sum() == 8 / 8 * 2 * 4


def _frame(n: int, patients: int) -> pd.DataFrame:
    return pd.DataFrame(
        {"case_id": [f"c{i:03d}" for i in range(n)], "patient_id": [f"p{i % patients}" for i in range(n)]}
    )


def test_a_sample_keeps_the_shares_of_its_groups() -> None:
    frame = _frame(100, 100)
    groups = pd.Series(["a"] * 61 + ["b"] * 29 + ["c"] * 10)
    cases, trial = sample_cases(frame, groups, n=30, practice=4, seed=0)
    counted = Counter(groups[frame["case_id"].isin(cases)])
    # 18.3, 8.7 and 3.0: the largest remainder gets the place that is left
    assert counted == {"a": 18, "b": 9, "c": 3}
    assert len(trial) == 4
    patients = frame.set_index("case_id")["patient_id"]
    assert set(patients[trial]) & set(patients[cases]) == set()


def test_patients_before_second_lesions() -> None:
    frame = _frame(60, 20)
    cases, trial = sample_cases(frame, pd.Series(["x"] * 60), n=20, practice=3, seed=5)
    assert frame.set_index("case_id").loc[cases, "patient_id"].nunique() == 20
    assert trial == []


def test_all_cases_where_there_are_fewer() -> None:
    frame = _frame(7, 7)
    cases, trial = sample_cases(frame, pd.Series(list("aabbbcc")), n=50, practice=2, seed=0)
    assert sorted(cases) == frame["case_id"].tolist()
    assert trial == []


@pytest.mark.parametrize(("score", "rank"), [(0.0, 0.0), (0.25, 0.375), (1.0, 1.0), (0.5, 0.75)])
def test_a_rank_is_the_share_below(score: float, rank: float) -> None:
    found = ranks_among(np.array([score]), np.array([0.1, 0.25, 0.3, 0.9]))
    assert found[0] == rank
