from __future__ import annotations

import pytest
from robustkit.figures._base import RunFacts
from robustkit.figures.stability_curves import PLUGIN

from made_tables import all_tables

FACTS = RunFacts(("a", "b"), units={"shift": "side"}, primary=("shift", 0.1))


def test_points_and_bands_are_the_tables() -> None:
    tables = all_tables()
    found = {d.choice: d for d in PLUGIN.draw(tables, FACTS).drawings}
    drawing = found["AUC", "internal", "shift", "level"]
    curves = tables["curves"]
    keep = (curves["by"] == "all") & (curves["cohort"] == "internal") & (curves["metric"] == "auc")
    own = curves[keep & (curves["model"] == "b")].sort_values("level")
    band, line = (t for t in drawing.sheet.data if t["legendgroup"] == "b")
    assert line["x"] == [0.0, 0.05, 0.1]
    assert line["y"] == pytest.approx(own["value"].tolist(), abs=1e-5)
    assert band["y"][:3] == pytest.approx(own["high"].tolist(), abs=1e-5)
    assert band["y"][3:] == pytest.approx(own["low"].tolist()[::-1], abs=1e-5)


def test_over_iou_the_same_values_stand_at_the_overlap_that_was_reached() -> None:
    tables = all_tables()
    found = {d.choice: d for d in PLUGIN.draw(tables, FACTS).drawings}
    over = [t for t in found["AUC", "internal", "shift", "mean IoU"].sheet.data if t["legendgroup"] == "b"][1]
    level = [t for t in found["AUC", "internal", "shift", "level"].sheet.data if t["legendgroup"] == "b"][1]
    curves = tables["curves"]
    keep = (
        (curves["by"] == "all")
        & (curves["cohort"] == "internal")
        & (curves["metric"] == "auc")
        & (curves["model"] == "b")
    )
    reached = curves[keep].sort_values("level")["achieved_iou"].tolist()
    assert over["y"] == level["y"]
    assert over["x"] == [1.0, *reached[1:]]


def test_levels_have_units() -> None:
    drawing = PLUGIN.draw(all_tables(), FACTS).drawings[0]
    assert drawing.sheet.layout["xaxis"]["ticktext"] == ["0%", "5%", "10%"]
    assert drawing.sheet.layout["xaxis"]["title"]["text"] == "shift of the box, at most (% of its sides)"
    px = RunFacts(("a", "b"), units={"shift": "px"}, primary=("shift", 0.1))
    assert PLUGIN.draw(all_tables(), px).drawings[0].sheet.layout["xaxis"]["ticktext"] == ["0 px", "0.05 px", "0.1 px"]


def test_scores_of_models_are_not_to_be_compared() -> None:
    drawing = next(d for d in PLUGIN.draw(all_tables(), FACTS).drawings if d.choice[0] == "Spread of the score")
    assert "own scale" in drawing.sheet.layout["yaxis"]["title"]["text"]
