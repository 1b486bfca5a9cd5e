"""Groups of cases, worked by hand."""

from __future__ import annotations

import numpy as np
from robustkit.stats.groups import groups_of, make_groups, one_group

PATIENTS = np.array([7, 7, 2, 5])
SITE = np.array([0, 0, 1, -1])
SIZE = np.array([1, 0, 1, 1])


def test_sums_and_counts_by_hand() -> None:
    groups = groups_of([SITE, SIZE], PATIENTS, sizes=[2, 2])
    # site 0: cases 0, 1 of patient 7; site 1: case 2; size 0: case 1; size 1: cases 0, 2, 3 of patients 7, 2, 5
    assert groups.n_cases().tolist() == [2, 1, 1, 3]
    assert groups.n_patients().tolist() == [1, 1, 1, 3]
    assert groups.sums(np.array([1.0, 10.0, 100.0, 1000.0])).tolist() == [11.0, 100.0, 10.0, 1101.0]
    by_pair = groups.by_pair(np.array([1.0, 10.0, 100.0, 1000.0])[groups.case])
    assert list(zip(groups.pair_group.tolist(), groups.pair_patient.tolist(), by_pair.tolist(), strict=True)) == [
        (0, 7, 11.0), (1, 2, 100.0), (2, 7, 10.0), (3, 2, 100.0), (3, 5, 1000.0), (3, 7, 1.0),
    ]  # fmt: skip
    assert groups.over_pairs(by_pair**2)[3] == 100.0**2 + 1000.0**2 + 1.0


def test_of_some_cases() -> None:
    groups = groups_of([SITE, SIZE], PATIENTS, sizes=[2, 2])
    keep = np.array([False, True, True, False])
    some, anew = groups.only(keep), groups.among(keep)
    assert (some.n_cases().tolist(), some.n_patients().tolist()) == ([1, 1, 1, 1], [1, 1, 1, 1])
    assert some.sums(np.arange(4.0)).tolist() == anew.sums(np.array([1.0, 2.0])).tolist() == [1.0, 2.0, 1.0, 2.0]


def test_empty_groups_and_no_cases() -> None:
    groups = make_groups(np.array([0]), np.array([1]), np.array([3]), k=3)
    assert groups.n_cases().tolist() == [0, 1, 0]
    assert [(g, own.start, own.stop) for g, own in groups.each()] == [(1, 0, 1)]
    assert one_group(np.empty(0, dtype=np.intp)).n_cases().tolist() == [0]
