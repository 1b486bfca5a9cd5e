from __future__ import annotations

from robustkit.figures._base import RunFacts
from robustkit.figures.error_rates import PLUGIN

from made_tables import all_tables

FACTS = RunFacts(("a", "b"), units={"shift": "side"}, primary=("shift", 0.1))


def test_counts_and_rates_by_cohort() -> None:
    drawing = next(d for d in PLUGIN.draw(all_tables(), FACTS).drawings if d.choice == ("subtype", "Missed", "a"))
    bars = [t for t in drawing.sheet.data if t["type"] == "bar"]
    assert [b["name"] for b in bars] == ["internal", "external"]
    assert [b["x"] for b in bars] == [[0.7, 0.0], [0.7, 0.0]]
    texts = [t["text"] for t in drawing.sheet.data if t.get("mode") == "text"]
    assert texts == [["7 of 10", "1 of 2, no rate"]] * 2
    assert drawing.numbers.rows[0] == ("osteosarcoma", "internal", "7 of 10", "70.0% (60.0% to 80.0%)", "10")
    assert drawing.numbers.rows[-1][3] == "not estimable: fewer than 5 patients (3)"


def test_bars_of_one_row_do_not_overlap() -> None:
    drawing = PLUGIN.draw(all_tables(), FACTS).drawings[0]
    internal, external = (t for t in drawing.sheet.data if t["type"] == "bar")
    apart = external["y"][0] - internal["y"][0]
    assert apart >= internal["width"]


def test_a_single_cohort_is_drawn_too() -> None:
    drawing = PLUGIN.draw(all_tables(cohorts=("cohort",)), FACTS).drawings[0]
    assert [t["name"] for t in drawing.sheet.data if t["type"] == "bar"] == ["cohort"]
