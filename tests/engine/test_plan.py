"""Plans: the boxes equal a plain loop, whatever the order, the subset or the repeats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from robustkit.cohort.case import Case
from robustkit.engine.conditions import Levels, parse_levels, parse_perturbation
from robustkit.engine.films import FilmHeaders
from robustkit.engine.plan import Plan, resolve_snap
from robustkit.errors import InputError, UnknownNameError
from robustkit.geometry import Box

from plain_boxes import draws, shifted


def _case(name: str, box: tuple[float, float, float, float], split: str = "test") -> Case:
    return Case(name, Path(f"{name}.png"), Box(*box), "benign", name, split, None, {})


CASES = (_case("a", (10, 20, 130, 150.5)), _case("b", (-30, 5, 80, 300)), _case("ü", (0.25, 0.75, 200.5, 180.5)))
FILM = (210, 190)


def _plan(cases: tuple[Case, ...] = CASES, snap: str = "whole", seed: int = 2**40 + 5, repeats: int = 9) -> Plan:
    n = len(cases)
    headers = FilmHeaders(np.tile(np.array(FILM, dtype=float), (n, 1)), np.full(n, np.nan), ("none",) * n, ("",) * n)
    return Plan(cases, headers, (Levels("shift", (0.1, 0.3)),), repeats, seed, "inside", snap)  # type: ignore[arg-type]


@pytest.mark.parametrize("snap", ["whole", "none"])
def test_boxes_equal_a_plain_loop_to_the_bit(snap: str) -> None:
    plan = _plan(snap=snap)
    boxes = plan.boxes(range(3))
    for i, case in enumerate(CASES):
        box = tuple(case.box.array().tolist())
        for condition, made in zip(plan.conditions, boxes[i], strict=True):
            u = draws(plan.seed, case.case_id, repeat=condition.repeat, stream=0)
            wanted = shifted(box, FILM, u=u, level=condition.level, snap=snap)
            assert tuple(made.tolist()) == pytest.approx(wanted, abs=0 if snap == "whole" else 1e-11)


def test_neither_order_nor_neighbours_nor_repeats_change_a_box() -> None:
    plan = _plan()
    alone = _plan(cases=(CASES[1],), repeats=4).boxes([0])[0]
    np.testing.assert_array_equal(plan.boxes([1])[0], plan.boxes([2, 1, 0])[1])
    np.testing.assert_array_equal(alone[1:5], plan.boxes([1])[0][1:5])


def test_a_model_is_told_the_spacing_of_the_film_where_the_manifest_has_none() -> None:
    cases = (CASES[0], replace(CASES[1], spacing_mm=0.5), CASES[2])
    headers = FilmHeaders(np.tile(FILM, (3, 1)) * 1.0, np.array([0.2, 0.3, np.nan]), ("none",) * 3, ("",) * 3)
    plan = replace(_plan(), cases=cases, headers=headers)
    assert [plan.case(i).spacing_mm for i in range(3)] == [0.2, 0.5, None]
    assert replace(plan.case(0), spacing_mm=None) == cases[0]


def test_val_rows_are_nominal_only_and_parts_hold_every_case_once() -> None:
    cases = tuple(_case(f"c{i:04d}", (0, 0, 100, 100), "val" if i % 3 == 0 else "test") for i in range(500))
    plan = _plan(cases=cases, repeats=50)
    assert plan.n_rows(0) == 1
    assert plan.n_rows(1) == 101
    assert [i for part in plan.parts() for i in part] == list(range(500))
    assert max(sum(plan.n_rows(i) for i in part) for part in plan.parts()) <= 4096 + 101


def test_snap_auto_looks_at_the_shortest_side_of_the_run() -> None:
    assert resolve_snap("auto", np.array([[0, 0, 100.0, 200.0]])) == "whole"
    assert resolve_snap("auto", np.array([[0, 0, 100.0, 200.0], [0, 0, 99.9, 300.0]])) == "none"
    assert resolve_snap("whole", np.array([[0, 0, 1.0, 1.0]])) == "whole"


@pytest.mark.parametrize("text", ["-1", "0", "nan", "inf", "x", "", "0.1,0.1"])
def test_bad_levels_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"expected levels above 0|given twice"):
        parse_levels([text], kind="shift", units="side")


def test_perturbations_by_name() -> None:
    assert parse_perturbation("scale=0.1,0.2", units="px").units == "side"
    assert parse_levels(["0.05,0.1", "0.2"], kind="shift", units="side").levels == (0.05, 0.1, 0.2)
    with pytest.raises(UnknownNameError, match="shift"):
        parse_perturbation("shfit=0.1", units="side")
    with pytest.raises(InputError, match="KIND=LEVELS"):
        parse_perturbation("shift", units="side")
