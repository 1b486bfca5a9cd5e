"""A RunView made by hand, and a reader of pages."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any, cast

import pandas as pd
from robustkit.figures._base import Figure
from robustkit.registry import load, names
from robustkit.report.cases import Picture, Repeat, ShownCase
from robustkit.report.view import RunView, run_facts

from factories import plain_cases
from made_tables import all_tables

VOID = {"meta", "link", "img", "input", "br"}


def record(models: tuple[str, ...] = ("a", "b"), **more: Any) -> dict[str, Any]:
    """Give run.json with what a reader needs."""
    base = {
        "format": 1, "seed": 7, "repeats": 12, "perturbations": [{"kind": "shift", "levels": [0.1, 0.05], "units": "side"}],
        "models": [{"name": m, "classes": ["benign", "non-benign"], "positive": ["non-benign"]} for m in models],
    }  # fmt: skip
    return {**base, **more}


def shown_case(case_id: str = "c02", model: str = "a", **more: Any) -> ShownCase:
    """Give a case with three redrawn boxes, two of which change the decision."""
    repeats = tuple(Repeat((10.0 + i, 10.0, 60.0 + i, 60.0), 0.3 + 0.1 * i, i > 0) for i in range(3))
    base: dict[str, Any] = {
        "label": "benign", "facts": "femur", "perturbation": "shift", "level": 0.1, "flips": 2.0, "n_repeats": 3, "nominal": 0.35,
        "low": 0.3, "high": 0.5, "threshold": 0.4, "box": (10.0, 10.0, 60.0, 60.0), "repeats": repeats,
        "picture": Picture("data:image/webp;base64,AAAA"),
    }  # fmt: skip
    return ShownCase(case_id=case_id, model=model, **{**base, **more})


def view(
    tables: Mapping[str, pd.DataFrame] | None = None, run: Mapping[str, Any] | None = None, **more: Any
) -> RunView:
    """Give a view; its figures are drawn from its tables."""
    own = all_tables() if tables is None else tables
    about = record() if run is None else run
    facts = run_facts(about)
    figures = [cast(Figure, load("figures", n)).draw(own, facts) for n in names("figures")]
    base = {
        "cases": plain_cases(label=["benign"] * 8, patient_id=[f"p{i // 2}" for i in range(8)]),
        "shown": [shown_case()],
    }
    return RunView(record=about, tables=own, figures=figures, has_images=True, **{**base, **more})


class Page(HTMLParser):
    """Reads a page: elements with attributes, text by id, packed data; refuses elements that do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, str] = {}
        self._open: list[tuple[str, str]] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        own = {k: v or "" for k, v in attrs}
        self.elements.append((tag, own))
        if tag not in VOID:
            self._open.append((tag, own.get("id", "")))

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element, which must be of this kind."""
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        """Add text to every open element that has an id."""
        for _, anchor in self._open:
            if anchor:
                self.texts[anchor] = self.texts.get(anchor, "") + data

    def ids(self) -> list[str]:
        """Give all ids in order."""
        return [a["id"] for _, a in self.elements if "id" in a]

    def unpacked(self, anchor: str) -> str:
        """Give a packed block as the page's script opens it."""
        return gzip.decompress(base64.b64decode(self.texts[anchor])).decode()

    def figures(self) -> dict[str, Any]:
        """Give the figures' data by name."""
        found = [i.removeprefix("data-figure-") for i in self.ids() if i.startswith("data-figure-")]
        return {n: json.loads(self.unpacked(f"data-figure-{n}")) for n in found}
