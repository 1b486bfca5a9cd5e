"""Which parts are one process's, as the environment says."""

from __future__ import annotations

import pytest
from robustkit.engine.share import Share, share_of_environment
from robustkit.errors import InputError


@pytest.mark.parametrize(
    ("environment", "index", "n"),
    [
        ({}, 0, 1),
        ({"RANK": "2"}, 0, 1),
        ({"RANK": "2", "WORLD_SIZE": "3"}, 2, 3),
        ({"SLURM_ARRAY_TASK_ID": "4", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "1"}, 3, 4),
        ({"SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_TASK_COUNT": "2"}, 0, 2),
    ],
)
def test_reads_the_environment(environment: dict[str, str], index: int, n: int) -> None:
    share = share_of_environment(environment)
    assert (share.index, share.n) == (index, n)
    assert share.is_part == (n > 1)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"RANK": "3", "WORLD_SIZE": "3"}, "the task's place 3 is not below 3"),
        ({"RANK": "first", "WORLD_SIZE": "3"}, "expected whole numbers"),
        ({"SLURM_ARRAY_TASK_ID": "10", "SLURM_ARRAY_TASK_COUNT": "2", "SLURM_ARRAY_TASK_MIN": "0"}, "not below 2"),
    ],
)
def test_refuses_what_makes_no_sense(environment: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        share_of_environment(environment)


def test_shares_are_disjoint_whole_and_do_not_change_as_parts_are_finished() -> None:
    parts = [(i,) for i in range(7)]
    shares = [Share(i, 3).of(parts, parts) for i in range(3)]
    assert sorted(p for s in shares for p in s) == parts
    assert Share(1, 3).of(parts, parts[2:]) == [p for p in shares[1] if p in parts[2:]]
