"""The page as a file: sections, words, no request, hostile names as text, numbers as in the tables."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from plotly.offline import get_plotlyjs
from robustkit.report.page import build_page

from factories import plain_cases
from made_tables import FORMULA, HOSTILE, LONG, all_tables, empty_tables
from made_view import Page, record, shown_case, view

DISCLAIMER = "Research use; not for diagnosis or for the care of a patient"
SECTIONS = [
    "first",
    "arms",
    "cohorts",
    "seeds",
    "stability",
    "strata",
    "errors",
    "operating",
    "models",
    "heatmaps",
    "readers",
    "cases",
    "all-cases",
    "counted",
    "limitations",
    "method",
]


@pytest.fixture(scope="module")
def html() -> str:
    return build_page(view())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_sections_in_order_and_in_the_navigation(page: Page) -> None:
    assert [a["id"] for tag, a in page.elements if tag == "section"] == SECTIONS
    links = [a["href"] for tag, a in page.elements if tag == "a" and a.get("class") != "skip"]
    assert links == [f"#{s}" for s in SECTIONS]
    assert len(set(page.ids())) == len(page.ids())


def test_nothing_is_asked_of_a_network(page: Page) -> None:
    links = [
        v for _, a in page.elements for k, v in a.items() if k in ("src", "href", "action", "data", "poster", "srcset")
    ]
    assert all(v.startswith(("#", "data:")) for v in links)
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy


def test_our_own_parts_name_no_address(html: str) -> None:
    assert not re.search(r"https?://", html)
    assert "@import" not in html
    assert "url(" not in html


def test_disclaimer_stands_at_both_ends(html: str) -> None:
    body = html[html.index("<body>") :]
    assert body.index(DISCLAIMER) < body.index("<h1")
    assert body.rindex(DISCLAIMER) > body.index("<footer>")


def test_plotly_is_there_once(html: str) -> None:
    assert Page(html).unpacked("data-plotly") == get_plotlyjs()
    assert html.count('id="data-plotly"') == 1


def test_headline_numbers_are_the_tables(page: Page) -> None:
    strata = all_tables()["strata"]
    rows = strata[(strata["by"] == "all") & (strata["perturbation"] == "nominal") & (strata["metric"] == "auc")]
    assert len(rows) == 6
    for value, low, high in rows[["value", "low", "high"]].to_numpy():
        assert f"{value:.3f}{low:.3f} to {high:.3f}" in page.texts["first"]


def test_error_counts_are_the_tables(page: Page) -> None:
    assert page.texts["errors"].count("3 of 1030.0% (20.0% to 40.0%)") == 2 * 3 * 4
    assert "The malignant subtype missed most is osteosarcoma: 7 of 10 (60.0% to 80.0%)." in page.texts["errors"]


def test_comparison_is_the_table(page: Page) -> None:
    assert "a minus b" in page.texts["models"]
    assert "−0.050−0.090 to −0.010" in page.texts["models"]
    assert "0.014" in page.texts["models"]


def test_first_screen_says_who_was_counted_and_the_threshold(page: Page) -> None:
    first = page.texts["first"]
    assert "8 in the run5 set asidesplit=val3 to be judged3 estimated" in first
    assert "a: 0.450, youden, from development, 30 cases" in first
    assert "8 cases of 4 patients" in first
    assert "each box redrawn 12 times per level (shift 5%, 10%; primary shift 10%)" in first


def test_every_table_can_be_kept(page: Page) -> None:
    for name, table in all_tables().items():
        assert any(a.get("data-table") == name for _, a in page.elements)
        columns = [c.split("\x1f") for c in page.unpacked(f"data-table-{name}").split("\x1e")]
        assert [c[0] for c in columns] == list(table.columns)
        assert {len(c) for c in columns} == {len(table) + 1}


def test_figures_are_packed_with_their_numbers(page: Page) -> None:
    figures = page.figures()
    assert set(figures) == {a["id"] for tag, a in page.elements if tag == "figure"}
    assert all(d["rows"] for f in figures.values() for d in f["drawings"])


def test_boxes_that_change_the_decision_are_told_apart(page: Page) -> None:
    drawn = {a["class"]: a["d"] for tag, a in page.elements if tag == "path" and a["class"] in ("same", "changed")}
    assert drawn["same"].count("M") == 1
    assert drawn["changed"].count("M") == 2
    assert "Score 0.350, below the threshold 0.400; redrawn (shift 10%) 0.300 to 0.500." in page.texts["cases"]
    assert "The decision changes in 2 of 3." in page.texts["cases"]


def test_films_of_patients_are_warned_of() -> None:
    assert "share it as you would share the films" in Page(build_page(view())).texts["first"]
    for without in (view(run=record(simulated=True)), replace(view(), has_images=False), replace(view(), shown=[])):
        assert "share it as you would share the films" not in Page(build_page(without)).texts["first"]


def test_simulated_films_are_named_first_and_inside_figures() -> None:
    page = Page(build_page(view(run=record(simulated=True))))
    head = page.texts["first"]
    assert head.index("Nothing on this page says anything about radiographs.") < head.index("How good")
    words = [x["text"] for f in page.figures().values() for d in f["drawings"] for x in d["layout"]["annotations"]]
    assert f"simulated films · {DISCLAIMER}" in words


def test_hostile_names_are_text() -> None:
    groups = {"subtype": (HOSTILE, FORMULA, LONG, "שלום")}
    cases = plain_cases(label=[HOSTILE, "benign"], reference=[HOSTILE, '"quoted"'])
    run = record((HOSTILE, "b"), command=["robustkit", HOSTILE], warnings=[HOSTILE], positive_labels=[HOSTILE])
    tables = all_tables((HOSTILE, "b"), (HOSTILE,), groups=groups)
    hostile = shown_case(HOSTILE, HOSTILE, label=HOSTILE, facts=HOSTILE)
    html = build_page(view(tables, run, cases=cases, shown=[hostile]))
    page = Page(html)
    assert HOSTILE not in html
    scripts = [a.get("type", "") for tag, a in page.elements if tag == "script"]
    plain = [a.get("type", "") for tag, a in Page(build_page(view())).elements if tag == "script"]
    assert scripts.count("") == plain.count("")
    assert page.texts["cases"].count(HOSTILE) >= 2
    assert "'=1+1" in page.unpacked("data-table-strata")


def test_an_empty_run_still_has_a_page() -> None:
    page = Page(build_page(view(empty_tables(), shown=[])))
    assert "No AUC can be estimated." in page.texts["first"]
    assert "none can be called stable or unstable" in page.texts["cases"]
    assert page.figures() == {}


def test_cases_seen_in_training_mark_the_page() -> None:
    page = Page(build_page(view(run=record(seen_in_training={"a": 3}))))
    assert "3 cases were seen in the training of a" in page.texts["first"]


def test_assumed_facts_stand_with_the_model() -> None:
    run = record(("a",))
    run["models"][0]["assumed"] = ["mean and std of timm's default_cfg"]
    page = Page(build_page(view(all_tables(("a",)), run)))
    assert "Assumed: mean and std of timm's default_cfg" in page.texts["first"]
    assert "models" not in [a.get("id") for tag, a in page.elements if tag == "section"]


def test_unknown_patients_and_spacing_are_said() -> None:
    cases = plain_cases(
        label=["benign"] * 4, patient_id=list("abcd"), size_source=["none", "none", "none", "calibrated"]
    )
    page = Page(build_page(view(run=record(has_patients=False), cases=cases)))
    assert "4 cases of 4 films; patients unknown" in page.texts["first"]
    assert "pixel spacing is unknown for 3 of 4 cases." in page.texts["first"]
