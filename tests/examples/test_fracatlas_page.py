"""The charts and sentences of examples/: what is drawn where, and sentences that follow the numbers."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from types import ModuleType, SimpleNamespace
from xml.etree import ElementTree as Xml

import pandas as pd
import pytest
from robustkit.stats.difference import Difference

SVG = "{http://www.w3.org/2000/svg}"
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def charts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module("charts")


@pytest.fixture
def page(charts: ModuleType) -> ModuleType:
    assert charts
    return importlib.import_module("fracatlas_page")


def _texts(root: Xml.Element) -> str:
    return " / ".join(t.text or "" for t in root.iter(f"{SVG}text"))


def test_points_and_intervals_stand_where_their_numbers_are(charts: ModuleType) -> None:
    rows = [
        charts.Row("a <b>", 0.75, 0.5, 1.0),
        charts.Row("c", math.nan, math.nan, math.nan, note="too few"),
        charts.Row("d", 0.5, math.nan, math.nan),
    ]
    root = Xml.fromstring(charts.interval_chart(rows, title="T", caption="C", span=(0.5, 1.0), mark=0.5))
    dots = [float(c.get("cx", "")) for c in root.iter(f"{SVG}circle")]
    assert dots == [415.0, 260.0]  # 260 is 0.5, 570 is 1: half of the way is 415
    bars = [x for x in root.iter(f"{SVG}line") if x.get("stroke-width") == "3"]
    assert [(b.get("x1"), b.get("x2")) for b in bars] == [("260.0", "570.0")]
    said = _texts(root)
    assert "a <b>" in said
    assert "too few" in said
    assert "0.75 (0.50 to 1.00)" in said
    assert "Research use; not for diagnosis" in said


def test_curves_begin_at_nought_and_do_not_hide_each_other(charts: ModuleType) -> None:
    points = ((0.0, 0.0, math.nan, math.nan), (0.2, 0.1, 0.05, 0.2))
    lines = [charts.Line("one", points, 0), charts.Line("two", points, 1)]
    root = Xml.fromstring(charts.line_chart(lines, title="T", caption="C", x_name="shift"))
    dots = [(float(c.get("cx", "")), float(c.get("cy", ""))) for c in root.iter(f"{SVG}circle")]
    # x: 70 + 440 * (0, 1), 3 px left and right; y: 320 at 0, and 0.1 of 0.2 * 1.08 of the 254 px above it
    height = 320 - 0.1 / (0.2 * 1.08) * 254
    assert [x for x, _ in dots] == [67.0, 507.0, 73.0, 513.0]
    assert [y for _, y in dots] == pytest.approx([320.0, height, 320.0, height], abs=0.05)


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (Difference(diff=0.1, low=0.02, high=0.18), "better than the model without one, by +0.100 (+0.020 to +0.180)"),
        (Difference(diff=-0.1, low=-0.18, high=-0.02), "worse than the model without one: -0.100"),
        (Difference(diff=0.1, low=-0.02, high=0.22), "no difference between network and model without one is shown"),
        (Difference(diff=0.1), "no difference between network and model without one is shown: +0.100."),
        (Difference(reason="one class only"), "not estimable: one class only"),
    ],
)
def test_the_verdict_follows_the_interval(page: ModuleType, difference: Difference, said: str) -> None:
    assert said in page._verdict(difference, "matched")


def test_strata_are_drawn_and_listed_in_the_order_of_the_table(page: ModuleType) -> None:
    sizes = ("<6.47 % of film", "6.47-9.61 % of film", ">=9.61 % of film")
    fixed = {"by": "size", "perturbation": "nominal", "rate": 0.1, "low": 0.0, "high": 0.2, "k": 4.0, "n_cases": 40}
    errors = pd.DataFrame([{**fixed, "stratum": s, "kind": k} for s in sizes for k in ("missed", "false_alarm")])
    kind = SimpleNamespace(table=lambda _: errors)
    drawn = [r.label for r in page._error_rows(kind)]
    assert drawn == [f"{w}, box size: {s}" for w in ("missed", "false alarms") for s in sizes]
    listed = [line.split(" | ")[1] for line in page._failing(kind) if line.startswith("| box size")]
    assert listed == list(sizes)
