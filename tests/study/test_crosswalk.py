"""The crosswalk names tables that exist, and every item that the guidelines' list asks for."""

from __future__ import annotations

from robustkit.study.crosswalk import crosswalk

from made_tables import all_tables

# the items that a report of such a study should point to (numbers of the guidelines)
CLAIM = {"19", "20", "28", "29", "30", "31", "33", "37", "38", "39"}
TRIPOD = {"12d", "12e", "15", "16", "20c", "23a", "23b", "27a"}
OTHERS = {"drift", "slices"}


def test_items_are_those_of_the_guidelines() -> None:
    rows = crosswalk(all_tables())
    assert {r["item"] for r in rows if r["guideline"] == "CLAIM 2024"} == CLAIM
    assert {r["item"] for r in rows if r["guideline"] == "TRIPOD+AI"} == TRIPOD


def test_only_tables_that_are_there_are_named() -> None:
    known = {*all_tables(), *OTHERS}
    for row in crosswalk(known):
        assert set(str(row["where"]).split(", ")) <= known
        assert row["is_served"] is True
    none = crosswalk(())
    assert {(r["where"], r["is_served"]) for r in none} == {("", False)}
