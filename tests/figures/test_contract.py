"""Every figure: valid for plotly, titled, with units, counts on hover and the disclaimer; names are shown as text."""

from __future__ import annotations

import json
from functools import cache
from typing import cast

import pandas as pd
import plotly.graph_objects as go
import pytest
from robustkit.figures._base import PALETTE, Figure, FigureSet, RunFacts
from robustkit.registry import load, names

from made_tables import FORMULA, HOSTILE, LONG, all_tables, empty_tables

DISCLAIMER = "Research use; not for diagnosis or for the care of a patient"
FACTS = RunFacts(("a", "b"), units={"shift": "side"}, primary=("shift", 0.1))
ODD = {"subtype": (HOSTILE, FORMULA, LONG, "tiny")}


def drawn(figure: str, tables: dict[str, pd.DataFrame], facts: RunFacts = FACTS) -> FigureSet:
    return cast(Figure, load("figures", figure)).draw(tables, facts)


@cache
def usual(figure: str) -> FigureSet:
    return drawn(figure, all_tables())


@pytest.fixture(params=names("figures"))
def figure(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_names_itself_and_draws_something(figure: str) -> None:
    found = usual(figure)
    assert found.name == figure
    assert found.title
    assert found.caption.endswith(".")
    assert found.drawings
    choices = [d.choice for d in found.drawings]
    assert len(set(choices)) == len(choices)
    assert {len(c) for c in choices} == {len(found.menus)}


def test_is_a_plotly_figure_and_json_without_nan(figure: str) -> None:
    for d in usual(figure).drawings:
        assert len(go.Figure(data=d.sheet.data, layout=d.sheet.layout).data) == len(d.sheet.data)
        json.dumps([d.sheet.data, d.sheet.layout, d.numbers.rows], allow_nan=False)


def test_has_title_units_and_disclaimer(figure: str) -> None:
    for d in usual(figure).drawings:
        layout = d.sheet.layout
        assert layout["title"]["text"]
        assert layout["title"]["subtitle"]["text"]
        assert "(" in layout["xaxis"]["title"]["text"]
        assert "(" in layout["yaxis"]["title"]["text"] or layout["meta"]["rows"]
        assert [a["text"] for a in layout["annotations"] if a.get("name") == "disclaimer"] == [DISCLAIMER]


def test_says_simulated_inside(figure: str) -> None:
    facts = RunFacts(("a", "b"), True, {"shift": "side"}, ("shift", 0.1))
    for d in drawn(figure, all_tables(), facts).drawings:
        words = [a["text"] for a in d.sheet.layout["annotations"] if a.get("name") == "disclaimer"]
        assert words == [f"simulated films · {DISCLAIMER}"]


def test_hover_has_counts(figure: str) -> None:
    for d in usual(figure).drawings:
        told = [t for t in d.sheet.data if t.get("hoverinfo") != "skip"]
        assert all(len(t["hovertext"]) == len(t["x"]) == len(t["y"]) for t in told)
        assert all("n = " in h or " of " in h for t in told for h in t["hovertext"])


def test_numbers_stand_beside_the_drawing(figure: str) -> None:
    for d in usual(figure).drawings:
        assert d.numbers.rows
        assert {len(r) for r in d.numbers.rows} == {len(d.numbers.head)}


def test_names_are_text(figure: str) -> None:
    tables = all_tables(("a", "b"), ("all", HOSTILE), groups=ODD)
    facts = RunFacts(("a", "b"), units={"shift": "side"}, primary=("shift", 0.1))
    for d in drawn(figure, tables, facts).drawings:
        assert "<script" not in json.dumps([d.sheet.data, d.sheet.layout])


def test_holds_aggregates_alone(figure: str) -> None:
    for d in drawn(figure, all_tables(cases=("secret-1", "secret-2"))).drawings:
        assert "secret" not in json.dumps([d.sheet.data, d.sheet.layout, d.numbers.rows])


def test_says_nothing_of_nothing(figure: str) -> None:
    assert drawn(figure, empty_tables()).drawings == ()
    assert drawn(figure, {}).drawings == ()


def test_one_model_keeps_its_colour(figure: str) -> None:
    by_model = [d for d in usual(figure).drawings if any(t.get("name") == "b" for t in d.sheet.data)]
    for d in by_model:
        own = [t for t in d.sheet.data if t.get("name") == "b"]
        assert {t.get("line", {}).get("color") or t["marker"]["color"] for t in own} == {PALETTE[1]}
