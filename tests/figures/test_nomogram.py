from __future__ import annotations

import pandas as pd
import pytest
from robustkit.figures._base import RunFacts
from robustkit.figures.nomogram import PLUGIN, TURN
from robustkit.results.schema import NOMOGRAM_COLUMNS

from made_tables import HOSTILE, all_tables

FACTS = RunFacts(("a", "b"))


def drawn(rows: pd.DataFrame | None = None):  # type: ignore[no-untyped-def]
    tables = all_tables() if rows is None else {"nomogram": rows}
    return PLUGIN.draw(tables, FACTS).drawings


def of(drawing, row: str):  # type: ignore[no-untyped-def]
    """Give the trace of a row by its name."""
    axis = drawing.sheet.layout["yaxis"]
    place = axis["ticktext"].index(row)
    return next(t for t in drawing.sheet.data if place <= t["y"][0] < place + 0.9)


def test_rows_from_points_to_score() -> None:
    ticks = drawn()[0].sheet.layout["yaxis"]["ticktext"]
    assert ticks == ["points", "age_years", "sex", "sum of points", "score"]


def test_a_scale_that_turns_back_goes_on_one_step_lower() -> None:
    age = of(drawn()[0], "age_years")
    assert age["x"] == [40.0, 0.0, 20.0, 100.0]
    assert age["y"] == [1.0, 1.0, 1 + TURN, 1 + TURN]
    assert age["mode"] == "lines+markers+text"


def test_levels_are_marks_without_a_line_and_names_are_text() -> None:
    sex = of(drawn()[0], "sex")
    assert sex["mode"] == "markers+text"
    assert sex["y"] == [2.0, 2.0]
    assert sex["text"][1].startswith("&lt;script&gt;")
    assert HOSTILE not in sex["hovertext"][1]


def test_sum_and_score_share_a_scale_on_which_all_facts_fit() -> None:
    drawing = drawn()[0]
    # most points together: 100 of age and 30 of sex
    total, score = of(drawing, "sum of points"), of(drawing, "score")
    assert total["x"][total["text"].index("100")] == pytest.approx(100 / 1.3, abs=1e-3)
    assert score["x"] == pytest.approx([20 / 1.3, 60 / 1.3, 100 / 1.3], abs=1e-3)
    assert score["hovertext"][1].startswith("score 0.5<br><b>60 points</b>")


def test_labels_without_room_are_left_to_the_hover() -> None:
    rows = [
        {"model": "a", "kind": "clinical", "fact": "size_mm", "label": f"{100 + k}", "x": 100.0 + k, "log_odds": k / 9,
         "points": 100 * k / 90, "n_cases": 1}
        for k in range(91)
    ]  # fmt: skip
    trace = of(drawn(pd.DataFrame(rows, columns=list(NOMOGRAM_COLUMNS)))[0], "size_mm")
    shown = [t for t in trace["text"] if t]
    assert 20 < len(shown) < 91
    assert len(trace["hovertext"]) == 91
    assert {"top center", "bottom center"} == {
        p for p, t in zip(trace["textposition"], trace["text"], strict=True) if t
    }


def test_one_drawing_per_model_in_its_colour() -> None:
    assert [d.choice for d in drawn()] == [("a",), ("b",)]
    assert of(drawn()[1], "age_years")["marker"]["color"] == FACTS.colour("b")


def test_numbers_are_points_and_log_odds() -> None:
    rows = drawn()[0].numbers.rows
    assert rows[0] == ("age_years", "0", "40.0", "+1.000", "9")
    assert rows[-1] == ("score", "0.9", "100.0", "+2.500", "9")


def test_a_table_with_scores_alone_draws_nothing() -> None:
    rows = all_tables()["nomogram"]
    assert drawn(rows[rows["fact"] == "score"]) == ()
