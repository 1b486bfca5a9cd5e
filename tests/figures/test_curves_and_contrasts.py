"""Size curves, inside against outside, calibration: what is drawn is what stands in the tables."""

from __future__ import annotations

import pandas as pd
from robustkit.figures._base import RunFacts
from robustkit.figures.calibration import PLUGIN as CALIBRATION
from robustkit.figures.heatmap_checks import PLUGIN as CHECKS
from robustkit.figures.inside_outside import PLUGIN as INSIDE
from robustkit.figures.size_curves import PLUGIN as SIZE

from made_tables import all_tables

FACTS = RunFacts(("a", "b"), units={"shift": "side"}, primary=("shift", 0.1))


def test_a_size_curve_has_a_band_and_a_log_axis() -> None:
    drawings = SIZE.draw(all_tables(), FACTS).drawings
    assert {d.choice[0] for d in drawings} == {"Missed"}  # false alarms have no curve
    one = next(d for d in drawings if d.choice[2] == "internal")
    assert one.sheet.layout["xaxis"]["type"] == "log"
    assert one.sheet.layout["xaxis"]["tickvals"] == [10, 20, 50, 100]
    line = next(t for t in one.sheet.data if t.get("name") == "a")
    assert line["y"] == [0.8, 0.6, 0.4, 0.2]
    assert one.numbers.rows[0] == ("a", "10 mm", "80.0% (70.0% to 90.0%)", "40", "30")


def test_inside_and_outside_stand_side_by_side_with_their_difference() -> None:
    drawing = next(
        d for d in INSIDE.draw(all_tables(), FACTS).drawings if d.choice == ("subtype", "Missed", "a", "external")
    )
    inside, outside = drawing.sheet.data
    assert (inside["name"], inside["x"]) == ("internal", [0.2, 0.2])
    assert (outside["name"], outside["x"]) == ("external", [0.6])  # tiny has no external rate
    notes = [a["text"] for a in drawing.sheet.layout["annotations"] if a.get("name") != "disclaimer"]
    assert notes == ["<b>40.0% (20.0% to 55.0%), p 0.010</b>", "no difference estimable"]
    assert drawing.numbers.rows[0][3] == "40.0% (20.0% to 55.0%)"
    assert drawing.numbers.rows[1][2:4] == ("30 cases, no rate", "fewer than 5 patients (3)")


def test_calibration_has_the_line_of_a_calibrated_score() -> None:
    drawing = CALIBRATION.draw(all_tables(), FACTS).drawings[0]
    line, first, _ = drawing.sheet.data
    assert (line["x"], line["y"]) == ([0, 1], [0, 1])
    assert first["y"] == [0.1, 0.4, 0.7]
    assert len(drawing.numbers.rows) == 6


def test_no_internal_cohort_no_figure() -> None:
    tables = {**all_tables(), "transfer": pd.DataFrame()}
    assert INSIDE.draw(tables, FACTS).drawings == ()


def test_what_is_not_known_of_a_check_is_not_drawn_at_0() -> None:
    tables = all_tables(("a",))
    tables["heatmap_checks"].loc[tables["heatmap_checks"]["stage"] == "conv1", "expected"] = float("nan")
    drawing = CHECKS.draw(tables, FACTS).drawings[0]
    dotted = next(t for t in drawing.sheet.data if t.get("hoverinfo") == "skip")
    assert dotted["y"] == [0.4]
    assert dotted["x"] == [0]
