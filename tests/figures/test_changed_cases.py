from __future__ import annotations

from robustkit.figures._base import RunFacts
from robustkit.figures.changed_cases import PLUGIN

from made_tables import stability

FACTS = RunFacts(("a",), units={"shift": "side"}, primary=("shift", 0.1))


def test_counts_by_hand() -> None:
    # flips 0..9 of 12: 0 | 1/12 | 2/12, 3/12 | 4/12, 5/12, 6/12 | 7/12, 8/12, 9/12
    table = stability(("a",), [f"c{i}" for i in range(10)])
    drawing = PLUGIN.draw({"stability": table}, FACTS).drawings[0]
    assert drawing.choice == ("shift 10%",)
    assert drawing.sheet.data[0]["text"] == ["1 of 10", "1 of 10", "2 of 10", "3 of 10", "3 of 10"]
    assert drawing.sheet.data[0]["y"] == [0.1, 0.1, 0.2, 0.3, 0.3]


def test_failed_cases_are_not_counted() -> None:
    table = stability(("a",), ["c0", "c1", "c2"])
    table.loc[table["case_id"] == "c2", "flip_rate"] = float("nan")
    drawing = PLUGIN.draw({"stability": table}, FACTS).drawings[0]
    assert drawing.sheet.data[0]["text"][0] == "1 of 2"
