"""Runs side by side: names, filters, and the tables that figures are drawn from."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from robustkit.api.dashboard import shelved
from robustkit.dashboard.cases import case_rows
from robustkit.dashboard.figures import pick
from robustkit.dashboard.shelf import Choice, Shelf
from robustkit.figures._base import Drawing, FigureSet, Numbers, Sheet

from made_dashboard import made_run
from made_tables import all_tables


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    path = tmp_path_factory.mktemp("runs")
    runs = [made_run(path / "one", models=("a", "b")), made_run(path / "two", seed=5)]
    return Shelf([shelved(r) for r in runs])


def test_models_carry_their_run_where_there_are_several(shelf: Shelf) -> None:
    assert shelf.models(Choice()) == ("a (one)", "b (one)", "a (two)")
    assert shelf.models(Choice(runs=("one",))) == ("a", "b")


def test_joined_tables_hold_every_row_once(shelf: Shelf) -> None:
    joined = shelf.tables(Choice())["strata"]
    apart = [r.tables["strata"] for r in shelf.runs]
    assert len(joined) == sum(map(len, apart))
    own = joined[joined["model"] == "a (two)"].drop(columns="model").reset_index(drop=True)
    pd.testing.assert_frame_equal(own, apart[1].drop(columns="model").reset_index(drop=True))


def test_a_choice_leaves_only_what_was_chosen(shelf: Shelf) -> None:
    found = shelf.tables(Choice(models=("b (one)",), cohorts=("external",)))["strata"]
    assert set(found["model"]) == {"b (one)"}
    assert set(found["cohort"]) == {"external"}
    assert shelf.tables(Choice(runs=("nowhere",)))["strata"].equals(shelf.tables(Choice())["strata"])


def test_a_colour_stays_with_its_model(shelf: Shelf) -> None:
    every, few = shelf.facts(Choice()), shelf.facts(Choice(models=("b (one)",)))
    assert every.colour("b (one)") == few.colour("b (one)")


def test_ready_filters_follow_their_rules(shelf: Shelf) -> None:
    one = Choice(runs=("one",))
    run = shelf.runs[0]
    cut = run.tables["thresholds"].set_index("model")["value"]
    every = case_rows(shelf, one)
    assert len(every) == len(run.tables["stability"][run.tables["stability"]["level"] == 0.1])
    label = run.cases.set_index("case_id")["label"]
    missed = case_rows(shelf, one, "missed")
    by_hand = [
        (r.model, r.case_id)
        for r in every.itertuples()
        if label[r.case_id] == "non-benign" and r.nominal < cut[r.model]
    ]
    assert sorted(zip(missed["model"], missed["case_id"], strict=True)) == sorted(by_hand)
    assert missed["distance"].is_monotonic_increasing
    split = case_rows(shelf, one, "split")
    sides = {c: {r.nominal >= cut[r.model] for r in g.itertuples()} for c, g in every.groupby("case_id")}
    assert set(split["case_id"]) == {c for c, s in sides.items() if len(s) == 2}
    assert case_rows(shelf, one, "unstable")["flip_rate"].is_monotonic_decreasing


def test_menus_offer_what_the_menus_before_leave() -> None:
    drawings = tuple(
        Drawing(c, Sheet([{"n": i}], {}), Numbers((), ())) for i, c in enumerate([("x", "1"), ("x", "2"), ("y", "3")])
    )
    figures = FigureSet("f", "F", "", "more", 0, ("A", "B"), drawings)
    assert pick(figures, []) == ([["x", "y"], ["1", "2"]], ["x", "1"], drawings[0])
    assert pick(figures, ["x", "2"])[2] is drawings[1]
    # 2 is not offered under y
    assert pick(figures, ["y", "2"]) == ([["x", "y"], ["3"]], ["y", "3"], drawings[2])


def test_readers_of_one_name_in_two_studies_are_two(tmp_path: Path) -> None:
    folders = [made_run(tmp_path / name) for name in ("one", "two")]
    for folder in folders:
        folder.write_table("readers", all_tables()["readers"])
    both = Shelf([shelved(f) for f in folders])
    drawing = both.figure("reader_differences", Choice()).drawings[0]
    names = {t["name"] for t in drawing.sheet.data}
    assert names == {f"{r} ({run})" for r in ("r1", "r2", "all readers") for run in ("one", "two")}
    assert set(both.tables(Choice(runs=("one",)))["readers"]["reader_id"]) == {"r1", "r2", "all readers", "r1, r2"}
